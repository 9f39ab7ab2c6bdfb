"""From a grid's blocks and the user's overrides to rows of names. Pure.

A grid is a list of blocks; a block is a product of axes. On top of it:

- `encoder=` selects rows: an encoder keeps the resolutions and tilings that the grid lists
  for it, and one that the grid does not know is added with its own resolutions;
- `resolution=`, `tiling=`, `llm=`, `image=`, `precision=` and `encode.precision=` replace that
  axis in every block.

Rows that several blocks name are kept once, where they first appear.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AXES = ("encoder", "resolution", "tiling", "llm", "image", "encode.precision", "precision")
"""What may be a list, outermost first; `precision` is that of the language model's weights."""

TYPED = ("vlm", *AXES)
"""Axes as a user types them: `vlm` is written out as encoder, tiling and llm (`systems`)."""

PRECISIONS = ("fp32", "bf16", "fp16", "int8", "int4")
"""What a precision may be, widest first."""

CHOICES = ("encoder", "tiling", "llm")
"""The axes whose values are names of files."""

Axes = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class AxisCombination:
    """One combination of names, in the order of `AXES`.

    Attributes:
        resolution: None for all that the encoder lists.
        encode_precision, precision: None leaves it to the device.
        image: a size or a list of sizes; None for a square of the resolution.
    """

    encoder: str
    resolution: str | None
    tiling: str
    llm: str
    image: str | None = None
    encode_precision: str | None = None
    precision: str | None = None


def rows(
    blocks: Sequence[Axes], overridden: Axes, defaults: Mapping[str, str]
) -> list[AxisCombination]:
    """Every combination, in order, without duplicates.

    Args:
        blocks: the grid; empty for no grid.
        overridden: axes that the user's overrides name.
        defaults: the choice for an axis that neither names.

    >>> grid = [{'encoder': ['a', 'b'], 'resolution': ['256']}, {'encoder': ['c']}]
    >>> defaults = {'encoder': 'a', 'tiling': 'none', 'llm': 'q'}
    >>> [(r.encoder, r.resolution) for r in rows(grid, {'encoder': ['b', 'c', 'd']}, defaults)]
    [('b', '256'), ('c', None), ('d', None)]
    """
    found: dict[AxisCombination, None] = {}
    for block in _selected(blocks or [{}], overridden.get("encoder")):
        replaced = {axis: values for axis, values in overridden.items() if axis != "encoder"}
        axes = {**block, **replaced}
        named = {axis: defaults[axis] for axis in CHOICES}
        values: list[Sequence[Any]] = [axes.get(axis) or [named.get(axis)] for axis in AXES]
        found |= dict.fromkeys(AxisCombination(*row) for row in itertools.product(*values))
    return list(found)


def _selected(blocks: Sequence[Axes], encoders: Sequence[str] | None) -> list[Axes]:
    """The blocks narrowed to the encoders asked for, and one block for those not in any."""
    if encoders is None:
        return list(blocks)
    kept: list[Axes] = []
    new = list(encoders)
    for block in blocks:
        names = [name for name in block.get("encoder", encoders) if name in encoders]
        new = [name for name in new if name not in names]
        if names:
            kept.append({**block, "encoder": names})
    return (
        [*kept, {**shared_axes(blocks, "encoder", "resolution"), "encoder": new}] if new else kept
    )


def shared_axes(blocks: Sequence[Axes], *without: str) -> Axes:
    """The axes that are equal in all blocks, without some."""
    return {
        axis: values
        for axis, values in blocks[0].items()
        if axis not in without and all(block.get(axis) == values for block in blocks)
    }
