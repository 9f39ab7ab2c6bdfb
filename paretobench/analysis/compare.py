"""Everything that two sets of points say about each other, in one structured answer.

The sets are two encoders, two devices, two sweeps or two databases. Errors are drawn once
for both together, so what they share (a prefill workload, a checkpoint's score) cancels as it
should. Points of the same configuration are compared one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretobench.analysis.bjontegaard import BjontegaardDelta, bd_accuracy, bd_ttft
from paretobench.analysis.claims import (
    INTERVAL,
    AtVertex,
    gain_at_equal_budget,
    speedup_at_equal_accuracy,
)
from paretobench.analysis.noise import Draws, draw
from paretobench.analysis.points import Contender
from paretobench.errors import DataError

DRAWS = 1000
"""Draws by default: the ends of a 95 % interval rest on 25 of them each."""


@dataclass(frozen=True)
class Ratio:
    """A latency ratio, baseline over candidate: above 1 where the candidate is faster."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """A candidate set against a baseline set.

    Attributes:
        bd_ttft, bd_accuracy: None where refused; `refusals` says why.
        speedups: at equal accuracy, per vertex of the baseline's front.
        gains: at an equal budget, per vertex of the baseline's front.
        common: the ratio of each configuration that both sets have, in the candidate's order.
        common_ratio: geometric mean of `common`; None if there are none.
        assumed: points whose noise is unknown, so that intervals rest on `noise.Assumed`.
    """

    bd_ttft: BjontegaardDelta | None
    bd_accuracy: BjontegaardDelta | None
    refusals: tuple[str, ...]
    speedups: tuple[AtVertex, ...]
    gains: tuple[AtVertex, ...]
    common: tuple[Ratio, ...]
    common_ratio: Ratio | None
    assumed: tuple[str, ...]


def compare(
    candidates: Sequence[Contender],
    baselines: Sequence[Contender],
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Comparison:
    """Compare two sets of points in every way that they allow.

    Raises:
        DataError: if a set is empty, holds a configuration twice, or numbers that cannot be.
    """
    for whose, points in (("candidate", candidates), ("baseline", baselines)):
        _check_names(whose, points)
    together = [*candidates, *baselines]
    drawn = draw(together, rng, draws)
    refusals: list[str] = []
    averages: list[BjontegaardDelta | None] = []
    for average in (bd_ttft, bd_accuracy):
        try:
            averages.append(average(candidates, baselines, drawn))
        except DataError as refusal:
            averages.append(None)
            refusals.append(str(refusal))
    by_time, by_accuracy = averages
    common, mean = _common(candidates, baselines, drawn)
    return Comparison(
        bd_ttft=by_time,
        bd_accuracy=by_accuracy,
        refusals=tuple(refusals),
        speedups=speedup_at_equal_accuracy(candidates, baselines, drawn),
        gains=gain_at_equal_budget(candidates, baselines, drawn),
        common=common,
        common_ratio=mean,
        assumed=tuple(dict.fromkeys(point.name for point in together if point.unknown_noise)),
    )


def _check_names(whose: str, points: Sequence[Contender]) -> None:
    """Points are paired by configuration, so there must be some, each of them once."""
    if not points:
        raise DataError(f"the {whose} has no points to compare; `paretobench ls` lists what is")
    seen: set[str] = set()
    for point in points:
        if _configuration(point) in seen:
            raise DataError(
                f"the {whose} holds {_configuration(point)!r} twice; narrow the selection"
            )
        seen.add(_configuration(point))


def _configuration(point: Contender) -> str:
    """What a point is paired by."""
    return point.configuration or point.name


def _common(
    candidates: Sequence[Contender], baselines: Sequence[Contender], drawn: Draws
) -> tuple[tuple[Ratio, ...], Ratio | None]:
    """The ratios of what both sets hold, and their geometric mean, with intervals."""
    position = {_configuration(point): i for i, point in enumerate(baselines)}
    own = [(i, _configuration(point)) for i, point in enumerate(candidates)]
    pairs = [(i, position[name]) for i, name in own if name in position]
    if not pairs:
        return (), None
    ours, theirs = (list(side) for side in zip(*pairs, strict=True))
    logs = np.log(drawn.ttft_s[:, [len(candidates) + j for j in theirs]] / drawn.ttft_s[:, ours])
    values = np.array([np.log(baselines[j].ttft_s / candidates[i].ttft_s) for i, j in pairs])
    lows, highs = np.exp(np.quantile(logs, INTERVAL, axis=0))
    ratios = tuple(
        Ratio(_configuration(candidates[i]), float(value), float(low), float(high))
        for i, value, low, high in zip(ours, np.exp(values), lows, highs, strict=True)
    )
    low, high = np.exp(np.quantile(logs.mean(axis=1), INTERVAL))
    label = f"geometric mean of {len(pairs)}"
    return ratios, Ratio(label, float(np.exp(values.mean())), float(low), float(high))
