"""The device figures: the same points on one device and on another, and a front for each.

`versus_info` sets each further device against the first: one mark per point that both timed,
on log axes, between diagonals of equal ratio. `fronts_info` gives each device a panel and a
front of its own over one time axis: latencies of different devices never share a front.

Both take one view per device. Points meet by encoder, resolution, LLM and tiling.
"""

from __future__ import annotations

import itertools
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Literal

import numpy as np

from paretobench.errors import DataError
from paretobench.report.figures.axes import log_axis, log_limits
from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import (
    Look,
    Mark,
    Pair,
    draw_marks,
    label_marks,
    look_of,
    mark_of,
    scene_of,
)
from paretobench.report.figures.pareto import ParetoInfo, pareto_info
from paretobench.report.formatting import footer_lines, runtimes
from paretobench.report.style import Style, order_families, order_llms
from paretobench.report.view.rows import Row, View, benchmark_label, with_fronts
from paretobench.units import counted, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATIOS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
"""The diagonals beside that of equal times: so many times slower or faster."""

NEAR = 2.5
"""A diagonal is drawn if a point is on it within this factor: the others only take room."""

SHORTEST = 1.2
"""A diagonal that crosses less of the axes than this factor of time is only a corner."""

NAME_WIDTH = 30
"""Characters of a device's name in one line beside an axis."""


@dataclass(frozen=True)
class Versus:
    """One device against the first: a mark per point that both timed.

    Attributes:
        marks: time on the first device in `ttft_ms`, on this one in the place of the score;
            both milliseconds, with their 95 % intervals.
        ratio: median over the points of this device's time over the first one's.
        alone: points that only one of the two timed.
    """

    device: str
    marks: tuple[Mark, ...]
    ratio: float
    alone: int


@dataclass(frozen=True)
class VersusInfo:
    """All that the figure shows; `palette` and `llms` as in the front figure."""

    caption: Caption
    first: str
    panels: tuple[Versus, ...]
    palette: tuple[str, ...]
    llms: tuple[str, ...]


def timed(view: View) -> dict[tuple[str, int, str, str], Row]:
    """The rows with a TTFT by the names of their point, one for each, whatever the recipe."""
    found: dict[tuple[str, int, str, str], Row] = {}
    for row in view.rows:
        if row.ttft is not None:
            found.setdefault(row.identity, row)
    return found


def check_comparable(views: Mapping[str, View]) -> None:
    """Let only such views pass whose times mean the same.

    Raises:
        DataError: if there are fewer than two, or their protocols differ.
    """
    if len(views) < 2:
        raise DataError(
            f"{counted(len(views), 'device')} to compare, and two are needed; sweep the same grid "
            "on another device, or 'paretobench import' the database of another machine"
        )
    protocols = {name: view.protocol for name, view in views.items() if view.protocol}
    if len(set(protocols.values())) > 1:
        said = ", ".join(f"{name}: {protocol}" for name, protocol in protocols.items())
        raise DataError(
            f"times of different protocols cannot be compared ({said}); "
            "sweep again with the same protocol=..., or choose other sweeps"
        )


def versus_info(views: Mapping[str, View]) -> VersusInfo:
    """The data of the figure of every further device against the first.

    Args:
        views: one per device, by the name to show; the first is what the others are set against.

    Raises:
        DataError: if there is nothing to compare, or the protocols differ.
    """
    check_comparable(views)
    first, *others = views
    panels = tuple(_versus(name, timed(views[first]), timed(views[name])) for name in others)
    rows = [row for view in views.values() for row in timed(view).values()]
    return VersusInfo(
        _versus_caption(views, panels),
        first,
        panels,
        tuple(order_families(row.family for row in rows)),
        tuple(order_llms(rows)),
    )


def _versus(name: str, ours: Mapping[tuple[str, int, str, str], Row],
            theirs: Mapping[tuple[str, int, str, str], Row]) -> Versus:  # fmt: skip
    common = [identity for identity in ours if identity in theirs]
    if not common:
        raise DataError(
            f"{name} timed no point that the first device timed, so nothing can be set against "
            "it; sweep the same grid on both"
        )
    pairs = [(mark_of(ours[identity]), mark_of(theirs[identity])) for identity in common]
    marks = tuple(
        replace(
            mark,
            score_percent=other.ttft_ms,
            score_interval_percent=other.ttft_interval_ms,
            front_class="front",
        )
        for mark, other in pairs
    )
    ratio = median(other.ttft_ms / mark.ttft_ms for mark, other in pairs)
    return Versus(name, marks, ratio, len(set(ours) ^ set(theirs)))


def _versus_caption(views: Mapping[str, View], panels: Sequence[Versus]) -> Caption:
    first = next(iter(views))
    title = f"Time to first token: {panels[0].device} against {first}"
    if len(panels) > 1:
        title = f"Time to first token on {counted(len(views), 'device')}, against {first}"
    parts = []
    for panel in panels:
        name = f"{panel.device}: " if len(panels) > 1 else ""
        alone = f", {panel.alone} on one of them alone" if panel.alone else ""
        said = f"{counted(len(panel.marks), 'point')}, median {ratio_text(panel.ratio)}"
        said += _against(views, panel.device)
        parts.append(f"{name}{said}{alone}")
    return Caption(title, "; ".join(parts), device_footers(views, "time"))


def device_footers(views: Mapping[str, View], bars: Literal["time", "both"]) -> tuple[str, ...]:
    """Where, how and from which command each device's times come, one device after another."""
    lines: list[str] = []
    for name, view in views.items():
        shown = [row for row in view.rows if row.ttft is not None]
        name = f"{name} ({run})" if (run := runtimes_of(view)) else name
        head, *rest = footer_lines(view, shown, bars=bars) or ("",)
        lines += [f"{name}: {head}", *(line for line in rest if line not in lines)]
    return tuple(lines)


def runtimes_of(view: View) -> str:
    """What timed a view, with its precisions: a ratio of devices is also one of these."""
    found = dict.fromkeys(runtimes(row) for row in view.rows if row.ttft is not None)
    return ", ".join(name for name in found if name)


def _against(views: Mapping[str, View], device: str) -> str:
    """Both sides' runtimes as text where they differ."""
    first = next(iter(views))
    ours, theirs = runtimes_of(views[first]), runtimes_of(views[device])
    return f", {theirs} against {ours}" if ours and theirs and ours != theirs else ""


def ratio_text(ratio: float) -> str:
    """How a time compares with another, of which it is so many times as long.

    >>> ratio_text(1.0), ratio_text(2.5), ratio_text(0.5)
    ('equal', '2.5x slower', '2.0x faster')
    """
    if abs(ratio - 1) < 0.005:
        return "equal"
    if ratio > 1:
        return f"{significant(ratio, 2)}x slower"
    return f"{significant(1 / ratio, 2)}x faster"


def versus_figure(info: VersusInfo, style: Style) -> Figure:
    """Draw one panel per further device, all on the same axes."""
    sheet = new_sheet(style)
    look = look_of(style, info.palette, info.llms)
    columns = 2 if len(info.panels) > 1 and style.is_wide else 1
    share = 0.5 if columns == 1 and style.is_wide else 0.75 / columns
    panels = sheet.add_rows(len(info.panels), columns, style.width_in * share)
    for panel, axes in zip(info.panels, panels, strict=True):
        draw_versus(info, panel, axes, look)
    shown = order_families(mark.family for panel in info.panels for mark in panel.marks)
    figure = finish(sheet, info.caption, [look.family_dots(shown), look.llm_dots()])
    for panel, axes in zip(info.panels, panels, strict=True):
        label_marks(panel.marks, axes, look, _draw_diagonals(panel, axes, style))
    return figure


def draw_versus(info: VersusInfo, panel: Versus, axes: Axes, look: Look) -> None:
    """Draw one device's marks on given axes; diagonals and labels come last."""
    is_wide = len(info.panels) == 1 and look.style.is_wide
    marks = [mark for each in info.panels for mark in each.marks]
    ends = [end for mark in marks for end in (mark.ttft_interval_ms or ())]
    across = log_limits((mark.ttft_ms for mark in marks), ends)
    ends = [end for mark in panel.marks for end in (mark.score_interval_percent or ())]
    up = log_limits((mark.place[1] for mark in panel.marks), ends)
    longest = max(across[1], up[1])
    unit = log_axis(axes, "x", across, most=9 if is_wide else 6, high_ms=longest)
    log_axis(axes, "y", up, most=7, high_ms=longest)
    axes.grid(visible=False)
    axes.set_xlabel(f"{info.first}: TTFT ({unit})")
    axes.set_ylabel(textwrap.fill(f"{panel.device}: TTFT ({unit})", NAME_WIDTH))
    draw_marks(panel.marks, axes, look)


def _draw_diagonals(panel: Versus, axes: Axes, style: Style) -> list[list[Pair]]:
    """Lines of equal ratio through the axes, each named where nothing else is; returns them."""
    lines = _diagonals(panel, axes.get_xlim(), axes.get_ylim())
    for ratio, line in lines.items():
        width, dashes = (1.0, "-") if ratio == 1.0 else (0.6, (0, (4, 3)))
        axes.plot(*zip(*line, strict=True), color=style.grey, lw=width, ls=dashes, zorder=1.5)
    for ratio in lines:
        _name_diagonal(panel, axes, style, ratio, lines)
    return list(lines.values())


def _diagonals(panel: Versus, across: Pair, up: Pair) -> dict[float, list[Pair]]:
    """The two ends of each diagonal worth drawing, by its ratio, the fastest first."""
    found = [their_ms / our_ms for our_ms, their_ms in (mark.place for mark in panel.marks)]
    near = (min(found) / NEAR, max(found) * NEAR)
    ratios = [each for each in (*RATIOS, *(1 / one for one in RATIOS)) if near[0] < each < near[1]]
    lines = {}
    for ratio in sorted([1.0, *ratios]):
        start, end = max(across[0], up[0] / ratio), min(across[1], up[1] / ratio)
        if end / start > SHORTEST:
            lines[ratio] = [(start, start * ratio), (end, end * ratio)]
    return lines


def _name_diagonal(
    panel: Versus, axes: Axes, style: Style, ratio: float, lines: Mapping[float, list[Pair]]
) -> None:
    """Write the ratio beside its line, from the top down, at the first place that is free."""
    name = ratio_text(ratio).replace(".0x", "x")
    text = axes.text(1, 1, name, fontsize=style.tiny_pt, color=style.grey, gid="ratio", zorder=3)
    others = [line for line in lines.values() if line is not lines[ratio]]
    radius_pt = style.marker_pt / 2 + 1.5
    named = [one for one in axes.texts if one is not text]
    scene = scene_of(axes, panel.marks, radius_pt, others, named)
    (start, _), (end, _) = lines[ratio]
    sides = (("left", "top"), ("right", "bottom"))
    for share, (across, up) in itertools.product(np.linspace(0.98, 0.02, 49), sides):
        x = start * (end / start) ** share
        text.set(position=(x, x * ratio), ha=across, va=up)
        if scene.has_room(np.array(text.get_window_extent().extents)):
            return
    text.remove()


def recipes_of(views: Mapping[str, View]) -> list[str]:
    """The recipes under which at least one device has a front, the best covered first."""
    panels = [panel for view in views.values() for panel in view.panels()]
    counts = Counter(row.recipe for panel in panels for row in panel.rows)
    return [recipe for recipe, _ in counts.most_common()]


def fronts_info(views: Mapping[str, View], recipe: str) -> ParetoInfo:
    """The data of the figure with a front for each device, under one recipe.

    Raises:
        DataError: if there is nothing to compare, or the protocols differ.
    """
    check_comparable(views)
    rows = [
        replace(row, environment=name)
        for name, view in views.items()
        for row in view.scored
        if row.recipe == recipe
    ]
    some = next(iter(views.values()))
    joined = with_fronts(replace(some, rows=tuple(rows), readings=(), statistics=None))
    panels = sorted(joined.panels(), key=lambda panel: list(views).index(panel.environment))
    info = pareto_info(joined, panels)
    named = tuple(
        replace(drawn, title=panel.environment)
        for drawn, panel in zip(info.panels, panels, strict=True)
    )
    said = ", ".join(
        f"{panel.environment} {sum(row.front.is_on for row in panel.rows)} of {len(panel.rows)}"
        for panel in panels
    )
    caption = Caption(
        f"A front for each device: {benchmark_label(some.benchmark)} against time to first token",
        f"recipe {recipe}; points on the front: {said}",
        device_footers(views, "both"),
    )
    return replace(info, caption=caption, panels=named, across=1)
