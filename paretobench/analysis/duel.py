"""Is B slower than A? Paired by round, with a stated difference to find.

Each round times both sides one after the other, in an order that the next round mirrors, so what
both share in a round (temperature, frequency, a neighbour) cancels in the ratio of the two
medians. The ratio and its interval are of Wilcoxon's signed ranks: they suppose only that equal
sides could be exchanged within a round, and a few slow processes do not move them. Rounds are added
until the interval is narrow enough for the difference asked for, or for the one that is there, so
the interval uses the confidence of a sequential stop (`stats.SEQUENTIAL_CONFIDENCE`).

References:
    Kalibera and Jones, ISMM 2013: pairs of fresh processes.
    Hodges and Lehmann, Annals of Mathematical Statistics 34 (1963): the estimate that belongs to
    signed ranks, the median of the means of any two values, and its interval.
    Fisher, "The Design of Experiments", 1935: a difference within pairs judged by exchanging the
    sides at random, which is how an A/A run knows its own false-alarm rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from paretobench.analysis.stats import SEQUENTIAL_CONFIDENCE
from paretobench.domain.records import Estimate
from paretobench.errors import InvalidSamplesError

DETECT = 0.03
"""Relative difference that a duel resolves by default: the smallest throttle that the
canary distinguishes from noise."""

MIN_ROUNDS = 7
"""The fewest whose signed ranks have an interval of 97 %."""

MAX_ROUNDS = 60
"""Where processes differ by 5 to 7 % so many find 3 % in four of five duels
(benchmarks/duel.py)."""

METHOD = "signed ranks"

Pair = tuple[float, float]
"""The medians of A and B in one round, in seconds."""

Verdict = Literal["A is faster", "B is faster", "no difference found", "too few rounds"]


def needs_round(pairs: Sequence[Pair], detect: float = DETECT) -> bool:
    """Whether to time another round.

    Args:
        pairs: the rounds that count so far.
        detect: the relative difference to find. The interval is narrowed to half of it to either
            side, or to half of the difference that there is where that is larger.

    >>> needs_round([(1.0, 1.0)] * 6), needs_round([(1.0, 1.001), (1.0, 0.999)] * 4)
    (True, False)
    """
    if len(pairs) < MIN_ROUNDS:
        return True
    if len(pairs) >= MAX_ROUNDS:
        return False
    ratio = ratio_of(pairs)
    if ratio is None or ratio.low is None or ratio.high is None:
        return True
    return math.log(ratio.high / ratio.low) > max(detect, abs(math.log(ratio.value)))


def ratio_of(pairs: Sequence[Pair]) -> Estimate | None:
    """B over A with its interval; None with fewer than two rounds.

    The interval is unknown (`low` and `high` are None) with fewer than `MIN_ROUNDS`.

    Raises:
        InvalidSamplesError: if a median is not positive and finite.

    >>> ratio = ratio_of([(1.0, 1.05), (1.0, 1.06), (1.0, 1.04)] * 3 + [(1.0, 2.0)])
    >>> round(ratio.value, 3), round(ratio.low, 3), ratio.n
    (1.05, 1.045, 10)
    """
    if len(pairs) < 2:
        return None
    sides = np.asarray(pairs, dtype=float)
    if not np.all(np.isfinite(sides) & (sides > 0)):
        raise InvalidSamplesError(f"medians must be positive and finite, got {list(pairs)!r}")
    logs = np.log(sides[:, 1] / sides[:, 0])
    means = np.sort((logs[:, None] + logs)[np.triu_indices(len(logs))] / 2.0)
    outside = _outside(len(logs), SEQUENTIAL_CONFIDENCE)
    low = math.exp(means[outside - 1]) if outside else None
    high = math.exp(means[-outside]) if outside else None
    return Estimate(math.exp(np.median(means)), low, high, len(pairs), METHOD)


@cache
def _outside(rounds: int, confidence: float) -> int:
    """Which of the sorted means of two, counted from either end, ends the interval; 0 if none does.

    The largest k with P(W < k) at most half of what the confidence leaves. W is the sum of the
    ranks 1 to n of which each counts with chance one half, so that the number of ways to get each
    sum are the coefficients of the product of all (1 + q^i).
    """
    ways = np.ones(1)
    for rank in range(1, rounds + 1):
        ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
    below = np.cumsum(ways) / 2.0**rounds
    return int(np.searchsorted(below, (1.0 - confidence) / 2.0, side="right"))


def verdict_of(pairs: Sequence[Pair]) -> Verdict:
    """Which side is faster, as far as the interval of the ratio says.

    >>> verdict_of([(1.0, 1.05), (1.0, 1.06), (1.0, 1.04), (1.0, 1.05)] * 2)
    'A is faster'
    """
    ratio = ratio_of(pairs)
    if ratio is None or ratio.low is None or ratio.high is None:
        return "too few rounds"
    if ratio.low > 1.0:
        return "A is faster"
    return "B is faster" if ratio.high < 1.0 else "no difference found"


@dataclass(frozen=True)
class FalseAlarms:
    """How often two equal sides would have been called different, from an A/A run's own rounds.

    Attributes:
        replays: rounds were played again so often, each side's name given at random.
        rate: share of them in which a difference was found.
    """

    replays: int
    rate: float


def false_alarms(
    runs: Sequence[Sequence[Pair]],
    rng: np.random.Generator,
    replays: int = 1000,
    detect: float = DETECT,
) -> FalseAlarms:
    """The false-alarm rate of the rule on these processes.

    Args:
        runs: the rounds of each workload of an A/A run.
        replays: of all workloads together.
        detect: as for `needs_round`.
    """
    long_enough = [pairs for pairs in runs if len(pairs) >= MIN_ROUNDS]
    found = 0
    for turn in range(replays if long_enough else 0):
        pairs = long_enough[turn % len(long_enough)]
        order = rng.permutation(len(pairs))
        swapped = rng.random(len(pairs)) < 0.5
        again: list[Pair] = []
        for index in order:
            a, b = pairs[index]
            again.append((b, a) if swapped[index] else (a, b))
            if not needs_round(again, detect):
                break
        found += verdict_of(again) in ("A is faster", "B is faster")
    return FalseAlarms(replays if long_enough else 0, found / replays if long_enough else 0.0)
