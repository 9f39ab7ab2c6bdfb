"""The projector between encoder and language model, as part of a Core ML package.

LLaVA-1.5's two linear layers with a GELU between them (Liu et al., 2023, arXiv 2310.03744),
which FastVLM uses too: the visual tokens leave the package in the language model's width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from paretobench.backends.models import random_weights


def with_projector(encoder: nn.Module, resolution_px: int, width: int) -> nn.Module:
    """The encoder followed by a projector with random weights.

    Args:
        encoder: [1, 3, resolution, resolution] to [1, tokens, channels].
        width: of a visual token as the language model gets it.
    """
    with torch.no_grad():
        channels = encoder(torch.zeros(1, 3, resolution_px, resolution_px)).shape[-1]
    projector = nn.Sequential(nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width))
    random_weights.fill(projector)
    joined: Any = nn.Sequential(encoder, projector)
    return joined.requires_grad_(False).eval()
