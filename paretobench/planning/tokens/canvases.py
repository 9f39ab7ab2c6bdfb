"""Token rules that cut an image into the tile canvas whose shape is closest to its own.

Answers: how many tiles, whether a thumbnail or a global view joins them and of what size, and
how many tokens and marks the language model then reads. Each rule's source is in its docstring.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from paretobench.errors import PlanError
from paretobench.planning.tokens.counts import EncoderInput, ImageTokens, Size
from paretobench.planning.tokens.native import resized_within

NARROWEST_PX = 10
"""Phi-4's processor refuses an image that is thinner than this once it is resized."""


def closest_canvas(image: Size, tile_px: int, least: int, most: int) -> Size:
    """Columns and rows, of `least` to `most` tiles, whose ratio is closest to the image's.

    Of equally close shapes a larger canvas wins while the image has more than half its pixels.
    Rule: OpenGVLab/InternVL, `dynamic_preprocess` and `find_closest_aspect_ratio`; the same in
    huggingface/transformers, `models/got_ocr2/image_processing_got_ocr2.py`.

    >>> closest_canvas((1024, 768), 448, 1, 12), closest_canvas((300, 300), 448, 1, 12)
    ((4, 3), (1, 1))
    """
    width, height = image
    shapes = [(columns, rows) for columns in range(1, most + 1) for rows in range(1, most + 1)]
    best: Size = (1, 1)
    difference = math.inf
    for canvas in sorted((s for s in shapes if least <= math.prod(s) <= most), key=math.prod):
        this = abs(width / height - canvas[0] / canvas[1])
        fills = width * height > 0.5 * tile_px**2 * math.prod(canvas)
        if this < difference or (this == difference and fills):
            best, difference = canvas, this
    return best


def closest_tiles(
    image: Size,
    *,
    tile_px: int,
    tile_tokens: int,
    max_tiles: int,
    min_tiles: int = 1,
    separators: int = 2,
    separators_per_tile: int = 0,
) -> ImageTokens:
    """InternVL and Aya Vision: the closest canvas, and a thumbnail unless it is one tile.

    Rule: huggingface/transformers, `models/internvl/processing_internvl.py` (two marks around
    the image) and `models/aya_vision/processing_aya_vision.py` (a mark on every tile).

    >>> closest_tiles((1024, 768), tile_px=448, tile_tokens=256, max_tiles=12).prefill_tokens
    3330
    """
    tiles = math.prod(closest_canvas(image, tile_px, min_tiles, max_tiles))
    passes = tiles + (tiles > 1)
    marks = separators + separators_per_tile * passes
    return ImageTokens((EncoderInput(tile_px, tile_px, passes),), passes * tile_tokens, marks)


def tiles_with_own_thumbnail(
    image: Size,
    *,
    patch_px: int,
    merge: int,
    min_tokens: int,
    max_tokens: int,
    tile_px: int,
    tiles: Sequence[int],
    tolerance: float,
) -> ImageTokens:
    """LFM2-VL: an image of up to `tolerance` times the budget is resized as a whole; a larger
    one is cut into tiles, with a thumbnail in its own shape. Every pass is padded to the budget.

    Rule: huggingface/transformers, `models/lfm2_vl/image_processing_lfm2_vl.py`
    (`resize_and_split`) and `models/lfm2_vl/processing_lfm2_vl.py`: a start and an end, a mark
    on every tile and one on the thumbnail.

    Args:
        tiles: the least and the most of them.

    >>> found = tiles_with_own_thumbnail((1024, 768), patch_px=16, merge=2, min_tokens=64,
    ...     max_tokens=256, tile_px=512, tiles=(2, 10), tolerance=2.0)
    >>> [str(one) for one in found.inputs], found.visual_tokens, found.separator_tokens
    (['6 of 512x512', '576x416 in 1024 patches'], 1770, 9)
    """
    unit = patch_px * merge
    most = max_tokens * unit**2
    whole = resized_within(image, unit, min_tokens * unit**2, most, least=unit)
    tokens = math.prod(whole) // unit**2
    padding = max_tokens * merge**2 if tokens < max_tokens else 0
    seen = EncoderInput(*whole, padded_patches=padding)
    rounded = math.prod(max(patch_px, round(side / unit) * unit) for side in image)
    if rounded <= most * tolerance:
        return ImageTokens((seen,), tokens, 2)
    number = math.prod(closest_canvas(image, tile_px, *tiles))
    per_tile = math.ceil(tile_px // patch_px / merge) ** 2
    inputs = EncoderInput(tile_px, tile_px, number), seen
    return ImageTokens(inputs, number * per_tile + tokens, 2 + number + 1)


def hd_transform(image: Size, *, tile_px: int, patch_px: int, max_tiles: int) -> ImageTokens:
    """Phi-4-multimodal: as many tiles as the image fills, at most the closest canvas of
    `max_tiles`; a global view; the padding's tokens left out; a newline after every row.

    Rule: huggingface/transformers, `models/phi4_multimodal/image_processing_phi4_multimodal.py`
    (`dynamic_preprocess`, `num_img_tokens`). Tokens are every second patch on each side.

    >>> found = hd_transform((1024, 768), tile_px=448, patch_px=14, max_tiles=36)
    >>> found.passes, found.visual_tokens, found.separator_tokens
    (7, 1632, 49)

    Raises:
        PlanError: for an image that gets thinner than 10 px.
    """
    columns, rows = (math.ceil(side / tile_px) for side in image)
    if columns * rows > max_tiles:
        columns, rows = closest_canvas(image, tile_px, 1, max_tiles)
    canvas = columns * tile_px, rows * tile_px
    across, down = canvas[0] / image[0], canvas[1] / image[1]
    shown = (
        (canvas[0], int(image[1] * across)) if across < down else (int(image[0] * down), canvas[1])
    )
    if min(shown) < NARROWEST_PX:
        raise PlanError(f"{image[0]}x{image[1]} becomes {min(shown)} px thin, which Phi-4 refuses")
    side = tile_px // patch_px
    wide, high = (
        math.ceil((number * side - (whole - part) // patch_px) / 2)
        for number, whole, part in zip((columns, rows), canvas, shown, strict=True)
    )
    global_side = math.ceil(side / 2)
    newlines = high + 1 + global_side
    inputs = (EncoderInput(tile_px, tile_px, 1 + columns * rows),)
    return ImageTokens(inputs, global_side**2 + wide * high, newlines)


def global_and_crops(
    image: Size,
    *,
    base_px: int,
    tile_px: int = 0,
    min_tiles: int = 2,
    max_tiles: int = 0,
    newlines: bool = True,
) -> ImageTokens:
    """DeepSeek-OCR: a square global view and, in the modes with crops, tiles of an image that is
    larger than one; a token covers 64 by 64 pixels.

    Rule: deepseek-ai/DeepSeek-OCR, `process/image_process.py` (`dynamic_preprocess`,
    `tokenize_with_images`): a newline after each row of the global view and of the tiles taken
    together, and one separator between them. DeepSeek-OCR-2 has no newlines
    (huggingface/transformers, `models/deepseek_ocr2/processing_deepseek_ocr2.py`).

    >>> found = global_and_crops((1654, 2339), base_px=1024, tile_px=640, max_tiles=9)
    >>> found.passes, found.visual_tokens, found.separator_tokens
    (7, 856, 47)
    """
    base, inputs = _queries(base_px), [EncoderInput(base_px, base_px)]
    visual, separators = base**2, base * newlines + 1
    if max_tiles and max(image) > tile_px:
        columns, rows = closest_canvas(image, tile_px, min_tiles, max_tiles)
        side = _queries(tile_px)
        visual += columns * rows * side**2
        separators += rows * side * newlines
        inputs.insert(0, EncoderInput(tile_px, tile_px, columns * rows))
    return ImageTokens(tuple(inputs), visual, separators)


def _queries(side_px: int) -> int:
    """Tokens a side: patches of 16 px, one in four kept."""
    return math.ceil(side_px // 16 / 4)
