"""Runtimes, devices and workloads: what can be timed, with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from paretobench.domain.encoder_input import EncoderInput
from paretobench.domain.grid import GridPoint, TilePlan
from paretobench.domain.keys import content_key
from paretobench.domain.models import Encoder, LanguageModel
from paretobench.errors import PlanError

WorkloadKind = Literal["encode", "prefill", "decode", "end_to_end"]
Protocol = Literal["paper", "full"]

PROTOCOL_VERSION = 1
"""Version of the measuring protocol; part of every workload key. Raise it when a change
moves a number, so that old and new samples are never joined."""

CHECK_PROTOCOL_VERSION = 2
"""The same of whole points. 2: beside OpenVINO and llama.cpp the projector leaves no threads of
numpy's spinning, which slowed the prefill behind it by up to 1.8 times."""


DECODE_STEPS = 16
"""Tokens that one run of a decode workload generates: enough that a clock's tick and the first
step after a prefill weigh little, few enough that the context hardly grows."""


@dataclass(frozen=True)
class Runtime:
    """Which backend runs one half of the work, and how.

    Attributes:
        backend: `openvino`, `onnxruntime`, `llamacpp`, `torch`, `mlx`, `coreml`.
        precision: `fp32`, `bf16`, `fp16`, `int8`, `int4`.
        options: what else moves a latency: `device`, `threads`, `prefill_mode`, `weights`, ...
    """

    backend: str
    precision: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """JSON form; part of a workload's key."""
        return {
            "backend": self.backend,
            "precision": self.precision,
            "options": dict(self.options),
        }

    @staticmethod
    def of(spec: Mapping[str, Any]) -> Runtime:
        """Inverse of `spec`."""
        return Runtime(spec["backend"], spec["precision"], dict(spec.get("options") or {}))

    def __str__(self) -> str:
        return f"{self.backend} {self.precision}"


@dataclass(frozen=True)
class Device:
    """A named profile: what encodes, what prefills, and where.

    Attributes:
        why: how `auto` came to its choice.
        executor: where its cells run.
        fallbacks: what prefills a language model instead that takes too much memory in `prefill`,
            widest weights first; only where nobody named a precision.
        encoders, llms: where a grid's models are known and their runtime was left open: by a
            model's name, the runtimes that can run it, the fastest first.
    """

    name: str
    encode: Runtime
    prefill: Runtime
    why: str = ""
    executor: str = "local"
    fallbacks: tuple[Runtime, ...] = ()
    encoders: Mapping[str, tuple[Runtime, ...]] = field(default_factory=dict)
    llms: Mapping[str, tuple[Runtime, ...]] = field(default_factory=dict)

    def choice(self) -> dict[str, Any]:
        """The runtimes and why, as JSON; the name and the executor are the asker's."""
        return {
            "encode": self.encode.spec(),
            "prefill": self.prefill.spec(),
            "why": self.why,
            "fallbacks": [one.spec() for one in self.fallbacks],
            "encoders": {
                name: [one.spec() for one in each] for name, each in self.encoders.items()
            },
            "llms": {name: [one.spec() for one in each] for name, each in self.llms.items()},
        }

    @staticmethod
    def of_choice(name: str, choice: Mapping[str, Any], executor: str = "local") -> Device:
        """A device from `choice()`."""
        by_name = {
            kind: {model: _runtimes(each) for model, each in choice.get(kind, {}).items()}
            for kind in ("encoders", "llms")
        }
        return Device(
            name,
            Runtime.of(choice["encode"]),
            Runtime.of(choice["prefill"]),
            choice["why"],
            executor,
            _runtimes(choice.get("fallbacks", ())),
            **by_name,
        )


def _runtimes(specs: Iterable[Mapping[str, Any]]) -> tuple[Runtime, ...]:
    return tuple(map(Runtime.of, specs))


@dataclass(frozen=True)
class Workload:
    """Something that can be timed alone. `spec` holds all that decides its latency.

    Attributes:
        kind: `encode`, `prefill`, `decode` or `end_to_end`.
        label: for people, such as `FastViTHD@1024` or `Qwen2-0.5B x 256 tokens`.
        subject: what is run: an encoder's spec and resolution, or an LLM's spec and tokens.
        runtime: what runs it (the encoder's runtime for `end_to_end`).
        batch: images or sequences at once.
        folder: of a checkpoint whose own weights are timed; the key has its hash instead.
    """

    kind: WorkloadKind
    label: str
    subject: Mapping[str, Any]
    runtime: Runtime
    batch: int = 1
    protocol_version: int = PROTOCOL_VERSION
    folder: str = field(default="", compare=False)

    @property
    def checkpoint(self) -> str:
        """Content hash of the checkpoint that is timed; empty for random weights."""
        return str(self.subject.get("checkpoint", ""))

    @property
    def artifact_subject(self) -> dict[str, Any]:
        """What its artifact is made of: a language model's serves prompts of every length."""
        lengths = ("n_tokens", "steps")
        return {name: value for name, value in self.subject.items() if name not in lengths}

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of `spec()`."""
        return content_key(self.spec())

    def spec(self) -> dict[str, Any]:
        """All that decides the latency; the label is not part of it."""
        return {
            "kind": self.kind,
            "subject": dict(self.subject),
            "runtime": self.runtime.spec(),
            "batch": self.batch,
            "protocol_version": self.protocol_version,
        }

    def to_json(self) -> dict[str, Any]:
        """What a cell, an ssh host or a cluster job is sent."""
        return {"label": self.label, "key": self.key, **self.spec(), "folder": self.folder}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Workload:
        """Inverse of `to_json`; a `key` in the data is ignored, since content decides it."""
        return Workload(
            kind=data["kind"],
            label=data.get("label", ""),
            subject=data["subject"],
            runtime=Runtime.of(data["runtime"]),
            batch=data.get("batch", 1),
            protocol_version=data.get("protocol_version", PROTOCOL_VERSION),
            folder=data.get("folder", ""),
        )


def encode_workload(encoder: Encoder, seen: EncoderInput | int, runtime: Runtime) -> Workload:
    """The workload of one encoder pass over a rectangle, or a square of so many pixels a side."""
    one = EncoderInput.given(seen)
    subject = {"encoder": encoder.spec(), **one.subject()}
    return Workload("encode", f"{encoder.label}@{one.size}", subject, runtime)


def prefill_workload(
    llm: LanguageModel, n_tokens: int, runtime: Runtime, inputs: str = "embeddings"
) -> Workload:
    """The workload of prefilling `n_tokens` positions (visual `embeddings`, or token `ids`)."""
    subject = {"llm": llm.spec(), "n_tokens": n_tokens, "inputs": inputs}
    return Workload("prefill", f"{llm.label} x {n_tokens} tokens", subject, runtime)


def decode_workload(
    llm: LanguageModel, n_tokens: int, runtime: Runtime, inputs: str = "embeddings"
) -> Workload:
    """The workload of `DECODE_STEPS` tokens, one after the other, behind `n_tokens` positions.

    A run's seconds over its `steps` are the time per output token (TPOT).
    """
    subject = {"llm": llm.spec(), "n_tokens": n_tokens, "inputs": inputs, "steps": DECODE_STEPS}
    label = f"{llm.label}, {DECODE_STEPS} tokens behind {n_tokens}"
    return Workload("decode", label, subject, runtime)


def end_to_end_workload(
    point: GridPoint, tiles: TilePlan, device: Device, n_tokens: int | None = None
) -> Workload:
    """The workload of a whole point in one process, against which the sum of its parts is checked.

    Preprocess one image, encode its tiles, project, prefill, take the first token.

    Args:
        n_tokens: positions to prefill; the tiling's own number if None.

    Raises:
        PlanError: for a system of several encoders, a tower that holds its projector, or passes
            that are no equal squares.
    """
    if point.encoder.parts:
        raise PlanError(f"{point.encoder.label} is several encoders; only single ones are checked")
    if point.encoder.builder == "transformers":
        raise PlanError("its tower holds the projector; only encoders without one are checked")
    if tiles.unequal:
        seen = ", ".join(map(str, tiles.unequal))
        raise PlanError(f"its passes are {seen}; only equal squares are checked")
    subject = {
        "encoder": point.encoder.spec(),
        "resolution_px": tiles.tile_px,
        "passes": tiles.passes,
        "llm": point.llm.spec(),
        "n_tokens": n_tokens or tiles.prefill_tokens,
    }
    halves = {"encode": device.encode.spec(), "prefill": device.prefill.spec()}
    precision = f"{device.encode.precision}+{device.prefill.precision}"
    runtime = Runtime("end_to_end", precision, halves)
    return Workload(
        "end_to_end", str(point), subject, runtime, protocol_version=CHECK_PROTOCOL_VERSION
    )
