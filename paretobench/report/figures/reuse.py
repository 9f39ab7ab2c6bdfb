"""The reuse figure: what a sweep cost, and what measuring each part only once saved.

A point is an encoder part and a prefill part; points share parts (one prefill workload serves
every encoder that gives as many tokens). Two pairs of bars: workloads and minutes, had every
point been measured for itself, and as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import POINTS_PER_INCH
from paretobench.report.formatting import footer_lines
from paretobench.report.style import Style
from paretobench.report.view.rows import Statistics, View
from paretobench.units import counted, duration, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ReuseBars:
    """One pair of bars: a quantity without reuse and with it, as numbers and as text."""

    title: str
    without: float
    with_reuse: float
    texts: tuple[str, str]


@dataclass(frozen=True)
class ReuseInfo:
    """All that the figure shows."""

    caption: Caption
    savings: tuple[ReuseBars, ...]


def reuse_info(view: View) -> ReuseInfo:
    """The data of the figure.

    Raises:
        ValueError: if the view has no statistics, which published ones have not.
    """
    if view.statistics is None:
        raise ValueError("a view without statistics has no cost to show")
    known = view.statistics
    work = ReuseBars(
        "parts to measure",
        float(known.parts),
        float(known.workloads),
        (counted(known.parts, "part"), counted(known.workloads, "workload")),
    )
    savings = [work]
    if known.measuring_s > 0:
        times = (known.product_s, known.measuring_s)
        texts = (f"about {duration(times[0])}", duration(times[1]))
        savings.append(ReuseBars("time of all processes", *times, texts))
    caption = Caption(
        f"What the sweep cost: {view.title or view.name}",
        _subtitle(known),
        footer_lines(view, [], bars=""),
    )
    return ReuseInfo(caption, tuple(savings))


def _subtitle(known: Statistics) -> str:
    parts = [counted(known.points, "point")]
    if known.cells:
        parts.append(counted(known.cells, "process", "processes"))
        parts.append(f"{known.samples:,} timed runs")
    if known.measuring_s > 0:
        factor = significant(known.product_s / known.measuring_s, 2)
        parts.append(f"reuse made it {factor}x cheaper")
    return ", ".join(parts)


def reuse_figure(info: ReuseInfo, style: Style) -> Figure:
    """Draw one pair of bars per quantity, each with its number."""
    sheet = new_sheet(style)
    row_in = style.font_pt * 1.9 / POINTS_PER_INCH
    for saving in info.savings:
        draw_saving(saving, sheet.add_row(1, row_in * 2.2)[0], style)
    return finish(sheet, info.caption, [])


def draw_saving(saving: ReuseBars, axes: Axes, style: Style) -> None:
    """Draw one pair of bars on given axes; the longer one leaves room for its number."""
    values = (saving.without, saving.with_reuse)
    names = ("each point for itself", "each workload once")
    fills = (style.tint(style.palette[0]), style.palette[0])
    axes.barh((0, 1), values, height=0.7, color=fills)
    axes.set_xlim(0, max(values) * (1.25 if style.is_wide else 1.6))
    axes.set_ylim(1.6, -0.6)
    axes.set_yticks((0, 1), names)
    axes.set_xticks([])
    axes.grid(False)
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.set_title(saving.title, loc="left", fontsize=style.font_pt)
    for height, (value, text) in enumerate(zip(values, saving.texts, strict=True)):
        axes.annotate(
            text,
            (value, height),
            xytext=(style.font_pt * 0.5, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.small_pt,
            color=style.readable("#404040"),
        )
