"""Random values for a network's parameters, written at the speed of memory.

Two things can make a random network slower than a trained one: denormal numbers and
infinities, which a processor handles off its fast path. So matrices get the variance that
keeps activations near one (He et al., 2015: gain over the square root of the fan-in), norms
start as the identity, and layer scales get the size that trained networks reach instead of
their initial 1e-5, under which a block contributes nothing and no comparison of two runtimes
would notice a wrong one.

Filling is by tiles: one block of normal values, generated once, is copied into every
parameter and scaled, so that a 7-billion-parameter model takes seconds instead of minutes.
Each parameter starts at its own place in the block. If two layers were equal, OpenVINO would
merge their constants, and a network of 24 layers would be timed with the weights of one.
"""

from __future__ import annotations

import torch
from torch import nn

from paretobench.backends.models.llm_dimensions import BLOCK_VALUES, standard_deviation, start

KEPT_COPIES = 4
"""Scaled copies of the block that are kept: at most 128 MiB."""

LAYER_SCALE = 0.1
"""Value of every layer scale. Trained ConvNeXt and FastViT have medians between 0.01 and 1;
the initial 1e-5 or 1e-6 would hide a block from any numerical check."""


def fill(network: nn.Module, seed: int = 0) -> None:
    """Give every parameter and running statistic of `network` its value, in place.

    Args:
        network: materialised (no meta tensors); any dtype, any device.
        seed: of the block; equal seeds and names give equal networks.
    """
    tiles = Tiles(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            _fill_parameter(name, parameter, tiles)
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.zero_()
            elif name.endswith("running_var"):
                buffer.fill_(1)


class Tiles:
    """One block of standard normal values, twice in a row: whatever place a parameter starts
    from, a whole block follows."""

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._twice = torch.randn(BLOCK_VALUES, generator=generator).repeat(2)
        self._scaled: dict[tuple[float, torch.dtype, torch.device], torch.Tensor] = {}

    def cover(self, target: torch.Tensor, sd: float, start: int) -> None:
        """Write values of standard deviation `sd` over `target`, from place `start` on."""
        flat = target.view(-1)
        tile = self._scaled_by(sd, flat)[start:][:BLOCK_VALUES]
        whole = flat.numel() // BLOCK_VALUES * BLOCK_VALUES
        if whole:
            flat[:whole].view(-1, BLOCK_VALUES).copy_(tile.expand(whole // BLOCK_VALUES, -1))
        flat[whole:].copy_(tile[: flat.numel() - whole])

    def _scaled_by(self, sd: float, like: torch.Tensor) -> torch.Tensor:
        """Scaled copies of the last few spreads: a language model has three, and copying
        takes half as long as copying and scaling."""
        key = (sd, like.dtype, like.device)
        if key not in self._scaled:
            while len(self._scaled) >= KEPT_COPIES:
                self._scaled.pop(next(iter(self._scaled)))
            self._scaled[key] = (self._twice * sd).to(device=like.device, dtype=like.dtype)
        return self._scaled[key]


def _fill_parameter(name: str, parameter: nn.Parameter, tiles: Tiles) -> None:
    leaf = name.rsplit(".", 1)[-1]
    if leaf in ("gamma", "layer_scale") or leaf.startswith("lambda"):
        parameter.fill_(LAYER_SCALE)
    elif leaf == "weight" and parameter.ndim == 1:
        parameter.fill_(1)
    else:
        sd = standard_deviation(name, tuple(parameter.shape))
        tiles.cover(parameter, sd, start(name, BLOCK_VALUES))
