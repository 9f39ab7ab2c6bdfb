"""The share card: one report's answer as a picture of 1200 x 630 pixels, for links and slides.

What is best within a round budget on this device, how sure that is, and what is next, beside
the front that it was chosen from. The budget, the answer and its probability are those that the
page opens with and that `paretobench best` gives.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paretobench.report.figures.axes import log_axis, steps_through
from paretobench.report.figures.marks import Pair, draw_marks, look_of, mark_of
from paretobench.report.figures.pareto import ParetoInfo, pareto_info
from paretobench.report.formatting import estimate_ms, score_percent
from paretobench.report.style import Style
from paretobench.report.view.answers import PanelAnswer, default_budget_s, panel_answer
from paretobench.report.view.rows import Panel, View, benchmark_label
from paretobench.units import milliseconds, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_PX, HEIGHT_PX, CARD_DPI = 1200, 630, 100
"""What previews of links show whole: a ratio of 1.91."""

LINE = 25
"""Characters of a line of the answer at its size."""


@dataclass(frozen=True)
class CardInfo:
    """All that the card says, and the front it draws."""

    question: str
    winner: str
    facts: tuple[str, ...]
    origin: str
    front: ParetoInfo
    best_at: Pair | None


def card_info(view: View) -> CardInfo | None:
    """The data of the card; None if no point has both a TTFT and a score."""
    budget_s = default_budget_s(view)
    if budget_s is None:
        return None
    panel = view.panels()[0]
    answer = panel_answer(panel, budget_s)
    where = panel.environment or view.environment
    front = pareto_info(view, [panel])
    measured = tuple(replace(drawn, predicted=()) for drawn in front.panels)
    winner = "nothing fits" if answer.best is None else str(answer.best)
    return CardInfo(
        f"Best within {milliseconds(budget_s)} ms on {where}",
        winner,
        tuple(_facts(view, panel, answer)),
        f"{view.title or view.name} · recipe {panel.recipe} · paretobench",
        replace(front, panels=measured),
        mark_of(answer.best).place if answer.best else None,
    )


def _facts(view: View, panel: Panel, answer: PanelAnswer) -> list[str]:
    if answer.best is None:
        return [f"of {len(panel.rows)} points"]
    name = benchmark_label(view.benchmark)
    facts = [
        f"{name} {score_percent(answer.best.score)}\N{NO-BREAK SPACE}%",
        f"time to first token {estimate_ms(answer.best.ttft)} ms",
    ]
    if answer.probability is not None:
        assumed = ", errors assumed" if answer.is_assumed else ""
        sure = "more than 99" if answer.probability > 0.995 else percent(answer.probability, 0)
        facts.append(f"the best of {len(panel.rows)} with a probability of {sure} %{assumed}")
    if answer.runner_up is not None:
        score = f"{name} {score_percent(answer.runner_up.score)}\N{NO-BREAK SPACE}%"
        facts.append(f"next: {answer.runner_up}, {score}")
    return facts


def card_figure(info: CardInfo, style: Style) -> Figure:
    """Draw the card: words on the left, the front on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_PX / CARD_DPI, HEIGHT_PX / CARD_DPI), dpi=CARD_DPI)
    FigureCanvasAgg(figure)
    large = replace(style, font_pt=13.0)
    y = 0.93
    for text, size, weight, colour, width in (
        (info.question, 17, "normal", style.grey, 48),
        (info.winner, 25, "bold", style.ink, LINE),
        *((fact, 16, "normal", style.ink, 46) for fact in info.facts),
    ):
        lines = textwrap.wrap(text, width)[:3]
        figure.text(0.04, y, "\n".join(lines), fontsize=size, fontweight=weight, color=colour,
                    va="top", linespacing=1.25)  # fmt: skip
        y -= (len(lines) * size * 1.3 + 14) / 72 * CARD_DPI / HEIGHT_PX
    figure.text(0.04, 0.045, "\n".join(textwrap.wrap(info.origin, 110)[:2]), fontsize=11,
                color=style.grey, va="bottom")  # fmt: skip
    _draw_front(info, figure, large)
    return figure


def _draw_front(card: CardInfo, figure: Figure, style: Style) -> None:
    info = card.front
    axes = figure.add_axes((0.6, 0.2, 0.36, 0.66))
    look = look_of(style, info.palette, info.llms)
    [panel] = info.panels
    unit = log_axis(axes, "x", info.time_limits, most=6)
    axes.set_ylim(*info.score_limits)
    axes.set_xlabel(f"time to first token ({unit})")
    axes.set_title(f"{info.score_label} (%)", loc="left", fontsize=style.font_pt)
    if panel.front:
        x, y = zip(*steps_through(panel.front, info.time_limits[1]), strict=True)
        axes.plot(x, y, color=style.front, lw=7, solid_capstyle="butt", zorder=1.5)
    if card.best_at:
        axes.plot(*card.best_at, ls="", marker="o", ms=24, mfc="none", mec=style.ink, mew=1.8)
    axes.tick_params(labelsize=style.small_pt)
    axes.xaxis.label.set_fontsize(style.font_pt)
    draw_marks([replace(mark, ttft_interval_ms=None) for mark in panel.marks], axes, look)
