"""The front figure: accuracy against TTFT on a log axis, after the FastVLM paper's Figure 4.

Colour is the encoder family, shape the LLM, fill the standing: filled on the overall front,
tinted on the front of its family only, hollow when dominated. Family fronts are step lines,
because between two configurations there is nothing to be had; the overall front is the broad
band beneath them. One panel per recipe (and environment): they never share a front. Points
that have a latency and no score stand in a strip below, on the same axis.

`pareto_info` is all data; `draw_panel` and `pareto_figure` only draw it.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from paretobench.report.figures.axes import (
    linear_limits,
    log_limits,
    steps_through,
    style_log_axis,
)
from paretobench.report.figures.labels import Anchor, Scene, place_labels
from paretobench.report.figures.sheet import POINTS_PER_INCH, Caption, finish, new_sheet
from paretobench.report.style import (
    FRONT,
    GREY,
    Style,
    markers_of,
    order_families,
    readable,
    size_in_billions,
    tint,
)
from paretobench.report.view import Panel, Row, View, benchmark_label
from paretobench.report.words import footer_lines
from paretobench.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Standing = Literal["front", "family", "dominated", "unscored"]
Pair = tuple[float, float]

MOST_PANELS = 4
"""More recipes than this are drawn as one figure each."""

Z95 = 1.96
"""Half-width of a 95 % normal interval in standard errors; scores come with the latter."""


@dataclass(frozen=True)
class Mark:
    """One point as drawn: milliseconds, percent (None without a score), and its intervals."""

    ttft_ms: float
    score_percent: float | None
    family: str
    llm: str
    label: str
    standing: Standing
    ttft_interval_ms: Pair | None = None
    score_interval_percent: Pair | None = None


@dataclass(frozen=True)
class PanelInfo:
    """One recipe's points, its overall front and the front of each family, left to right."""

    title: str
    marks: tuple[Mark, ...]
    front: tuple[Pair, ...]
    family_fronts: tuple[tuple[str, tuple[Pair, ...]], ...]


@dataclass(frozen=True)
class Strip:
    """Points of one encoder that have no score."""

    encoder: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class ParetoInfo:
    """All that the figure shows."""

    caption: Caption
    panels: tuple[PanelInfo, ...]
    strips: tuple[Strip, ...]
    families: tuple[str, ...]
    llms: tuple[str, ...]
    score_label: str


def pareto_info(view: View, panels: Sequence[Panel] | None = None) -> ParetoInfo:
    """The data of the front figure.

    Args:
        panels: which panels to show; all of the view's by default.
    """
    shown = view.panels() if panels is None else tuple(panels)
    rows = [row for panel in shown for row in panel.rows]
    unscored = view.unscored
    strips = _strips(unscored)
    everything = [*rows, *unscored]
    sizes = {row.llm_label: size_in_billions(row.size_label) for row in everything}
    return ParetoInfo(
        caption=_caption(view, shown),
        panels=tuple(_panel_info(view, panel, len(shown)) for panel in shown),
        strips=strips,
        families=tuple(order_families(row.family for row in everything)),
        llms=tuple(sorted(sizes, key=lambda name: (sizes[name], name))),
        score_label=benchmark_label(view.benchmark),
    )


def _caption(view: View, panels: Sequence[Panel]) -> Caption:
    scored = sum(len(panel.rows) for panel in panels)
    on_front = sum(row.is_on_front for panel in panels for row in panel.rows)
    parts = [f"{counted(scored, 'scored point')}, {on_front} on the front"]
    if view.unscored:
        parts.append(f"{len(view.unscored)} measured without a score (below)")
    if view.untimed:
        parts.append(f"{len(view.untimed)} without a latency (see the table)")
    recipe = panels[0].recipe if len(panels) == 1 else ""
    return Caption(
        view.title or f"{benchmark_label(view.benchmark)} against time to first token",
        "; ".join(parts),
        footer_lines(view, recipe),
    )


def _panel_info(view: View, panel: Panel, count: int) -> PanelInfo:
    marks = tuple(_mark(row) for row in panel.rows)
    families = order_families(row.family for row in panel.rows)
    title = f"recipe {panel.recipe}" if count > 1 else ""
    if len({other.environment for other in view.panels()}) > 1:
        title = f"{title}, {panel.environment}".lstrip(", ")
    return PanelInfo(
        title=title,
        marks=marks,
        front=_corners(row for row in panel.rows if row.is_on_front),
        family_fronts=tuple(
            (name, _corners(r for r in panel.rows if r.is_on_family_front and r.family == name))
            for name in families
        ),
    )


def _corners(rows: Iterable[Row]) -> tuple[Pair, ...]:
    pairs = {(r.ttft.value * 1e3, r.score.value * 100) for r in rows if r.ttft and r.score}
    return tuple(sorted(pairs))


def _strips(rows: Sequence[Row]) -> tuple[Strip, ...]:
    names = list(dict.fromkeys(row.encoder_label for row in rows))
    return tuple(
        Strip(name, tuple(_mark(row) for row in rows if row.encoder_label == name))
        for name in names
    )


def _mark(row: Row) -> Mark:
    if row.ttft is None:
        raise ValueError(f"{row} has no TTFT and cannot be drawn")
    standing: Standing = "dominated"
    if row.score is None:
        standing = "unscored"
    elif row.is_on_front:
        standing = "front"
    elif row.is_on_family_front:
        standing = "family"
    low, high = row.ttft.low, row.ttft.high
    score, error = (row.score.value, row.score.standard_error) if row.score else (None, None)
    spread = None
    if score is not None and error is not None:
        spread = ((score - Z95 * error) * 100, (score + Z95 * error) * 100)
    return Mark(
        ttft_ms=row.ttft.value * 1e3,
        score_percent=None if score is None else score * 100,
        family=row.family,
        llm=row.llm_label,
        label=row.point_label,
        standing=standing,
        ttft_interval_ms=(low * 1e3, high * 1e3) if low and high else None,
        score_interval_percent=spread,
    )


def pareto_figure(info: ParetoInfo, style: Style) -> Figure:
    """Draw the whole figure: panels, strip, legends, title and provenance."""
    sheet = new_sheet(style)
    columns = 2 if len(info.panels) > 1 and style.width_mm > 120 else 1
    width_in = style.width_in / columns
    panels: list[Axes] = []
    for start in range(0, len(info.panels), columns):
        panels += sheet.add_row(min(columns, len(info.panels) - start), width_in * 0.52)
    if info.strips:
        row_in = style.font_pt * 1.75 / POINTS_PER_INCH
        strip = sheet.add_row(1, row_in * (len(info.strips) + 0.2))[0]
        draw_strip(info, strip, style)
    for panel, axes in zip(info.panels, panels, strict=True):
        draw_panel(info, panel, axes, style)
    figure = finish(sheet, info.caption, legend_entries(info, style))
    for panel, axes in zip(info.panels, panels, strict=True):
        label_marks(info, panel, axes, style)
    return figure


def draw_panel(info: ParetoInfo, panel: PanelInfo, axes: Axes, style: Style) -> None:
    """Draw one panel's points and fronts on given axes; labels come last, by `label_marks`."""
    low, high = _x_limits(info)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(*linear_limits(_heights(info)))
    style_log_axis(axes.xaxis, low, high, most=9 if len(info.panels) == 1 else 6)
    axes.set_ylabel(f"{info.score_label} (%), up is better")
    if not info.strips:
        axes.set_xlabel("time to first token (ms, log scale), left is better")
    if panel.title:
        axes.set_title(panel.title, loc="left", fontsize=style.font_pt)
    _draw_fronts(info, panel, axes, style, high)
    for mark in panel.marks:
        _draw_mark(info, mark, axes, style, mark.score_percent or 0.0)


def draw_strip(info: ParetoInfo, axes: Axes, style: Style) -> None:
    """Draw the points without a score: one line per encoder, on the same time axis."""
    low, high = _x_limits(info)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(info.strips) - 0.4, -0.6)
    style_log_axis(axes.xaxis, low, high)
    axes.set_yticks(range(len(info.strips)), [strip.encoder for strip in info.strips])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title("no score yet", loc="left", fontsize=style.small_pt, color=GREY)
    axes.set_xlabel("time to first token (ms, log scale), left is better")
    for height, strip in enumerate(info.strips):
        for mark in strip.marks:
            _draw_mark(info, mark, axes, style, float(height))


def legend_entries(info: ParetoInfo, style: Style) -> list[list[Any]]:
    """Two rows of legend entries: the families, then shapes and fills."""
    from matplotlib.lines import Line2D

    colours, markers = style.colour_of(info.families), markers_of(info.llms)
    families = [Line2D([], [], color=colours[name], lw=2.4, label=name) for name in info.families]
    shapes = [
        Line2D(
            [], [], ls="", marker=markers[name], ms=style.marker_pt, mfc=GREY, mec=GREY, label=name
        )
        for name in info.llms
    ]
    if not info.panels:
        return [families, shapes]
    fills = [
        Line2D([], [], ls="", marker="o", ms=style.marker_pt, mfc=fill, mec=GREY, label=label)
        for fill, label in (
            (GREY, "on the front"),
            (tint(GREY), "on its family's front"),
            ("white", "dominated"),
        )
    ]
    band = Line2D([], [], color=FRONT, lw=5.0, label="overall front")
    return [families, [*shapes, band, *fills]]


def label_marks(info: ParetoInfo, panel: PanelInfo, axes: Axes, style: Style) -> int:
    """Write the labels where they touch nothing; returns how many found no place."""
    marks = panel.marks
    if len(marks) > style.max_labels:
        marks = tuple(mark for mark in marks if mark.standing == "front")
    colours = style.colour_of(info.families)
    anchors = [_anchor(mark, axes, style) for mark in marks]
    hidden = [mark for mark in panel.marks if mark not in marks]
    scene = _scene(info, panel, hidden, axes, style)
    clearance = style.font_pt * 0.3 / POINTS_PER_INCH * axes.figure.dpi
    places = place_labels(anchors, scene, clearance)
    inverse = axes.transData.inverted()
    for mark, anchor, place in zip(marks, anchors, places, strict=True):
        if place is None:
            continue
        ink = readable(colours[mark.family])
        x, y = inverse.transform((place.x, place.y))
        axes.text(
            x,
            y,
            mark.label,
            fontsize=style.small_pt * 0.92,
            color=ink,
            ha="center",
            va="center_baseline",
            zorder=6,
            gid="point-label",
        )
        if place.needs_leader:
            ends = inverse.transform(_leader(anchor, place.x, place.y))
            axes.plot(ends[:, 0], ends[:, 1], color=ink, lw=0.5, zorder=3.5)
    return sum(place is None for place in places)


def _leader(anchor: Anchor, x: float, y: float) -> list[Pair]:
    """From the marker's edge to the edge of the label's box, in pixels."""
    dx, dy = x - anchor.x, y - anchor.y
    length = max(float(np.hypot(dx, dy)), 1e-9)
    start = (anchor.x + dx / length * anchor.radius, anchor.y + dy / length * anchor.radius)
    reach = min(
        anchor.width / 2 / abs(dx) if dx else np.inf, anchor.height / 2 / abs(dy) if dy else np.inf
    )
    return [start, (x - dx * reach, y - dy * reach)]


def _x_limits(info: ParetoInfo) -> Pair:
    groups = [*(p.marks for p in info.panels), *(s.marks for s in info.strips)]
    marks = [mark for group in groups for mark in group]
    ends = [end for m in marks for end in (m.ttft_interval_ms or (m.ttft_ms,))]
    return log_limits([*ends, *(mark.ttft_ms for mark in marks)])


def _heights(info: ParetoInfo) -> list[float]:
    marks = [mark for panel in info.panels for mark in panel.marks]
    return [mark.score_percent for mark in marks if mark.score_percent is not None]


def _draw_fronts(
    info: ParetoInfo, panel: PanelInfo, axes: Axes, style: Style, right: float
) -> None:
    colours = style.colour_of(info.families)
    if panel.front:
        x, y = zip(*steps_through(panel.front, right), strict=True)
        axes.plot(x, y, color=FRONT, lw=5.0, solid_capstyle="butt", zorder=1.5)
    for name, corners in panel.family_fronts:
        if len(corners) > 1:
            x, y = zip(*steps_through(corners, corners[-1][0]), strict=True)
            axes.plot(x, y, color=colours[name], lw=1.3, zorder=2.5)


def _draw_mark(info: ParetoInfo, mark: Mark, axes: Axes, style: Style, height: float) -> None:
    colour = style.colour_of(info.families)[mark.family]
    fill = {"front": colour, "family": tint(colour)}.get(mark.standing, "white")
    marker = markers_of(info.llms)[mark.llm]
    bars: dict[str, Any] = {"color": colour, "lw": 0.9, "alpha": 0.75, "zorder": 3}
    if mark.ttft_interval_ms:
        axes.plot(mark.ttft_interval_ms, (height, height), **bars)
    if mark.score_interval_percent:
        axes.plot((mark.ttft_ms, mark.ttft_ms), mark.score_interval_percent, **bars)
    axes.plot(
        [mark.ttft_ms],
        [height],
        ls="",
        marker=marker,
        ms=style.marker_pt,
        mfc=fill,
        mec=colour,
        mew=1.2,
        zorder=5 if mark.standing == "front" else 4,
    )


def _anchor(mark: Mark, axes: Axes, style: Style) -> Anchor:
    from matplotlib.text import Text

    figure = axes.figure
    x, y = axes.transData.transform((mark.ttft_ms, mark.score_percent or 0.0))
    probe = Text(0, 0, mark.label, fontsize=style.small_pt * 0.92, figure=figure)
    box = probe.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    radius = (style.marker_pt / 2 + 0.8) / POINTS_PER_INCH * figure.dpi
    rank = {"front": 0, "family": 1}.get(mark.standing, 2)
    return Anchor(float(x), float(y), box.width, box.height, radius, rank)


def _scene(
    info: ParetoInfo, panel: PanelInfo, hidden: Sequence[Mark], axes: Axes, style: Style
) -> Scene:
    """What labels keep off, in pixels: the frame, unlabelled markers, fronts, error bars."""
    frame = axes.get_window_extent()
    to_pixels = axes.transData.transform
    lines = [steps_through(panel.front, _x_limits(info)[1])]
    lines += [steps_through(c, c[-1][0]) for _, c in panel.family_fronts if len(c) > 1]
    lines += [line for mark in panel.marks for line in _bars(mark)]
    segments = [
        (*a, *b)
        for line in lines
        if line
        for pixels in [to_pixels(line)]
        for a, b in pairwise(pixels)
    ]
    anchors = [_anchor(mark, axes, style) for mark in hidden]
    boxes = [(a.x - a.radius, a.y - a.radius, a.x + a.radius, a.y + a.radius) for a in anchors]
    return Scene(
        (frame.x0, frame.y0, frame.x1, frame.y1),
        np.array(boxes).reshape(-1, 4),
        np.array(segments).reshape(-1, 4),
    )


def _bars(mark: Mark) -> list[list[Pair]]:
    height, bars = mark.score_percent or 0.0, []
    if mark.ttft_interval_ms:
        bars.append([(x, height) for x in mark.ttft_interval_ms])
    if mark.score_interval_percent:
        bars.append([(mark.ttft_ms, y) for y in mark.score_interval_percent])
    return bars
