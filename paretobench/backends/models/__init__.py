"""True-size networks with random weights: the encoders and language models of a grid.

Latency depends on a network's shape, not on what it learnt, so every published dimension is
kept and only the values are random. The submodules import torch or mlx at their top: import
them inside functions.

    timm_import      `import timm` where torchvision's operators are missing
    llm_dimensions   dimensions and spreads that torch and MLX have in common; imports neither
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


def llm_subject(llm: Mapping[str, Any], precision: str) -> dict[str, Any]:
    """What the artifact of a language model with random weights is filed under."""
    return {"kind": "llm", "llm": dict(llm), "precision": precision, "weights": RANDOM_WEIGHTS}


TOWERS = "transformers"
"""The builder of vision towers with their projectors; every other one builds from timm."""


def is_tower(spec: Mapping[str, Any]) -> bool:
    """Whether an encoder is a tower of transformers.

    Args:
        spec: `Encoder.spec()`.
    """
    return spec.get("builder") == TOWERS


def n_parameters(network: Any) -> int:
    """Parameters of a torch module, with storage or without."""
    return sum(parameter.numel() for parameter in network.parameters())


def plain(value: Any, sequence: type = list) -> Any:
    """An encoder's options as dictionaries and one type of sequence.

    >>> plain({"depths": (2, 2)}), plain([1, [2]], tuple)
    ({'depths': [2, 2]}, (1, (2,)))
    """
    if isinstance(value, Mapping):
        return {key: plain(item, sequence) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return sequence(plain(item, sequence) for item in value)
    return value
