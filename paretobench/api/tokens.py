"""Passes and tokens of an image in vision-language models, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from paretobench.errors import PlanError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from paretobench.domain import VisionLanguageModel


def tokens(width_px: int, height_px: int, vlm: str | None = None, **options: Any) -> pd.DataFrame:
    """What an image of a size costs: a row for each vision-language model.

    Columns: vlm, label, checkpoint, rule, encoder_inputs, passes, visual_tokens,
    separator_tokens, total_tokens; `refused` has the reason where a model takes no such image.

    Args:
        width_px, height_px: of the image.
        vlm: one model of `sweeps/vlm`; None for all of them.
        options: other values for options of its rule, such as `max_pixels=1003520`.

    Raises:
        PlanError: if a size is not above zero, or the rule has no such option.
        UnknownNameError: if there is no such model.
    """
    import pandas as pd

    from paretobench.config import load_vlms

    known = load_vlms()
    if vlm is not None and vlm not in known:
        raise UnknownNameError("vlm", vlm, known)
    chosen = [known[vlm]] if vlm else list(known.values())
    return pd.DataFrame(token_rows([(width_px, height_px)], chosen, options))


def token_rows(
    images: Sequence[tuple[int, int]],
    systems: Sequence[VisionLanguageModel],
    options: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """A row for each image and model: the counts, or why the model's processor refuses it.

    Raises:
        PlanError: if every one is refused, with the first reason.
    """
    rows = [_row(system, image, options) for image in images for system in systems]
    if rows and all("refused" in each for each in rows):
        raise PlanError(f"{rows[0]['label']}: {rows[0]['refused']}")
    return rows


def _row(
    system: VisionLanguageModel, image: tuple[int, int], changed: Mapping[str, Any]
) -> dict[str, Any]:
    """One line: the counts, or the reason why the model's processor refuses the image."""
    from paretobench.planning.tokens import count_tokens

    options = {**system.options, **changed}
    line: dict[str, Any] = {
        "image": f"{image[0]}x{image[1]}",
        "vlm": system.name,
        "label": system.label,
        "checkpoint": system.checkpoint,
        "rule": system.rule,
        "options": options,
        "source": system.source,
    }
    try:
        found = count_tokens(system.rule, image, options)
    except PlanError as error:
        return line | {"refused": str(error)}
    return line | {
        "encoder_inputs": found.inputs,
        "passes": found.passes,
        "visual_tokens": found.visual_tokens,
        "separator_tokens": found.separator_tokens,
        "total_tokens": found.prefill_tokens,
    }
