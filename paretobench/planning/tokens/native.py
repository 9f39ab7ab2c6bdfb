"""Token rules of encoders that see an image in its own shape, in one pass.

Answers: to what width and height the image is resized, and how many tokens that makes.
Leaves tiles to the other files. Each rule's source is in its docstring; the tests check each
against the processor of `transformers`.
"""

from __future__ import annotations

import math

from paretobench.errors import PlanError
from paretobench.planning.tokens.counts import EncoderInput, ImageTokens, Size

MAX_ASPECT_RATIO = 200
"""Qwen's processors refuse a longer image (`smart_resize`)."""

SEARCH_STEP = 1e-5
"""The width of the interval at which SigLIP 2's search for a scale ends."""


def merged_patches(
    image: Size,
    *,
    patch_px: int,
    merge: int,
    min_pixels: int,
    max_pixels: int,
    enlarge: bool = False,
) -> ImageTokens:
    """Qwen2-VL and after: sides rounded to whole merged patches, area kept between two bounds.

    Rule: huggingface/transformers, `models/qwen2_vl/image_processing_qwen2_vl.py`
    (`smart_resize`); with `enlarge`, `models/paddleocr_vl/image_processing_paddleocr_vl.py`,
    which first enlarges a side shorter than one merged patch.

    >>> found = merged_patches((1024, 768), patch_px=14, merge=2, min_pixels=3136,
    ...                        max_pixels=12845056)
    >>> str(found.inputs[0]), found.visual_tokens
    ('1036x756', 999)

    Raises:
        PlanError: for an image longer than 200 times its width.
    """
    unit = patch_px * merge
    size = _at_least(image, unit) if enlarge else image
    if max(size) / min(size) > MAX_ASPECT_RATIO:
        raise PlanError(
            f"{image[0]}x{image[1]} is more than {MAX_ASPECT_RATIO} times as long as wide,"
            " which the model's processor refuses; crop the image"
        )
    resized = resized_within(size, unit, min_pixels, max_pixels)
    return ImageTokens((EncoderInput(*resized),), math.prod(resized) // unit**2)


def resized_within(
    image: Size, unit: int, min_pixels: int, max_pixels: int, least: int = 0
) -> Size:
    """Sides rounded to multiples of `unit`, the area shrunk or enlarged into its bounds.

    Halves round to even, as Python's `round` does in the processors.

    Args:
        least: the shortest side before the bounds are looked at; 0 lets a side vanish, which
            `min_pixels` then repairs.

    >>> resized_within((3000, 2000), 28, 3136, 1003520)
    (1204, 812)
    """
    width, height = (max(least, round(side / unit) * unit) for side in image)
    area = math.prod(image)
    if width * height > max_pixels:
        shrink = math.sqrt(area / max_pixels)
        width, height = (max(unit, math.floor(side / shrink / unit) * unit) for side in image)
    elif width * height < min_pixels:
        grow = math.sqrt(min_pixels / area)
        width, height = (math.ceil(side * grow / unit) * unit for side in image)
    return width, height


def naflex(image: Size, *, patch_px: int, max_patches: int, padded: bool = True) -> ImageTokens:
    """SigLIP 2 NaFlex: the largest scale at which the image has at most `max_patches` patches,
    padded to that number.

    Rule: huggingface/transformers, `models/siglip2/image_processing_siglip2.py`
    (`get_image_size_for_max_num_patches`); the scale is found by bisection between 1e-6 and 100.

    >>> str(naflex((1024, 768), patch_px=16, max_patches=256).inputs[0])
    '288x224 in 256 patches'
    """

    def scaled(scale: float) -> Size:
        width, height = (max(1, math.ceil(side * scale / patch_px)) for side in image)
        return width, height

    low, high = SEARCH_STEP / 10, 100.0
    while high - low >= SEARCH_STEP:
        scale = (low + high) / 2
        if math.prod(scaled(scale)) <= max_patches:
            low = scale
        else:
            high = scale
    columns, rows = scaled(low)
    padding = max_patches if padded else 0
    seen = EncoderInput(columns * patch_px, rows * patch_px, padded_patches=padding)
    return ImageTokens((seen,), columns * rows)


def pooled_budget(
    image: Size, *, patch_px: int, pool: int, max_tokens: int, separators: int = 2
) -> ImageTokens:
    """Gemma 4: the largest size within a budget of tokens, each pooled of `pool` by `pool`
    patches; the encoder's sequence is padded to the budget.

    Rule: huggingface/transformers, `models/gemma4/image_processing_gemma4.py`
    (`get_aspect_ratio_preserving_size`); the separators are the begin and end of the image.

    >>> found = pooled_budget((1024, 768), patch_px=16, pool=3, max_tokens=280)
    >>> str(found.inputs[0]), found.visual_tokens
    ('912x672 in 2520 patches', 266)

    Raises:
        PlanError: if the image is too long for the budget.
    """
    unit, patches = patch_px * pool, max_tokens * pool**2
    factor = math.sqrt(patches * patch_px**2 / math.prod(image))
    width, height = (math.floor(factor * side / unit) * unit for side in image)
    if not width and not height:
        raise PlanError(f"{image[0]}x{image[1]} becomes smaller than one token of {unit} px")
    if not height:
        width, height = min(image[0] // image[1], max_tokens) * unit, unit
    elif not width:
        width, height = unit, min(image[1] // image[0], max_tokens) * unit
    seen = EncoderInput(width, height, padded_patches=patches)
    return ImageTokens((seen,), width * height // unit**2, separators)


def rows_with_breaks(image: Size, *, patch_px: int, merge: int, longest_px: int) -> ImageTokens:
    """Pixtral and Mistral 3: shrunk to a longest side, rounded up to whole (merged) patches,
    a break after every row and an end after the last.

    Rule: huggingface/transformers, `models/pixtral/image_processing_pixtral.py`
    (`get_resize_output_image_size`) and `models/pixtral/processing_pixtral.py`.

    >>> found = rows_with_breaks((1024, 768), patch_px=16, merge=1, longest_px=1024)
    >>> found.visual_tokens, found.separator_tokens
    (3072, 48)
    """
    unit, size = patch_px * merge, image
    ratio = max(side / longest_px for side in image)
    if ratio > 1:
        size = math.floor(image[0] / ratio), math.floor(image[1] / ratio)
    columns, rows = ((side - 1) // unit + 1 for side in size)
    if columns < 1 or rows < 1:
        raise PlanError(f"{image[0]}x{image[1]} has no row left at {longest_px} px; crop the image")
    return ImageTokens((EncoderInput(columns * unit, rows * unit),), columns * rows, rows)


def _at_least(image: Size, unit: int) -> Size:
    width, height = image
    if height < unit:
        width, height = round(width * unit / height), unit
    if width < unit:
        width, height = unit, round(height * unit / width)
    return width, height
