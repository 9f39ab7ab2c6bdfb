"""OpenVINO: encoders and prefill on x86-64 and Arm processors.

The encoder is exported once to OpenVINO's IR with weights compressed to fp16 (half the disk;
expanded when compiled). A measuring cell then imports openvino and numpy alone. The plugin
chooses bf16 silently where the processor has it, so the precision is always set, and read
back from the compiled network. Language models are in `openvino_prefill`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import Availability, PreparedArtifact, hardware, openvino_prefill
from paretobench.backends.artifacts import ArtifactStore, Recipe
from paretobench.backends.inputs import (
    EncodeSubject,
    check_finite,
    memory_failures,
    random_pixels,
)
from paretobench.backends.models import RANDOM_WEIGHTS, n_parameters
from paretobench.backends.openvino_compile import check_written, compile_options, import_openvino
from paretobench.domain import Workload
from paretobench.errors import UnsupportedError
from paretobench.installation import install_command

INSTALL = install_command("cpu")
_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


class OpenVINOBackend:
    """The backend; see the module."""

    name = "openvino"

    def available(self) -> Availability:
        """Whether the openvino package is installed."""
        return Availability.of(("openvino",), INSTALL)

    def refuses(self, workload: Workload) -> str | None:
        """Other devices than a CPU, and precisions that neither half has."""
        precision, device = workload.runtime.precision, _device(workload)
        if workload.kind not in ("encode", "prefill"):
            return f"openvino times encode and prefill, not {workload.kind}"
        if workload.kind == "encode" and precision not in _HINTS:
            return f"openvino encodes in {', '.join(_HINTS)} here, not {precision}"
        if workload.kind == "prefill" and (reason := openvino_prefill.refuses(workload)):
            return reason
        if device != "CPU":
            return f"openvino runs on device=cpu here, not {device.lower()}"
        if precision == "bf16" and not hardware.detect().has_fast_bf16:
            return "this processor has no bf16 instructions; use precision=fp32"
        return None

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Export the encoder or the language model to IR, or find it exported.

        Raises:
            BackendMissingError: if it must be exported and torch or timm is missing.
            ArtifactError: if the cache cannot be written.
        """
        if workload.kind == "prefill":
            found = openvino_prefill.find_or_export(ArtifactStore(root), workload)
            return PreparedArtifact(found.path, found.facts)
        subject = EncodeSubject.of(workload)
        artifact = ArtifactStore(root).find_or_export(
            _recipe(subject),
            lambda folder: _export(subject, folder),
            hardware.cannot_export(INSTALL),
        )
        return PreparedArtifact(artifact.path, artifact.facts)

    def load(
        self, workload: Workload, prepared: PreparedArtifact
    ) -> OpenVINOSession | openvino_prefill.OpenVINOPrefillSession:
        """Compile the exported graph for this processor."""
        if prepared.path is None:
            raise UnsupportedError(f"{workload.label}: openvino needs a prepared graph")
        if workload.kind == "prefill":
            return openvino_prefill.OpenVINOPrefillSession(workload, prepared.path, prepared.facts)
        return OpenVINOSession(workload, prepared.path / "encoder.xml", prepared.facts)


class OpenVINOSession:
    """A compiled encoder with one inference request; `run` is synchronous."""

    def __init__(self, workload: Workload, graph: Path, made: Mapping[str, Any]) -> None:
        self.label = workload.label
        subject = EncodeSubject.of(workload)
        openvino = import_openvino()
        with memory_failures(self.label):
            compiled = openvino.Core().compile_model(
                graph,
                _device(workload),
                compile_options(workload, _HINTS[workload.runtime.precision]),
            )
            self.request = compiled.create_infer_request()
        self._tensor = openvino.Tensor(np.zeros(subject.shape, np.float32))
        self.request.set_input_tensor(self._tensor)
        self.facts = self._read_back(compiled, workload) | {"artifact": dict(made)}
        self._has_run = False
        self.renew_input()

    def renew_input(self) -> None:
        """New random pixels; also refuses a last result that was not finite."""
        if self._has_run:
            check_finite(self.output(), self.label)
        self._tensor.data[:] = random_pixels(self._tensor.data.shape)

    def set_input(self, pixels: np.ndarray) -> None:
        """Given pixels instead of random ones: [batch, 3, resolution, resolution], fp32."""
        self._tensor.data[:] = pixels

    def run(self) -> None:
        """One inference; the result is in host memory when it returns."""
        self.request.infer()
        self._has_run = True

    def output(self) -> np.ndarray:
        """The last result: [batch, tokens, channels], fp32."""
        data: np.ndarray = self.request.get_output_tensor().data
        return data

    def close(self) -> None:
        """Free the request and the compiled network."""
        self.request = None

    def _read_back(self, compiled: Any, workload: Workload) -> dict[str, Any]:
        used = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        asked = _HINTS[workload.runtime.precision]
        if used != asked:
            raise UnsupportedError(f"{self.label}: asked openvino for {asked}, it would run {used}")
        return {
            "precision": workload.runtime.precision,
            "precision_read_back": used,
            "threads": int(compiled.get_property("INFERENCE_NUM_THREADS")),
            "streams": int(compiled.get_property("NUM_STREAMS")),
            "device": _device(workload).lower(),
            "version": hardware.version_of("openvino"),
            "weights": "random",
        }


def _device(workload: Workload) -> str:
    return str(workload.runtime.options.get("device", "cpu")).upper()


def _recipe(subject: EncodeSubject) -> Recipe:
    """One graph for every precision: it is chosen when the graph is compiled."""
    content = {"encoder": subject.encoder, "shape": list(subject.shape), "weights": RANDOM_WEIGHTS}
    return Recipe("openvino_ir", content, hardware.versions_of("openvino", "torch", "timm"))


def _export(subject: EncodeSubject, folder: Path) -> dict[str, Any]:
    """Write `encoder.xml` and `encoder.bin`; torch.export, which takes a third of tracing."""
    import torch

    from paretobench.backends.models import encoders

    openvino = import_openvino()
    with memory_failures("exporting to OpenVINO"):
        encoder = encoders.build(subject.encoder, subject.seen)
        program = torch.export.export(encoder, (torch.zeros(subject.shape),))
        graph = openvino.convert_model(program)
        graph.reshape(list(subject.shape))
        openvino.save_model(graph, folder / "encoder.xml", compress_to_fp16=True)
    check_written(openvino, folder / "encoder.xml")
    return {
        "parameters": n_parameters(encoder),
        "weights": "random, fp16 on disk",
        "output_shape": [int(size) for size in graph.outputs[0].shape],
    }
