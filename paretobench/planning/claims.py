"""What can be said of a front, and how surely. Pure.

Within a recipe, sorted by accuracy, a point is on the front if its latency is below the smallest of
the more accurate points, so n points make n comparisons. Accuracies are taken as scored: no process
makes them surer.

Each comparison ends as `in`, `out` or `tied`, whichever is likeliest. A judgement that is wrong by
less than the question's indifference counts as right; `tied` is right while the two are closer than
the tie. The answer is right where all judgements are, which joint draws tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paretobench.analysis.points import Floats
from paretobench.planning.question import Candidate, Question

Place = Literal["in", "out", "tied"]
Bools = NDArray[np.bool_]

PLACES: tuple[Place, ...] = ("in", "out", "tied")


@dataclass(frozen=True)
class Judgement:
    """What is said of one candidate under one recipe.

    Attributes:
        candidate: index.
        place: on the front or within the limit, or not, or too close to a rival to matter.
        probability: that this is right.
        margin: log of its latency over what it is compared with; below 0 is in.
        rival: index of the candidate that it is compared with; its own where there is none.
    """

    candidate: int
    recipe: str
    place: Place
    probability: float
    margin: float
    rival: int


@dataclass(frozen=True)
class Judgements:
    """All that is said, with the draws in which each judgement is right, shape [draws, n]."""

    all: tuple[Judgement, ...]
    right: Bools

    @property
    def probability(self) -> float:
        """That every judgement is right; where there is none it is 1."""
        return float(self.right.all(axis=1).mean()) if self.all else 1.0

    @property
    def risk(self) -> float:
        """Sum of the probabilities of being wrong."""
        return float((1.0 - self.right.mean(axis=0)).sum()) if self.all else 0.0

    @property
    def members(self) -> frozenset[int]:
        """Candidates that are on a front or within the limit, ties included."""
        return frozenset(one.candidate for one in self.all if one.place != "out")


class CandidateSet:
    """Candidates as rows of a matrix of passes, for the comparisons that a question makes.

    Args:
        candidates: scored ones that can be measured.
        keys: of the parts, in the order of every array.
    """

    def __init__(
        self, question: Question, candidates: Sequence[Candidate], keys: Sequence[str]
    ) -> None:
        self.question, self.candidates, self.keys = question, tuple(candidates), tuple(keys)
        column = {key: i for i, key in enumerate(keys)}
        self.passes: Floats = np.zeros((len(candidates), len(keys)))
        for row, candidate in enumerate(candidates):
            for key, times in candidate.passes.items():
                self.passes[row, column[key]] = times
        self.recipes = sorted({name for one in candidates for name in one.accuracies})

    def eligible(self, recipe: str) -> list[int]:
        """Indices of the candidates with a score of a recipe that may answer."""
        least = self.question.at_least or 0.0
        return [
            i
            for i, one in enumerate(self.candidates)
            if recipe in one.accuracies and one.accuracies[recipe] >= least
        ]

    def accuracies(self, recipe: str, indices: Sequence[int]) -> Floats:
        """Fractions of some candidates."""
        return np.array([self.candidates[i].accuracies[recipe] for i in indices])

    def fronts(self, seconds: Floats, drawn: Floats) -> Judgements:
        """What can be said of the fronts of all recipes.

        Args:
            seconds: of each part, as estimated, shape [parts].
            drawn: draws of them, shape [draws, parts].
        """
        found: list[Judgement] = []
        masks: list[Bools] = [np.ones((len(drawn), 0), dtype=np.bool_)]
        totals_s, plain_s = drawn @ self.passes.T, self.passes @ seconds
        for recipe in self.recipes:
            indices = self.eligible(recipe)
            heights = self.accuracies(recipe, indices)
            margins = running_ratios(plain_s[None, indices], heights)[0]
            rivals = rivals_of(plain_s[indices], heights)
            ratios = running_ratios(totals_s[:, indices], heights)
            places, right = judged(self.question, ratios, margins)
            masks.append(right)
            shares = right.mean(axis=0)
            found += [
                Judgement(i, recipe, places[n], float(shares[n]), float(margins[n]), indices[rival])
                for n, (i, rival) in enumerate(zip(indices, rivals, strict=True))
            ]
        return Judgements(tuple(found), np.hstack(masks))


def judged(question: Question, ratios: Floats, margins: Floats) -> tuple[list[Place], Bools]:
    """The likeliest place in each comparison, and the draws in which it is right.

    Args:
        ratios: log ratios, shape [draws, n].
        margins: the same as estimated, shape [n]; decides between equally likely places.

    >>> question = Question(tie=0.02, indifference=0.01)
    >>> judged(question, np.log([[0.9, 1.1, 1.0]]), np.log([0.9, 1.1, 1.0]))[0]
    ['in', 'out', 'in']
    """
    slack, tie = question.indifference, math.log1p(question.tie)
    is_in, is_out = ratios < math.log1p(slack), ratios > math.log1p(-slack)
    is_tied = np.abs(ratios) <= tie
    chances = np.stack([mask.mean(axis=0) for mask in (is_in, is_out, is_tied)])
    chances[np.where(margins <= 0, 0, 1), np.arange(len(margins))] += 1e-9
    chosen = chances.argmax(axis=0)
    right = np.select([chosen == 0, chosen == 1], [is_in, is_out], is_tied)
    return [PLACES[i] for i in chosen], right


def running_ratios(seconds: Floats, accuracies: Floats) -> Floats:
    """Log of each latency over the smallest of those that are at least as accurate.

    Args:
        seconds: shape [draws, n].
        accuracies: shape [n].

    Returns:
        Shape [draws, n]; minus infinity for the most accurate.

    >>> ratios = running_ratios(np.array([[1.0, 2.0, 3.0]]), np.array([0.5, 0.6, 0.55]))
    >>> np.exp(ratios).round(2).tolist()
    [[0.5, 0.0, 1.5]]
    """
    order = np.argsort(-accuracies, kind="stable")
    times, heights = seconds[:, order], -accuracies[order]
    fastest = np.minimum.accumulate(times, axis=1)
    starts, ends = (np.searchsorted(heights, heights, side) for side in ("left", "right"))
    best = np.where(starts > 0, fastest[:, np.maximum(starts - 1, 0)], np.inf)
    for place in np.flatnonzero(ends - starts > 1):
        equals = [other for other in range(starts[place], ends[place]) if other != place]
        best[:, place] = np.minimum(best[:, place], times[:, equals].min(axis=1))
    ratios = np.empty_like(times)
    ratios[:, order] = np.log(times / best, out=np.full_like(times, -np.inf), where=best < np.inf)
    return ratios


def rivals_of(seconds: Floats, accuracies: Floats) -> list[int]:
    """Which candidate each is compared with by `running_ratios`; itself where there is none.

    >>> rivals_of(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.6, 0.55]))
    [1, 1, 1]
    """
    order = [int(i) for i in np.argsort(-accuracies, kind="stable")]
    rivals = list(range(len(order)))
    fastest: list[int] = []
    group: list[int] = []
    for i in order:
        if group and accuracies[i] < accuracies[group[0]]:
            fastest = [min([*fastest, *group], key=lambda j: seconds[j])]
            group = []
        group.append(i)
        for member in group:
            others = [*fastest, *(j for j in group if j != member)]
            rivals[member] = min(others, key=lambda j: seconds[j], default=member)
    return rivals
