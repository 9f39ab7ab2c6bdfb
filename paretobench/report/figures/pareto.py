"""The front figure: accuracy against TTFT on a log axis, after the FastVLM paper's Figure 4.

Filled points are on the overall front, tinted ones on the front of their family only, hollow
ones are dominated; a dashed edge marks a predicted time, which is on no front. Family fronts are
step lines, because between two configurations there is nothing to be had; the overall front is the
broad band beneath them. One panel per recipe (and environment): they never share a front. Points
without a score are in a strip below, on the same axis. Two arrows say what the foremost family has
over the next one.

`pareto_info` is all data; `draw_panel` and `pareto_figure` only draw it.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 4.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from paretobench.report.figures.axes import (
    TIME_LABEL,
    linear_limits,
    log_axis,
    log_limits,
    steps_through,
)
from paretobench.report.figures.claims import Claims, claims_of, draw_claims
from paretobench.report.figures.layout import Caption, finish, new_sheet
from paretobench.report.figures.marks import (
    POINTS_PER_INCH,
    PREDICTED_DASH,
    PREDICTED_EDGE,
    Look,
    Mark,
    Pair,
    draw_marks,
    label_marks,
    look_of,
    mark_of,
)
from paretobench.report.formatting import footer_lines
from paretobench.report.style import Style, order_families, order_llms
from paretobench.report.view.rows import Panel, Row, View, benchmark_label
from paretobench.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS, MOST_IN_COLUMN = 4, 2
"""More recipes than this are drawn as one figure each; of one column's width fewer fit a page."""

LETTER_EM = 0.6
"""Width of a letter in units of its font's size: a little more than the mean of the font's."""

BARS_PAD = 0.02
"""Room beyond the outermost error bars, as a share of the axis: one that ends at the frame looks
cut."""


@dataclass(frozen=True)
class PanelInfo:
    """One recipe's points, its overall front and the front of each family, left to right.

    `predicted` are points that were not measured: drawn beside the others, and nothing else.
    """

    title: str
    marks: tuple[Mark, ...]
    front: tuple[Pair, ...]
    family_fronts: tuple[tuple[str, tuple[Pair, ...]], ...]
    claims: Claims
    predicted: tuple[Mark, ...] = ()

    @property
    def every_mark(self) -> tuple[Mark, ...]:
        """The measured points, then the predicted ones."""
        return self.marks + self.predicted


@dataclass(frozen=True)
class Strip:
    """Points of one encoder that have no score."""

    encoder: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class ParetoInfo:
    """All that the figure shows; `llms` smallest first.

    `palette` lists the families of the whole view, so that each has one colour in a report;
    `own_front` is what the legend calls the tinted points, `across` how many panels are side
    by side on a page.
    """

    caption: Caption
    panels: tuple[PanelInfo, ...]
    strips: tuple[Strip, ...]
    palette: tuple[str, ...]
    llms: tuple[str, ...]
    score_label: str
    own_front: str = "on its family's front"
    across: int = 2

    @property
    def marks(self) -> list[Mark]:
        """Every point of every panel, then those of the strips."""
        groups = [*(panel.every_mark for panel in self.panels), *(s.marks for s in self.strips)]
        return [mark for group in groups for mark in group]

    @property
    def time_limits(self) -> Pair:
        """Limits of the time axis in milliseconds, the same for panels and strip."""
        marks = self.marks
        sure = [mark for mark in marks if mark.front_class != "predicted"]
        ends = [end for mark in sure for end in (mark.ttft_interval_ms or ())]
        return log_limits((mark.ttft_ms for mark in marks), ends)

    @property
    def score_limits(self) -> Pair:
        """Limits of the score axis in percent, the same for all panels, whole bars well within."""
        marks = [mark for panel in self.panels for mark in panel.every_mark]
        low, high = linear_limits(m.score_percent for m in marks if m.score_percent is not None)
        ends = [end for mark in marks for end in (mark.score_interval_percent or ())]
        if not ends:
            return low, high
        room = BARS_PAD * (max(ends) - min(ends))
        return min(low, min(ends) - room), max(high, max(ends) + room)


def pareto_info(view: View, panels: Sequence[Panel] | None = None) -> ParetoInfo:
    """The data of the front figure.

    Args:
        panels: which panels to show; all of the view's by default.
    """
    shown = view.panels() if panels is None else tuple(panels)
    rows = [row for panel in shown for row in panel.rows]
    unscored = [row for row in view.unscored if row.is_measured]
    unscored += [row for row in view.predicted if row.score is None]
    guessed = [row for panel in shown for row in _predicted_in(view, panel)]
    drawn = tuple(_panel_info(view, panel, len(shown)) for panel in shown)
    return ParetoInfo(
        caption=_caption(view, rows, drawn, shown[0].recipe if len(shown) == 1 else ""),
        panels=drawn,
        strips=_strips(unscored),
        palette=tuple(order_families(row.family for row in view.rows)),
        llms=tuple(order_llms([*rows, *unscored, *guessed])),
        score_label=benchmark_label(view.benchmark),
    )


def _caption(view: View, rows: Sequence[Row], panels: Sequence[PanelInfo], recipe: str) -> Caption:
    parts = [f"{counted(len(rows), 'point')}, {sum(r.front.is_on for r in rows)} on the front"]
    measured = sum(row.is_measured for row in view.unscored)
    if measured:
        parts.append(f"{measured} measured without a score, below")
    guessed = sum(len(panel.predicted) for panel in panels)
    guessed += sum(row.score is None for row in view.predicted)
    if guessed:
        parts.append(f"{guessed} predicted, with 90 % intervals, on no front")
    refused = sum(not row.score and not row.predicted for row in view.untimed)
    if refused and measured:
        parts.append(f"{refused} without a latency, see the table")
    parts += [panel.claims.sentence for panel in panels if len(panels) == 1]
    title = view.title or f"{benchmark_label(view.benchmark)} against time to first token"
    return Caption(
        title, "; ".join(filter(None, parts)), footer_lines(view, rows or view.unscored, recipe)
    )


def _panel_info(view: View, panel: Panel, count: int) -> PanelInfo:
    families = order_families(row.family for row in panel.rows)
    title = f"recipe {panel.recipe}" if count > 1 else ""
    if len({other.environment for other in view.panels()}) > 1:
        title = f"{title}, {panel.environment}".lstrip(", ")
    return PanelInfo(
        title=title,
        marks=tuple(mark_of(row) for row in panel.rows),
        front=_corners(row for row in panel.rows if row.front.is_on),
        family_fronts=tuple(
            (name, _corners(r for r in panel.rows if r.front.is_on_family and r.family == name))
            for name in families
        ),
        claims=claims_of(panel.rows),
        predicted=tuple(mark_of(row) for row in _predicted_in(view, panel)),
    )


def _predicted_in(view: View, panel: Panel) -> list[Row]:
    """The scored points of a panel's recipe and environment that were not measured."""
    own = (panel.recipe, panel.environment)
    return [r for r in view.predicted if r.score and (r.recipe, r.environment) == own]


def _corners(rows: Iterable[Row]) -> tuple[Pair, ...]:
    pairs = {(r.ttft.value * 1e3, r.score.value * 100) for r in rows if r.ttft and r.score}
    return tuple(sorted(pairs))


def _strips(rows: Sequence[Row]) -> tuple[Strip, ...]:
    marks: dict[str, list[Mark]] = {}
    for row in rows:
        marks.setdefault(row.encoder_label, []).append(mark_of(row))
    return tuple(Strip(name, tuple(alike)) for name, alike in marks.items())


def pareto_figure(info: ParetoInfo, style: Style) -> Figure:
    """Draw the whole figure: panels, strip, legends, title and provenance."""
    sheet = new_sheet(style)
    look = look_of(style, info.palette, info.llms)
    columns, height_in = _layout(info, style)
    panels = sheet.add_rows(len(info.panels), columns, height_in)
    for panel, axes in zip(info.panels, panels, strict=True):
        draw_panel(info, panel, axes, look)
    strip = None
    if info.strips:
        row_in = style.font_pt * 2.3 / POINTS_PER_INCH
        strip = sheet.add_row(1, row_in * (len(info.strips) + 0.2))[0]
        draw_strip(info, strip, look)
    figure = finish(sheet, info.caption, legend_entries(info, look))
    for panel, axes in zip(info.panels, panels, strict=True):
        lines = front_lines(info, panel)
        drawn = draw_claims(panel.claims, panel.marks, lines, axes, style)
        lines += [[claim.start, claim.end] for claim in drawn]
        label_marks(panel.every_mark, axes, look, lines)
    if strip is not None:
        roomy = replace(look, style=replace(style, max_labels=200))
        label_marks(_in_strip(info), strip, roomy, size_pt=style.tiny_pt)
    return figure


def _layout(info: ParetoInfo, style: Style) -> tuple[int, float]:
    """How many panels are side by side, and the height of each in inches."""
    columns = min(info.across, len(info.panels) or 1) if style.is_wide else 1
    share = 0.62 / columns
    if style.is_wide and columns == 1:
        share = 0.5 if len(info.panels) < 2 else 0.36  # one below another must fit a page
    return columns, style.width_in * share


def draw_panel(info: ParetoInfo, panel: PanelInfo, axes: Axes, look: Look) -> None:
    """Draw one panel's points and fronts on given axes; labels come last, by `label_marks`."""
    is_wide = len(info.panels) == 1 and look.style.is_wide
    unit = log_axis(axes, "x", info.time_limits, most=9 if is_wide else 6)
    axes.set_ylim(*info.score_limits)
    axes.set_ylabel(f"{info.score_label} (%), up is better")
    if not info.strips:
        short = f"TTFT ({unit}), left is better"
        axes.set_xlabel(TIME_LABEL.format(unit) if len(info.panels) == 1 else short)
    if panel.title:
        room_pt = (look.style.width_in / _layout(info, look.style)[0] - 0.7) * POINTS_PER_INCH
        title = textwrap.fill(panel.title, int(room_pt / (look.style.font_pt * LETTER_EM)))
        axes.set_title(title, loc="left", fontsize=look.style.font_pt)
    _draw_fronts(info, panel, axes, look)
    draw_marks(panel.every_mark, axes, look)


def draw_strip(info: ParetoInfo, axes: Axes, look: Look) -> None:
    """Draw the points without a score: one line per encoder, on the same time axis."""
    unit = log_axis(axes, "x", info.time_limits, most=9 if look.style.is_wide else 6)
    axes.set_ylim(len(info.strips) - 0.4, -0.75)
    axes.set_yticks(range(len(info.strips)), [strip.encoder for strip in info.strips])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title("no score yet", loc="left", fontsize=look.style.small_pt, color=look.style.grey)
    axes.set_xlabel(TIME_LABEL.format(unit))
    draw_marks(_in_strip(info), axes, look)


def _in_strip(info: ParetoInfo) -> list[Mark]:
    """The strip's marks, with their line in the place of a score."""
    return [
        replace(mark, score_percent=float(line))
        for line, strip in enumerate(info.strips)
        for mark in strip.marks
    ]


def legend_entries(info: ParetoInfo, look: Look) -> list[list[Any]]:
    """Groups of legend entries: the families, the LLMs, the fills and the front."""
    from matplotlib.lines import Line2D

    style, grey = look.style, look.style.grey
    families = [
        Line2D([], [], color=look.colours[name], ls=look.dashes[name], lw=1.4, label=name)
        for name in order_families(mark.family for mark in info.marks)
    ]
    has_predictions = any(mark.front_class == "predicted" for mark in info.marks)
    guess = [predicted_entry(style)] if has_predictions else []
    if not info.panels:
        return [families, look.llm_dots(), guess]
    band = Line2D([], [], color=style.front, lw=5.0, label="overall front")
    fills = [
        look.dot("on the front", grey),
        look.dot(info.own_front, style.tint(grey)),
        look.dot("dominated", style.paper),
    ]
    return [families, look.llm_dots(), [band, *fills, *guess]]


def predicted_entry(style: Style) -> Any:
    """The legend's entry for points that were not measured."""
    from matplotlib.collections import PathCollection
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import IdentityTransform

    circle = MarkerStyle("o")
    return PathCollection(
        [circle.get_path().transformed(circle.get_transform())],
        sizes=[style.marker_pt**2],
        facecolors=style.paper,
        edgecolors=style.grey,
        linewidths=PREDICTED_EDGE * style.font_pt,
        linestyles=[PREDICTED_DASH],
        transform=IdentityTransform(),
        label="predicted (~), not measured",
    )


def _draw_fronts(info: ParetoInfo, panel: PanelInfo, axes: Axes, look: Look) -> None:
    em = look.style.font_pt
    if panel.front:
        x, y = zip(*steps_through(panel.front, info.time_limits[1]), strict=True)
        axes.plot(x, y, color=look.style.front, lw=0.55 * em, solid_capstyle="butt", zorder=1.5)
    for name, steps in _family_lines(panel).items():
        x, y = zip(*steps, strict=True)
        line: dict[str, Any] = {"color": look.colours[name], "ls": look.dashes[name]}
        axes.plot(x, y, lw=0.145 * em, zorder=2.5, **line)


def _family_lines(panel: PanelInfo) -> dict[str, list[Pair]]:
    """The line of each family whose front has more than one corner."""
    fronts = [(name, corners) for name, corners in panel.family_fronts if len(corners) > 1]
    return {name: steps_through(corners, corners[-1][0]) for name, corners in fronts}


def front_lines(info: ParetoInfo, panel: PanelInfo) -> list[list[Pair]]:
    """The lines that labels keep off: the overall front and each family's, in axis units."""
    return [steps_through(panel.front, info.time_limits[1]), *_family_lines(panel).values()]
