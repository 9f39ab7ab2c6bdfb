"""The answer of one panel under a budget, as the page opens with it and the share card shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretobench.analysis.budgets import round_budget
from paretobench.analysis.constraints import under
from paretobench.analysis.query import best
from paretobench.report.view.front_membership import SEED, contenders
from paretobench.report.view.rows import Panel, Row, View


@dataclass(frozen=True)
class PanelAnswer:
    """The best row within a budget, its probability, and the next; None where nothing fits.

    Attributes:
        is_assumed: the probability rests on an assumed error of the time or the score.
    """

    best: Row | None
    runner_up: Row | None
    probability: float | None
    is_assumed: bool


def default_budget_s(view: View) -> float | None:
    """The round budget in the middle of the best covered panel's times, in seconds."""
    for panel in view.panels():
        times = [row.ttft.value for row in panel.rows if row.ttft]
        return round_budget(min(times) * 1e3, max(times) * 1e3) / 1e3
    return None


def panel_answer(panel: Panel, under_s: float) -> PanelAnswer:
    """The most accurate row within a budget, drawn with the seed of `paretobench best`."""
    rows = panel.judged
    if not rows:
        return PanelAnswer(None, None, None, False)
    points = contenders(rows)
    named = {point.name: row for point, row in zip(points, rows, strict=True)}
    found = best(points, [under(under_s)], rng=np.random.default_rng(SEED))
    return PanelAnswer(
        named[found.point.name] if found.point else None,
        named[found.runner_up.name] if found.runner_up else None,
        found.probability,
        bool(found.assumed),
    )
