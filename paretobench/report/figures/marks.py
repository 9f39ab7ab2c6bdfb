"""Points as drawn: a marker with its intervals and its label, the same in every figure.

Colour is the encoder family, shape the LLM, fill whether it is on the front; a dashed edge says
that its time is predicted. A `Mark` is the data of one point; `draw_marks` draws it and
`label_marks` writes the labels once the axes are final.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from paretobench.report.figures.labels import Anchor, Boxes, LabelPosition, Scene, place_labels
from paretobench.report.formatting import Z95
from paretobench.report.style import SMALLEST_PT, Style, markers_of
from paretobench.report.view.rows import Row

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.text import Text

FrontClass = Literal["front", "family", "dominated", "unscored", "predicted"]
Pair = tuple[float, float]

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

    @property
    def place(self) -> Pair:
        """Where it is on the axes; at 0 without a score."""
        return (self.ttft_ms, self.score_percent or 0.0)

    @property
    def bars(self) -> list[list[Pair]]:
        """Its error bars, each from end to end, in milliseconds and percent."""
        (time, height), bars = self.place, []
        if self.ttft_interval_ms:
            bars.append([(x, height) for x in self.ttft_interval_ms])
        if self.score_interval_percent:
            bars.append([(time, y) for y in self.score_interval_percent])
        return bars


@dataclass(frozen=True)
class Look:
    """What colour and line a family has and what shape an LLM has, in one figure."""

    style: Style
    colours: dict[str, str]
    dashes: dict[str, Any]
    markers: dict[str, str]

    def dot(self, label: str, fill: str, edge: str = "", marker: str = "o") -> Artist:
        """A legend's entry for markers; their edge is grey where no colour is given."""
        from matplotlib.lines import Line2D

        settings: dict[str, Any] = {"ms": self.style.marker_pt, "mfc": fill}
        mec = edge or self.style.grey
        return Line2D([], [], ls="", marker=marker, mec=mec, label=label, **settings)

    def llm_dots(self) -> list[Artist]:
        """The legend's entries for the shapes."""
        return [self.dot(llm, self.style.grey, "", shape) for llm, shape in self.markers.items()]

    def family_dots(self, families: Iterable[str]) -> list[Artist]:
        """The legend's entries for the colours of these families."""
        return [self.dot(name, self.colours[name], self.colours[name]) for name in families]


def look_of(style: Style, families: Sequence[str], llms: Sequence[str]) -> Look:
    """The look of a figure that shows these families and LLMs."""
    return Look(style, style.colour_of(families), style.dashes_of(families), markers_of(llms))


def mark_of(row: Row) -> Mark:
    """The mark of a row, at its predicted TTFT if it was not measured.

    Raises:
        ValueError: if the row has neither; such rows are in tables only.
    """
    if row.ttft is not None:
        value_s, interval = row.ttft.value, interval_ms(row.ttft.low, row.ttft.high)
    elif row.predicted is not None:
        guess = row.predicted
        value_s, interval = guess.latency_s, interval_ms(guess.low_s, guess.high_s)
    else:
        raise ValueError(f"{row} has no TTFT and cannot be drawn")
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
        ttft_interval_ms=interval,
        score_interval_percent=spread,
    )


def interval_ms(low: float | None, high: float | None) -> Pair | None:
    """The ends of an interval in milliseconds, where they are known in seconds."""
    return (low * 1e3, high * 1e3) if low and high else None


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
        fills = {"front": colour, "family": look.style.tint(colour)}
        share = _share(front_class, is_crowd)
        axes.plot(
            *zip(*(mark.place for mark in alike), strict=True),
            ls="",
            marker=look.markers[llm],
            ms=look.style.marker_pt * share,
            mfc=fills.get(front_class, look.style.paper),
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
    x, y = zip(*(mark.place for mark in marks), strict=True)
    axes.scatter(
        x,
        y,
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

    bars = [bar for mark in marks for bar in mark.bars]
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
) -> None:
    """Write the labels where they touch nothing; one without such a place is left out.

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
    chosen = [i for i, m in enumerate(marks) if not is_crowded or m.front_class == "front"]
    hidden = sorted({*range(len(marks))}.difference(chosen))
    bars = [bar for i in chosen for bar in marks[i].bars]
    radii_hidden = [radii[i] for i in hidden]
    scene = scene_of(axes, [marks[i] for i in hidden], radii_hidden, [*lines, *bars], axes.texts)
    anchors = [_anchor(marks[i], axes, size, radii[i]) for i in chosen]
    clearance = look.style.font_pt * 0.3 / POINTS_PER_INCH * axes.figure.dpi
    places = place_labels(anchors, scene, clearance)
    for index, anchor, place in zip(chosen, anchors, places, strict=True):
        if place is not None:
            ink = look.style.readable(look.colours[marks[index].family])
            _write(marks[index].label, anchor, place, axes, ink, size)


def _write(
    label: str, anchor: Anchor, place: LabelPosition, axes: Axes, ink: str, size: float
) -> None:
    inverse = axes.transData.inverted()
    x, y = inverse.transform((place.x, place.y))
    axes.text(
        x,
        y,
        label,
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
    x, y = axes.transData.transform(mark.place)
    probe = Text(0, 0, mark.label, fontsize=size_pt, figure=figure)
    box = probe.get_window_extent()
    radius = (radius_pt + 0.8) / POINTS_PER_INCH * figure.dpi
    rank = {"front": 0, "family": 1}.get(mark.front_class, 2)
    return Anchor(float(x), float(y), box.width, box.height, radius, rank)


def scene_of(
    axes: Axes,
    marks: Sequence[Mark],
    radii_pt: float | Sequence[float],
    lines: Sequence[Sequence[Pair]],
    texts: Iterable[Text] = (),
) -> Scene:
    """What words keep off, in pixels: the frame, these markers, lines and texts.

    Args:
        radii_pt: half the size of the markers: of all, or of each.
        lines: in data coordinates.
    """
    frame = axes.get_window_extent()
    centres = axes.transData.transform(np.array([mark.place for mark in marks]).reshape(-1, 2))
    reach = np.array(radii_pt).reshape(-1, 1) / POINTS_PER_INCH * axes.figure.dpi
    extents = [text.get_window_extent().extents for text in texts if text.get_text()]
    return Scene(
        (frame.x0, frame.y0, frame.x1, frame.y1),
        np.vstack([np.hstack([centres - reach, centres + reach]), *extents]),
        segments_of(axes, lines),
    )


def segments_of(axes: Axes, lines: Iterable[Sequence[Pair]]) -> Boxes:
    """Every piece of lines in data coordinates, in pixels: shape (n, 4)."""
    paths = [axes.transData.transform(np.array(line).reshape(-1, 2)) for line in lines]
    return np.array([(*a, *b) for path in paths for a, b in pairwise(path)]).reshape(-1, 4)
