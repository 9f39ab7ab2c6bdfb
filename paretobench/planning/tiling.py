"""From image size and scheme to tiles, encoder passes and visual tokens. Pure arithmetic.

Answers what one image costs: how many encoder passes at which tile size, how many visual
tokens, and how many separator tokens. Each scheme's rule names where it was read. What a
pass or a token costs in time is no business of this file.

`visual_tokens` are those that carry image content; row separators are counted apart, as
`newline_tokens`. A language model prefills both.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from paretobench.domain import Encoder, EncoderInput, ImageSize, TilePlan, Tiling
from paretobench.errors import PlanError, UnknownNameError
from paretobench.planning.tokens import Size, count_tokens
from paretobench.planning.tokens.anyres import anyres
from paretobench.planning.tokens.canvases import closest_tiles


def plan_tiles(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """What `tiling` makes of an image of `resolution_px` by `resolution_px`.

    Options of the schemes that pool or select (`tiling_options` lists who takes what):
        queries: a resampler or a pruning method keeps this many tokens of each pass.
        pool: this many tokens by this many become one (pooling, pixel shuffle).
    Schemes that depend on the aspect ratio take `width_px` and `height_px` instead of a square.

    Raises:
        PlanError: if the encoder cannot see such a tile, or the image cannot be cut so; the
            message is the reason alone, ready for a refusal.
        UnknownNameError: if there is no such scheme.
    """
    if tiling.scheme not in SCHEMES:
        raise UnknownNameError("tiling scheme", tiling.scheme, SCHEMES)
    return SCHEMES[tiling.scheme](encoder, resolution_px, tiling)


def plan_images(
    encoder: Encoder, resolution_px: int, tiling: Tiling
) -> tuple[tuple[ImageSize, TilePlan], ...]:
    """What a tiling makes of each of its images; of a square of the resolution if it names none.

    Raises:
        PlanError: if it refuses one of them; the message says which.
    """
    if tiling.images is None:
        square = ImageSize(resolution_px, resolution_px)
        return ((square, plan_tiles(encoder, resolution_px, tiling)),)
    found = []
    for size in tiling.images.sizes:
        try:
            plan = plan_tiles(encoder, resolution_px, tiling.of_size(size))
        except PlanError as error:
            raise PlanError(f"an image of {size}: {error}") from None
        found.append((size, plan))
    return tuple(found)


def mean_tiles(plans: Sequence[tuple[int, TilePlan]]) -> TilePlan:
    """The mean of weighted plans, in whole passes and tokens; a plan alone is its own mean.

    >>> mean_tiles([(3, TilePlan(448, 5, 1280)), (1, TilePlan(448, 13, 3328))]).passes
    7
    """
    if len(plans) == 1:
        return plans[0][1]
    total = sum(weight for weight, _ in plans)

    def mean(values: Iterable[int]) -> int:
        return round(sum(w * v for (w, _), v in zip(plans, values, strict=True)) / total)

    return TilePlan(
        max(plan.tile_px for _, plan in plans),
        mean(plan.passes for _, plan in plans),
        mean(plan.visual_tokens for _, plan in plans),
        mean(plan.newline_tokens for _, plan in plans),
    )


def static(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """The whole image in one pass (FastVLM section 4). A system of several encoders makes
    its parts' passes and fuses them into the system's own tokens."""
    require(encoder, resolution_px)
    passes = sum(part.passes for part in encoder.parts) or 1
    return TilePlan(resolution_px, passes, tokens_of_pass(encoder, resolution_px, tiling))


def grid(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """g by g tiles, and with `overview` the whole image shrunk to one more tile (Figure 6).

    FastVLM v1 does not state the overview; the 1,280 tokens and 5 passes that v2 gives for
    2x2 tiles at 2048 px do. With `queries: 144` these are MM1's sub-images (arXiv 2403.09611,
    section 3.3): 4 crops and the whole, 720 tokens. With `prefills: overview` only the whole's
    tokens are the language model's sequence, as in FlexAttention (arXiv 2407.20228).
    """
    g = int(tiling.options["g"])
    tile_px, rest = divmod(resolution_px, g)
    if rest:
        raise PlanError(f"{resolution_px} px cannot be cut into {g}x{g} equal tiles")
    require(encoder, tile_px, f"its {g}x{g} tiles are {tile_px} px")
    passes = g * g + bool(tiling.options.get("overview", True))
    seen = 1 if tiling.options.get("prefills") == "overview" else passes
    return TilePlan(tile_px, passes, seen * tokens_of_pass(encoder, tile_px, tiling))


def llava_next_anyres(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """LLaVA-NeXT: the best of five canvases, padding removed again, one newline per row.

    Rule: LLaVA-NeXT's repository, `llava/mm_utils.py` (`select_best_resolution`) and
    `llava/model/llava_arch.py` (merge type `spatial_unpad`). The canvases are 1x2, 2x1, 2x2,
    3x1 and 1x3 tiles, as its training scripts list them. The overview's tokens come first,
    without newlines.
    """
    return _anyres(encoder, resolution_px, tiling, [(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)])


def llava_onevision_anyres(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """LLaVA-OneVision `anyres_max_N`: canvases of up to 6x6 tiles, tokens shrunk to about N
    tiles' worth; every tile still costs a pass.

    Rule: as `llava_next_anyres`, with the branch `anyres_max`: the token map is interpolated
    down only where it is more than 1.1 times too long on each side, so that some images stay
    above (N + 1) tiles' tokens.
    """
    canvases = [*itertools.product(range(1, 7), range(1, 7))]
    return _anyres(encoder, resolution_px, tiling, canvases, int(tiling.options["max_tiles"]))


def _anyres(
    encoder: Encoder, resolution_px: int, tiling: Tiling, canvases: Sequence[Size], most: int = 0
) -> TilePlan:
    tile_px = _tile(encoder, tiling)
    side = tokens_side(encoder, tile_px)
    image = _image_size(resolution_px, tiling)
    found = anyres(image, tile_px=tile_px, side=side, canvases=canvases, max_tiles=most)
    return TilePlan(tile_px, found.passes, found.visual_tokens, found.separator_tokens)


def s2(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """S2: the image at several scales, each cut into tiles of the smallest; their features
    are pooled to the smallest scale's grid and stacked as channels.

    Rule: `s2wrapper/core.py` of scaling_on_scales (arXiv 2403.13043): a scale takes the
    square of its number of splits in passes, and the tokens are those of the first scale.
    """
    scales = [int(scale) for scale in tiling.options["scales"]]
    tile_px, rest = divmod(resolution_px, max(scales))
    if rest:
        raise PlanError(f"{resolution_px} px is not {max(scales)} times a whole number of pixels")
    require(encoder, tile_px, f"its tiles are {tile_px} px")
    passes = sum(scale**2 for scale in scales)
    return TilePlan(tile_px, passes, tokens_of_pass(encoder, tile_px, tiling))


def sphinx(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """SPHINX: the image cut into base tiles, and the whole as one more.

    Rule: arXiv 2311.07575, section 3.3, and `image_words` in LLaMA2-Accessory: each view is
    the class token, the grid's tokens, 32 of the Q-Former and a start and an end marker:
    1 + 256 + 32 + 2 = 291 at 224 px.
    """
    tile_px = _tile(encoder, tiling)
    per_side, rest = divmod(resolution_px, tile_px)
    if rest:
        raise PlanError(f"{resolution_px} px cannot be cut into tiles of {tile_px} px")
    views = per_side**2 + 1
    words = tokens_of_pass(encoder, tile_px, tiling) + int(tiling.options["extra_tokens"])
    return TilePlan(tile_px, views, views * words)


def internvl_dynamic(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """InternVL: the canvas of 1 to 12 tiles whose shape is closest to the image's, and a
    thumbnail unless there is one tile only.

    Rule: `dynamic_preprocess` and `find_closest_aspect_ratio` in InternVL's repository; of
    equally close shapes a larger canvas wins while the image has more than half its pixels.
    """
    tile_px, image = _tile(encoder, tiling), _image_size(resolution_px, tiling)
    tokens = tokens_of_pass(encoder, tile_px, tiling)
    least, most = int(tiling.options["min_tiles"]), int(tiling.options["max_tiles"])
    found = closest_tiles(
        image, tile_px=tile_px, tile_tokens=tokens, min_tiles=least, max_tiles=most, separators=0
    )
    return TilePlan(tile_px, found.passes, found.visual_tokens)


def image_rule(encoder: Encoder, resolution_px: int, tiling: Tiling) -> TilePlan:
    """A token rule of today's vision-language models, by its name in `planning.tokens`.

    Takes the rule's options beside `rule`. Passes may be rectangles, and of several sizes.
    """
    image = _image_size(resolution_px, tiling)
    own = ("rule", "width_px", "height_px")
    options = {name: value for name, value in tiling.options.items() if name not in own}
    found = count_tokens(str(tiling.options.get("rule")), image, options)
    inputs = _by_size(found.inputs)
    for one in inputs:
        what = f"{tiling.label or tiling.name} has passes of {one.size} px"
        for side_px in sorted({one.width_px, one.height_px}):
            require(encoder, side_px, what)
    unequal = () if len(inputs) == 1 and inputs[0].is_square else inputs
    longest_px = max(one.longest_px for one in inputs)
    tokens = (found.visual_tokens, found.separator_tokens)
    return TilePlan(longest_px, found.passes, *tokens, unequal)


def _by_size(inputs: Sequence[EncoderInput]) -> tuple[EncoderInput, ...]:
    """Passes of one size in one entry, in the order in which sizes first appear."""
    passes: Counter[EncoderInput] = Counter()
    for one in inputs:
        passes[replace(one, passes=1)] += one.passes
    return tuple(replace(one, passes=count) for one, count in passes.items())


def tokens_side(encoder: Encoder, tile_px: int) -> int:
    """Tokens along one side of a tile.

    Raises:
        PlanError: if the encoder's tokens are no grid.
    """
    if encoder.fixed_tokens:
        raise PlanError(f"{encoder.label} gives {encoder.fixed_tokens} tokens without rows")
    return encoder.grid_side(tile_px)


def tokens_of_pass(encoder: Encoder, tile_px: int, tiling: Tiling) -> int:
    """Tokens that the language model gets from one pass, after a resampler or pooling.

    Raises:
        PlanError: if pooling does not divide the grid, or `queries` exceed it.
    """
    every = encoder.tokens(tile_px)
    if queries := int(tiling.options.get("queries", 0)):
        if queries > every:
            raise PlanError(f"{queries} tokens cannot be kept of {every} at {tile_px} px")
        return queries
    pool = int(tiling.options.get("pool", 1))
    if pool == 1:
        return every
    side, rest = divmod(tokens_side(encoder, tile_px), pool)
    if rest:
        raise PlanError(f"{side * pool + rest} tokens a side cannot be pooled by {pool}")
    return side**2


def require(encoder: Encoder, tile_px: int, what: str = "") -> None:
    """Refuse a tile that the encoder does not accept.

    Raises:
        PlanError: with what is allowed, and why.
    """
    if not encoder.resolutions.accepts(tile_px):
        subject = what or f"{tile_px} px is not accepted"
        why = f" ({encoder.resolutions.why})" if encoder.resolutions.why else ""
        raise PlanError(f"{subject}; {encoder.label} takes {encoder.resolutions.describe()}{why}")


def _tile(encoder: Encoder, tiling: Tiling) -> int:
    """The scheme's tile, if the encoder accepts it."""
    tile_px = int(tiling.options["tile_px"])
    name = tiling.label or tiling.name
    require(encoder, tile_px, f"{name} has tiles of {tile_px} px; set tiling.options.tile_px")
    return tile_px


def _image_size(resolution_px: int, tiling: Tiling) -> Size:
    def side(name: str) -> int:
        value: Any = tiling.options.get(name)
        return resolution_px if value is None else int(value)

    return side("width_px"), side("height_px")


SCHEMES: dict[str, Callable[[Encoder, int, Tiling], TilePlan]] = {
    "none": static,
    "grid": grid,
    "llava_next_anyres": llava_next_anyres,
    "llava_onevision_anyres": llava_onevision_anyres,
    "s2": s2,
    "sphinx": sphinx,
    "internvl_dynamic": internvl_dynamic,
    "image_rule": image_rule,
}
"""Every scheme by the name that `sweeps/tiling` uses."""
