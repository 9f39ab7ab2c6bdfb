"""What torch and MLX share of a language model: its dimensions and the spread of random values.

Pure, so that neither framework is imported for the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

BLOCK_VALUES = 1 << 22
"""Values in the block that is tiled over all parameters: 16 MiB in fp32. Above any cache line or
page pattern that hardware could exploit, and generated in 0.1 s."""

BIAS_SD = 0.02
"""Standard deviation of biases and embeddings, as in GPT-2's initialisation."""


def standard_deviation(name: str, shape: Sequence[int]) -> float:
    """The spread of a parameter's random values; 1 / sqrt(fan-in) for matrices and kernels.

    >>> standard_deviation('mlp.fc1.weight', (64, 16)), standard_deviation('x.bias', (64,))
    (0.25, 0.02)
    """
    if len(shape) < 2 or "embed_tokens" in name or "pos_embed" in name or "token" in name:
        return BIAS_SD
    fan_in = 1
    for size in shape[1:]:
        fan_in *= size
    return float(fan_in**-0.5)


def start(name: str, n_values: int) -> int:
    """Where in a block of so many values a parameter's own begin: the same in every process.

    >>> start('layers.0.weight', 1000) == start('layers.0.weight', 1000) < 1000
    True
    """
    return crc32(name.encode()) % n_values  # not hash(): it differs between processes


WITHOUT_EMBEDDINGS_IN_MLX = ("phi3", "granitemoehybrid")
"""Architectures that mlx-lm (0.32) feeds with token ids only."""


def dimensions(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Our dimensions of a language model by the names that transformers and mlx-lm share.

    Args:
        spec: `LanguageModel.spec()`.
    """
    return {
        "hidden_size": spec["hidden_size"],
        "num_hidden_layers": spec["n_layers"],
        "num_attention_heads": spec["n_heads"],
        "num_key_value_heads": spec["n_kv_heads"],
        "intermediate_size": spec["intermediate_size"],
        "vocab_size": spec["vocab_size"],
        "max_position_embeddings": spec["max_positions"],
        "rms_norm_eps": spec["norm_epsilon"],
        "head_dim": spec["head_dim"],
        "attention_bias": spec["attention_bias"],
        "tie_word_embeddings": spec["tied_embeddings"],
        **spec.get("options", {}),
    }
