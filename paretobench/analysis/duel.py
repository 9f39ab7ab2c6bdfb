"""Is B slower than A? Paired by round, with a stated difference to find.

Each round times both sides one after the other, in an order that the next round mirrors, so what
both share in a round (temperature, frequency, a neighbour) cancels in the ratio of the two
medians. Rounds are added until the interval is narrow enough to resolve the difference asked for,
so the interval uses the confidence of a sequential stop (`stats.SEQUENTIAL_CONFIDENCE`).

References:
    Kalibera and Jones, ISMM 2013: pairs of fresh processes.
    Fisher, "The Design of Experiments", 1935: a difference within pairs judged by exchanging the
    sides at random, which is how an A/A run knows its own false-alarm rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from paretobench.analysis.stats import SEQUENTIAL_CONFIDENCE, estimate, half_width
from paretobench.domain.records import Estimate

DETECT = 0.03
"""Relative difference that a duel resolves by default: the smallest throttle that the
canary distinguishes from noise."""

MIN_ROUNDS = 5
"""As for `rigorous`: from five processes on the spread is known well enough to stop by it."""

MAX_ROUNDS = 20
"""As for `rigorous`."""

Pair = tuple[float, float]
"""The medians of A and B in one round, in seconds."""

Verdict = Literal["A is faster", "B is faster", "no difference found", "too few rounds"]


def needs_round(pairs: Sequence[Pair], detect: float = DETECT) -> bool:
    """Whether to time another round.

    Args:
        pairs: the rounds that count so far.
        detect: the relative difference to find; the interval is narrowed to half of it.

    >>> needs_round([(1.0, 1.0)] * 4), needs_round([(1.0, 1.001), (1.0, 0.999)] * 3)
    (True, False)
    """
    if len(pairs) < MIN_ROUNDS:
        return True
    if len(pairs) >= MAX_ROUNDS:
        return False
    return half_width([b / a for a, b in pairs], SEQUENTIAL_CONFIDENCE) > detect / 2.0


def ratio_of(pairs: Sequence[Pair]) -> Estimate | None:
    """B over A with its interval; None with fewer than two rounds."""
    if len(pairs) < 2:
        return None
    return estimate([b / a for a, b in pairs], confidence=SEQUENTIAL_CONFIDENCE)


def verdict_of(pairs: Sequence[Pair]) -> Verdict:
    """Which side is faster, as far as the interval of the ratio says.

    >>> verdict_of([(1.0, 1.05), (1.0, 1.06), (1.0, 1.04), (1.0, 1.05), (1.0, 1.05)])
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
