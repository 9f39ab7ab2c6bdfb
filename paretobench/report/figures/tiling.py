"""The tiling figure: one image against tiles of it, after the FastVLM paper's Figure 6.

One encoder and one recipe: the points without tiling and those with it, each with its front,
over the same log time axis, the grid of tiles in parentheses beside the resolution. It is the
front figure with the way of encoding in the place of the encoder family.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 6.
"""

from __future__ import annotations

from dataclasses import replace

from paretobench.report.figures.claims import Claims
from paretobench.report.figures.layout import Caption
from paretobench.report.figures.pareto import ParetoInfo, pareto_info
from paretobench.report.formatting import footer_lines
from paretobench.report.view.rows import Row, View, benchmark_label, with_fronts
from paretobench.units import counted

STATIC, TILED = "one image", "tiles"
"""The two ways of encoding, in the order of their colours."""


def tiling_choices(view: View) -> list[tuple[str, str, str]]:
    """Encoder, recipe and environment of every figure that has points of both ways."""
    ways: dict[tuple[str, str, str], set[str]] = {}
    for row in view.scored:
        ways.setdefault((row.encoder, row.recipe, row.environment), set()).add(_way(row))
    return [key for key, found in ways.items() if len(found) == 2]


def tiling_info(view: View, encoder: str, recipe: str, environment: str) -> ParetoInfo:
    """The data of the figure for one encoder (by catalogue name) under one recipe."""
    wanted = (encoder, recipe, environment)
    rows = [row for row in view.scored if (row.encoder, row.recipe, row.environment) == wanted]
    renamed = tuple(replace(row, family=_way(row)) for row in rows)
    info = pareto_info(with_fronts(replace(view, rows=renamed)))
    [panel] = info.panels
    marks = tuple(
        replace(mark, label=_label(row)) for mark, row in zip(panel.marks, renamed, strict=True)
    )
    tiled = sum(row.family == TILED for row in renamed)
    label = rows[0].encoder_label
    caption = Caption(
        f"One image against tiles: {benchmark_label(view.benchmark)} with {label}",
        f"{counted(tiled, 'point')} of {len(rows)} with tiles; labels: resolution (grid)",
        footer_lines(view, rows, recipe),
    )
    # A gain over the other way of encoding the same image needs no arrow: it is what is plotted.
    panel = replace(panel, marks=marks, claims=Claims())
    own = "on the front of its kind"
    return replace(info, caption=caption, panels=(panel,), own_front=own)


def _way(row: Row) -> str:
    return STATIC if row.tiling in ("", "none") else TILED


def _label(row: Row) -> str:
    """The resolution, and the grid in parentheses where there is one."""
    if _way(row) == STATIC:
        return str(row.resolution_px)
    return f"{row.resolution_px} ({row.tiling_label or row.tiling})"
