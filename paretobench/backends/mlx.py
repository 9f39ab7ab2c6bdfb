"""MLX: prefill through mlx-lm, on Apple's GPU, or on a CPU as the same code path.

Two ways to prefill, by name (`prefill_mode`):

    forward       one forward pass over all positions, logits of the last one
    cache_prompt  what `mlx_lm.cache_prompt` does, the tool of the FastVLM paper: all positions
                  but the last in chunks of `prefill_step_size`, then the last one alone

Every run fills a fresh cache, and waits for both the logits and the cache. Weights are random, or
those of the checkpoint that a workload names (see `models.mlx_checkpoints`). On a Mac's GPU the
memory is wired while a session lasts, as `mlx_lm` does while it generates.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import Availability, PreparedArtifact, hardware, mlx_metal
from paretobench.backends.inputs import (
    CHUNK,
    PrefillSubject,
    check_finite,
    is_shared,
    memory_failures,
    random_embeddings,
    random_ids,
    refuses_chunk,
    refuses_shared,
)
from paretobench.backends.models.llm_dimensions import WITHOUT_EMBEDDINGS_IN_MLX
from paretobench.backends.projector import MLXProjector
from paretobench.domain import Workload
from paretobench.domain.checkpoint import check_unchanged
from paretobench.errors import UnsupportedError
from paretobench.installation import install_command

INSTALL = {"Darwin": install_command("apple"), "Linux": install_command("cpu")}
PRECISIONS = ("fp32", "bf16", "fp16", "int8", "int4")
MODES = ("forward", "cache_prompt")
STEP_SIZE = 2048
"""Positions of one chunk in `cache_prompt`: mlx-lm's default `prefill_step_size`."""


class MLXBackend:
    """The backend; see the module."""

    name = "mlx"

    def available(self) -> Availability:
        """Whether mlx and mlx-lm are installed."""
        elsewhere = "MLX exists for macOS on Apple silicon and for Linux"
        install = INSTALL.get(hardware.detect().system, elsewhere)
        return Availability.of(("mlx", "mlx-lm"), install)

    def refuses(self, workload: Workload) -> str | None:
        """Anything but prefill, unknown modes and precisions, the GPU where there is none."""
        options, precision = workload.runtime.options, workload.runtime.precision
        if workload.kind not in ("prefill", "decode"):
            return f"mlx times prefill and decode; {workload.kind} runs on another backend"
        if precision not in PRECISIONS:
            return f"mlx runs {', '.join(PRECISIONS)}, not {precision}"
        if (mode := options.get("prefill_mode", "forward")) not in MODES:
            return f"mlx knows prefill_mode={' or '.join(MODES)}, not {mode}"
        if reason := refuses_chunk(workload):
            return reason
        if CHUNK in options and mode != "cache_prompt":
            return f"{CHUNK} needs prefill_mode=cache_prompt, not {mode}"
        if options.get("device") == "gpu" and not hardware.detect().is_apple_silicon:
            return "mlx has a GPU on Apple silicon only; here device=cpu"
        subject = PrefillSubject.of(workload)
        # A checkpoint says its architecture itself, where it is loaded.
        architecture = subject.llm.get("architecture")
        if not subject.takes_ids and architecture in WITHOUT_EMBEDDINGS_IN_MLX:
            return f"mlx-lm gives {architecture} token ids only, no visual tokens"
        return refuses_shared(workload)

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Nothing: MLX copies what it reads from a file, so a file would save no time over
        making the weights in memory.

        Raises:
            UnsupportedError: if the checkpoint to be timed has changed since it was planned.
        """
        if workload.checkpoint:
            check_unchanged(workload)
            return PreparedArtifact(facts={"weights": "the checkpoint's own"})
        return PreparedArtifact(facts={"weights": "made in memory"})

    def load(self, workload: Workload, prepared: PreparedArtifact) -> MLXSession:
        """Build the model with random weights, or load a checkpoint's own.

        Raises:
            UnsupportedError: if the checkpoint's language model is none that MLX runs here.
        """
        return (MLXDecodeSession if workload.kind == "decode" else MLXSession)(workload)


class MLXSession:
    """A language model and one sequence."""

    def __init__(self, workload: Workload) -> None:
        from paretobench.backends.models import mlx_llm

        options = workload.runtime.options
        self.label = workload.label
        self._subject = PrefillSubject.of(workload)
        self._mlx, blas = mlx_llm.import_mlx()
        self._set_device(str(options.get("device", "cpu")))
        self.mode = str(options.get("prefill_mode", "forward"))
        self.step_size = int(options.get(CHUNK, STEP_SIZE))
        self._mlx.reset_peak_memory()
        self._wired = mlx_metal.wire_memory(self._mlx)
        with memory_failures(self.label):
            self.model = _model(workload)
        self.logits: Any = None
        self.cache: list[Any] = []
        self.facts: dict[str, Any] = {
            "precision": workload.runtime.precision,
            "dtype": str(self._dtype),
            "device": str(self._mlx.default_device()),
            "blas": blas,
            "version": hardware.version_of("mlx"),
            "mlx_lm": hardware.version_of("mlx-lm"),
            "prefill_mode": self.mode,
            "inputs": "ids" if self._subject.takes_ids else "embeddings",
            **_weights_facts(workload),
            **self._wired,
        }
        if mlx_metal.is_gpu(self._mlx):
            self.facts["gpu"] = mlx_metal.gpu_facts(self._mlx)
        self.renew_input()

    def renew_input(self) -> None:
        """A new random sequence; also refuses a last result that was not finite, and looks at
        the memory that MLX held at most."""
        if self.logits is not None:
            check_finite(self.output(), self.label)
        # MLX's own count, Metal's buffers included.
        self.facts["mlx_peak_memory_bytes"] = int(self._mlx.get_peak_memory())
        subject, args = self._subject, self.model.args
        if subject.takes_ids:
            self.set_ids(random_ids(subject.batch, subject.n_tokens, args.vocab_size))
        else:
            embeddings = random_embeddings(subject.batch, subject.n_tokens, args.hidden_size)
            self.set_embeddings(embeddings)

    def set_ids(self, ids: np.ndarray) -> None:
        """Given token ids: [batch, tokens]."""
        self._ids, self._embeddings = self._mlx.array(ids.astype(np.int32)), None
        self._mlx.eval(self._ids)

    def set_embeddings(self, embeddings: np.ndarray) -> None:
        """Given embeddings: fp32 array [batch, tokens, hidden]."""
        # The model reads the sequence's length from the ids, whatever their values.
        self._ids = self._mlx.zeros(embeddings.shape[:2], dtype=self._mlx.int32)
        self._embeddings = self._mlx.array(embeddings).astype(self._dtype)
        self._mlx.eval(self._ids, self._embeddings)

    def projector(self, channels: int) -> MLXProjector:
        """A projector from `channels` to this model, in its precision."""
        return MLXProjector(channels, self.model.args.hidden_size, self._dtype)

    def use_projected(self, visual: Any, text: np.ndarray) -> None:
        """Projected visual tokens, filled up with text embeddings to the sequence's length."""
        n_text = self._subject.n_tokens - visual.shape[1]
        if n_text:
            rest = self._mlx.array(text[:, :n_text]).astype(visual.dtype)
            visual = self._mlx.concatenate([visual, rest], axis=1)
        self._ids = self._mlx.zeros(visual.shape[:2], dtype=self._mlx.int32)
        self._embeddings = visual

    def first_token(self) -> int:
        """The most likely next token, on the host."""
        return int(self.logits[0, -1].argmax().item())

    def run(self) -> None:
        """One prefill; returns when the last logits and the cache are there."""
        from mlx_lm.models.cache import make_prompt_cache

        with memory_failures(self.label):
            self.cache = make_prompt_cache(self.model)
            if self.mode == "cache_prompt":
                self._fill_all_but_last(self.cache)
            self.logits = self._last_logits(self.cache)
            self._mlx.eval(self.logits, [layer.state for layer in self.cache])

    def output(self) -> np.ndarray:
        """Logits of the last position, fp32: [batch, 1, vocabulary]."""
        return np.array(self.logits.astype(self._mlx.float32))

    def close(self) -> None:
        """Drop the model and MLX's pool of free buffers, and let go of wired memory."""
        self.model = self.logits = None
        self.cache = []
        self._mlx.clear_cache()
        mlx_metal.unwire_memory(self._mlx, self._wired)

    @property
    def _dtype(self) -> Any:
        """Of everything that is not quantised."""
        last = self.model.model
        norm = last.norm if "norm" in last else last.embedding_norm  # LFM2 calls it so
        return norm.weight.dtype

    def _fill_all_but_last(self, cache: list[Any]) -> None:
        """Chunk by chunk, each waited for, as mlx-lm's generator does."""
        last = self._ids.shape[1] - 1
        for start in range(0, last, self.step_size):
            self._hidden(start, min(start + self.step_size, last), cache)
            self._mlx.eval([layer.state for layer in cache])
            self._mlx.clear_cache()

    def _last_logits(self, cache: list[Any]) -> Any:
        """Logits of the last position after a pass over what the cache does not hold yet."""
        n_tokens = self._ids.shape[1]
        start = n_tokens - 1 if self.mode == "cache_prompt" else 0
        hidden = self._hidden(start, n_tokens, cache)[:, -1:, :]
        if "lm_head" in self.model:
            return self.model.lm_head(hidden)
        return self.model.model.embed_tokens.as_linear(hidden)

    def _hidden(self, start: int, stop: int, cache: list[Any]) -> Any:
        part = None if self._embeddings is None else self._embeddings[:, start:stop]
        return self.model.model(self._ids[:, start:stop], cache, input_embeddings=part)

    def _set_device(self, device: str) -> None:
        if device not in ("cpu", "gpu"):
            raise UnsupportedError(f"{self.label}: mlx runs on device=cpu or gpu, not {device}")
        self._mlx.set_default_device(self._mlx.gpu if device == "gpu" else self._mlx.cpu)


class MLXDecodeSession(MLXSession):
    """A language model behind a filled cache; a run generates the workload's `steps` tokens.

    Answers what one more token costs. As mlx-lm's `generate_step` does, the step behind a token is
    queued before that token is read, so the host's work hides behind the device's.
    """

    def __init__(self, workload: Workload) -> None:
        self.steps = int(workload.subject["steps"])
        self.generated: list[list[int]] = []
        super().__init__(workload)
        self.facts["steps"] = self.steps

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()
        super().run()
        self._first = self.logits[:, -1, :].argmax(axis=-1)
        self._mlx.eval(self._first)

    def run(self) -> None:
        """The tokens of one run, each on the host while the next is computed."""
        with memory_failures(self.label):
            token, self.generated = self._first, []
            for step in range(self.steps):
                logits = self.model(token[:, None], self.cache)
                following = logits[:, -1, :].argmax(axis=-1)
                self._mlx.async_eval(following)
                if step:
                    self.generated.append(token.tolist())
                token, self.logits = following, logits
            self.generated.append(token.tolist())
            self._mlx.eval(self.logits)


def _model(workload: Workload) -> Any:
    """A checkpoint's own language model, or one of random weights."""
    from paretobench.backends.models import mlx_checkpoints, mlx_llm

    precision = workload.runtime.precision
    if workload.checkpoint:
        return mlx_checkpoints.language_half(Path(workload.folder), precision)
    if is_shared(workload):
        warnings.warn(
            f"{workload.label}: all layers share one block's weights; label the result so",
            stacklevel=4,
        )
    llm = PrefillSubject.of(workload).llm
    return mlx_llm.build(llm, precision, share_layers=is_shared(workload))


def _weights_facts(workload: Workload) -> dict[str, Any]:
    """Which weights were timed."""
    if workload.checkpoint:
        return {"weights": "the checkpoint's own", "checkpoint": workload.checkpoint}
    made = "random, one block shared by all layers" if is_shared(workload) else "random"
    return {"weights": made, "shared_layers": is_shared(workload)}
