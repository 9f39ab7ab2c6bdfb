"""llama.cpp: prefill and decoding on any CPU with 16-, 8- or 4-bit weights, as people run models on
laptops.

The library comes with `xllamacpp` (see `llama_library`), the GGUF file is written here at true
size with random weights (`models.gguf_file`). One run empties the key-value cache and decodes
the whole sequence as one physical batch, given as embeddings or as token ids, with logits for
the last position alone; `prefill_step_size=512` makes chunks of it, as llama.cpp's own tools do.
Precisions name files: fp16 is F16, int8 Q8_0, int4 Q4_K_M.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from paretobench.backends import Availability, PreparedArtifact, hardware
from paretobench.backends.artifacts import ArtifactStore, Recipe
from paretobench.backends.inputs import (
    PrefillSubject,
    check_finite,
    chunk_of,
    is_shared,
    random_embeddings,
    random_ids,
    refuses_chunk,
)
from paretobench.backends.models import gguf_file, llm_subject
from paretobench.backends.projector import NumpyProjector
from paretobench.domain import Workload
from paretobench.errors import UnsupportedError
from paretobench.installation import install_command

INSTALL = install_command("cpu")
PACKAGES = ("xllamacpp", "gguf")


class LlamaCppBackend:
    """The backend; see the module."""

    name = "llamacpp"

    def available(self) -> Availability:
        """Whether xllamacpp and gguf are installed."""
        missing = [name for name in PACKAGES if not hardware.version_of(name)]
        if missing:
            return Availability(False, f"{' and '.join(missing)} not installed: {INSTALL}")
        return Availability(True, version=hardware.version_of("xllamacpp"))

    def refuses(self, workload: Workload) -> str | None:
        """Anything but one sequence on a CPU, and models that no file is written for."""
        runtime, subject = workload.runtime, workload.subject
        if workload.kind not in ("prefill", "decode"):
            return f"llamacpp prefills and decodes; {workload.kind} runs on another backend"
        if runtime.precision not in gguf_file.FORMATS:
            return f"llamacpp runs {', '.join(gguf_file.FORMATS)}, not {runtime.precision}"
        if (device := str(runtime.options.get("device", "cpu"))) != "cpu":
            return f"llamacpp runs on device=cpu here, not {device}"
        if is_shared(workload):
            return "llamacpp shares no weights between layers; precision=int4 needs little memory"
        if workload.batch != 1:
            return f"llamacpp prefills one sequence at a time, not {workload.batch}"
        return refuses_chunk(workload) or gguf_file.refuses(subject["llm"])

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Write the GGUF file, or find it written; one file serves every length.

        Raises:
            BackendMissingError: if it must be written and gguf is missing.
            ArtifactError: if the cache cannot be written.
        """
        llm, precision = PrefillSubject.of(workload).llm, workload.runtime.precision
        missing = "" if hardware.is_installed("gguf") else f"writing GGUF needs gguf: {INSTALL}"
        expected = 0 if missing else gguf_file.size_bytes(llm, precision)
        versions = hardware.versions_of(*PACKAGES)
        artifact = ArtifactStore(root).find_or_export(
            Recipe("gguf", llm_subject(llm, precision), versions, expected),
            lambda folder: gguf_file.write(llm, precision, folder / gguf_file.FILE),
            missing,
        )
        return PreparedArtifact(artifact.path, artifact.facts)

    def load(self, workload: Workload, prepared: PreparedArtifact) -> LlamaCppSession:
        """Load the file."""
        if prepared.path is None:
            raise UnsupportedError(f"{workload.label}: llamacpp needs a prepared GGUF file")
        path = prepared.path / gguf_file.FILE
        session = LlamaCppDecodeSession if workload.kind == "decode" else LlamaCppSession
        return session(workload, path, prepared.facts)


class LlamaCppSession:
    """A loaded model and one sequence."""

    def __init__(self, workload: Workload, path: Path, made: Mapping[str, Any]) -> None:
        from paretobench.backends import llama_library

        self.label = workload.label
        self._subject = PrefillSubject.of(workload)
        threads = int(workload.runtime.options.get("threads") or default_threads())
        self.steps = int(workload.subject.get("steps", 0))
        chunk = chunk_of(workload)
        n_tokens = self._subject.n_tokens
        self.model = llama_library.LlamaModel(path, n_tokens, threads, self.steps, chunk)
        self._ids: np.ndarray | None = None
        self._embeddings: np.ndarray | None = None
        self._logits: np.ndarray | None = None
        self.facts: dict[str, Any] = {
            "precision": workload.runtime.precision,
            "threads": threads,
            "device": "cpu",
            "version": hardware.version_of("xllamacpp"),
            "instruction_sets": llama_library.instruction_sets(),
            "parameters": self.model.parameters,
            "weights_bytes": self.model.weights_bytes,
            "weights": "random",
            "inputs": "ids" if self._subject.takes_ids else "embeddings",
            "prefill_step_size": chunk or n_tokens,
            "artifact": dict(made),
        }
        self.renew_input()

    def renew_input(self) -> None:
        """A new random sequence; also refuses a last result that was not finite."""
        if self._logits is not None:
            check_finite(self._logits, self.label)
        n_tokens = self._subject.n_tokens
        if self._subject.takes_ids:
            self.set_ids(random_ids(1, n_tokens, self.model.vocab_size))
        else:
            self.set_embeddings(random_embeddings(1, n_tokens, self.model.width))

    def set_ids(self, ids: np.ndarray) -> None:
        """Given token ids: [1, tokens]."""
        self._ids, self._embeddings = np.ascontiguousarray(ids[0], np.int32), None

    def set_embeddings(self, embeddings: np.ndarray) -> None:
        """Given embeddings: fp32 array [1, tokens, hidden]."""
        self._ids, self._embeddings = None, np.ascontiguousarray(embeddings[0], np.float32)

    def projector(self, channels: int) -> NumpyProjector:
        """A projector from `channels` to this model, on the host in fp32."""
        return NumpyProjector(channels, self.model.width)

    def use_projected(self, visual: np.ndarray, text: np.ndarray) -> None:
        """Projected visual tokens, filled up with text embeddings to the sequence's length."""
        n_text = self._subject.n_tokens - visual.shape[1]
        self.set_embeddings(np.concatenate([visual, text[:, :n_text]], axis=1))

    def first_token(self) -> int:
        """The most likely next token, on the host."""
        return int(self.output()[0].argmax())

    def run(self) -> None:
        """One prefill; returns when the logits are there."""
        self._logits = self.model.prefill(self._ids, self._embeddings)

    def output(self) -> np.ndarray:
        """Logits of the last position, fp32: [1, vocabulary]."""
        if self._logits is None:
            raise ValueError(f"{self.label} has not run yet")
        return self._logits[np.newaxis].copy()

    def close(self) -> None:
        """Free the context and the model."""
        self._logits = None
        self.model.close()


class LlamaCppDecodeSession(LlamaCppSession):
    """A language model behind a filled cache; a run generates the workload's `steps` tokens.

    Answers what one more token costs. Every run drops what the last one wrote behind the prompt, so
    that each continues the same context; the most likely token is taken on the host, as llama.cpp's
    own greedy sampler does.
    """

    generated: list[int]

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()
        super().run()
        self._first = self.first_token()

    def run(self) -> None:
        """The tokens of one run, each on the host before the next is computed."""
        token, self.generated = self._first, []
        for step in range(self.steps):
            self._logits = logits = self.model.step(token, self._subject.n_tokens + step)
            token = int(logits.argmax())
            self.generated.append(token)


def default_threads() -> int:
    """Physical cores, as `llama-bench` counts them: two threads of a core share its multipliers."""
    return psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
