"""The breakdown figure: what TTFT is made of, per encoder, LLM and resolution.

The paper's Figure 5 for the whole grid: one panel per LLM, one bar per encoder and resolution,
the encoder's share (all passes) in the family's colour and the prefill's in a pale tint of it.
It needs no score, so it shows every point of a sweep that has a latency.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 5.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import POINTS_PER_INCH, interval_ms
from paretobench.report.formatting import footer_lines, value_ms
from paretobench.report.style import Style, order_families, order_llms
from paretobench.report.view.rows import Row, View
from paretobench.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEXT_EM = 3.6
"""Room kept free on the right for the total beside each bar, in units of the font's size."""

NAMES_SHARE, LETTER_EM, LINE_SHARE = 0.4, 0.58, 0.65
"""Share of a sheet that names may take, the width of a letter in units of its font's size, and
the height of a name's line in units of a bar's."""


@dataclass(frozen=True)
class Bar:
    """One point: its parts in milliseconds, its total as text, and its visual tokens."""

    encoder: str
    family: str
    label: str
    visual_tokens: int | None
    encode_ms: float
    prefill_ms: float
    total: str
    interval_ms: tuple[float, float] | None = None


@dataclass(frozen=True)
class BreakdownInfo:
    """All that the figure shows: one group of bars per LLM, smallest LLM first.

    `palette` lists the families of the whole view, so that each has one colour in a report.
    """

    caption: Caption
    groups: tuple[tuple[str, tuple[Bar, ...]], ...]
    palette: tuple[str, ...]


def breakdown_info(view: View) -> BreakdownInfo:
    """The data of the breakdown figure: every point with both parts, whatever its recipe."""
    rows = {row.identity: row for row in view.rows if row.encode_total and row.prefill}
    families = order_families(row.family for row in rows.values())
    ordered = sorted(
        rows.values(),
        key=lambda row: (
            families.index(row.family), row.encoder_label, row.resolution_px, row.tiling,
        ),
    )  # fmt: skip
    groups = [
        (llm, tuple(_bar(row) for row in ordered if row.llm_label == llm))
        for llm in order_llms(ordered)
    ]
    scales = "; each panel has a time axis of its own" if len(groups) > 1 else ""
    title = f"What time to first token is made of: {view.title or view.name}"
    footer = footer_lines(view, list(rows.values()), bars="time")
    palette = order_families(row.family for row in view.rows)
    return BreakdownInfo(
        Caption(title, f"{counted(len(rows), 'point')} with a latency{scales}", footer),
        tuple(groups),
        tuple(palette),
    )


def _bar(row: Row) -> Bar:
    if row.encode_total is None or row.prefill is None or row.ttft is None:
        raise ValueError(f"{row} lacks a part of its TTFT")
    return Bar(
        encoder=row.encoder_label,
        family=row.family,
        label=row.point_label,
        visual_tokens=row.visual_tokens,
        encode_ms=row.encode_total.value * 1e3,
        prefill_ms=row.prefill.value * 1e3,
        total=value_ms(row.ttft),
        interval_ms=interval_ms(row.ttft.low, row.ttft.high),
    )


def breakdown_figure(info: BreakdownInfo, style: Style) -> Figure:
    """Draw one panel of horizontal bars per LLM: side by side if they list the same encoders."""
    sheet = new_sheet(style)
    bar_in = style.font_pt * 1.55 / POINTS_PER_INCH
    across = _columns(info, style)
    panels: list[Axes] = []
    for start in range(0, len(info.groups), across):
        beside = info.groups[start : start + across]
        lines = max(name.count("\n") + 1 for name in _written(beside[0][1], style))
        tall = 1.0 if lines == 1 else lines * LINE_SHARE
        panels += sheet.add_row(len(beside), bar_in * tall * (len(beside[0][1]) + 0.5))
    for index, ((llm, bars), axes) in enumerate(zip(info.groups, panels, strict=True)):
        draw_breakdown(info, bars, axes, style, across)
        axes.set_title(llm, loc="left", fontsize=style.font_pt)
        if index % across:
            axes.tick_params(axis="y", labelleft=False)
    return finish(sheet, info.caption, [_legend(style)])


def _columns(info: BreakdownInfo, style: Style) -> int:
    """How many panels are side by side: up to three, where one list of names serves all."""
    is_alike = len({tuple(_names(bars)) for _, bars in info.groups}) == 1
    fits = is_alike and style.is_wide and len(info.groups) <= 3
    return max(len(info.groups), 1) if fits else 1


def _written(bars: tuple[Bar, ...], style: Style) -> list[str]:
    """The names beside the bars, in several lines where one would take half the sheet."""
    letters = NAMES_SHARE * style.width_in * POINTS_PER_INCH / (style.tiny_pt * LETTER_EM)
    return [textwrap.fill(name, max(int(letters), 12)) for name in _names(bars)]


def _names(bars: tuple[Bar, ...]) -> list[str]:
    return [f"{bar.encoder} {bar.label} ({bar.visual_tokens})" for bar in bars]


def draw_breakdown(
    info: BreakdownInfo, bars: tuple[Bar, ...], axes: Axes, style: Style, across: int
) -> None:
    """Draw one LLM's bars on given axes; times are milliseconds on a linear axis from zero."""
    colours = style.colour_of(info.palette)
    longest = max((bar.encode_ms + bar.prefill_ms for bar in bars), default=1.0)
    for height, bar in enumerate(bars):
        colour = colours[bar.family]
        pale: dict[str, Any] = {"color": style.tint(colour), "edgecolor": colour, "lw": 0.5}
        axes.barh(height, bar.encode_ms, height=0.72, color=colour, lw=0)
        axes.barh(height, bar.prefill_ms, left=bar.encode_ms, height=0.72, **pale)
        end = max(bar.encode_ms + bar.prefill_ms, *(bar.interval_ms or (0.0,)))
        if bar.interval_ms:
            axes.plot(bar.interval_ms, (height, height), color=style.ink, lw=0.8)
        axes.annotate(
            bar.total,
            (end, height),
            xytext=(2.5, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.tiny_pt,
            color=style.ink,
        )
    panel_em = style.width_in * POINTS_PER_INCH / style.font_pt / across
    axes.set_xlim(0, longest / max(1 - TEXT_EM / panel_em * 1.4, 0.5))
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_yticks(range(len(bars)), _written(bars, style), fontsize=style.tiny_pt * 1.08)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("ms")


def _legend(style: Style) -> list[Any]:
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=style.grey, edgecolor=style.grey, label="encode, all passes"),
        Patch(facecolor=style.tint(style.grey), edgecolor=style.grey, label="prefill"),
        Patch(facecolor="none", edgecolor="none", label="(n): visual tokens"),
    ]
