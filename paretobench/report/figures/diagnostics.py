"""The figures that show whether to trust the others: the sum checked, the machine watched.

`sum_figure` sets TTFT as the sum of its parts against the same points timed in one piece;
`drift_figure` shows the canary, a fixed kernel timed before and after every process, over the
course of a sweep. A level line at 1 is what both hope for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from paretobench.domain.records import Estimate
from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import CROWD, POINTS_PER_INCH, Pair
from paretobench.report.formatting import footer_lines
from paretobench.report.style import Style
from paretobench.report.view.rows import View
from paretobench.units import counted, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class SumCheck:
    """One point: its time in one piece over the sum of its parts, with a 95 % interval."""

    label: str
    ratio: float
    interval: Pair | None


@dataclass(frozen=True)
class SumInfo:
    """All that the figure of checked sums shows."""

    caption: Caption
    checks: tuple[SumCheck, ...]


@dataclass(frozen=True)
class DriftInfo:
    """All that the drift figure shows: minutes since the first process, canary over its median.

    Attributes:
        before, after: (minutes, ratio) of each process, in order.
        suspect: those of `after` whose canary moved.
    """

    caption: Caption
    before: tuple[Pair, ...]
    after: tuple[Pair, ...]
    suspect: tuple[Pair, ...]


def sum_info(view: View) -> SumInfo:
    """The data of the figure of checked sums: every point that was timed end to end."""
    rows = {row.identity: row for row in view.rows if row.ttft and row.one_piece}
    checks = tuple(
        SumCheck(str(row), one.ratio.value, _ends(one.ratio))
        for row in rows.values()
        if (one := row.one_piece) is not None
    )
    worst = max((abs(check.ratio - 1) for check in checks), default=0.0)
    return SumInfo(
        Caption(
            "Does the sum hold? Both timed in one piece, over encode and prefill timed apart",
            f"{counted(len(checks), 'point')}; largest deviation {significant(worst * 100, 2)} %",
            footer_lines(view, list(rows.values()), bars="time"),
        ),
        checks,
    )


def _ends(ratio: Estimate) -> Pair | None:
    return None if ratio.low is None or ratio.high is None else (ratio.low, ratio.high)


def sum_figure(info: SumInfo, style: Style) -> Figure:
    """Draw one line per checked point, its interval, and the level line at 1."""
    sheet = new_sheet(style)
    row_in = style.font_pt * 1.7 / POINTS_PER_INCH
    axes = sheet.add_row(1, row_in * (len(info.checks) + 0.6))[0]
    axes.axvline(1.0, color=style.grey, lw=0.8)
    for height, check in enumerate(info.checks):
        if check.interval:
            axes.plot(check.interval, (height, height), color=style.palette[0], lw=1.6)
        axes.plot([check.ratio], [height], "o", color=style.palette[0], ms=style.marker_pt)
    axes.set_ylim(len(info.checks) - 0.4, -0.6)
    axes.set_yticks(range(len(info.checks)), [check.label for check in info.checks])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("end to end / sum of the parts")
    return finish(sheet, info.caption, [])


def drift_info(view: View) -> DriftInfo:
    """The data of the drift figure: the canary around every process of the view."""
    times = [datetime.fromisoformat(reading.at) for reading in view.readings]
    start = min(times, default=None)
    known = [r.before_s for r in view.readings if r.before_s]
    level = median(known) if known else 1.0
    before: list[Pair] = []
    after: list[Pair] = []
    suspect: list[Pair] = []
    for reading, at in zip(view.readings, times, strict=True):
        minutes = (at - start).total_seconds() / 60 if start else 0.0
        if reading.before_s:
            before.append((minutes, reading.before_s / level))
        if reading.after_s:
            place = (minutes, reading.after_s / level)
            (suspect if reading.status == "suspect" else after).append(place)
    return DriftInfo(
        Caption(
            "Was the machine steady? A fixed kernel before and after every process",
            f"{counted(len(view.readings), 'process', 'processes')}, "
            f"{len(suspect)} around which it moved",
            footer_lines(view, [], bars=""),
        ),
        tuple(before),
        tuple(after),
        tuple(suspect),
    )


def drift_figure(info: DriftInfo, style: Style) -> Figure:
    """Draw the canary over time: before, after, and those that moved."""
    from matplotlib.lines import Line2D

    sheet = new_sheet(style)
    axes = sheet.add_row(1, style.width_in * (0.32 if style.is_wide else 0.5))[0]
    axes.axhline(1.0, color=style.grey, lw=0.8)
    kinds: tuple[tuple[str, tuple[Pair, ...], dict[str, Any]], ...] = (
        ("before", info.before, {"marker": "o", "mfc": style.paper, "mec": style.palette[0]}),
        ("after", info.after, {"marker": "o", "mfc": style.palette[0], "mec": style.palette[0]}),
        ("after, moved", info.suspect, {"marker": "X", "mfc": style.palette[2], "mec": style.ink}),
    )
    entries = []
    is_crowd = len(info.before) + len(info.after) > CROWD
    for label, points, look in kinds:
        settings = {"ls": "", "ms": style.marker_pt * 0.8, **look}
        axes.plot([x for x, _ in points], [y for _, y in points], rasterized=is_crowd, **settings)
        entries.append(Line2D([], [], label=label, **settings))
    moves = [y for _, points, _ in kinds for _, y in points]
    axes.set_ylim(min(0.9, *moves, 1.0) * 0.98, max(1.1, *moves, 1.0) * 1.02)
    axes.set_xlabel("minutes since the first process")
    axes.set_ylabel("canary / its median")
    return finish(sheet, info.caption, [entries])
