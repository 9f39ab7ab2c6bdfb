"""Token rules of today's vision-language models: image size in, passes and tokens out. Pure.

One file per family of rules. A rule's name and its options are data (`sweeps/vlm`), so a model
that follows a known rule needs no code. What a pass or a token costs in time is measured, not
counted here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from paretobench.errors import ConfigError, PlanError, UnknownNameError
from paretobench.planning.tokens import anyres, canvases, native, splits
from paretobench.planning.tokens.counts import EncoderInput, ImageTokens, Size

__all__ = ["RULES", "EncoderInput", "ImageTokens", "Size", "count_tokens"]

RULES: dict[str, Callable[..., ImageTokens]] = {
    "merged_patches": native.merged_patches,
    "naflex": native.naflex,
    "pooled_budget": native.pooled_budget,
    "rows_with_breaks": native.rows_with_breaks,
    "closest_tiles": canvases.closest_tiles,
    "tiles_with_own_thumbnail": canvases.tiles_with_own_thumbnail,
    "hd_transform": canvases.hd_transform,
    "global_and_crops": canvases.global_and_crops,
    "split_with_global": splits.split_with_global,
    "pan_and_scan": splits.pan_and_scan,
    "overlapping_crops": splits.overlapping_crops,
    "slices_with_source": splits.slices_with_source,
    "one_view": anyres.one_view,
    "anyres": anyres.anyres,
}
"""Every rule by the name that `sweeps/vlm` uses."""


def count_tokens(rule: str, image: Size, options: Mapping[str, Any]) -> ImageTokens:
    """Passes and tokens of one image under a rule.

    Args:
        image: width and height in pixels.
        options: the rule's keyword arguments.

    >>> count_tokens("one_view", (640, 480), {"side_px": 224, "tokens": 256}).visual_tokens
    256

    Raises:
        UnknownNameError: if there is no such rule, or it has no such option.
        ConfigError: if an option is missing or of the wrong kind.
        PlanError: if the rule refuses the image.
    """
    if rule not in RULES:
        raise UnknownNameError("token rule", rule, RULES)
    if min(image) < 1:
        raise PlanError(f"an image has at least 1x1 pixels, not {image[0]}x{image[1]}")
    known = dict(inspect.signature(RULES[rule]).parameters)
    del known["image"]
    for name, value in options.items():
        if name not in known:
            raise UnknownNameError(f"option of rule {rule}", name, known)
        _check(rule, name, value, str(known[name].annotation))
    needed = [name for name, one in known.items() if one.default is one.empty]
    if missing := [name for name in needed if name not in options]:
        raise ConfigError(f"rule {rule} needs the option {', '.join(missing)}")
    return RULES[rule](image, **options)


def _check(rule: str, name: str, value: Any, annotation: str) -> None:
    """Refuse a value that the rule would stumble over.

    Raises:
        ConfigError: with what is allowed.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    allowed = {
        "int": ("a whole number, 0 or above", is_number and value == int(value) >= 0),
        "float": ("a number above 0", is_number and value > 0),
        "bool": ("true or false", isinstance(value, bool)),
    }
    words, is_fine = allowed.get(annotation, ("a list", isinstance(value, list | tuple)))
    if not is_fine:
        raise ConfigError(f"option {name} of rule {rule} must be {words}, not {value!r}")
