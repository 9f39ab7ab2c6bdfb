"""Points as drawn: a marker with its intervals and its label, the same in every figure.

Colour is the encoder family, shape the LLM, fill whether it is on the front; a dashed edge says
that its time is predicted. A `Mark` is the data of one point; `draw_marks` draws it and
`label_marks` writes the labels once the axes are final.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from paretobench.report.figures.labels import Anchor, LabelPosition, Scene, place_labels
from paretobench.report.style import SMALLEST_PT, Style, markers_of
from paretobench.report.view.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FrontClass = Literal["front", "family", "dominated", "unscored", "predicted"]
Pair = tuple[float, float]

Z95 = 1.959964
"""Half-width of a 95 % normal interval in standard errors; scores come with the latter."""

POINTS_PER_INCH = 72.0

CROWD, CROWD_SHARE = 1000, 0.5
"""More points than this in one panel are a cloud: an image in SVG and PDF, text stays text, and
its markers are of this share of the usual size."""

PREDICTED_DASH = (0, (1.6, 1.3))
"""Dashes of whatever was not measured, in widths of its line: marker edges and time bars."""

PREDICTED_EDGE = 0.16
"""Width of such an edge, as a share of the font's size: a dashed one is thicker to be seen."""

CLOUD_ORDER = 1.9
"""Over the broad band of the front, under every line."""


@dataclass(frozen=True)
class Mark:
    """One point as drawn: milliseconds, percent (None without a score), and its intervals."""

    ttft_ms: float
    score_percent: float | None
    family: str
    llm: str
    label: str
    front_class: FrontClass
    ttft_interval_ms: Pair | None = None
    score_interval_percent: Pair | None = None


@dataclass(frozen=True)
class Look:
    """What colour and line a family has and what shape an LLM has, in one figure."""

    style: Style
    colours: dict[str, str]
    dashes: dict[str, Any]
    markers: dict[str, str]


def look_of(style: Style, families: Sequence[str], llms: Sequence[str]) -> Look:
    """The look of a figure that shows these families and LLMs."""
    return Look(style, style.colour_of(families), style.dashes_of(families), markers_of(llms))


def mark_of(row: Row) -> Mark:
    """The mark of a row, at its predicted TTFT if it was not measured.

    Raises:
        ValueError: if the row has neither; such rows are in tables only.
    """
    value_s, low, high = _time(row)
    score = row.score.value if row.score else None
    error = row.score.standard_error if row.score else None
    spread = None
    if score is not None and error is not None:
        spread = ((score - Z95 * error) * 100, (score + Z95 * error) * 100)
    return Mark(
        ttft_ms=value_s * 1e3,
        score_percent=None if score is None else score * 100,
        family=row.family,
        llm=row.llm_label,
        label=row.point_label if row.ttft else f"~{row.point_label}",
        front_class=_front_class(row),
        ttft_interval_ms=(low * 1e3, high * 1e3) if low and high else None,
        score_interval_percent=spread,
    )


def _time(row: Row) -> tuple[float, float | None, float | None]:
    """Seconds with the ends of their interval."""
    if row.ttft is not None:
        return row.ttft.value, row.ttft.low, row.ttft.high
    if row.predicted is None:
        raise ValueError(f"{row} has no TTFT and cannot be drawn")
    return row.predicted.latency_s, row.predicted.low_s, row.predicted.high_s


def _front_class(row: Row) -> FrontClass:
    if row.ttft is None:
        return "predicted"
    if row.score is None:
        return "unscored"
    if row.front.is_on:
        return "front"
    return "family" if row.front.is_on_family else "dominated"


def draw_marks(marks: Sequence[Mark], axes: Axes, look: Look) -> None:
    """Draw markers and error bars; alike ones in one stroke, so that thousands stay quick.

    A mark without a score is at 0; a strip gives its marks the height of their line. In a
    crowd the dominated ones are small, without error bars, and an image in vector files: nobody
    can pick out one of a thousand, and a file with a shape for each opens slowly.
    """
    em = look.style.font_pt
    is_crowd = len(marks) > CROWD
    groups: dict[tuple[str, str, FrontClass], list[Mark]] = {}
    for mark in marks:
        groups.setdefault((mark.family, mark.llm, mark.front_class), []).append(mark)
    for (family, llm, front_class), alike in groups.items():
        colour = look.colours[family]
        if front_class == "predicted":
            _draw_predicted(alike, axes, look)
            continue
        fill = {"front": colour, "family": look.style.tint(colour)}.get(
            front_class, look.style.paper
        )
        share = _share(front_class, is_crowd)
        axes.plot(
            [mark.ttft_ms for mark in alike],
            [mark.score_percent or 0.0 for mark in alike],
            ls="",
            marker=look.markers[llm],
            ms=look.style.marker_pt * share,
            mfc=fill,
            mec=colour,
            mew=0.13 * em * share,
            zorder=CLOUD_ORDER if share < 1 else 5 if front_class == "front" else 4,
            rasterized=share < 1,
        )
        if share == 1:
            draw_bars(alike, axes, colour, look.style)


def _draw_predicted(marks: Sequence[Mark], axes: Axes, look: Look) -> None:
    """Draw points of one family and LLM that were not measured: hollow, with a dashed edge."""
    colour = look.colours[marks[0].family]
    axes.scatter(
        [mark.ttft_ms for mark in marks],
        [mark.score_percent or 0.0 for mark in marks],
        s=look.style.marker_pt**2,
        marker=look.markers[marks[0].llm],
        facecolors=look.style.paper,
        edgecolors=colour,
        linewidths=PREDICTED_EDGE * look.style.font_pt,
        linestyles=[PREDICTED_DASH],
        zorder=PREDICTED_ORDER,
    )
    times = [replace(mark, score_interval_percent=None) for mark in marks]
    draw_bars(times, axes, colour, look.style, PREDICTED_ORDER - 0.2, PREDICTED_DASH)
    scores = [replace(mark, ttft_interval_ms=None) for mark in marks]
    draw_bars(scores, axes, colour, look.style, PREDICTED_ORDER - 0.2)


def _share(front_class: FrontClass, is_crowd: bool) -> float:
    """The size of a marker, as a share of the usual one."""
    return CROWD_SHARE if is_crowd and front_class not in ("front", "family") else 1.0


BARS_ORDER = 5.4
"""Over lines and markers, under words: an interval shorter than its marker is seen as well."""


PREDICTED_ORDER = 3.8
"""Under what was measured; the bars are under the marker, which stays hollow."""


def draw_bars(
    marks: Sequence[Mark],
    axes: Axes,
    colour: str,
    style: Style,
    order: float = BARS_ORDER,
    dash: Any = "solid",
) -> None:
    """Draw the error bars of marks, with a rim of paper that parts them from their markers."""
    from matplotlib.collections import LineCollection

    bars = [bar for mark in marks for bar in bars_of(mark)]
    width = 0.1 * style.font_pt
    strokes = ((style.paper, 2.2 * width, 0.6, 0.0), (colour, width, 1.0, 0.1))
    for ink, wide, alpha, above in strokes if bars else ():
        look: dict[str, Any] = {"colors": ink, "linewidths": wide, "linestyles": [dash]}
        drawn = LineCollection(bars, alpha=alpha, zorder=order + above, **look)
        axes.add_collection(drawn, autolim=False)


def label_marks(
    marks: Sequence[Mark],
    axes: Axes,
    look: Look,
    lines: Sequence[Sequence[Pair]] = (),
    size_pt: float | None = None,
    radii_pt: Sequence[float] | None = None,
) -> int:
    """Write the labels where they touch nothing; returns how many found no place.

    Text already on the axes, such as an arrow's, is kept off too.

    Args:
        marks: every mark on the axes; if there are many, only the front's are labelled.
        lines: what labels keep off, in data coordinates, beside markers and error bars.
        size_pt: of the text; by default that of tick labels, a little smaller.
        radii_pt: half the size of each marker, where they differ.
    """
    size = size_pt or max(look.style.small_pt * 0.92, SMALLEST_PT)
    is_cloud = len(marks) > CROWD
    radii = radii_pt or [_share(m.front_class, is_cloud) * look.style.marker_pt / 2 for m in marks]
    is_crowded = len(marks) > look.style.max_labels
    is_chosen = [not is_crowded or mark.front_class == "front" for mark in marks]
    chosen = [index for index, wanted in enumerate(is_chosen) if wanted]
    anchors = {i: _anchor(marks[i], axes, size, radii[i]) for i in chosen}
    hidden = [(marks[i], radii[i]) for i, wanted in enumerate(is_chosen) if not wanted]
    bars = [bar for i in chosen for bar in bars_of(marks[i])]
    scene = _scene(axes, [*lines, *bars], hidden)
    clearance = look.style.font_pt * 0.3 / POINTS_PER_INCH * axes.figure.dpi
    places = place_labels([anchors[i] for i in chosen], scene, clearance)
    for index, place in zip(chosen, places, strict=True):
        if place is not None:
            ink = look.style.readable(look.colours[marks[index].family])
            _write(marks[index], anchors[index], place, axes, ink, size)
    return sum(place is None for place in places)


def _write(
    mark: Mark, anchor: Anchor, place: LabelPosition, axes: Axes, ink: str, size: float
) -> None:
    inverse = axes.transData.inverted()
    x, y = inverse.transform((place.x, place.y))
    axes.text(
        x,
        y,
        mark.label,
        fontsize=size,
        color=ink,
        ha="center",
        va="center_baseline",
        zorder=6,
        gid="point-label",
    )
    if place.needs_leader:
        ends = inverse.transform(_leader(anchor, place.x, place.y))
        axes.plot(ends[:, 0], ends[:, 1], color=ink, lw=0.5, zorder=3.5)


def _leader(anchor: Anchor, x: float, y: float) -> list[Pair]:
    """From the marker's edge to the edge of the label's box, in pixels."""
    dx, dy = x - anchor.x, y - anchor.y
    length = max(float(np.hypot(dx, dy)), 1e-9)
    start = (anchor.x + dx / length * anchor.radius, anchor.y + dy / length * anchor.radius)
    reach = min(
        anchor.width / 2 / abs(dx) if dx else np.inf, anchor.height / 2 / abs(dy) if dy else np.inf
    )
    return [start, (x - dx * reach, y - dy * reach)]


def _anchor(mark: Mark, axes: Axes, size_pt: float, radius_pt: float) -> Anchor:
    from matplotlib.text import Text

    figure = axes.figure
    x, y = axes.transData.transform((mark.ttft_ms, mark.score_percent or 0.0))
    probe = Text(0, 0, mark.label, fontsize=size_pt, figure=figure)
    box = probe.get_window_extent()
    radius = (radius_pt + 0.8) / POINTS_PER_INCH * figure.dpi
    rank = {"front": 0, "family": 1}.get(mark.front_class, 2)
    return Anchor(float(x), float(y), box.width, box.height, radius, rank)


def _scene(
    axes: Axes, lines: Sequence[Sequence[Pair]], hidden: Sequence[tuple[Mark, float]]
) -> Scene:
    """What labels keep off, in pixels: the frame, unlabelled markers, lines, error bars, text."""
    frame = axes.get_window_extent()
    segments = []
    for line in lines:
        pixels = axes.transData.transform(np.array(line).reshape(-1, 2))
        segments += [(*start, *end) for start, end in pairwise(pixels)]
    places = [(mark.ttft_ms, mark.score_percent or 0.0) for mark, _ in hidden]
    centres = axes.transData.transform(np.array(places).reshape(-1, 2))
    reach = np.array([radius for _, radius in hidden]).reshape(-1, 1)
    reach = reach / POINTS_PER_INCH * axes.figure.dpi
    texts = [text.get_window_extent().extents for text in axes.texts if text.get_text()]
    return Scene(
        (frame.x0, frame.y0, frame.x1, frame.y1),
        np.vstack([np.hstack([centres - reach, centres + reach]), *texts]),
        np.array(segments).reshape(-1, 4),
    )


def bars_of(mark: Mark) -> list[list[Pair]]:
    """The error bars of a mark, each from end to end, in milliseconds and percent."""
    height, bars = mark.score_percent or 0.0, []
    if mark.ttft_interval_ms:
        bars.append([(x, height) for x in mark.ttft_interval_ms])
    if mark.score_interval_percent:
        bars.append([(mark.ttft_ms, y) for y in mark.score_interval_percent])
    return bars
