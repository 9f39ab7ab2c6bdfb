"""The options that each tiling scheme takes, checked before anything is computed with it.

A scheme takes the options listed here and no others: an option that a scheme does not read would
be dropped in silence, and a negative width would give a negative number of tokens. What the
options mean is said by the schemes themselves, in `tiling`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paretobench.domain import Tiling
from paretobench.errors import ConfigError, UnknownNameError

_POOLING = {"queries": 1, "pool": 1}
_IMAGE = {"tile_px": 1, "width_px": 1, "height_px": 1}

WHOLE: Mapping[str, Mapping[str, int]] = {
    "none": _POOLING,
    "grid": {"g": 1, **_POOLING},
    "llava_next_anyres": _IMAGE,
    "llava_onevision_anyres": {**_IMAGE, "max_tiles": 1},
    "s2": _POOLING,
    "sphinx": {"tile_px": 1, "extra_tokens": 0, **_POOLING},
    "internvl_dynamic": {**_IMAGE, "min_tiles": 1, "max_tiles": 1, **_POOLING},
}
"""Scheme -> options that are whole numbers, with the least each may be."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "grid": ("g",),
    "llava_next_anyres": ("tile_px",),
    "llava_onevision_anyres": ("tile_px", "max_tiles"),
    "s2": ("scales",),
    "sphinx": ("tile_px", "extra_tokens"),
    "internvl_dynamic": ("tile_px", "min_tiles", "max_tiles"),
}
"""Scheme -> options without which it cannot be computed."""

OTHERS: Mapping[str, tuple[str, ...]] = {"grid": ("overview", "prefills"), "s2": ("scales",)}
"""Scheme -> options that are no whole numbers."""


def follows_image(tiling: Tiling) -> bool:
    """Whether a tiling cuts an image by its own sides; the others see a square of one size."""
    return tiling.scheme == "image_rule" or "width_px" in WHOLE.get(tiling.scheme, {})


def check_options(tiling: Tiling) -> None:
    """Refuse options that a tiling's scheme does not take, or that cannot be.

    A scheme that does not exist is left to `plan_tiles`.

    Raises:
        ConfigError: with the option, its value and what is allowed.
    """
    if tiling.scheme not in WHOLE:
        return
    whole, others = WHOLE[tiling.scheme], OTHERS.get(tiling.scheme, ())
    for name, value in tiling.options.items():
        if name in whole:
            _check_whole(name, value, whole[name])
        elif name not in others:
            kind = f"option of tiling {tiling.name} (scheme {tiling.scheme})"
            raise UnknownNameError(kind, name, [*whole, *others])
    lacking = [n for n in REQUIRED.get(tiling.scheme, ()) if tiling.options.get(n) is None]
    if lacking:
        raise ConfigError(f"tiling {tiling.name} needs tiling.options.{lacking[0]}")
    _check_others(tiling.options)


def _check_whole(name: str, value: Any, least: int) -> None:
    if value is None and name in ("width_px", "height_px"):
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(
            f"tiling.options.{name}={value} must be a whole number of at least {least}"
        )


def _check_others(options: Mapping[str, Any]) -> None:
    scales = options.get("scales", (1,))
    are_whole = isinstance(scales, list | tuple) and all(
        isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in scales
    )
    if not are_whole or not scales:
        raise ConfigError(
            f"tiling.options.scales={scales} must be a list of whole numbers from 1, "
            "such as [1, 2, 3]"
        )
    if not isinstance(options.get("overview", True), bool):
        raise ConfigError(f"tiling.options.overview={options['overview']} must be true or false")
    if options.get("prefills", "overview") != "overview":
        raise ConfigError(
            f"tiling.options.prefills={options['prefills']} must be overview, or left out"
        )
    least, most = options.get("min_tiles"), options.get("max_tiles")
    if least is not None and most is not None and least > most:
        raise ConfigError(
            f"tiling.options.min_tiles={least} must not exceed tiling.options.max_tiles={most}"
        )
