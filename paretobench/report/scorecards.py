"""Scores by point: which one stands for a benchmark, and how sure it is.

A point may have been trained by several recipes; each gives a scorecard of its own. Where
several sources score the same benchmark of the same training, the surest origin stands:
scored here, imported, printed, derived, digitised; among equals the first one given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from paretobench.accuracy import suites
from paretobench.errors import UnknownNameError
from paretobench.records import Score
from paretobench.report.view import HEADLINE, Accuracy

Identity = tuple[str, int, str, str]

_KINDS = {"measured": 0, "imported": 1}
_PROVENANCES = {"printed": 2, "derived": 3, "digitised": 4}


@dataclass(frozen=True)
class Scorecard:
    """All scores of one point under one recipe; `headline` is the one on the y axis."""

    recipe: str
    headline: Accuracy | None
    tasks: tuple[Accuracy, ...]


def scorecards(
    scores: Iterable[Score], benchmark: str = HEADLINE, recipe: str = "all"
) -> dict[Identity, tuple[Scorecard, ...]]:
    """The scorecards of every scored point, recipes in the order given.

    A score of a part of a benchmark's items never stands for the whole: it is left out.

    Args:
        benchmark: which one is the headline; a suite's mean is taken where its members are
            there and it is not.
        recipe: only this recipe, or `all`.
    """
    grouped: dict[tuple[Identity, str], dict[str, Score]] = {}
    for score in scores:
        if score.is_partial or recipe not in ("all", score.recipe):
            continue
        where = (score.encoder, score.resolution_px, score.llm, score.tiling)
        held = grouped.setdefault((where, score.recipe), {})
        standing = held.get(score.benchmark)
        if standing is None or _rank(score) < _rank(standing):
            held[score.benchmark] = score
    cards: dict[Identity, list[Scorecard]] = {}
    for (where, name), held in grouped.items():
        cards.setdefault(where, []).append(_scorecard(name, held, benchmark))
    return {where: tuple(found) for where, found in cards.items()}


def _rank(score: Score) -> int:
    by_kind = _KINDS.get(score.source.kind)
    return by_kind if by_kind is not None else _PROVENANCES.get(score.source.provenance or "", 2)


def _scorecard(recipe: str, held: Mapping[str, Score], benchmark: str) -> Scorecard:
    values = {name: score.value for name, score in held.items()}
    tasks = tuple(
        accuracy_of(score, values) for name, score in held.items() if name not in suites.SUITES
    )
    if benchmark in held:
        return Scorecard(recipe, accuracy_of(held[benchmark], values), tasks)
    mean = suites.suite_mean(benchmark, values) if benchmark in suites.SUITES else None
    if mean is None:
        return Scorecard(recipe, None, tasks)
    members = suites.SUITES[benchmark].members
    sources = dict.fromkeys(held[name].source.cite() for name in members)
    error = _assumed_error(benchmark, mean, values)
    source = f"mean of {len(members)} tasks: {'; '.join(sources)}"
    return Scorecard(
        recipe,
        Accuracy(benchmark, mean, error, None, "derived", source, error is not None),
        tasks,
    )


def accuracy_of(score: Score, parts: Mapping[str, float]) -> Accuracy:
    """A score as a view shows it; where its source gives no error, the assumed one, marked so.

    Args:
        parts: scores of the same point by benchmark, for the error of a suite's mean.
    """
    error = score.standard_error
    is_assumed = error is None
    if error is None:
        error = _assumed_error(score.benchmark, score.value, parts)
    kind = score.source.kind
    return Accuracy(
        benchmark=score.benchmark,
        value=score.value,
        standard_error=error,
        n=score.n,
        provenance=score.source.provenance or kind,
        source=score.source.cite(),
        is_error_assumed=is_assumed and error is not None,
    )


def _assumed_error(benchmark: str, value: float, parts: Mapping[str, float]) -> float | None:
    try:
        return suites.default_standard_error(benchmark, value, parts)
    except UnknownNameError:
        return None  # a user's own benchmark: nothing is known of its items
