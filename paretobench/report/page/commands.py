"""The commands that plan and measure exactly one point, as a page offers them for copying.

A command is a template of the names that the page already carries, so ten thousand points
cost no text of their own. Only what the catalogue knows, accepts and can write without
quoting is offered: a copied command that refuses would be worse than none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from paretobench.config.catalogue import Catalogue
from paretobench.errors import PlanError
from paretobench.planning.tiling import plan_tiles
from paretobench.report.view.rows import Row

POINT = "encoder={encoder} resolution={resolution} llm={llm} tiling={tiling} horizon=none"
"""What Hydra composes one point from; whoever names it wants it, however slow it is there."""

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Names and options that neither a shell nor Hydra reads otherwise."""

SHARED = "shared layer weights"
"""The label of a row whose layers shared one block's weights."""


@dataclass(frozen=True)
class Command:
    """One command for copying: `needs` is 1 where the point can be planned, 2 where it was
    measured here, whose runtimes `{device}` then names."""

    what: str
    text: str
    needs: int


COMMANDS = (
    Command("Plans exactly this point, runs nothing", f"paretobench plan {POINT}", 1),
    Command("Plans it in the measured precision", f"paretobench plan {POINT} {{device}}", 2),
    Command("Measures it again", f"paretobench sweep {POINT} {{device}}", 2),
)


def plannable(row: Row, catalogue: Catalogue) -> int:
    """Which commands a row is offered: 0 none, 1 to plan, 2 to measure again as it was."""
    encoder = catalogue.encoders.get(row.encoder)
    tiling = catalogue.tilings.get(row.tiling or "none")
    if encoder is None or tiling is None or row.llm not in catalogue.llms:
        return 0
    if not all(map(PLAIN.fullmatch, (row.encoder, row.llm, row.tiling or "none"))):
        return 0
    try:
        plan_tiles(encoder, row.resolution_px, tiling)
    except PlanError:
        return 0
    return 2 if row.is_measured and device_options(row) else 1


def device_options(row: Row) -> str:
    """The runtimes of a measured row as overrides; empty if one of them has no plain name."""
    sides = {
        "encode": (row.encode_backend, row.encode_precision),
        "prefill": (row.prefill_backend, row.prefill_precision),
    }
    if not all(PLAIN.fullmatch(name) for side in sides.values() for name in side):
        return ""
    options = [
        f"device.{side}.{key}={name}"
        for side, names in sides.items()
        for key, name in zip(("backend", "precision"), names, strict=True)
    ]
    return " ".join([*options, *(["weights=shared"] if SHARED in row.labels else [])])
