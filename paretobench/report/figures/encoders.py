"""The encoder figure: accuracy against TTFT for one LLM, after the FastVLM paper's Figure 1.

Linear time; encoders with several resolutions as a line with white-filled circles, single ones
as a dot; the marker's area is the encoder's parameter count. The dashed arrow is that of the front
figure, computed from the points on show.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 1(a) and (b).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np

from paretobench.report.figures.axes import linear_limits
from paretobench.report.figures.claims import claims_of
from paretobench.report.figures.labels import Boxes, crosses, touches
from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import (
    POINTS_PER_INCH,
    Look,
    Mark,
    Pair,
    bars_of,
    draw_bars,
    label_marks,
    look_of,
    mark_of,
)
from paretobench.report.formatting import footer_lines
from paretobench.report.style import Style, order_families
from paretobench.report.view.rows import Row, View, benchmark_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

SHORTEST_EM = 2.0
"""An arrow shorter than this, in units of the font's size, is all head."""

LARGEST_PT = 17.0
"""Diameter of the largest encoder's marker; areas are proportional to parameters."""


@dataclass(frozen=True)
class EncoderLine:
    """One encoder's points, smallest resolution first, and its parameter count."""

    encoder: str
    family: str
    parameters: float | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Arrow:
    """A speed-up at equal accuracy: from a baseline's time to the faster time, at its height."""

    from_ms: float
    to_ms: float
    percent: float
    text: str


@dataclass(frozen=True)
class EncodersInfo:
    """All that the figure shows; `palette` as in the front figure."""

    caption: Caption
    lines: tuple[EncoderLine, ...]
    arrow: Arrow | None
    palette: tuple[str, ...]
    llm: str
    score_label: str


def encoders_info(view: View, llm: str, recipe: str) -> EncodersInfo:
    """The data of the figure for one LLM under one recipe, without tiling.

    Args:
        llm: its catalogue name.
    """
    mine = view.where(recipe=recipe, llm=llm)
    rows = [row for row in mine.scored if row.tiling in ("", "none")]
    encoders = dict.fromkeys(row.encoder for row in rows)
    label = rows[0].llm_label if rows else llm
    name = benchmark_label(view.benchmark)
    lines = tuple(_line([row for row in rows if row.encoder == encoder]) for encoder in encoders)
    families = order_families(line.family for line in lines)
    ranked = tuple(sorted(lines, key=lambda line: families.index(line.family)))
    caption = Caption(
        f"{name} against time to first token with {label}",
        "; ".join(filter(None, ("marker area: encoder parameters", claims_of(rows).sentence))),
        footer_lines(view, rows, recipe),
    )
    palette = tuple(order_families(row.family for row in view.rows))
    return EncodersInfo(caption, ranked, _arrow(rows), palette, label, name)


def _line(rows: Sequence[Row]) -> EncoderLine:
    ordered = sorted(rows, key=lambda row: row.resolution_px)
    first = ordered[0]
    marks = tuple(replace(mark_of(row), label=f"{row.resolution_px}²") for row in ordered)
    return EncoderLine(first.encoder_label, first.family, first.encoder_parameters, marks)


def _arrow(rows: Sequence[Row]) -> Arrow | None:
    """The largest speed-up of the foremost family, as in the front figure."""
    faster = claims_of(rows).faster
    if not faster:
        return None
    claim = faster[0]
    return Arrow(claim.start[0], claim.end[0], claim.start[1], claim.text)


def encoders_figure(info: EncodersInfo, style: Style) -> Figure:
    """Draw the whole figure."""
    sheet = new_sheet(style)
    share = 0.5 if style.width_mm > 120 else 0.68
    axes = sheet.add_row(1, style.width_in * share)[0]
    llms = sorted({mark.llm for line in info.lines for mark in line.marks})
    look = look_of(style, info.palette, llms)
    draw_encoders(info, axes, look)
    figure = finish(sheet, info.caption, [_entries(info, look)])
    marks = [mark for line in info.lines for mark in line.marks]
    paths = [[_place(mark) for mark in line.marks] for line in info.lines]
    radii = [size / 2 for size in _sizes(info, style)]
    if info.arrow and draw_arrow(info.arrow, marks, radii, paths, axes, style):
        arrow = info.arrow
        paths.append([(arrow.from_ms, arrow.percent), (arrow.to_ms, arrow.percent)])
    label_marks(marks, axes, look, paths, radii_pt=radii)
    return figure


def draw_encoders(info: EncodersInfo, axes: Axes, look: Look) -> None:
    """Draw lines and markers on given axes; the arrow and the labels come last."""
    marks = [mark for line in info.lines for mark in line.marks]
    axes.set_xlim(0, max((mark.ttft_ms for mark in marks), default=1.0) * 1.08)
    axes.set_ylim(*linear_limits([mark.score_percent or 0.0 for mark in marks], pad=0.12))
    axes.set_xlabel("time to first token (ms), left is better")
    axes.set_ylabel(f"{info.score_label} (%), up is better")
    sizes = iter(_sizes(info, look.style))
    for line in info.lines:
        colour = look.colours[line.family]
        x, y = zip(*(_place(mark) for mark in line.marks), strict=True)
        if len(line.marks) > 1:
            axes.plot(x, y, color=colour, lw=0.2 * look.style.font_pt, zorder=2.5)
        fill = look.style.paper if len(line.marks) > 1 else colour
        for mark in line.marks:
            size = next(sizes)
            settings: dict[str, Any] = {"ms": size, "mfc": fill, "mec": colour}
            edge = 0.17 * look.style.font_pt
            order = 4 + 1 / size  # a large marker never hides a small one
            axes.plot(*_place(mark), ls="", marker="o", mew=edge, zorder=order, **settings)
        draw_bars(line.marks, axes, colour, look.style)


def draw_arrow(
    arrow: Arrow,
    marks: Sequence[Mark],
    radii_pt: Sequence[float],
    paths: Sequence[Sequence[Pair]],
    axes: Axes,
    style: Style,
) -> bool:
    """Draw the arrow with its words where both find room; returns whether they did.

    Args:
        radii_pt: half the size of each mark.
        paths: the encoders' lines, which the words keep off, and error bars where there is room.
    """
    scale = axes.figure.dpi / POINTS_PER_INCH
    at = axes.transData.transform
    centres = at(np.array([_place(mark) for mark in marks]))
    reach = np.array(radii_pt).reshape(-1, 1) * scale + 2
    boxes = np.hstack([centres - reach, centres + reach])
    start, end = at([(arrow.from_ms, arrow.percent), (arrow.to_ms, arrow.percent)])
    start[0] -= float(reach[np.hypot(*(centres - start).T).argmin(), 0])
    end[0] += 0.4 * style.font_pt * scale
    if start[0] - end[0] < SHORTEST_EM * style.font_pt * scale:
        return False
    text = axes.text(
        *_place(marks[0]), arrow.text, fontsize=style.small_pt, fontweight="bold", ha="center",
        va="center", gid="arrow-label",
    )  # fmt: skip
    bars = [bar for mark in marks for bar in bars_of(mark)]
    kept_off = ([*paths, *bars], paths)  # bars are crossed rather than the arrow left out
    if not any(_found_room(text, (start, end), boxes, each, axes) for each in kept_off):
        text.remove()
        return False
    tail, tip = axes.transData.inverted().transform([start, end])
    settings = {"arrowstyle": "-|>", "ls": (0, (4, 2)), "color": style.ink, "lw": 1.0}
    props = {**settings, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=tip, xytext=tail, arrowprops=props, zorder=3)
    return True


def _found_room(
    text: Text,
    shaft: tuple[Boxes, Boxes],
    boxes: Boxes,
    paths: Sequence[Sequence[Pair]],
    axes: Axes,
) -> bool:
    """Move the words beside the shaft to where they touch nothing, if there is such a place."""
    pieces = [axes.transData.transform(np.array(path)) for path in paths]
    segments = np.array([(*a, *b) for piece in pieces for a, b in pairwise(piece)]).reshape(-1, 4)
    frame, size = axes.get_window_extent(), text.get_window_extent()
    half = np.array([size.width, size.height]) / 2
    (start, end), inverse = shaft, axes.transData.inverted()
    for lines, share, side in product((1.2, 2.4), (0.5, 0.3, 0.7, 0.1, 0.9), (1, -1)):
        centre = start + (end - start) * share + (0.0, side * lines * half[1])
        box = np.concatenate([centre - half, centre + half])
        inside = frame.x0 < box[0] and box[2] < frame.x1 and frame.y0 < box[1] < box[3] < frame.y1
        if inside and not touches(box, boxes) and not crosses(box, segments):
            x, y = inverse.transform(centre)
            text.set_position((float(x), float(y)))
            return True
    return False


def _place(mark: Mark) -> Pair:
    return (mark.ttft_ms, mark.score_percent or 0.0)


def _sizes(info: EncodersInfo, style: Style) -> list[float]:
    """Diameters in points, one per mark: area in proportion to parameters, never too small."""
    known = [line.parameters for line in info.lines if line.parameters]
    largest = max(known, default=1.0)
    scale = LARGEST_PT * style.font_pt / 9.0
    sizes = []
    for line in info.lines:
        share = (line.parameters or largest / 8) / largest
        sizes += [max(scale * share**0.5, style.marker_pt)] * len(line.marks)
    return sizes


def _entries(info: EncodersInfo, look: Look) -> list[Any]:
    from matplotlib.lines import Line2D

    entries = []
    for line in info.lines:
        colour = look.colours[line.family]
        count = f" ({line.parameters / 1e6:.0f}M)" if line.parameters else ""
        is_line = len(line.marks) > 1
        entries.append(
            Line2D(
                [],
                [],
                color=colour,
                lw=1.8,
                ls="-" if is_line else "",
                marker="o",
                ms=look.style.marker_pt,
                mfc=look.style.paper if is_line else colour,
                mec=look.style.readable(colour) if not is_line else colour,
                label=line.encoder + count,
            )
        )
    return entries
