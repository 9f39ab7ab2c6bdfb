"""True-size networks with random weights: the encoders and language models of a grid.

Latency depends on a network's shape, not on what it learnt, so every published dimension is
kept and only the values are random. The submodules import torch or mlx at their top: import
them inside functions.

    timm_import      `import timm` where torchvision's operators are missing
    shared           dimensions and spreads that torch and MLX have in common; imports neither
    random_weights   values that keep activations finite, filled at memory speed
    encoders         timm networks that end in visual tokens
    towers           vision towers of transformers, with their projectors
    patches          how such a tower takes an image
    torch_llm        decoder-only language models through transformers
    mlx_llm          the same through mlx-lm
    mlx_checkpoints  the language model of a checkpoint, in MLX
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RANDOM_WEIGHTS = 1
"""Version of the random values; part of the key of everything made from them. Raise it when
`random_weights.fill` gives other values."""

TOWERS = "transformers"
"""The builder of vision towers with their projectors; every other one builds from timm."""


def is_tower(spec: Mapping[str, Any]) -> bool:
    """Whether an encoder is a tower of transformers.

    Args:
        spec: `Encoder.spec()`.
    """
    return spec.get("builder") == TOWERS


def builder_of(spec: Mapping[str, Any]) -> Any:
    """The module that builds an encoder: `towers` or `encoders`, imported when it is asked for."""
    if is_tower(spec):
        from paretobench.backends.models import towers

        return towers
    from paretobench.backends.models import encoders

    return encoders
