"""ONNX Runtime: encoders on any processor, in fp32.

The CPU provider has no fast bf16 or fp16 kernels, so only fp32 is offered. The graph is
exported once through torch.onnx; a measuring cell imports onnxruntime and numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import Availability, Prepared, hardware
from paretobench.backends.artifacts import ArtifactStore, Recipe
from paretobench.backends.inputs import (
    EncodeSubject,
    check_finite,
    memory_failures,
    random_pixels,
)
from paretobench.backends.models import RANDOM_WEIGHTS
from paretobench.domain import Workload
from paretobench.errors import UnsupportedError

INSTALL = "pip install 'paretobench[cpu]'"
FILE = "encoder.onnx"
OPSET = 20
"""The first opset with GELU as one operator."""


class ONNXRuntime:
    """The backend; see the module."""

    name = "onnxruntime"

    def available(self) -> Availability:
        """Whether the onnxruntime package is installed."""
        version = hardware.version_of("onnxruntime")
        if not version:
            return Availability(False, f"onnxruntime is not installed: {INSTALL}")
        return Availability(True, version=version)

    def refuses(self, workload: Workload) -> str | None:
        """Anything but encoding in fp32 on a CPU."""
        if workload.kind != "encode":
            return f"onnxruntime encodes only; {workload.kind} runs on torch or mlx"
        if workload.runtime.precision != "fp32":
            return f"onnxruntime runs fp32 here, not {workload.runtime.precision}"
        device = str(workload.runtime.options.get("device", "cpu"))
        return None if device == "cpu" else f"onnxruntime runs on device=cpu here, not {device}"

    def prepare(self, workload: Workload, root: Path) -> Prepared:
        """Export the encoder to ONNX, or find it exported.

        Raises:
            BackendMissingError: if it must be exported and torch or timm is missing.
            ArtifactError: if the cache cannot be written.
        """
        subject = EncodeSubject.of(workload)
        artifact = ArtifactStore(root).find_or_export(
            _recipe(subject),
            lambda folder: _export(subject, folder),
            hardware.cannot_export(INSTALL),
        )
        return Prepared(artifact.path, artifact.facts)

    def load(self, workload: Workload, prepared: Prepared) -> ONNXSession:
        """Open the exported graph."""
        if prepared.path is None:
            raise UnsupportedError(f"{workload.label}: onnxruntime needs a prepared graph")
        return ONNXSession(workload, prepared.path / FILE, prepared.facts)


def backend() -> ONNXRuntime:
    """The backend, for `backends.get`."""
    return ONNXRuntime()


class ONNXSession:
    """An inference session with its input and output bound to host memory."""

    def __init__(self, workload: Workload, graph: Path, made: Mapping[str, Any]) -> None:
        import onnxruntime

        self.label = workload.label
        options = onnxruntime.SessionOptions()
        if threads := workload.runtime.options.get("threads"):
            options.intra_op_num_threads = int(threads)
        with memory_failures(self.label):
            self.session = onnxruntime.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"]
            )
        self._input_name = self.session.get_inputs()[0].name
        self._pixels = np.zeros(EncodeSubject.of(workload).shape, np.float32)
        self._output: np.ndarray | None = None
        self.facts: dict[str, Any] = {
            "precision": "fp32",
            "threads": options.intra_op_num_threads or "default",
            "providers": self.session.get_providers(),
            "device": "cpu",
            "version": onnxruntime.__version__,
            "weights": "random",
            "artifact": dict(made),
        }
        self.renew_input()

    def renew_input(self) -> None:
        """New random pixels; also refuses a last result that was not finite."""
        if self._output is not None:
            check_finite(self._output, self.label)
        self._pixels = random_pixels(self._pixels.shape)

    def set_input(self, pixels: np.ndarray) -> None:
        """Given pixels instead of random ones: [batch, 3, resolution, resolution], fp32."""
        self._pixels = pixels

    def run(self) -> None:
        """One inference; the result lies in host memory when it returns."""
        with memory_failures(self.label):
            self._output = self.session.run(None, {self._input_name: self._pixels})[0]

    def output(self) -> np.ndarray:
        """The last result: [batch, tokens, channels], fp32."""
        if self._output is None:
            raise ValueError(f"{self.label} has not run yet")
        return self._output

    def close(self) -> None:
        """Free the session."""
        self.session = None


def _recipe(subject: EncodeSubject) -> Recipe:
    content = {
        "encoder": subject.encoder,
        "shape": list(subject.shape),
        "weights": RANDOM_WEIGHTS,
        "opset": OPSET,
    }
    names = ("onnx", "onnxscript", "torch", "timm")
    return Recipe("onnx", content, {name: hardware.version_of(name) for name in names})


def _export(subject: EncodeSubject, folder: Path) -> dict[str, Any]:
    """Write `encoder.onnx` and its weights beside it."""
    import torch

    from paretobench.backends.models import encoders

    with memory_failures("exporting to ONNX"):
        encoder = encoders.build(subject.encoder, subject.resolution_px)
        program = torch.onnx.export(
            encoder,
            (torch.zeros(subject.shape),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["pixels"],
            output_names=["tokens"],
            verbose=False,
        )
        program.save(folder / FILE, external_data=True)
    return {"parameters": encoders.count_parameters(encoder), "weights": "random, fp32"}
