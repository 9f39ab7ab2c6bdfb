"""The projector between encoder and language model: two linear layers with a GELU (mlp2x_gelu).

LLaVA-1.5's projector (Liu et al., arXiv 2310.03744), which FastVLM keeps: channels to hidden
size, then hidden size to hidden size. It runs where the language model runs, and in its
precision. Random weights; the call is not timed apart by the paper's protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

SEED = 1


class TorchProjector:
    """The projector on a torch device."""

    def __init__(self, channels: int, hidden: int, dtype: Any, device: Any) -> None:
        import torch

        from paretobench.backends import torch_cuda
        from paretobench.backends.models import random_weights

        self._torch, self._dtype, self._device = torch, dtype, device
        self._synchronise = torch_cuda.synchroniser(torch, device)
        self.network = torch.nn.Sequential(
            torch.nn.Linear(channels, hidden), torch.nn.GELU(), torch.nn.Linear(hidden, hidden)
        )
        random_weights.fill(self.network, SEED)
        self.network = self.network.to(device, dtype).requires_grad_(False)

    def __call__(self, tokens: np.ndarray) -> Any:
        """Visual tokens [1, tokens, channels] on the host to embeddings as wide as `hidden`."""
        with self._torch.inference_mode():
            visual = self._torch.from_numpy(tokens).to(self._device, self._dtype)
            embeddings = self.network(visual)
            self._synchronise()
            return embeddings


class MLXProjector:
    """The projector in MLX."""

    def __init__(self, channels: int, hidden: int, dtype: Any) -> None:
        from paretobench.backends.models.mlx_llm import import_mlx

        self._mlx, _ = import_mlx()
        self._dtype = dtype
        self._weights = [
            self._mlx.array(each).astype(dtype) for each in _matrices(channels, hidden)
        ]
        self._mlx.eval(self._weights)

    def __call__(self, tokens: np.ndarray) -> Any:
        """Visual tokens [1, tokens, channels] on the host to embeddings as wide as `hidden`."""
        from mlx.nn import gelu

        first, second = self._weights
        embeddings = gelu(self._mlx.array(tokens).astype(self._dtype) @ first) @ second
        self._mlx.eval(embeddings)
        return embeddings


class OpenVINOProjector:
    """The projector as a graph of OpenVINO, on the threads that its prefill runs on.

    A product in numpy leaves its BLAS's threads spinning for a while, and a prefill that began
    meanwhile took 1.8 times as long (two cores of an AMD EPYC).

    Args:
        options: of compiling, those of the language model.
    """

    def __init__(self, channels: int, hidden: int, options: Mapping[str, Any]) -> None:
        from paretobench.backends.openvino_compile import import_openvino

        openvino = import_openvino()
        from openvino import opset13 as operations

        first, second = _matrices(channels, hidden)
        tokens = operations.parameter([-1, -1, channels], np.float32)
        middle = operations.gelu(operations.matmul(tokens, first, False, False), "ERF")
        graph = openvino.Model(operations.matmul(middle, second, False, False), [tokens])
        compiled = openvino.Core().compile_model(graph, "CPU", dict(options))
        self._request = compiled.create_infer_request()

    def __call__(self, tokens: np.ndarray) -> np.ndarray:
        """Visual tokens [1, tokens, channels] on the host to embeddings as wide as `hidden`."""
        embeddings: np.ndarray = self._request.infer([np.ascontiguousarray(tokens)])[0]
        return embeddings


class NumpyProjector:
    """The projector on the host in fp32, in one thread: see `OpenVINOProjector`."""

    def __init__(self, channels: int, hidden: int) -> None:
        from threadpoolctl import ThreadpoolController

        self._weights = _matrices(channels, hidden)
        self._threads = ThreadpoolController()

    def __call__(self, tokens: np.ndarray) -> np.ndarray:
        """Visual tokens [1, tokens, channels] on the host to embeddings as wide as `hidden`."""
        from scipy.special import erf

        first, second = self._weights
        with self._threads.limit(limits=1, user_api="blas"):
            middle = tokens @ first
            embeddings: np.ndarray = (
                middle * np.float32(0.5) * (1 + erf(middle * np.float32(0.5**0.5)))
            ) @ second
        return embeddings


def _matrices(channels: int, hidden: int) -> list[np.ndarray]:
    """Both layers, fp32: [channels, hidden] and [hidden, hidden]."""
    generator = np.random.default_rng(SEED)
    return [
        generator.standard_normal((fan_in, hidden), dtype=np.float32) * np.float32(fan_in**-0.5)
        for fan_in in (channels, hidden)
    ]
