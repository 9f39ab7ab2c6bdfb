"""Vision encoders of true size that end in visual tokens, as a language model gets them.

A network is created without storage, materialised, filled with random values and
re-parameterised (RepMixer and MobileOne branches folded into single convolutions, Vasu et
al., 2023), because that is what runs on a device. What comes out is [batch, tokens,
channels]: convolutional maps are flattened row by row, class and register tokens dropped.
All blocks of a ViT run, as the published parameter counts include them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from paretobench.backends.models import five_stage, plain, random_weights
from paretobench.backends.models.timm_import import import_timm
from paretobench.domain import EncoderInput
from paretobench.errors import UnsupportedError

timm = import_timm()

from timm.models._manipulate import (  # noqa: E402  (timm must be importable first)
    reinit_non_persistent_buffers,
    reparameterize_model,
)

BUILDERS = ("timm", "convnext_five_stage")
"""Who can build an encoder: timm by name, or `five_stage` on top of it."""


class VisualTokens(nn.Module):  # type: ignore[misc]  # torch is not followed
    """A timm network cut before its pooling and head.

    Input [batch, 3, height, width], normalised pixels; output [batch, tokens,
    channels].
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.prefix_tokens = int(getattr(network, "num_prefix_tokens", 0))
        self.channels_last = str(getattr(network, "output_fmt", "NCHW")) == "NHWC"

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The visual tokens of one batch of images."""
        features = self.network.forward_features(pixels)
        if features.ndim == 4 and self.channels_last:
            return features.flatten(1, 2)
        if features.ndim == 4:
            return features.flatten(2).transpose(1, 2)
        # A slice from 0 is a no-op that Core ML's converter stumbles over.
        return features[:, self.prefix_tokens :] if self.prefix_tokens else features


def create_on_meta(spec: Mapping[str, Any], seen: EncoderInput | int) -> nn.Module:
    """The network without storage: for parameter counts, and to be materialised.

    Args:
        spec: `Encoder.spec()`: builder, architecture, options.
        seen: the input of one pass, or the side of a square; fixed into networks that have a
            grid.

    Raises:
        UnsupportedError: if timm has no such architecture or refuses an option.
    """
    if spec["builder"] not in BUILDERS:
        known = " and ".join(map(repr, BUILDERS))
        raise UnsupportedError(f"no builder {spec['builder']!r} for encoders; there are {known}")
    name, options = spec["architecture"], plain(spec.get("options", {}), tuple)
    if name not in timm.list_models():
        raise UnsupportedError(
            f"timm {timm.__version__} has no architecture {name!r}; 'pip install -U timm' or "
            "correct the encoder's YAML"
        )
    with torch.device("meta"):
        if spec["builder"] == "convnext_five_stage":
            return VisualTokens(five_stage.create(name, options)).eval()
        if has_fixed_grid(name):
            options = {"img_size": _image_size(seen), **options}
        network = timm.create_model(name, pretrained=False, num_classes=0, **options)
    return VisualTokens(network).eval()


def build(
    spec: Mapping[str, Any],
    seen: EncoderInput | int,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> nn.Module:
    """An encoder with random weights, re-parameterised, on the CPU, in eval mode.

    Args:
        spec: `Encoder.spec()`.
        seen: the input of one pass, or the side of a square.
        dtype: of the weights; values are folded in fp32 first.
        seed: of the random values.
    """
    encoder = create_on_meta(spec, seen)
    drop_head(encoder.network)
    encoder = encoder.to_empty(device="cpu")
    reinit_non_persistent_buffers(encoder)
    random_weights.fill(encoder, seed)
    fold_branches(encoder, "cpu")
    return encoder.to(dtype).requires_grad_(False).eval()


def build_without_values(spec: Mapping[str, Any], seen: EncoderInput | int) -> nn.Module:
    """What `build` makes, without storage: prepared weights are assigned to it."""
    encoder = create_on_meta(spec, seen)
    drop_head(encoder.network)
    fold_branches(encoder, "meta")
    return encoder.requires_grad_(False).eval()


def fold_branches(encoder: nn.Module, device: str) -> None:
    """Re-parameterise in place: every train-time branch becomes part of one convolution."""
    with torch.device(device):
        encoder.network = reparameterize_model(encoder.network, inplace=True)


def drop_head(network: nn.Module) -> None:
    """Remove what only a classifier needs; pooling is bypassed by `forward_features`."""
    for name in ("head", "attn_pool", "fc_norm", "head_drop"):
        if isinstance(getattr(network, name, None), nn.Module):
            setattr(network, name, nn.Identity())


def has_fixed_grid(name: str) -> bool:
    """Whether the architecture has a token grid whose size is fixed when it is built."""
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return bool(config is not None and config.fixed_input_size)


def _image_size(seen: EncoderInput | int) -> int | tuple[int, int]:
    """A network's input as timm takes it.

    Raises:
        UnsupportedError: for an input that is padded to a number of patches.
    """
    if isinstance(seen, int):
        return seen
    if seen.padded_patches:
        raise UnsupportedError(f"networks of timm take no padded patches, such as {seen.size}")
    return seen.width_px if seen.is_square else (seen.height_px, seen.width_px)
