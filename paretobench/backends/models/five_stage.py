"""ConvLLaVA's encoder: a ConvNeXt with a fifth stage, which timm has no name for.

Ge et al., arXiv 2405.15738: one more stage behind the published four halves the map again,
so that 64 pixels along a side become one token. Depth and width are those of the authors'
first training stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from paretobench.backends.models.timm_import import import_timm

timm = import_timm()

from timm.models.convnext import ConvNeXtStage  # noqa: E402  (timm must be importable first)


def create(architecture: str, options: Mapping[str, Any]) -> nn.Module:
    """timm's ConvNeXt `architecture` without head, and a stage behind its last.

    Args:
        architecture: a ConvNeXt of timm, such as `convnext_large_mlp`.
        options: `depth` in blocks and `width` in channels of the fifth stage.
    """
    network = timm.create_model(architecture, pretrained=False, num_classes=0)
    last = network.stages[-1]
    network.stages.append(
        ConvNeXtStage(
            network.num_features,
            options["width"],
            stride=2,
            depth=options["depth"],
            drop_path_rates=[0.0] * options["depth"],
            ls_init_value=1e-6,
            conv_mlp=last.blocks[0].use_conv_mlp,
            norm_layer=type(last.downsample[0]),
            norm_layer_cl=type(last.blocks[0].norm),
        )
    )
    network.num_features = options["width"]
    return network
