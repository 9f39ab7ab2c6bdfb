"""The answer to a question: the best point under constraints, and how sure that is.

Under a time limit the most accurate point wins, the faster of two equally accurate ones;
asked for an accuracy alone, the fastest point wins, the more accurate of two equally fast
ones. The probability is the share of draws of the true values (`shrinkage`) in which the same
question has the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from paretobench.analysis.constraints import Constraint, at_least, under
from paretobench.analysis.front import Mask
from paretobench.analysis.noise import DRAWS, Draws
from paretobench.analysis.points import Contender, Floats, objectives
from paretobench.analysis.probability import best_masks
from paretobench.analysis.shrinkage import plausible

Preference = Literal["accuracy", "ttft"]


@dataclass(frozen=True)
class Rejection:
    """A point that the constraints leave out, and why.

    Attributes:
        reasons: one sentence per constraint it misses.
        shortfall: the largest miss on a log scale (0.1 is about 10 %); infinite if a number
            is not known.
    """

    point: Contender
    reasons: tuple[str, ...]
    shortfall: float


@dataclass(frozen=True)
class Answer:
    """What satisfies the constraints best.

    Attributes:
        constraints: what was asked.
        preference: what decides between points that satisfy them.
        point: the answer; None if nothing satisfies the constraints.
        tied: other points that equal it in both TTFT and accuracy.
        runner_up: the next best that satisfies the constraints.
        probability: share of draws in which `point` (or a tie of it) is the answer; None
            without draws.
        meets: share of draws in which `point` satisfies the constraints; None without draws.
        nearest: if nothing satisfies the constraints, what misses them least.
        satisfying: how many points satisfy the constraints.
    """

    constraints: tuple[Constraint, ...]
    preference: Preference
    point: Contender | None
    tied: tuple[Contender, ...] = ()
    runner_up: Contender | None = None
    probability: float | None = None
    meets: float | None = None
    nearest: Rejection | None = None
    satisfying: int = 0

    @property
    def assumed(self) -> tuple[str, ...]:
        """Which errors of the answer are not known and were assumed."""
        return self.point.unknown_noise if self.point else ()


def best(
    contenders: Sequence[Contender],
    constraints: Sequence[Constraint] = (),
    *,
    prefer: Preference | None = None,
    rng: np.random.Generator | None = None,
    draws: int = DRAWS,
) -> Answer:
    """The best point that satisfies every constraint.

    Args:
        constraints: any number of them; see `constraints`.
        prefer: what to choose by. Default: `ttft` if an accuracy is asked for and no TTFT,
            else `accuracy`.
        rng: gives the probability; without it there is none.

    Raises:
        DataError: as `points.objectives` and `noise.draw`.

    >>> points = [Contender("fast", 0.1, 0.5), Contender("good", 0.3, 0.6)]
    >>> best(points, [under(0.2)]).point.name, best(points, [at_least(0.55)]).point.name
    ('fast', 'good')
    """
    asked = tuple(constraints)
    preference = prefer or _preference(asked)
    values = objectives(contenders)
    order = np.lexsort(_by_preference(values[:, 0], values[:, 1], preference)[::-1]).tolist()
    rejections = [_rejection(contenders[i], asked) for i in order]
    feasible = [i for i, found in zip(order, rejections, strict=True) if found is None]
    if not feasible:
        nearest = min(filter(None, rejections), key=lambda found: found.shortfall, default=None)
        return Answer(asked, preference, None, nearest=nearest)
    winner, *others = feasible
    tied = [i for i in others if (values[i] == values[winner]).all()]
    rest = [i for i in others if i not in tied]
    probability = meets = None
    if rng is not None:
        drawn = plausible(contenders, rng, draws)
        probability, meets = _sureness(contenders, asked, preference, drawn, [winner, *tied])
    return Answer(
        asked,
        preference,
        contenders[winner],
        tuple(contenders[i] for i in tied),
        contenders[rest[0]] if rest else None,
        probability,
        meets,
        satisfying=len(feasible),
    )


def shorthands(under_s: float | None, accuracy: float | None) -> tuple[Constraint, ...]:
    """The constraints that the two shorthands mean."""
    within = () if under_s is None else (under(under_s),)
    return within if accuracy is None else (*within, at_least(accuracy))


def _preference(constraints: Sequence[Constraint]) -> Preference:
    """Optimise what is not limited; accuracy if both or neither are."""
    limited = {constraint.column for constraint in constraints}
    return "ttft" if "accuracy" in limited and "ttft_s" not in limited else "accuracy"


def _by_preference(
    ttft_s: Floats, accuracy: Floats, preference: Preference
) -> tuple[Floats, Floats]:
    """What has to be small first, and what second."""
    return (-accuracy, ttft_s) if preference == "accuracy" else (ttft_s, -accuracy)


def _rejection(contender: Contender, constraints: Sequence[Constraint]) -> Rejection | None:
    """What a contender misses; None if it satisfies everything."""
    missed = [each for each in constraints if not each.accepts(contender.column(each.column))]
    if not missed:
        return None
    reasons = tuple(each.explain(contender) for each in missed)
    shortfall = max(each.shortfall(contender.column(each.column)) for each in missed)
    return Rejection(contender, reasons, shortfall)


def _sureness(
    contenders: Sequence[Contender],
    constraints: Sequence[Constraint],
    preference: Preference,
    drawn: Draws,
    winners: Sequence[int],
) -> tuple[float, float]:
    """Shares of draws in which one of `winners` is the answer, and the first satisfies all."""
    satisfies = _satisfies(contenders, constraints, drawn)
    small = _by_preference(drawn.ttft_s, drawn.accuracy, preference)
    is_answer = best_masks(satisfies, *small)[:, list(winners)].any(axis=1)
    return float(is_answer.mean()), float(satisfies[:, winners[0]].mean())


def _satisfies(
    contenders: Sequence[Contender], constraints: Sequence[Constraint], drawn: Draws
) -> Mask:
    """Which contenders satisfy the constraints in each draw; shape [draws, n]."""
    satisfies = np.ones(drawn.ttft_s.shape, dtype=np.bool_)
    noisy = {"ttft_s": drawn.ttft_s, "accuracy": drawn.accuracy}
    for constraint in constraints:
        if constraint.column in noisy:
            satisfies &= constraint.holds(noisy[constraint.column])
        else:
            columns = [contender.column(constraint.column) for contender in contenders]
            satisfies &= np.array([constraint.accepts(value) for value in columns], dtype=np.bool_)
    return satisfies
