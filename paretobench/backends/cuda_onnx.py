"""ONNX Runtime on an NVIDIA board: its CUDA and TensorRT providers, input and output on the board.

ONNX Runtime takes another provider without a word when the one it was asked for cannot be
loaded; here that is an error. Memory is bound on the board, as for torch, so that no copy from
the host is timed. Written after onnxruntime's documentation and the installed package's
signatures, which a test compares; exercised on the CPU provider; not run on a board here.

References:
    onnxruntime.ai: CUDA Execution Provider, TensorRT Execution Provider, I/O binding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from paretobench.backends import hardware
from paretobench.errors import UnsupportedError
from paretobench.installation import install_command

DISTRIBUTION = "onnxruntime-gpu"
PROVIDERS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
PRECISIONS = {"cuda": ("fp32",), "tensorrt": ("fp32", "fp16")}
"""What each provider runs from the one graph in fp32; TensorRT lowers it itself."""

DEVICE = "cuda"
"""ONNX Runtime's name for memory on a board."""

INSTALL = f"pip uninstall onnxruntime && {install_command('cuda-onnx')}"


def is_asked_for(options: Mapping[str, Any]) -> bool:
    """Whether a runtime's options name a board."""
    return str(options.get("device", "cpu")).startswith("cuda")


def refuses(options: Mapping[str, Any], precision: str) -> str | None:
    """Why a provider cannot be had, or None; imports nothing."""
    name = provider_name(options)
    if name not in PROVIDERS:
        return f"onnxruntime has provider={' or '.join(PROVIDERS)} on a board, not {name}"
    if precision not in PRECISIONS[name]:
        known = ", ".join(PRECISIONS[name])
        return f"onnxruntime's provider={name} runs {known} here, not {precision}"
    if not hardware.version_of(DISTRIBUTION):
        return f"onnxruntime's provider={name} comes with {DISTRIBUTION}: {INSTALL}"
    return None


def provider_name(options: Mapping[str, Any]) -> str:
    """`cuda` or `tensorrt`, or whatever else was asked for."""
    return str(options.get("provider", "cuda"))


def provider(options: Mapping[str, Any], precision: str) -> tuple[str, dict[str, str]]:
    """The provider's full name and its options, as ONNX Runtime takes them."""
    name, index = provider_name(options), board_index(options)
    settings = {"device_id": str(index)}
    if name == "tensorrt" and precision == "fp16":
        settings["trt_fp16_enable"] = "True"
    return PROVIDERS[name], settings


def board_index(options: Mapping[str, Any]) -> int:
    """N of `cuda:N`, 0 of `cuda`.

    >>> board_index({"device": "cuda:1"}), board_index({"device": "cuda"})
    (1, 0)
    """
    return int(str(options["device"]).partition(":")[2] or 0)


class BoundSession:
    """An inference session with input and output on the board.

    Args:
        onnxruntime: the module.
        graph: path of the ONNX file.
        session_options: `onnxruntime.SessionOptions`.
        options, precision: the runtime's.
        shape: of the pixels.

    Raises:
        UnsupportedError: if ONNX Runtime took another provider.
    """

    def __init__(
        self,
        onnxruntime: Any,
        graph: str,
        session_options: Any,
        options: Mapping[str, Any],
        precision: str,
        shape: tuple[int, ...],
    ) -> None:
        wanted, settings = provider(options, precision)
        available = onnxruntime.get_available_providers()
        if wanted not in available:
            raise UnsupportedError(
                f"this onnxruntime {onnxruntime.__version__} has {', '.join(available)}, not "
                f"{wanted}: {INSTALL}"
            )
        self.session = onnxruntime.InferenceSession(
            graph, session_options, providers=[(wanted, settings)]
        )
        taken = self.session.get_providers()
        if taken[0] != wanted:
            raise UnsupportedError(
                f"asked onnxruntime for {wanted}, it would run {taken[0]}: its libraries (CUDA, "
                "cuDNN, TensorRT) are missing or of another version; its log names them"
            )
        index = board_index(options)
        blank = np.zeros(shape, np.float32)
        self._input = onnxruntime.OrtValue.ortvalue_from_numpy(blank, DEVICE, index)
        self._binding = self.session.io_binding()
        self._binding.bind_ortvalue_input(self.session.get_inputs()[0].name, self._input)
        self._binding.bind_output(self.session.get_outputs()[0].name, DEVICE, index)
        self.facts = {"providers": taken, "provider_options": settings, "device": DEVICE}

    def write(self, pixels: np.ndarray) -> None:
        """Copy new pixels into the buffer on the board."""
        self._input.update_inplace(pixels)

    def run(self) -> None:
        """One inference; returns when the result is on the board."""
        self.session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()

    def output(self) -> np.ndarray:
        """The last result on the host."""
        result: np.ndarray = self._binding.copy_outputs_to_cpu()[0]
        return result
