"""What can be said of the best point within a limit, measured or not. Pure.

Under a latency limit candidates are gone through from the most accurate one down to the first that
is within it; asked for an accuracy alone, the fastest candidate is compared with all others. A part
that was not measured eliminates nothing: a candidate is beyond the limit only if its measured parts
alone are. Predictions say which part to try first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from paretobench.analysis.points import Floats
from paretobench.planning.beliefs import Beliefs
from paretobench.planning.claims import Bools, CandidateSet, Judgement, Judgements, Place, judged


@dataclass(frozen=True)
class LimitContest:
    """One recipe's candidates that matter to its answer.

    Attributes:
        contenders: indices: those that would be preferred to the winner, then the winner.
        winner: index of what is probably the answer; None if nothing is within the limit.
        limits_s: what the others have to exceed, shape [draws].
    """

    recipe: str
    contenders: list[int]
    winner: int | None
    limits_s: Floats


def contests(among: CandidateSet, known: Beliefs, drawn: Floats) -> list[LimitContest]:
    """The contest of each recipe, by what is estimated or predicted now."""
    totals_s, found = among.passes @ known.seconds, []
    under_s = among.question.under_s
    for recipe in among.recipes:
        indices = among.eligible(recipe)
        heights = dict(zip(indices, among.accuracies(recipe, indices), strict=True))
        if not indices:
            continue
        winner: int | None
        if under_s is None:
            winner, *others = sorted(indices, key=lambda i: (totals_s[i], -heights[i]))
            contenders, limits_s = [*others, winner], drawn @ among.passes[winner]
        else:
            order = sorted(indices, key=lambda i: (-heights[i], totals_s[i]))
            winner = next((i for i in order if totals_s[i] <= under_s), None)
            contenders = order if winner is None else order[: order.index(winner) + 1]
            limits_s = np.full(len(drawn), under_s)
        found.append(LimitContest(recipe, contenders, winner, limits_s))
    return found


def within_limits(among: CandidateSet, known: Beliefs, drawn: Floats) -> Judgements:
    """What can be said of every recipe's best point."""
    found: list[Judgement] = []
    masks: list[Bools] = [np.ones((len(drawn), 0), dtype=np.bool_)]
    totals_s = among.passes @ known.seconds
    for contest in contests(among, known, drawn):
        limit_s = float(np.median(contest.limits_s))
        margins = np.log(totals_s[contest.contenders] / limit_s)
        places, right = _judged(among, known, contest, drawn, margins)
        masks.append(right)
        shares = right.mean(axis=0)
        found += [
            Judgement(i, contest.recipe, places[n], float(shares[n]), float(margins[n]), i)
            for n, i in enumerate(contest.contenders)
        ]
    return Judgements(tuple(found), np.hstack(masks))


def _judged(
    among: CandidateSet, known: Beliefs, contest: LimitContest, drawn: Floats, margins: Floats
) -> tuple[list[Place], Bools]:
    """Places of a contest's contenders; nothing is right of a winner that is not measured whole,
    and others are out by their measured parts alone."""
    passes = among.passes[contest.contenders]
    measured_s = drawn @ (passes * known.is_measured).T
    is_partial = ((passes > 0) & ~known.is_measured).any(axis=1)
    with np.errstate(divide="ignore"):
        ratios = np.log(measured_s / contest.limits_s[:, None])
    places, right = judged(among.question, ratios, margins)
    is_beyond = ratios > math.log1p(-among.question.indifference)
    for n, i in enumerate(contest.contenders):
        is_winner = i == contest.winner
        is_fastest = among.question.under_s is None and places[n] == "in"
        if is_winner and (among.question.under_s is None or is_partial[n]):
            places[n], right[:, n] = "in", not is_partial[n]
        elif is_partial[n] or is_fastest:
            places[n], right[:, n] = "out", is_beyond[:, n]
    return places, right


def elimination_values(
    among: CandidateSet, known: Beliefs, drawn: Floats, now: Judgements
) -> Floats:
    """How much measuring each unmeasured part is expected to settle, shape [parts].

    Of a candidate that is not measured whole, a part settles its place if it alone takes the
    measured sum beyond the limit; else it is one step of those that are missing, unless another of
    them is likelier to settle it.

    Args:
        now: the judgements by `known`.
    """
    shares = {(one.recipe, one.candidate): one.probability for one in now.all}
    values = np.zeros(len(known.keys))
    slack = 1.0 - among.question.indifference
    for contest in contests(among, known, drawn):
        for i in contest.contenders:
            passes = among.passes[i]
            missing = np.flatnonzero((passes > 0) & ~known.is_measured)
            measured_s = drawn @ (passes * known.is_measured)
            alone = [
                0.0
                if i == contest.winner
                else float((measured_s + passes[w] * drawn[:, w] > slack * contest.limits_s).mean())
                for w in missing
            ]
            for n, w in enumerate(missing):
                others = max((*alone[:n], *alone[n + 1 :]), default=0.0)
                step = (1.0 - alone[n]) * (1.0 - others) / len(missing)
                values[w] += (1.0 - shares[contest.recipe, i]) * (alone[n] + step)
    return values
