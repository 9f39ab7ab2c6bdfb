"""Passes and tokens of an image in vision-language models, or under one tiling, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from paretobench.analysis.weighted import percentile
from paretobench.domain import Images
from paretobench.errors import ConfigError, PlanError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from paretobench.domain import VisionLanguageModel
    from paretobench.planning.tokens import ImageTokens

_T = TypeVar("_T")


def tokens(
    width_px: int,
    height_px: int,
    vlm: str | None = None,
    *,
    tiling: str | None = None,
    encoder: str | None = None,
    resolution: int | None = None,
    **options: Any,
) -> pd.DataFrame:
    """What an image of a size costs: a row for each vision-language model, or for one tiling.

    Columns: vlm, label, checkpoint, rule, encoder_inputs, passes, visual_tokens,
    separator_tokens, total_tokens; `refused` has the reason where a model takes no such image.
    Of a tiling: image, tiling, encoder, tile_px and the same counts.

    Args:
        width_px, height_px: of the image.
        vlm: one model of `sweeps/vlm`; None for all of them.
        tiling, encoder: a tiling of `sweeps/tiling` with an encoder of `sweeps/encoder` instead.
        resolution: with them, the side in pixels of what the encoder is given; a tiling that
            follows the image's shape has a tile of its own by default.
        options: other values for options of the rule or tiling, such as `max_pixels=1003520`.

    Raises:
        ConfigError: if a tiling has no encoder or resolution, or an option that it does not take.
        PlanError: if a size is not above zero, or the image cannot be cut so.
        UnknownNameError: if there is no such model, tiling or encoder.

    >>> found = tokens(1024, 768, tiling="llava_next_anyres", encoder="vit_l14", resolution=336)
    >>> int(found["passes"][0]), int(found["total_tokens"][0])
    (5, 2340)
    """
    import pandas as pd

    from paretobench.config import load_vlms

    if tiling is not None or encoder is not None:
        image = (width_px, height_px)
        return pd.DataFrame([tiling_row(image, tiling, encoder, resolution, options)])
    known = load_vlms()
    chosen = [_member(known, "vlm", vlm)] if vlm is not None else list(known.values())
    return pd.DataFrame(token_rows([Images.one(width_px, height_px)], chosen, options))


def tiling_row(
    image: tuple[int, int],
    tiling: str | None,
    encoder: str | None,
    resolution: int | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The counts of one image under a tiling of the catalogue; raises as `tokens`."""
    from paretobench.config import load_catalogue
    from paretobench.planning.tiling import plan_tiles
    from paretobench.planning.tiling_options import check_options, follows_image

    if tiling is None or encoder is None:
        raise ConfigError("a tiling and an encoder go together: name both")
    if min(image) < 1:
        raise PlanError(f"an image of {image[0]}x{image[1]} px has no pixels")
    catalogue = load_catalogue()
    named = _member(catalogue.tilings, "tiling", tiling)
    seen_by = _member(catalogue.encoders, "encoder", encoder)
    changed = {**named.options, **options}
    if follows_image(named):
        changed |= {"width_px": image[0], "height_px": image[1]}
        changed |= {"tile_px": resolution} if resolution is not None else {}
    elif resolution is None:
        raise ConfigError(f"tiling {tiling} sees a square of one size: name its resolution")
    chosen = replace(named, options=changed)
    check_options(chosen)
    tiles = plan_tiles(seen_by, resolution or max(image), chosen)
    return {
        "image": f"{image[0]}x{image[1]}",
        "tiling": tiling,
        "encoder": encoder,
        "tile_px": tiles.tile_px,
        "passes": tiles.passes,
        "visual_tokens": tiles.visual_tokens,
        "separator_tokens": tiles.newline_tokens,
        "total_tokens": tiles.visual_tokens + tiles.newline_tokens,
    }


def _member(group: Mapping[str, _T], kind: str, name: str) -> _T:
    if name not in group:
        raise UnknownNameError(kind, name, group)
    return group[name]


def token_rows(
    images: Sequence[Images],
    systems: Sequence[VisionLanguageModel],
    options: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """A row for each image and model: the counts, or why the model's processor refuses it.

    A list of images has one row, of the means over their weights; `total_tokens_p90` is then what
    nine in ten of them stay within, and `encoder_inputs` is empty.

    Raises:
        PlanError: if every one is refused, with the first reason.
    """
    rows = [_row(system, image, options) for image in images for system in systems]
    if rows and all("refused" in each for each in rows):
        raise PlanError(f"{rows[0]['label']}: {rows[0]['refused']}")
    return rows


def _row(system: VisionLanguageModel, images: Images, changed: Mapping[str, Any]) -> dict[str, Any]:
    """One line: the counts, or the reason why the model's processor refuses an image."""
    options = {**system.options, **changed}
    line: dict[str, Any] = {
        "image": images.name,
        "vlm": system.name,
        "label": system.label,
        "checkpoint": system.checkpoint,
        "rule": system.rule,
        "options": options,
        "source": system.source,
    }
    try:
        found = counted_images(system.rule, images, options)
    except PlanError as error:
        return line | {"refused": str(error)}
    if len(found) > 1:
        return line | _means(found)
    ((one, _),) = found
    return line | {
        "encoder_inputs": one.inputs,
        "passes": one.passes,
        "visual_tokens": one.visual_tokens,
        "separator_tokens": one.separator_tokens,
        "total_tokens": one.prefill_tokens,
    }


def counted_images(
    rule: str, images: Images, options: Mapping[str, Any]
) -> list[tuple[ImageTokens, int]]:
    """What a rule makes of each image, with its weight.

    Raises:
        PlanError: if it refuses one; of several the message says which.
    """
    from paretobench.planning.tokens import count_tokens

    found = []
    for size in images.sizes:
        try:
            counts = count_tokens(rule, (size.width_px, size.height_px), options)
        except PlanError as error:
            raise PlanError(f"{size}: {error}" if len(images.sizes) > 1 else str(error)) from None
        found.append((counts, size.weight))
    return found


def _means(found: Sequence[tuple[ImageTokens, int]]) -> dict[str, Any]:
    weight = sum(each for _, each in found)

    def mean(name: str) -> float:
        return float(sum(getattr(one, name) * each for one, each in found) / weight)

    slow = percentile([(one.prefill_tokens, each) for one, each in found])
    return {
        "encoder_inputs": (),
        **{name: mean(name) for name in ("passes", "visual_tokens", "separator_tokens")},
        "total_tokens": mean("prefill_tokens"),
        "total_tokens_p90": found[slow][0].prefill_tokens,
    }
