"""From image size and scheme to tiles, encoder passes and visual tokens. Pure arithmetic.

Answers what one image costs: how many encoder passes at which tile size, how many visual
tokens, and how many separator tokens. Each scheme's rule names where it was read. What a
pass or a token costs in time is no business of this file.
"""

from __future__ import annotations

from collections.abc import Callable

from paretobench.domain import Encoder, TilePlan, Tiling
from paretobench.errors import PlanError, UnknownNameError


def plan_tiles(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """What `tiling` makes of an image of `resolution_px` by `resolution_px`.

    The tiling's options `width_px` and `height_px` replace the square image where the scheme
    looks at the aspect ratio.

    Raises:
        PlanError: if the encoder cannot see such a tile, or the image cannot be cut so; the
            message is the reason alone, ready for a refusal.
        UnknownNameError: if there is no such scheme.
    """
    if tiling.scheme not in SCHEMES:
        raise UnknownNameError("tiling scheme", tiling.scheme, SCHEMES)
    return SCHEMES[tiling.scheme](encoder, resolution_px, tiling)


def static(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """The whole image in one pass (FastVLM section 4). A system of several encoders makes one
    pass of each and fuses them into the system's own tokens."""
    require(encoder, resolution_px)
    passes = sum(part.passes for part in encoder.parts) or 1
    return TilePlan(resolution_px, passes, encoder.tokens(resolution_px))


def grid(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """g by g tiles, and with `overview` the whole image shrunk to one more tile (Figure 6).

    FastVLM v1 does not state the overview; v2's 1,280 tokens and 5 passes at 2048 px do.
    """
    g = int(tiling.options["g"])
    tile_px, rest = divmod(resolution_px, g)
    if rest:
        raise PlanError(f"{resolution_px} px cannot be cut into {g}x{g} equal tiles")
    require(encoder, tile_px, f"its {g}x{g} tiles are {tile_px} px")
    passes = g * g + bool(tiling.options.get("overview", True))
    return TilePlan(tile_px, passes, passes * encoder.tokens(tile_px))


def require(encoder: Encoder, tile_px: int, what: str = "") -> None:
    """Refuse a tile that the encoder does not accept.

    Raises:
        PlanError: with what is allowed, and why.
    """
    if not encoder.resolutions.accepts(tile_px):
        subject = what or f"{tile_px} px is not accepted"
        why = f" ({encoder.resolutions.why})" if encoder.resolutions.why else ""
        raise PlanError(f"{subject}; {encoder.label} takes {encoder.resolutions.describe()}{why}")


SCHEMES: dict[str, Callable[[Encoder, int, Tiling], TilePlan]] = {
    "none": static,
    "grid": grid,
}
