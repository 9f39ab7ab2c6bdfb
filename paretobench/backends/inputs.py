"""What every session needs around its run: random inputs, subjects, memory failures, checks.

numpy only, so that a cell which runs a converted graph imports no training framework.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretobench.domain import EncoderInput, Workload
from paretobench.errors import InvalidSamplesError, OutOfMemoryError, is_out_of_memory

EMBEDDING_SD = 0.02
"""Standard deviation of random visual embeddings: that of token embeddings at
initialisation. Latency does not depend on it as long as nothing overflows."""


CHUNK = "prefill_step_size"
"""The option that has a prefill computed in chunks of so many positions; part of a key."""


def chunk_of(workload: Workload) -> int:
    """Positions of one chunk of a prefill; 0 for the whole sequence in one step."""
    return int(workload.runtime.options.get(CHUNK, 0))


def refuses_chunk(workload: Workload, can_chunk: bool = True) -> str | None:
    """Why a prefill cannot be computed in chunks as it is asked for, or None."""
    chunk = workload.runtime.options.get(CHUNK)
    if chunk is None or workload.kind == "encode":
        return None
    if not can_chunk:
        return f"{workload.runtime.backend} knows no {CHUNK}; llamacpp, mlx and torch do"
    if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
        return f"{CHUNK} must be a whole number of positions from 1, not {chunk}"
    return None


def is_shared(workload: Workload) -> bool:
    """Whether all layers are to use one layer's weights (`weights=shared`)."""
    return bool(workload.runtime.options.get("weights") == "shared")


UNLIKE_LAYERS = ("lfm2",)
"""Architectures whose layers are of several kinds, so that none can represent all."""


def refuses_shared(workload: Workload) -> str | None:
    """Why one layer's weights cannot serve all layers of a language model, or None."""
    if workload.kind == "encode" or not is_shared(workload):
        return None
    architecture = workload.subject["llm"]["architecture"]
    if architecture not in UNLIKE_LAYERS:
        return None
    return f"the layers of {architecture} differ, so weights=full is what it can do"


@dataclass(frozen=True)
class EncodeSubject:
    """What an encode workload runs: the network, the input of one pass, images at once."""

    encoder: dict[str, Any]
    seen: EncoderInput
    batch: int

    @staticmethod
    def of(workload: Workload) -> EncodeSubject:
        """Read it from a workload's subject."""
        subject = workload.subject
        return EncodeSubject(dict(subject["encoder"]), EncoderInput.of(subject), workload.batch)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the input: images, 3, height, width."""
        return (self.batch, 3, self.seen.height_px, self.seen.width_px)


@dataclass(frozen=True)
class PrefillSubject:
    """What a prefill workload runs: the model, positions, and whether ids or embeddings."""

    llm: dict[str, Any]
    n_tokens: int
    takes_ids: bool
    batch: int

    @staticmethod
    def of(workload: Workload) -> PrefillSubject:
        """Read it from a workload's subject."""
        subject = workload.subject
        takes_ids = subject.get("inputs", "embeddings") == "ids"
        return PrefillSubject(dict(subject["llm"]), subject["n_tokens"], takes_ids, workload.batch)


def random_pixels(shape: tuple[int, ...]) -> np.ndarray:
    """Normalised pixels, fp32, new at every call: a runtime cannot return a kept result."""
    return _generator().standard_normal(shape, dtype=np.float32)


def random_embeddings(batch: int, n_tokens: int, width: int) -> np.ndarray:
    """Visual embeddings, fp32: [batch, n_tokens, width]."""
    values = _generator().standard_normal((batch, n_tokens, width), dtype=np.float32)
    return values * np.float32(EMBEDDING_SD)


def random_ids(batch: int, n_tokens: int, vocab_size: int) -> np.ndarray:
    """Token ids, int64: [batch, n_tokens]."""
    return _generator().integers(0, vocab_size, (batch, n_tokens), dtype=np.int64)


def check_finite(output: Any, label: str) -> None:
    """Refuse a result that cannot be true: an infinity or NaN also distorts its latency.

    Raises:
        InvalidSamplesError: if the array holds a value that is not finite.
    """
    if not np.isfinite(output).all():
        raise InvalidSamplesError(
            f"{label} gave values that are not finite, so its latency means nothing; "
            "another precision (precision=fp32) may hold its range"
        )


@contextlib.contextmanager
def memory_failures(label: str) -> Iterator[None]:
    """Turn the many ways in which runtimes report a full memory into one error.

    Raises:
        OutOfMemoryError: for a MemoryError or a RuntimeError that says so.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if not is_out_of_memory(error):
            raise
        first_line = text.strip().splitlines()[0] if text.strip() else "allocation refused"
        raise OutOfMemoryError(f"{label} does not fit in memory: {first_line}") from error


def _generator() -> np.random.Generator:
    return np.random.default_rng(secrets.randbits(64))
