"""ONNX Runtime: encoders on any processor in fp32, and on NVIDIA boards.

The CPU provider has no fast bf16 or fp16 kernels, so only fp32 is offered there; `device=cuda`
with `provider=cuda` or `tensorrt` is `cuda_onnx`. The graph is exported once through
torch.onnx; a measuring cell imports onnxruntime and numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import Availability, PreparedArtifact, cuda_onnx, hardware
from paretobench.backends.artifacts import ArtifactStore, Recipe
from paretobench.backends.inputs import (
    EncodeSubject,
    check_finite,
    memory_failures,
    random_pixels,
)
from paretobench.backends.models import RANDOM_WEIGHTS, n_parameters
from paretobench.domain import Workload
from paretobench.errors import UnsupportedError
from paretobench.installation import install_command, not_installed

INSTALL = install_command("cpu")
FILE = "encoder.onnx"
OPSET = 20
"""The first opset with GELU as one operator."""


class ONNXRuntimeBackend:
    """The backend; see the module."""

    name = "onnxruntime"

    def available(self) -> Availability:
        """Whether the onnxruntime package is installed."""
        version = hardware.version_of("onnxruntime") or hardware.version_of(cuda_onnx.DISTRIBUTION)
        if not version:
            return Availability(False, f"{not_installed('onnxruntime')}: {INSTALL}")
        return Availability(True, version=version)

    def refuses(self, workload: Workload) -> str | None:
        """Anything but encoding, in fp32 on a CPU or as a board's provider can."""
        options = workload.runtime.options
        if workload.kind != "encode":
            return f"onnxruntime encodes only; {workload.kind} runs on torch or mlx"
        if cuda_onnx.is_asked_for(options):
            return cuda_onnx.refuses(options, workload.runtime.precision)
        if workload.runtime.precision != "fp32":
            return f"onnxruntime runs fp32 here, not {workload.runtime.precision}"
        device = str(options.get("device", "cpu"))
        if device == "cpu":
            return None
        return f"onnxruntime runs on device=cpu or cuda here, not {device}"

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
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
        return PreparedArtifact(artifact.path, artifact.facts)

    def load(self, workload: Workload, prepared: PreparedArtifact) -> ONNXSession:
        """Open the exported graph."""
        if prepared.path is None:
            raise UnsupportedError(f"{workload.label}: onnxruntime needs a prepared graph")
        return ONNXSession(workload, prepared.path / FILE, prepared.facts)


class ONNXSession:
    """An inference session, its input and output in host memory or bound on a board."""

    def __init__(self, workload: Workload, graph: Path, made: Mapping[str, Any]) -> None:
        import onnxruntime

        self.label = workload.label
        options = onnxruntime.SessionOptions()
        if threads := workload.runtime.options.get("threads"):
            options.intra_op_num_threads = int(threads)
        runtime, shape = workload.runtime, EncodeSubject.of(workload).shape
        self._board: cuda_onnx.BoundSession | None = None
        with memory_failures(self.label):
            if cuda_onnx.is_asked_for(runtime.options):
                self._board = cuda_onnx.BoundSession(
                    onnxruntime, str(graph), options, runtime.options, runtime.precision, shape
                )
                self.session = self._board.session
            else:
                self.session = onnxruntime.InferenceSession(
                    str(graph), options, providers=["CPUExecutionProvider"]
                )
        self._input_name = self.session.get_inputs()[0].name
        self._pixels = np.zeros(shape, np.float32)
        self._output: np.ndarray | None = None
        self._has_run = False
        self.facts: dict[str, Any] = {
            "precision": runtime.precision,
            "threads": options.intra_op_num_threads or "default",
            "providers": self.session.get_providers(),
            "device": "cpu",
            "version": onnxruntime.__version__,
            "weights": "random",
            "artifact": dict(made),
        } | ({} if self._board is None else self._board.facts)
        self.renew_input()

    def renew_input(self) -> None:
        """New random pixels; also refuses a last result that was not finite."""
        if self._has_run:
            check_finite(self.output(), self.label)
        self.set_input(random_pixels(self._pixels.shape))

    def set_input(self, pixels: np.ndarray) -> None:
        """Given pixels instead of random ones: [batch, 3, resolution, resolution], fp32."""
        self._pixels = pixels
        if self._board is not None:
            self._board.write(pixels)

    def run(self) -> None:
        """One inference; the result is in host memory, or on the board, when it returns."""
        with memory_failures(self.label):
            if self._board is not None:
                self._board.run()
            else:
                self._output = self.session.run(None, {self._input_name: self._pixels})[0]
        self._has_run = True

    def output(self) -> np.ndarray:
        """The last result: [batch, tokens, channels], fp32."""
        if not self._has_run:
            raise ValueError(f"{self.label} has not run yet")
        if self._board is not None:
            self._output = self._board.output()
        assert self._output is not None
        return self._output

    def close(self) -> None:
        """Free the session."""
        self.session, self._board = None, None


def _recipe(subject: EncodeSubject) -> Recipe:
    content = {
        "encoder": subject.encoder,
        "shape": list(subject.shape),
        "weights": RANDOM_WEIGHTS,
        "opset": OPSET,
    }
    versions = hardware.versions_of("onnx", "onnxscript", "torch", "timm")
    return Recipe("onnx", content, versions)


def _export(subject: EncodeSubject, folder: Path) -> dict[str, Any]:
    """Write `encoder.onnx` and its weights beside it."""
    import torch

    from paretobench.backends.models import encoders

    with memory_failures("exporting to ONNX"):
        encoder = encoders.build(subject.encoder, subject.seen)
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
    return {"parameters": n_parameters(encoder), "weights": "random, fp32"}
