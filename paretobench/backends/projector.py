"""The projector between encoder and language model: two linear layers with a GELU (mlp2x_gelu).

LLaVA-1.5's projector (Liu et al., arXiv 2310.03744), which FastVLM keeps: channels to hidden
size, then hidden size to hidden size. It runs where the language model runs, and in its
precision. Random weights; the call is not timed apart by the paper's protocol.
"""

from __future__ import annotations

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
        """See `Projector`."""
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
        generator = np.random.default_rng(SEED)
        self._weights = []
        for fan_in in (channels, hidden):
            values = generator.standard_normal((fan_in, hidden), dtype=np.float32)
            self._weights.append(self._mlx.array(values * fan_in**-0.5).astype(dtype))
        self._mlx.eval(self._weights)

    def __call__(self, tokens: np.ndarray) -> Any:
        """See `Projector`."""
        from mlx.nn import gelu

        first, second = self._weights
        embeddings = gelu(self._mlx.array(tokens).astype(self._dtype) @ first) @ second
        self._mlx.eval(embeddings)
        return embeddings


class NumpyProjector:
    """The projector on the host in fp32, for runtimes that run a whole language model only."""

    def __init__(self, channels: int, hidden: int) -> None:
        generator = np.random.default_rng(SEED)
        self._weights = [
            generator.standard_normal((fan_in, hidden), dtype=np.float32) * np.float32(fan_in**-0.5)
            for fan_in in (channels, hidden)
        ]

    def __call__(self, tokens: np.ndarray) -> np.ndarray:
        """See `Projector`."""
        from scipy.special import erf

        first, second = self._weights
        middle = tokens @ first
        embeddings: np.ndarray = (
            middle * np.float32(0.5) * (1 + erf(middle * np.float32(0.5**0.5)))
        ) @ second
        return embeddings
