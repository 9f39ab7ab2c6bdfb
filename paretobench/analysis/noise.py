"""What the numbers could have been: repeated draws of every TTFT and accuracy.

A parametric bootstrap. A latency is its estimate times exp(log_se x t), since intervals are
Student's t on the logs of process medians; an accuracy is normal about its value. Latencies
are drawn per workload and then summed, so two points with the same prefill move together:
drawing them independently would make their comparison look less sure than it is.

Unknown errors are not taken for zero, which would make other points look surer. They are
drawn from the stated `Assumed` errors, and the points concerned are named `unknown`.

Reference: Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 6.5.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from paretobench.analysis.items import Z_95
from paretobench.analysis.points import Contender, Floats, LatencyNoise, Part, objectives
from paretobench.domain.records import Estimate
from paretobench.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DRAWS = 2000
"""Draws by default: at a true probability of 0.95 the Monte Carlo error is 0.005."""

RUN_TO_RUN_SD = 0.001
"""Standard deviation of Avg-5 between trainings of the same recipe: about 0.1 points
(FastVLM, arXiv 2412.13303 v1, section 4 and appendix D.3)."""

_LARGEST_EXPONENT = 50.0
"""Of a draw's error: e^50 is absurd enough."""


@dataclass(frozen=True)
class Assumed:
    """Errors assumed where none is known.

    `log_se` 0.03: the error of ratios between configurations timed one after the other on a
    machine that warms up. `accuracy_se` 0.0026: five tasks at 0.6 with their published item
    counts (0.0024, binomial) together with `RUN_TO_RUN_SD`.
    """

    log_se: float = 0.03
    accuracy_se: float = 0.0026


@dataclass(frozen=True)
class Draws:
    """`ttft_s` and `accuracy`, each of shape [draws, n]: column i belongs to contender i."""

    ttft_s: Floats
    accuracy: Floats


def latency_noise(estimate: Estimate) -> LatencyNoise | None:
    """The noise of an estimate: its `log_se` and `df`; None if its interval is unknown, or says
    no more than what was seen on a disturbed machine.

    An interval that came without them (imported) is read as a normal's.

    >>> latency_noise(Estimate(1.0, 0.98, 1.0204, 6, 'imported')).log_se.__round__(4)
    0.0103
    """
    if not estimate.is_known:
        return None
    if estimate.log_se is not None:
        return LatencyNoise(estimate.log_se, math.inf if estimate.df is None else estimate.df)
    if estimate.low is None or estimate.high is None or estimate.low <= 0:
        return None
    return LatencyNoise(math.log(estimate.high / estimate.low) / 2 / Z_95)


def draw_latencies(
    seconds: Floats,
    noises: Sequence[LatencyNoise],
    passes: Floats | csr_array,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Floats:
    """Draw workloads, then sum them into points.

    Args:
        seconds: latency of each workload, shape [w].
        noises: the noise of each workload.
        passes: how often each point runs each workload, shape [n, w]; sparse for many points.

    Returns:
        Seconds, shape [draws, n].
    """
    log_se = np.array([noise.log_se for noise in noises], dtype=np.float64)
    degrees = np.array([noise.degrees for noise in noises], dtype=np.float64)
    standard = rng.standard_normal((draws, len(noises)))
    few = np.flatnonzero(np.isfinite(degrees))
    # A normal over the root of chi-square per degree of freedom is Student's t.
    standard[:, few] /= np.sqrt(rng.chisquare(degrees[few], (draws, len(few))) / degrees[few])
    return np.asarray(off_by(seconds, standard * log_se) @ passes.T, dtype=np.float64)


def off_by(seconds: Floats, log_errors: Floats) -> Floats:
    """Seconds times exp(error), where draws of Student's t with one degree of freedom can be so
    large that exp() overflows."""
    exponents = np.clip(log_errors, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    return np.asarray(np.exp(exponents) * seconds, dtype=np.float64)


def draw(
    contenders: Sequence[Contender],
    rng: np.random.Generator,
    draws: int = DRAWS,
    assumed: Assumed | None = None,
) -> Draws:
    """Draw what every contender's TTFT and accuracy could have been, errors shared.

    Contenders without parts get an error of their own from `ttft_noise`. Where a TTFT is not
    the sum of its parts (measured end to end), the draws are scaled to its value.

    Raises:
        DataError: if numbers cannot be, or one workload carries two latencies.
    """
    values = objectives(contenders)
    assumed = assumed or Assumed()
    parts = [_parts(i, contender) for i, contender in enumerate(contenders)]
    workloads = _distinct(part for own in parts for part in own)
    column = {key: i for i, key in enumerate(workloads)}
    entries = [
        (row, column[part.workload], part.passes) for row, own in enumerate(parts) for part in own
    ]
    passes = _summed(entries, (len(contenders), len(workloads)))
    seconds = np.array([part.seconds for part in workloads.values()], dtype=np.float64)
    noises = [part.noise or LatencyNoise(assumed.log_se) for part in workloads.values()]
    ttft_s = draw_latencies(seconds, noises, passes, rng, draws)
    ttft_s *= values[:, 0] / (passes @ seconds)
    return Draws(ttft_s, _draw_accuracies(contenders, rng, draws, assumed))


def _summed(entries: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> csr_array:
    """The matrix of those (row, column, value), repeated ones added: a point has few workloads."""
    from scipy.sparse import csr_array  # imported when needed

    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    return csr_array((table[:, 2], table[:, :2].T.astype(np.intp)), shape=shape)


def _parts(index: int, contender: Contender) -> tuple[Part, ...]:
    """The contender's parts, or its total as the only part under a name that no other point has."""
    total = Part(f"total of point {index}", 1.0, contender.ttft_s, contender.ttft_noise)
    return contender.parts or (total,)


def _distinct(parts: Iterable[Part]) -> dict[str, Part]:
    """One part per workload; all parts of a workload have to agree on its latency."""
    found: dict[str, Part] = {}
    for part in parts:
        if not 0 < part.seconds < math.inf or not 0 < part.passes < math.inf:
            raise DataError(
                f"workload {part.workload}: {part.passes} passes of {part.seconds} s cannot be"
            )
        first = found.setdefault(part.workload, part)
        if (first.seconds, first.noise) != (part.seconds, part.noise):
            raise DataError(
                f"workload {part.workload} carries two latencies, {first.seconds} s and "
                f"{part.seconds} s; name the environment in the workload if there are two"
            )
    return found


def _draw_accuracies(
    contenders: Sequence[Contender], rng: np.random.Generator, draws: int, assumed: Assumed
) -> Floats:
    """Normal draws, one error per score; shape [draws, n]."""
    keys = [contender.score or f"score of point {i}" for i, contender in enumerate(contenders)]
    position = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    standard = rng.standard_normal((draws, len(position)))[:, [position[key] for key in keys]]
    centres = np.array([contender.accuracy for contender in contenders], dtype=np.float64)
    return np.asarray(centres + standard * accuracy_errors(contenders, assumed))


def accuracy_errors(contenders: Sequence[Contender], assumed: Assumed | None = None) -> Floats:
    """Standard error of each accuracy, the assumed one where none is known; shape [n]."""
    stand_in = (assumed or Assumed()).accuracy_se
    known = (contender.accuracy_se for contender in contenders)
    return np.array([stand_in if error is None else error for error in known], dtype=np.float64)
