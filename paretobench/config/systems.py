"""The axis `vlm`: whole vision-language models, each an encoder, a token rule and an LLM.

`vlm=qwen2_5_vl_3b` stands for three choices that belong together: the encoder and the language
model that its file in `sweeps/vlm` names, and its token rule as a tiling. This file writes the axis
out as blocks of a grid before rows are made of them. Pure but for reading the files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from paretobench.config.axes import CHOICES, Axes, shared_axes
from paretobench.config.read_off import RULE
from paretobench.domain import VisionLanguageModel
from paretobench.errors import ConfigError

AXIS = "vlm"

SIDE_PX = "1024"
"""Side of the square image, where neither a resolution nor an image is named: FastVLM's."""


def written_out(
    blocks: Sequence[Axes],
    overridden: Axes,
    load: Callable[[], Mapping[str, VisionLanguageModel]],
) -> tuple[list[Axes], Axes]:
    """Blocks and overrides without the axis `vlm`, which both may name.

    `vlm=` selects: a model keeps the other axes that a grid's block gives it, and one that no
    block names gets those that all blocks share.

    Args:
        load: reads the models; called only where the axis is used.

    Raises:
        ConfigError: where one of its three choices is named beside it, or the model's parts
            are not in the catalogue.
    """
    asked = overridden.get(AXIS)
    rest = {axis: values for axis, values in overridden.items() if axis != AXIS}
    if asked is None and not any(AXIS in block for block in blocks):
        return list(blocks), overridden
    known = load()
    _require_alone(rest if asked is not None else {})
    kept = _selected(blocks, asked)
    return [one for block in kept for one in _written(block, known, rest)], rest


def _selected(blocks: Sequence[Axes], asked: Sequence[str] | None) -> list[Axes]:
    """The blocks narrowed to the models asked for, and one block for those not in any."""
    if asked is None:
        return list(blocks)
    kept: list[Axes] = []
    new = list(asked)
    for block in blocks:
        names = [name for name in asked if name in block.get(AXIS, ())]
        new = [name for name in new if name not in names]
        if names:
            kept.append({**block, AXIS: names})
    systems = [block for block in blocks if AXIS in block]
    shared = shared_axes(systems, AXIS) if systems else {}
    return [*kept, {**shared, AXIS: new}] if new else kept


def _written(block: Axes, known: Mapping[str, VisionLanguageModel], overridden: Axes) -> list[Axes]:
    """A block for each model that it names; the block itself if it names none."""
    if AXIS not in block:
        return [block]
    rest = {axis: values for axis, values in block.items() if axis != AXIS}
    _require_alone(rest)
    if not ({"resolution", "image"} & {*rest, *overridden}):
        rest["resolution"] = [SIDE_PX]
    return [{**_choices(known[name], known), **rest} for name in block[AXIS]]


def _choices(
    system: VisionLanguageModel, known: Mapping[str, VisionLanguageModel]
) -> dict[str, list[str]]:
    if not (system.encoder and system.llm):
        whole = ", ".join(name for name, one in known.items() if one.encoder and one.llm)
        raise ConfigError(
            f"vlm={system.name} has a token rule and no networks here; 'paretobench tokens' counts"
            f" it.\nWhole models: {whole}."
        )
    return {"encoder": [system.encoder], "tiling": [RULE + system.name], "llm": [system.llm]}


def _require_alone(axes: Axes) -> None:
    if beside := [axis for axis in CHOICES if axis in axes]:
        raise ConfigError(
            f"vlm= names encoder, tiling and llm together, and {beside[0]}= is one of them;\n"
            "write the three instead: encoder=NAME tiling=vlm/NAME llm=NAME"
        )
