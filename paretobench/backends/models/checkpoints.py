"""The two halves of a checkpoint, to be timed with its own weights.

Latency does not depend on the values of weights, but it does on what a checkpoint's
configuration says, and a score and a latency of one hash are of one model beyond doubt. Any
Hugging Face image-text model will do whose vision tower takes pixels alone (LLaVA, FastVLM).
Weights are read from safetensors, and no code of the checkpoint runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from paretobench.backends.models.timm_import import repair_torchvision
from paretobench.errors import UnsupportedError


class VisionHalf(nn.Module):  # type: ignore[misc]
    """A checkpoint's vision tower: pixels [images, 3, side, side] to its features."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The last features, before any projector."""
        features: torch.Tensor = self.tower(pixels).last_hidden_state
        return features


class LanguageHalf(nn.Module):  # type: ignore[misc]
    """A checkpoint's language model with the interface of a causal one of transformers."""

    def __init__(self, model: nn.Module, lm_head: nn.Module, config: Any) -> None:
        super().__init__()
        self.model, self.lm_head, self.config = model, lm_head, config


def vision_half(folder: Path, dtype: torch.dtype) -> nn.Module:
    """The vision tower of a checkpoint on the CPU, ready to run.

    Raises:
        UnsupportedError: if it cannot be loaded, or has no tower that takes pixels alone.
    """
    tower = getattr(_load(folder, dtype).model, "vision_tower", None)
    if tower is None:
        raise UnsupportedError(f"{folder.name} has no vision tower that takes pixels alone")
    return VisionHalf(tower)


def language_half(folder: Path, dtype: torch.dtype, attention: str = "") -> nn.Module:
    """The language model of a checkpoint on the CPU, ready to run.

    Raises:
        UnsupportedError: if it cannot be loaded.
    """
    whole = _load(folder, dtype)
    language = whole.model.language_model
    if attention:
        language.set_attn_implementation(attention)
    return LanguageHalf(language, whole.lm_head, language.config)


def _load(folder: Path, dtype: torch.dtype) -> Any:
    """The whole model.

    Raises:
        UnsupportedError: if it is quantised, torn, pickled, or of an unknown architecture.
    """
    repair_torchvision()
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForImageTextToText

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if getattr(config, "quantization_config", None):
            raise UnsupportedError(
                f"{folder.name} is quantised; torch times fp32, bf16 and fp16 weights here"
            )
        model = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, ImportError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UnsupportedError(f"cannot load the checkpoint {folder.name}: {first}") from error
    return model.requires_grad_(False).eval()
