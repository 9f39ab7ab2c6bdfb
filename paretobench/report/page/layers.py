"""What can be drawn in grey behind a page's points: other devices, and the paper's own points.

They are for reference only: latencies of different devices never share a front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paretobench.report.view.rows import HEADLINE, View

PAPER = "the paper's points, Apple M1 Max"


def layers(view: View, environments: Sequence[str]) -> list[dict[str, Any]]:
    """The layers of a view: one for each environment if there are several, then the paper's.

    Returns:
        `label` and `environment`, or `label`, `recipes` and `points` (name, seconds, fraction).
    """
    found: list[dict[str, Any]] = []
    if len(environments) > 1:
        found += [{"label": name, "environment": name} for name in environments]
    if view.benchmark == HEADLINE and any(row.is_measured for row in view.rows):
        found += _of_the_paper(sorted({panel.recipe for panel in view.panels()}))
    return found


def _of_the_paper(recipes: Sequence[str]) -> list[dict[str, Any]]:
    from paretobench.report.view.published import published_view

    return [
        {
            "label": f"{PAPER}, {panel.recipe}",
            "recipes": [name for name in recipes if _base(name) == panel.recipe],
            "points": [
                [f"{row}, as published", float(f"{row.ttft.value:.4g}"), round(row.score.value, 5)]
                for row in panel.rows
                if row.ttft and row.score
            ],
        }
        for panel in published_view().panels()
        if panel.recipe in map(_base, recipes)
    ]


def _base(recipe: str) -> str:
    """A recipe without the scoring rules that set it apart, as `scorecards` writes them.

    >>> _base('llava-1.5 (llava rules)')
    'llava-1.5'
    """
    return recipe.partition(" (")[0]
