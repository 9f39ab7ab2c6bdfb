"""Token rules of the LLaVA line: one square view, or AnyRes tiles with their padding cut off.

Answers: which canvas of tiles an image is laid on, which of its tokens show the image, and what
newlines they get. Each rule's source is in its docstring.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from paretobench.planning.tokens.counts import EncoderInput, ImageTokens, Size


def one_view(image: Size, *, side_px: int, tokens: int, separators: int = 0) -> ImageTokens:
    """One square pass whatever the image: FastVLM, LLaVA-1.5, PaliGemma, Gemma 3 and 3n.

    Rule: huggingface/transformers, `models/llava/processing_llava.py`, `models/gemma3/
    processing_gemma3.py` (begin, end and two double newlines), `models/paligemma`.

    >>> one_view((1024, 768), side_px=1024, tokens=256).prefill_tokens
    256
    """
    return ImageTokens((EncoderInput(side_px, side_px),), tokens, separators)


def anyres(
    image: Size,
    *,
    tile_px: int,
    side: int,
    canvases: Sequence[Sequence[int]],
    max_tiles: int = 0,
) -> ImageTokens:
    """LLaVA-NeXT and LLaVA-OneVision: the best of some canvases, padding removed again, one
    newline per row; an overview without newlines. OneVision shrinks a token map that is more
    than 1.1 times too long on each side of `max_tiles` tiles.

    Rule: huggingface/transformers, `models/llava_next/processing_llava_next.py` and
    `models/llava_onevision/processing_llava_onevision.py` (`_get_number_of_features`).

    Args:
        side: tokens on one side of a tile.
        canvases: columns and rows of each.

    >>> grids = [(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)]
    >>> found = anyres((1024, 768), tile_px=336, side=24, canvases=grids)
    >>> found.passes, found.visual_tokens, found.separator_tokens
    (5, 2304, 36)
    """
    columns, rows = best_canvas(image, tile_px, [(one[0], one[1]) for one in canvases])
    width, height = unpadded((columns * side, rows * side), image)
    excess = math.sqrt(width * height / (max_tiles * side**2)) if max_tiles else 0.0
    if excess > 1.1:
        width, height = int(width // excess), int(height // excess)
    inputs = (EncoderInput(tile_px, tile_px, columns * rows + 1),)
    return ImageTokens(inputs, side**2 + width * height, height)


def best_canvas(image: Size, tile_px: int, canvases: Iterable[Size]) -> Size:
    """The canvas, in tiles, that keeps most of the image's pixels and then wastes fewest.

    >>> best_canvas((1000, 500), 336, [(1, 2), (2, 1), (2, 2)])
    (2, 1)
    """
    width, height = image

    def rank(canvas: Size) -> tuple[int, int]:
        wide, high = canvas[0] * tile_px, canvas[1] * tile_px
        scale = min(wide / width, high / height)
        kept = min(int(width * scale) * int(height * scale), width * height)
        return kept, -(wide * high - kept)

    return max(canvases, key=rank)


def unpadded(canvas: Size, image: Size) -> Size:
    """The part of a token canvas that shows the image, once its padding is cut off again.

    Rounded to seven digits before it is cut, as in `transformers`, so that 20.000000000000004
    and 19.999999999999996 are both 20.

    >>> unpadded((48, 48), (672, 672)), unpadded((48, 24), (1000, 400))
    ((48, 48), (48, 20))
    """
    (columns, rows), (width, height) = canvas, image
    if width / height > columns / rows:
        padding = (rows - int(round(height * (columns / width), 7))) // 2
        return columns, rows - 2 * padding
    padding = (columns - int(round(width * (rows / height), 7))) // 2
    return columns - 2 * padding, rows
