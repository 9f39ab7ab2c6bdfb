"""The uncertainty figure: how sure the front is, given the noise of both axes.

Every point with its 95 % intervals, filled by its class (on, ambiguous, off), and the band in
which the front's line of the true values is in 95 % of draws. Where two points of different
classes are within each other's intervals, the data do not decide which one to take.

Classes come from the view, so that they are those of the tables; the band from
`analysis.probability.attainment_band`, drawn with the same errors and the same seed.

Reference: V. Grunert da Fonseca, C. Fonseca, A. Hall, "Inferential performance assessment of
stochastic optimisers and the attainment function", EMO 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from paretobench.analysis.probability import attainment_band
from paretobench.analysis.shrinkage import plausible
from paretobench.report.figures.axes import TIME_LABEL, linear_limits, log_axis, log_limits
from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import (
    FrontClass,
    Look,
    Mark,
    Pair,
    draw_marks,
    label_marks,
    look_of,
    mark_of,
)
from paretobench.report.formatting import footer_lines
from paretobench.report.style import Style, order_families, order_llms
from paretobench.report.view.front_membership import (
    SEED,
    contenders,
    context_contenders,
    split_by_reach,
)
from paretobench.report.view.rows import Panel, Row, View, benchmark_label
from paretobench.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWS, FEWEST_DRAWS, DRAWN_AT_MOST = 1000, 200, 400_000
"""Draws behind the band: its ends rest on 25 of them each, on 5 where points are many. The last
bounds the draws of all points together, since the band is computed at every one of its times."""

BAND_STEPS = 240
"""Times at which the band is computed, evenly spaced on the log axis: finer than a marker."""

CLASSES: dict[str, FrontClass] = {
    "on": "front",
    "ambiguous": "family",
    "off": "dominated",
    "unknown": "dominated",
}
"""How a class is filled: as the class of the same meaning in the front figure."""


@dataclass(frozen=True)
class BandPoint:
    """The front's line at one time: milliseconds, and percent at three quantiles."""

    ttft_ms: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class UncertaintyInfo:
    """All that the figure shows; `palette` and `llms` as in the front figure."""

    caption: Caption
    marks: tuple[Mark, ...]
    band: tuple[BandPoint, ...]
    palette: tuple[str, ...]
    llms: tuple[str, ...]
    score_label: str


def uncertain_panel(view: View) -> Panel | None:
    """The best covered panel in which the noise of at least two points is known, if any."""
    for panel in view.panels():
        if sum(row.front.verdict != "" for row in panel.undisturbed) > 1:
            return panel
    return None


def uncertainty_info(view: View, panel: Panel) -> UncertaintyInfo:
    """The data of the figure; the same view gives the same band."""
    rows = [row for row in panel.undisturbed if row.front.verdict]
    counts = {name: sum(row.front.verdict == name for row in rows) for name in CLASSES}
    said = ", ".join(
        f"{count} {name}" for name, count in counts.items() if count or name != "unknown"
    )
    return UncertaintyInfo(
        Caption(
            f"How sure is the front? {view.title or view.name}",
            f"{counted(len(rows), 'point')}: {said}; percent: probability of being on the front",
            footer_lines(view, rows, panel.recipe),
        ),
        tuple(_mark(row) for row in rows),
        _band(rows),
        tuple(order_families(row.family for row in view.rows)),
        tuple(order_llms(rows)),
        benchmark_label(view.benchmark),
    )


def _mark(row: Row) -> Mark:
    """An ambiguous point says its probability, the others only what they are."""
    label = row.point_label
    if row.front.verdict == "ambiguous" and row.front.probability is not None:
        label = f"{label}, {row.front.probability * 100:.0f}%"
    return replace(mark_of(row), label=label, front_class=CLASSES[row.front.verdict])


def _band(rows: Sequence[Row]) -> tuple[BandPoint, ...]:
    """The quantiles of the front's line, where 97.5 % of the draws have a point at all."""
    near, rest = split_by_reach(rows)
    count = max(FEWEST_DRAWS, min(DRAWS, DRAWN_AT_MOST // max(len(near), 1)))
    rng = np.random.default_rng(SEED)
    draws = plausible(contenders(near), rng, count, others=context_contenders(rest))
    times = [row.ttft.value for row in rows if row.ttft]
    at_s = np.geomspace(min(times) * 0.9, max(times) * 1.1, BAND_STEPS)
    low, middle, high = attainment_band(draws, at_s) * 100
    return tuple(
        BandPoint(*map(float, point))
        for point in zip(at_s * 1e3, low, middle, high, strict=True)
        if np.isfinite(point[1])
    )


def uncertainty_figure(info: UncertaintyInfo, style: Style) -> Figure:
    """Draw the whole figure."""
    sheet = new_sheet(style)
    [axes] = sheet.add_row(1, style.width_in * (0.5 if style.is_wide else 0.66))
    look = look_of(style, info.palette, info.llms)
    draw_uncertainty(info, axes, look)
    figure = finish(sheet, info.caption, _entries(info, look))
    edges: list[list[Pair]] = [
        [(point.ttft_ms, getattr(point, side)) for point in info.band]
        for side in ("low", "middle", "high")
    ]
    label_marks(info.marks, axes, look, edges)
    return figure


def draw_uncertainty(info: UncertaintyInfo, axes: Axes, look: Look) -> None:
    """Draw band, intervals and markers on given axes; labels come last."""
    ends = [end for mark in info.marks for end in (mark.ttft_interval_ms or ())]
    limits = log_limits((mark.ttft_ms for mark in info.marks), ends)
    heights = [end for mark in info.marks for end in (mark.score_interval_percent or ())]
    heights += [mark.score_percent for mark in info.marks if mark.score_percent is not None]
    unit = log_axis(axes, "x", limits, most=9 if look.style.is_wide else 6)
    axes.set_ylim(*linear_limits(heights))
    axes.set_xlabel(TIME_LABEL.format(unit))
    axes.set_ylabel(f"{info.score_label} (%), up is better")
    times = [point.ttft_ms for point in info.band]
    low, high = [p.low for p in info.band], [p.high for p in info.band]
    axes.fill_between(times, low, high, color=look.style.front, lw=0, zorder=1.5)
    axes.plot(times, [p.middle for p in info.band], color=look.style.grey, lw=1.0, zorder=2)
    draw_marks(info.marks, axes, look)


def _entries(info: UncertaintyInfo, look: Look) -> list[list[Any]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = look.style.grey
    fills = [
        look.dot("on the front (95%)", grey),
        look.dot("ambiguous", look.style.tint(grey)),
        look.dot("off (95%)", look.style.paper),
    ]
    line = Line2D([], [], color=grey, lw=1.0, label="front, median")
    band = Patch(color=look.style.front, label="front, 95%")
    families = look.family_dots(order_families(mark.family for mark in info.marks))
    return [families, look.llm_dots(), [band, line, *fills]]
