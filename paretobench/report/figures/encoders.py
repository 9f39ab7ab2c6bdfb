"""The encoder figure: accuracy against TTFT for one LLM, after the FastVLM paper's Figure 1.

Linear time; encoders with several resolutions as a line with white-filled circles, single ones
as a dot; the marker's area is the encoder's parameter count. The dashed arrow is that of the front
figure, computed from the points on show.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 1(a) and (b).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from paretobench.report.figures.axes import linear_limits
from paretobench.report.figures.claims import Claim, claims_of, draw_shaft
from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import (
    POINTS_PER_INCH,
    Look,
    Mark,
    Pair,
    draw_bars,
    label_marks,
    look_of,
    mark_of,
    scene_of,
    segments_of,
)
from paretobench.report.formatting import footer_lines
from paretobench.report.style import Style, order_families
from paretobench.report.view.rows import Row, View, benchmark_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
class EncodersInfo:
    """All that the figure shows; `palette` as in the front figure.

    `arrow` is the largest speed-up at equal accuracy of the foremost family.
    """

    caption: Caption
    lines: tuple[EncoderLine, ...]
    arrow: Claim | None
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
    claims = claims_of(rows)
    caption = Caption(
        f"{name} against time to first token with {label}",
        "; ".join(filter(None, ("marker area: encoder parameters", claims.sentence))),
        footer_lines(view, rows, recipe),
    )
    palette = tuple(order_families(row.family for row in view.rows))
    return EncodersInfo(caption, ranked, claims.faster, palette, label, name)


def _line(rows: Sequence[Row]) -> EncoderLine:
    ordered = sorted(rows, key=lambda row: row.resolution_px)
    first = ordered[0]
    marks = tuple(replace(mark_of(row), label=f"{row.resolution_px}²") for row in ordered)
    return EncoderLine(first.encoder_label, first.family, first.encoder_parameters, marks)


def encoders_figure(info: EncodersInfo, style: Style) -> Figure:
    """Draw the whole figure."""
    sheet = new_sheet(style)
    [axes] = sheet.add_row(1, style.width_in * (0.5 if style.is_wide else 0.68))
    look = look_of(style, info.palette, [])
    draw_encoders(info, axes, look)
    figure = finish(sheet, info.caption, [_entries(info, look)])
    marks = [mark for line in info.lines for mark in line.marks]
    paths = [[mark.place for mark in line.marks] for line in info.lines]
    radii = [size / 2 for size in _sizes(info, style)]
    if info.arrow and draw_arrow(info.arrow, marks, radii, paths, axes, style):
        paths.append([info.arrow.start, info.arrow.end])
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
        fill = colour
        if len(line.marks) > 1:
            fill = look.style.paper
            x, y = zip(*(mark.place for mark in line.marks), strict=True)
            axes.plot(x, y, color=colour, lw=0.2 * look.style.font_pt, zorder=2.5)
        for mark in line.marks:
            size = next(sizes)
            settings: dict[str, Any] = {"ms": size, "mfc": fill, "mec": colour}
            edge = 0.17 * look.style.font_pt
            order = 4 + 1 / size  # a large marker never hides a small one
            axes.plot(*mark.place, ls="", marker="o", mew=edge, zorder=order, **settings)
        draw_bars(line.marks, axes, colour, look.style)


def draw_arrow(
    arrow: Claim,
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
    px_per_pt = axes.figure.dpi / POINTS_PER_INCH
    reach_pt = [radius + 2 / px_per_pt for radius in radii_pt]
    scene = scene_of(axes, marks, reach_pt, paths)
    start, end = axes.transData.transform([arrow.start, arrow.end])
    middles = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2
    own = np.hypot(*(middles - start).T).argmin()  # the baseline's marker
    start[0] -= reach_pt[own] * px_per_pt
    end[0] += 0.4 * style.font_pt * px_per_pt
    if start[0] - end[0] < SHORTEST_EM * style.font_pt * px_per_pt:
        return False
    text = axes.text(
        *marks[0].place, arrow.text, fontsize=style.small_pt, fontweight="bold", ha="center",
        va="center", gid="arrow-label",
    )  # fmt: skip
    size = text.get_window_extent()
    half = np.array([size.width, size.height]) / 2
    centres = (
        start + (end - start) * share + (0.0, side * lines * half[1])
        for lines, share, side in product((1.2, 2.4), (0.5, 0.3, 0.7, 0.1, 0.9), (1, -1))
    )
    bars = segments_of(axes, [bar for mark in marks for bar in mark.bars])
    spot = scene.first_room(centres, half, bars)
    if spot is None:
        text.remove()
        return False
    x, y = axes.transData.inverted().transform((spot[:2] + spot[2:]) / 2)
    text.set_position((x, y))
    look = {"ls": (0, (4, 2)), "lw": 1.0}
    draw_shaft(axes, np.concatenate([start, end]), style, look, zorder=3)
    return True


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
        shape = {"ls": "-", "mfc": look.style.paper, "mec": colour}
        if len(line.marks) == 1:
            shape = {"ls": "", "mfc": colour, "mec": look.style.readable(colour)}
        settings: dict[str, Any] = {"marker": "o", "ms": look.style.marker_pt, **shape}
        label = line.encoder + count
        entries.append(Line2D([], [], color=colour, lw=1.8, label=label, **settings))
    return entries
