"""OpenVINO's prefill: a language model as IR, its weights in 32, 16, 8 or 4 bits.

The graph comes from transformers' model: embeddings and positions in; the last position's logits
and every layer's keys and values out, which is the cache that generation goes on from. Its length
is open, so one file serves every prompt; a session fixes it before compiling. Precisions are those
of the weights:

    fp32, fp16   as they are; bf16 keeps fp16 on disk and multiplies in bf16
    int8         asymmetric, one scale for each row (nncf's default)
    int4         symmetric, one scale for 128 weights of a row; the output projection in int8

Beside 8- and 4-bit weights activations are bf16 where the processor multiplies it, else fp32; what
the plugin really used is read back into the facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import hardware
from paretobench.backends.artifacts import Artifact, ArtifactStore, Recipe
from paretobench.backends.inputs import (
    PrefillSubject,
    check_finite,
    is_shared,
    memory_failures,
    random_embeddings,
    refuses_chunk,
)
from paretobench.backends.models import llm_subject, n_parameters
from paretobench.backends.openvino_compile import check_written, compile_options, import_openvino
from paretobench.backends.projector import OpenVINOProjector
from paretobench.domain import Workload
from paretobench.installation import install_command

FILE = "llm.xml"
PRECISIONS = ("fp32", "bf16", "fp16", "int8", "int4")
GROUP_SIZE = 128
"""4-bit weights that share a scale: nncf's default, and GPTQ's (Frantar et al., 2210.17323)."""

ARCHITECTURES = ("llama", "qwen2", "qwen3")
"""Whose graphs were compared with torch here."""


def refuses(workload: Workload) -> str | None:
    """Why a prefill cannot run, or None; imports nothing."""
    precision, subject = workload.runtime.precision, workload.subject
    if precision not in PRECISIONS:
        return f"openvino prefills in {', '.join(PRECISIONS)}, not {precision}"
    if subject.get("inputs", "embeddings") != "embeddings":
        return "openvino prefills embeddings; token ids run on torch, mlx or llamacpp"
    if is_shared(workload):
        return "openvino shares no weights between layers; precision=int4 needs little memory"
    if reason := refuses_chunk(workload, can_chunk=False):
        return reason
    if subject["llm"]["architecture"] not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        return f"openvino prefills {known} here, not {subject['llm']['architecture']}"
    return None


def activation_precision(precision: str) -> str:
    """What activations are computed in, in the plugin's words.

    >>> activation_precision("fp32"), activation_precision("bf16")
    ('f32', 'bf16')
    """
    if precision == "bf16":
        return "bf16"
    is_quantised = precision in ("int8", "int4")
    return "bf16" if is_quantised and hardware.detect().has_fast_bf16 else "f32"


def find_or_export(store: ArtifactStore, workload: Workload) -> Artifact:
    """The language model's IR, made where it is not there."""
    llm, precision = PrefillSubject.of(workload).llm, workload.runtime.precision
    versions = hardware.versions_of("openvino", "torch", "transformers", "nncf")
    recipe = Recipe("openvino_llm", llm_subject(llm, precision), versions)
    needed = ("torch", "transformers", "nncf")
    missing = ", ".join(name for name in needed if not hardware.is_installed(name))
    if missing:
        missing = f"exporting a language model needs {missing}: {install_command('cpu')}"
    return store.find_or_export(recipe, lambda folder: export(llm, precision, folder), missing)


def export(llm: Mapping[str, Any], precision: str, folder: Path) -> dict[str, Any]:
    """Write `llm.xml` and `llm.bin`.

    Args:
        llm: `LanguageModel.spec()`.
        precision: of the weights.
    """
    import torch

    from paretobench.backends.models import torch_llm

    openvino = import_openvino()
    with memory_failures("exporting to OpenVINO"):
        network = torch_llm.PrefillGraph(llm)
        example = (torch.zeros(1, 2, llm["hidden_size"]), torch.arange(2)[None])
        graph = openvino.convert_model(network, example_input=example)
        if precision in ("int8", "int4"):
            graph = _compressed(graph, precision)
        openvino.save_model(graph, folder / FILE, compress_to_fp16=precision != "fp32")
    check_written(openvino, folder / FILE)
    return {
        "parameters": n_parameters(network),
        "weights": "random",
        "weights_format": f"int4, groups of {GROUP_SIZE}" if precision == "int4" else precision,
    }


def _compressed(graph: Any, precision: str) -> Any:
    import nncf

    nncf.set_log_level(40)  # errors
    if precision == "int8":
        return nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_ASYM)
    mode = nncf.CompressWeightsMode.INT4_SYM
    return nncf.compress_weights(graph, mode=mode, group_size=GROUP_SIZE, ratio=1.0)


class OpenVINOPrefillSession:
    """A compiled language model with one inference request; `run` is synchronous."""

    def __init__(self, workload: Workload, folder: Path, made: Mapping[str, Any]) -> None:
        self.label = workload.label
        subject = PrefillSubject.of(workload)
        self._shape = (subject.batch, subject.n_tokens, int(subject.llm["hidden_size"]))
        openvino = import_openvino()
        self._options = compile_options(workload, activation_precision(workload.runtime.precision))
        with memory_failures(self.label):
            core = openvino.Core()
            graph = core.read_model(folder / FILE)
            graph.reshape({0: list(self._shape), 1: [1, subject.n_tokens]})
            compiled = core.compile_model(graph, "CPU", self._options)
            self.request = compiled.create_infer_request()
        self._tensor = openvino.Tensor(np.zeros(self._shape, np.float32))
        self.request.set_input_tensor(0, self._tensor)
        positions = np.arange(subject.n_tokens, dtype=np.int64)[np.newaxis]
        self.request.set_input_tensor(1, openvino.Tensor(positions))
        self._has_run, used = False, compiled.get_property
        self.facts: dict[str, Any] = {
            "precision": workload.runtime.precision,
            "precision_read_back": used("INFERENCE_PRECISION_HINT").get_type_name(),
            "activation_group_size": int(used("DYNAMIC_QUANTIZATION_GROUP_SIZE")),
            "threads": int(used("INFERENCE_NUM_THREADS")),
            "device": "cpu",
            "version": hardware.version_of("openvino"),
            "weights": "random",
            "inputs": "embeddings",
            "artifact": dict(made),
        }
        self.renew_input()

    def renew_input(self) -> None:
        """A new random sequence; also refuses a last result that was not finite."""
        if self._has_run:
            check_finite(self.output(), self.label)
        self.set_embeddings(random_embeddings(*self._shape))

    def set_embeddings(self, embeddings: np.ndarray) -> None:
        """Given embeddings: fp32 array [batch, tokens, hidden]."""
        self._tensor.data[:] = embeddings

    def projector(self, channels: int) -> OpenVINOProjector:
        """A projector from `channels` to this model, in the precision of its activations."""
        return OpenVINOProjector(channels, self._shape[-1], self._options)

    def use_projected(self, visual: np.ndarray, text: np.ndarray) -> None:
        """Projected visual tokens, filled up with text embeddings to the sequence's length."""
        n_text = self._shape[1] - visual.shape[1]
        self.set_embeddings(np.concatenate([visual, text[:, :n_text]], axis=1))

    def first_token(self) -> int:
        """The most likely next token, on the host."""
        return int(self.output()[0].argmax())

    def run(self) -> None:
        """One prefill; logits and cache are in host memory when it returns."""
        with memory_failures(self.label):
            self.request.infer()
        self._has_run = True

    def output(self) -> np.ndarray:
        """Logits of the last position, fp32: [batch, vocabulary]."""
        data: np.ndarray = self.request.get_output_tensor(0).data
        return data

    def close(self) -> None:
        """Free the request and the compiled network."""
        self.request = None
