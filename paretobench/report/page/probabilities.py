"""How likely each point is the best at every budget, recipe by recipe, for the page's answer.

The same draws as `paretobench best` takes, so that the page and the command line agree at
every budget of the slider. Probabilities travel as whole percents from the first budget at which a
point has one to the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from paretobench.analysis.budgets import best_shares, budget_steps
from paretobench.analysis.noise import DRAWS
from paretobench.analysis.shrinkage import plausible
from paretobench.report.view.front_membership import (
    SEED,
    contenders,
    context_contenders,
    split_by_reach,
)
from paretobench.report.view.rows import Panel, View

MOST_DRAWN = 400
"""With more points than this in a panel those that cannot be the answer are not drawn."""

MOST_STEPS = 400
"""Budgets of a panel: of a wider range every second or third."""

AIR = 1.07
"""How far the budgets reach beyond the fastest and the slowest point."""


def probabilities(view: View) -> list[dict[str, Any]]:
    """For each panel its budgets in seconds and the curve of every row that has a probability."""
    index = {id(row): place for place, row in enumerate(view.rows)}
    return [_of_panel(panel, index) for panel in view.panels()]


def _of_panel(panel: Panel, index: dict[int, int]) -> dict[str, Any]:
    times = [row.ttft.value * 1e3 for row in panel.rows if row.ttft]
    steps = budget_steps(min(times) / AIR, max(times) * AIR)
    steps = steps[:: 1 + len(steps) // MOST_STEPS]
    judged = panel.judged
    index = index | {id(j): index[id(r)] for j, r in zip(judged, panel.undisturbed, strict=True)}
    near, rest = split_by_reach(judged) if len(judged) > MOST_DRAWN else (judged, ())
    if not near:
        return _panel(panel, steps, {})
    draws = DRAWS if len(panel.rows) <= MOST_DRAWN else DRAWS // 5
    drawn = plausible(
        contenders(near), np.random.default_rng(SEED), draws, others=context_contenders(rest)
    )
    shares = best_shares(drawn, np.array(steps) / 1e3)
    curves = {
        str(index[id(row)]): curve
        for row, column in zip(near, shares.T, strict=True)
        if (curve := _packed([float(share) for share in column]))
    }
    return _panel(panel, steps, curves)


def _panel(panel: Panel, steps: Sequence[float], curves: dict[str, list[int]]) -> dict[str, Any]:
    return {
        "recipe": panel.recipe,
        "environment": panel.environment,
        "points": len(panel.rows),
        "steps": [float(f"{step / 1e3:.6g}") for step in steps],
        "curves": curves,
    }


def _packed(shares: Sequence[float]) -> list[int]:
    """Whole percents from the first to the last that is not nothing, after the first's place.

    >>> _packed([0.0, 0.2, 0.0, 0.8, 0.001]), _packed([0.0, 0.0])
    ([1, 20, 0, 80], [])
    """
    percents = [round(100 * share) for share in shares]
    some = [place for place, percent in enumerate(percents) if percent]
    return [some[0], *percents[some[0] : some[-1] + 1]] if some else []
