"""Which part's next process is worth most, and which come first before anything is known. Pure.

The value of a process is the fall of the summed risk of wrong judgements that it is expected to
bring, per second of its cost. Of a measured part the same joint draws are looked at again with that
part's error as narrow as another process makes it, its estimate unmoved; so what two points share
cancels, and a part that decides nothing has no value.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from paretobench.analysis.points import Floats
from paretobench.planning.beliefs import Beliefs
from paretobench.planning.claims import CandidateSet, Judgements
from paretobench.planning.limits import elimination_values, within_limits
from paretobench.planning.question import Candidate, CandidatePart

SETTLED = 0.9995
"""Probability from which on a judgement gains nothing that 1,000 draws could show."""

BLOCK = 4
"""Parts of the first round that are shuffled among themselves: cheap ones still come first, and a
machine that warms up does not favour the cheapest; few, so that a first point is soon whole."""


def judgements(among: CandidateSet, known: Beliefs, drawn: Floats) -> Judgements:
    """What can be said now in answer to the question."""
    if among.question.until == "best":
        return within_limits(among, known, drawn)
    return among.fronts(known.seconds, drawn)


def falls_of_risk(among: CandidateSet, known: Beliefs, now: Judgements) -> Floats:
    """The fall of the summed risk that one more process of each part is expected to bring.

    Args:
        now: the judgements by `known`.

    Returns:
        Shape [parts], 0 or above.
    """
    drawn, falls = known.drawn(), np.zeros(len(known.keys))
    if among.question.until == "best":
        falls = elimination_values(among, known, drawn, now)
    doubtful = {
        index
        for one in now.all
        if one.probability < SETTLED
        for index in (one.candidate, one.rival)
    }
    concerned = among.passes[sorted(doubtful)].any(axis=0) & known.is_measured
    near = _near(among, now)
    risk = judgements(near, known, drawn).risk
    for part in np.flatnonzero(concerned):
        kept = drawn[:, part].copy()
        drawn[:, part] = known.after_another(int(part))
        falls[part] = max(0.0, risk - judgements(near, known, drawn).risk)
        drawn[:, part] = kept
    return falls


def _near(among: CandidateSet, now: Judgements) -> CandidateSet:
    """The candidates that could be in the answer: of a large grid few are."""
    if among.question.until == "best":
        return among
    kept = sorted({one.candidate for one in now.all if one.place != "out" or one.probability < 1.0})
    return CandidateSet(among.question, [among.candidates[i] for i in kept], among.keys)


def first_round(
    candidates: Sequence[Candidate], parts: Sequence[CandidatePart], seed: int
) -> list[str]:
    """Parts in the order of their first processes: those first that complete a candidate at the
    least cost, shuffled within blocks of `BLOCK`.

    >>> parts = [CandidatePart(key, "g", 1.0, cost) for key, cost in zip("abc", (9.0, 2.0, 3.0))]
    >>> first_round([Candidate("x", {"a": 1}), Candidate("y", {"b": 1, "c": 1})], parts, seed=0)
    ['c', 'b', 'a']
    """
    cost_s = {part.key: part.process_s for part in parts}
    missing = {one.name: set(one.passes) for one in candidates}
    left_s = {name: sum(cost_s[key] for key in sorted(keys)) for name, keys in missing.items()}
    users: dict[str, list[str]] = {}
    for one in candidates:
        for key in one.passes:
            users.setdefault(key, []).append(one.name)
    order: list[str] = []
    while left_s:
        name = min(left_s, key=lambda each: (left_s[each], each))
        for key in sorted(missing[name], key=lambda each: (cost_s[each], each)):
            order.append(key)
            for user in users[key]:
                missing[user].discard(key)
                left_s[user] -= cost_s[key]
        left_s = {user: seconds for user, seconds in left_s.items() if missing[user]}
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        random.Random(f"{seed}:{start}").shuffle(block)
        order[start : start + BLOCK] = block
    return order


def fewest_first(
    keys: Collection[str], counts: Mapping[str, int], order: Sequence[str]
) -> list[str]:
    """Keys in rounds: those with the fewest processes first, each odd round in the mirrored order.

    >>> fewest_first("abc", {"a": 1, "b": 1, "c": 2}, "abc")
    ['b', 'a', 'c']
    """
    place = {key: i for i, key in enumerate(order)}

    def rank(key: str) -> tuple[int, int]:
        n = counts.get(key, 0)
        return n, -place[key] if n % 2 else place[key]

    return sorted(keys, key=rank)
