"""Token rules that split an image into equal or overlapping crops beside a view of the whole.

Answers: how many crops of which size, and the tokens and marks they make. Each rule's source
is in its docstring.
"""

from __future__ import annotations

import itertools
import math

from paretobench.planning.tokens.counts import EncoderInput, ImageTokens, Size

LONGEST_PX = 4096
"""No image is enlarged beyond this (`MAX_IMAGE_SIZE` of Idefics 3 and SmolVLM)."""


def split_with_global(
    image: Size, *, longest_px: int, tile_px: int, tile_tokens: int, split: bool = True
) -> ImageTokens:
    """Idefics 3 and SmolVLM: the longest side enlarged or shrunk to `longest_px`, both sides
    rounded up to whole tiles, and the whole image as one more tile.

    Rule: huggingface/transformers, `models/smolvlm/image_processing_smolvlm.py` (`resize`,
    `resize_for_vision_encoder`, `split_images`) and `models/smolvlm/processing_smolvlm.py`: two
    marks before each tile, a newline after each row, three marks around the whole; the last
    row's newline and the one before the whole are one token in the tokenizer.

    >>> found = split_with_global((1024, 768), longest_px=2048, tile_px=512, tile_tokens=64)
    >>> found.passes, found.visual_tokens, found.separator_tokens
    (13, 832, 30)
    """
    width, height = _whole_tiles(_longest_to(image, longest_px), tile_px)
    if not split or (width <= tile_px and height <= tile_px):
        return ImageTokens((EncoderInput(tile_px, tile_px),), tile_tokens, 3)
    columns, rows = math.ceil(width / tile_px), math.ceil(height / tile_px)
    passes = columns * rows + 1
    separators = rows * (2 * columns + 1) + 3
    return ImageTokens((EncoderInput(tile_px, tile_px, passes),), passes * tile_tokens, separators)


def _longest_to(image: Size, longest_px: int) -> Size:
    width, height = image
    ratio = width / height
    if width >= height:
        longest, other = longest_px, int(longest_px / ratio)
        width, height = longest, max(1, other + other % 2)
    else:
        longest, other = longest_px, int(longest_px * ratio)
        width, height = max(1, other + other % 2), longest
    ratio = width / height
    if width >= height and width > LONGEST_PX:
        width, height = LONGEST_PX, int(LONGEST_PX / ratio)
    elif height > width and height > LONGEST_PX:
        width, height = int(LONGEST_PX * ratio), LONGEST_PX
    return max(width, 1), max(height, 1)


def _whole_tiles(image: Size, tile_px: int) -> Size:
    width, height = image
    ratio = width / height
    if width >= height:
        width = math.ceil(width / tile_px) * tile_px
        return width, math.ceil(int(width / ratio) / tile_px) * tile_px
    height = math.ceil(height / tile_px) * tile_px
    return math.ceil(int(height * ratio) / tile_px) * tile_px, height


def pan_and_scan(
    image: Size,
    *,
    tile_px: int,
    tile_tokens: int,
    min_crop_px: int,
    max_crops: int,
    min_ratio: float,
    separators_per_tile: int = 4,
) -> ImageTokens:
    """Gemma 3 with pan and scan: a long image is also cut along its longer side.

    Rule: huggingface/transformers, `models/gemma3/image_processing_gemma3.py`
    (`pan_and_scan_batched`) and `models/gemma3/processing_gemma3.py`: begin, end and a double
    newline on both sides of each view. The sentence that the processor writes between the whole
    and its crops is text and not counted.

    >>> found = pan_and_scan((1654, 2339), tile_px=896, tile_tokens=256, min_crop_px=256,
    ...                      max_crops=4, min_ratio=1.2)
    >>> found.passes, found.visual_tokens
    (3, 768)
    """
    views = 1 + _crops(image, min_crop_px, max_crops, min_ratio)
    inputs = (EncoderInput(tile_px, tile_px, views),)
    return ImageTokens(inputs, views * tile_tokens, views * separators_per_tile)


def _crops(image: Size, min_crop_px: int, max_crops: int, min_ratio: float) -> int:
    long, short = max(image), min(image)
    if long / short < min_ratio:
        return 0
    wished = min(long // min_crop_px, math.floor(long / short + 0.5))
    crops = min(max_crops, max(2, wished))
    return 0 if min(math.ceil(long / crops), short) < min_crop_px else crops


def overlapping_crops(
    image: Size,
    *,
    crop_px: int,
    patch_px: int,
    margin_patches: int,
    max_crops: int,
    pool: int,
    marks_low_rows: bool = False,
) -> ImageTokens:
    """Molmo 2: crops that overlap by a margin cover the image enlarged least; the patches they
    show once, and those of the whole, are pooled.

    Rule: huggingface/transformers, `models/molmo2/image_processing_molmo2.py`
    (`compute_crop_geometry`, `select_tiling`, in single precision as there) and
    `models/molmo2/processing_molmo2.py`: start and end around both views, a mark after each row
    of the crops (and of the whole, with `marks_low_rows`).

    Args:
        margin_patches: both margins of a crop together.

    >>> found = overlapping_crops((1024, 768), crop_px=378, patch_px=14, margin_patches=8,
    ...                           max_crops=8, pool=2)
    >>> found.passes, found.visual_tokens, found.separator_tokens
    (7, 955, 27)
    """
    patches = crop_px // patch_px
    window = patches - margin_patches
    margin_px = margin_patches * patch_px
    inner = image[0] - margin_px, image[1] - margin_px
    columns, rows = _covering(inner, window * patch_px, max_crops)
    wide, high = (math.ceil((n * window + margin_patches) / pool) for n in (columns, rows))
    low = math.ceil(patches / pool)
    separators = 4 + high + low * marks_low_rows
    inputs = (EncoderInput(crop_px, crop_px, 1 + columns * rows),)
    return ImageTokens(inputs, low**2 + wide * high, separators)


def _covering(image: Size, window_px: int, most: int) -> Size:
    """Columns and rows of the canvas that enlarges the image least, or else shrinks it least."""
    canvases = itertools.product(range(1, most + 1), repeat=2)
    tilings = sorted(
        (c for c in canvases if c[0] * c[1] <= most), key=lambda c: (c[0] * c[1], c[0])
    )
    import numpy as np  # a shell's completion reads this file and must not wait for it

    sides = np.asarray(tilings, dtype=np.float32) * np.float32(window_px)
    with np.errstate(divide="ignore"):
        scales = (sides / np.asarray((image[1], image[0]), dtype=np.float32)).min(axis=1)
    if (scales < 1).all():
        rows, columns = tilings[int(scales.argmax())]
    else:
        rows, columns = tilings[int(np.where(scales < 1, np.float32(10e9), scales).argmin())]
    return columns, rows


def slices_with_source(
    image: Size, *, scale_px: int, patch_px: int, merge: int, max_slices: int
) -> ImageTokens:
    """MiniCPM-V: the whole image at about `scale_px` squared and, if it is larger, slices of
    about that size in the grid whose ratio is closest on the logarithm.

    Rule: huggingface/transformers, `models/minicpmv4_6/image_processing_minicpmv4_6.py` and
    `models/minicpmv4_6/processing_minicpmv4_6.py`: the image's number in two marks, a begin and
    an end around each view, a newline between rows of slices.

    >>> found = slices_with_source((1024, 768), scale_px=448, patch_px=14, merge=4, max_slices=9)
    >>> [str(one) for one in found.inputs], found.visual_tokens, found.separator_tokens
    (['504x392', '4 of 504x392'], 315, 14)
    """
    unit = patch_px * merge
    grid = _slice_grid(image, scale_px, max_slices)
    source = _near_scale(image, scale_px, unit, enlarge=grid is None)
    inputs, separators = [EncoderInput(*source)], 5
    tokens = math.prod(source) // unit**2
    if grid:
        columns, rows = grid
        wide, high = (_rounded(side, n) / n for side, n in zip(image, grid, strict=True))
        piece = _near_scale((wide, high), scale_px, unit, enlarge=True)
        inputs.append(EncoderInput(*piece, columns * rows))
        tokens += columns * rows * math.prod(piece) // unit**2
        separators += 2 * columns * rows + rows - 1
    return ImageTokens(tuple(inputs), tokens, separators)


def _slice_grid(image: Size, scale_px: int, most: int) -> Size | None:
    """Columns and rows of the slices, or None for an image that is one."""
    wished = min(math.ceil(image[0] * image[1] / scale_px**2), most)
    if wished <= 1:
        return None
    best, error = (1, 1), math.inf
    for number in (wished - 1, wished, wished + 1):
        if number == 1 or number > most:
            continue
        for rows in (r for r in range(1, number + 1) if number % r == 0):
            columns = number // rows
            this = abs(math.log(image[0] / image[1]) - math.log(columns / rows))
            if this < error or (this == error and rows > best[1]):
                best, error = (columns, rows), this
    return best


def _near_scale(image: tuple[float, float], scale_px: int, unit: int, *, enlarge: bool) -> Size:
    width, height = image
    if width * height > scale_px**2 or enlarge:
        ratio = width / height
        height = int(scale_px / math.sqrt(ratio))
        width = int(height * ratio)
    return _rounded(width, unit), _rounded(height, unit)


def _rounded(side: float, unit: int) -> int:
    return max(round(side / unit) * unit, unit)
