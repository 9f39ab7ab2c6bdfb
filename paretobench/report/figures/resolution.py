"""The resolution figure: what one encoder pass costs at each resolution, after Figure 3.

Log time over the side of the square image, one line per encoder; the LLM plays no part.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paretobench.report.figures.axes import log_axis, log_limits
from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import POINTS_PER_INCH, Look, Pair, interval_ms, look_of
from paretobench.report.formatting import footer_lines
from paretobench.report.style import Style, order_families
from paretobench.report.view.rows import Row, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TICK_EM = 3.0
"""Room for a tick's four digits, in units of their size: their width and a space."""

SIDE_IN = 0.75
"""About what the axis of times takes beside the data; only the spacing of ticks rests on it."""


@dataclass(frozen=True)
class Encoding:
    """One encoder at one resolution: milliseconds per pass, with the interval where known."""

    resolution_px: int
    encode_ms: float
    interval_ms: Pair | None = None


@dataclass(frozen=True)
class ResolutionInfo:
    """All that the figure shows: encoders with their family and their points, left to right."""

    caption: Caption
    lines: tuple[tuple[str, str, tuple[Encoding, ...]], ...]
    palette: tuple[str, ...]


def resolution_info(view: View) -> ResolutionInfo:
    """The data of the figure: every encoder without tiling that has a latency of its own."""
    rows = {
        (row.encoder, row.resolution_px): row
        for row in view.rows
        if row.encode is not None and row.tiling in ("", "none")
    }
    families = order_families(row.family for row in rows.values())
    encoders = sorted(
        {(families.index(row.family), row.encoder_label, row.family) for row in rows.values()}
    )
    lines = tuple(
        (label, family, tuple(_encodings([r for r in rows.values() if r.encoder_label == label])))
        for _, label, family in encoders
    )
    return ResolutionInfo(
        Caption(
            f"What one encoder pass costs: {view.title or view.name}",
            "time per pass over one square image or tile",
            footer_lines(view, list(rows.values()), bars="time"),
        ),
        lines,
        tuple(order_families(row.family for row in view.rows)),
    )


def _encodings(rows: list[Row]) -> list[Encoding]:
    ordered = sorted(rows, key=lambda row: row.resolution_px)
    return [
        Encoding(row.resolution_px, one.value * 1e3, interval_ms(one.low, one.high))
        for row in ordered
        if (one := row.encode) is not None
    ]


def resolution_figure(info: ResolutionInfo, style: Style) -> Figure:
    """Draw the whole figure."""
    sheet = new_sheet(style)
    [axes] = sheet.add_row(1, style.width_in * (0.5 if style.is_wide else 0.65))
    look = look_of(style, info.palette, [])
    draw_resolution(info, axes, look)
    return finish(sheet, info.caption, [_entries(info, look)])


def draw_resolution(info: ResolutionInfo, axes: Axes, look: Look) -> None:
    """Draw one line per encoder on given axes; single resolutions are a dot."""
    points = [point for _, _, line in info.lines for point in line]
    ends = [end for point in points for end in (point.interval_ms or ())]
    unit = log_axis(axes, "y", log_limits((point.encode_ms for point in points), ends))
    sides = sorted({point.resolution_px for point in points})
    axes.set_xlim(min(sides, default=0) - 60, max(sides, default=1) + 60)
    axes.set_xticks(_spread(sides, _apart_px(sides, look.style)))
    axes.set_xlabel("image side (px)")
    axes.set_ylabel(f"encode ({unit}, log scale), down is better")
    for _, family, line in info.lines:
        colour, em = look.colours[family], look.style.font_pt
        x, y = [p.resolution_px for p in line], [p.encode_ms for p in line]
        shape: dict[str, Any] = {"ls": look.dashes[family], "marker": "o"}
        axes.plot(x, y, color=colour, lw=0.2 * em, ms=look.style.marker_pt, zorder=3, **shape)
        for point in line:
            if point.interval_ms:
                side = (point.resolution_px, point.resolution_px)
                axes.plot(side, point.interval_ms, color=colour, lw=0.1 * em, zorder=2)


def _apart_px(sides: list[int], style: Style) -> float:
    """How far apart two ticks must be for their four digits to be apart."""
    span = max(sides, default=1) - min(sides, default=0) + 120
    room_pt = (style.width_in - SIDE_IN) * POINTS_PER_INCH
    return span / room_pt * style.small_pt * TICK_EM


def _spread(sides: list[int], apart_px: float = 60) -> list[int]:
    """The resolutions to write on the axis: those near a written one are left to their dot.

    >>> _spread([320, 336, 384, 512])
    [320, 384, 512]
    """
    ticks: list[int] = []
    for side in sides:
        if not ticks or side - ticks[-1] >= apart_px:
            ticks.append(side)
    return ticks


def _entries(info: ResolutionInfo, look: Look) -> list[Any]:
    from matplotlib.lines import Line2D

    size = look.style.marker_pt
    return [
        Line2D([], [], color=look.colours[family], ls=look.dashes[family], lw=1.8, marker="o",
               ms=size, label=encoder)
        for encoder, family, _ in info.lines
    ]  # fmt: skip
