"""From cells to estimates, and from estimates to sums and ratios.

The replicate is the process, not the sample: samples of one process share its memory layout,
its frequency and its luck, and intervals made from them covered 10 to 45 % in simulation where
95 % was promised. So each cell counts once, by the median of its samples, and everything is
done on the logarithm, where noise is multiplicative and ratios are differences.

Pure functions of numbers and records; the store is not read here and nothing is timed.
`docs/methodology.md` derives each formula.

References:
    Kalibera and Jones, ISMM 2013: replication at the level of the process.
    Satterthwaite, Biometrics Bulletin 2 (1946): degrees of freedom of a sum of variances.
    Zou and Donner, Statistics in Medicine 27 (2008): intervals of sums from those of the parts.
    Smyth 2004, in `pooling`: moderated variances.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from paretobench.analysis.pooling import LOG_SD_FLOOR, PRIOR, Pool
from paretobench.analysis.shape import (
    OUTLIER_SHARE,
    OUTLIERS_NEED,
    is_bimodal,
    severe_outliers,
)
from paretobench.domain.records import Cell, Estimate, Fidelity, Measurement, Process
from paretobench.errors import InvalidSamplesError

CONFIDENCE = 0.95
"""Confidence of every interval that is printed."""

SEQUENTIAL_CONFIDENCE = 0.97
"""Nominal confidence of an interval after a sequential stop, both of the stopping rule and, where
no pool corrects it, of what is printed. Stopping at the first look that is narrow enough favours
looks that are narrow by luck; an interval of nominally 97 % then covers 95 %
(benchmarks/coverage.py)."""

T_METHOD = "t on log cell medians"
POOLED_METHOD = "pooled"
PRIOR_METHOD = "prior"
DISTURBED_METHOD = "range of disturbed samples"
UNKNOWN_METHOD = "unknown"

_RANK = {"suspect": 1, "disturbed": 2}
"""Which of a round's cells counts: the lowest; whatever is in order has 0."""

_LEVELS: tuple[Fidelity, ...] = ("quick", "standard", "rigorous", "audit")

P = TypeVar("P", bound=Process)

RoundKey = tuple[str | None, int]
"""A round of a sweep: cells of one round are close in time."""


@lru_cache(maxsize=4096)
def t_quantile(probability: float, df: float) -> float:
    """Student's t quantile.

    >>> round(t_quantile(0.975, 4), 3), round(t_quantile(0.985, 4), 3)
    (2.776, 3.298)
    """
    from scipy import special

    return float(special.stdtrit(df, probability))


def check_samples(samples_s: Sequence[float], runs: int | None = None) -> None:
    """Refuse samples that cannot be true.

    Args:
        samples_s: seconds, one per repetition.
        runs: how many repetitions the process says it kept; None if it did not say.

    Raises:
        InvalidSamplesError: if there are none, one is not finite or not positive, three or
            more are all equal, or their number differs from `runs`.
    """
    if not samples_s:
        raise InvalidSamplesError("no samples: the process ended without timing anything")
    wrong = next((s for s in samples_s if not (math.isfinite(s) and s > 0)), None)
    if wrong is not None:
        raise InvalidSamplesError(
            f"a sample of {wrong!r} s is not a duration; the clock or the backend is broken"
        )
    if len(samples_s) >= 3 and min(samples_s) == max(samples_s):
        raise InvalidSamplesError(
            f"all {len(samples_s)} samples are exactly {samples_s[0]!r} s: no real clock does that"
        )
    if runs is not None and runs != len(samples_s):
        raise InvalidSamplesError(
            f"{len(samples_s)} samples arrived where the process logged {runs} runs"
        )


def half_width(medians_s: Sequence[float], confidence: float = CONFIDENCE) -> float:
    """Half-width of the interval on the log scale: about the relative half-width.

    Args:
        medians_s: cell medians in seconds, at least two.
        confidence: of the two-sided interval.

    >>> round(half_width([1.00, 1.01, 0.99, 1.02, 0.98]), 4)
    0.0196
    """
    logs = np.log(np.asarray(medians_s, dtype=float))
    k = len(logs)
    spread = max(float(np.std(logs, ddof=1)), LOG_SD_FLOOR)
    return t_quantile(0.5 + confidence / 2, k - 1) * spread / math.sqrt(k)


def estimate(
    medians_s: Sequence[float],
    pool: Pool | None = None,
    labels: Sequence[str] = (),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A latency and its interval from cell medians, one per process.

    The value is the geometric mean. With a pool the interval rests on the moderated variance
    (`method` is `pooled`), without one on the cells alone; one process and no pool give an
    unknown interval, not a narrow one.

    Args:
        medians_s: seconds, positive and finite.
        pool: what other workloads of the same backend and kind say about the spread.
        labels: carried over into the estimate.

    Raises:
        InvalidSamplesError: if there is no median or one is not positive and finite.

    >>> e = estimate([0.100, 0.102, 0.101])
    >>> round(e.value, 4), round(e.low, 4), round(e.high, 4), e.n, e.method
    (0.101, 0.0985, 0.1035, 3, 't on log cell medians')
    >>> estimate([0.1]).low is None
    True
    """
    if not medians_s or not all(math.isfinite(m) and m > 0 for m in medians_s):
        raise InvalidSamplesError(f"medians must be positive and finite, got {list(medians_s)!r}")
    logs = np.log(np.asarray(medians_s, dtype=float))
    k, centre = len(logs), float(np.mean(logs))
    own = max(float(np.std(logs, ddof=1)), LOG_SD_FLOOR) if k > 1 else None
    if pool is not None:
        spread, df = pool.moderated(own or 0.0, k - 1.0)
        method = PRIOR_METHOD if pool is PRIOR else POOLED_METHOD
        return _interval(centre, spread, df, k, method, labels, confidence)
    if own is None:
        return Estimate(math.exp(centre), None, None, k, UNKNOWN_METHOD, labels=tuple(labels))
    return _interval(centre, own, k - 1.0, k, T_METHOD, labels, confidence)


def _interval(
    centre: float,
    spread: float,
    df: float,
    k: int,
    method: str,
    labels: Sequence[str],
    confidence: float,
) -> Estimate:
    error = spread / math.sqrt(k)
    margin = t_quantile(0.5 + confidence / 2, df) * error
    value, factor = math.exp(centre), _factor(margin)
    low, high = value / factor, value * factor
    return Estimate(value, low, high, k, method, spread, tuple(labels), error, df)


def _factor(log_margin: float) -> float:
    """exp of a margin; two wildly different processes must not overflow a float."""
    return math.exp(min(log_margin, 300.0))


def compose(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """A weighted sum of independent estimates: TTFT = passes x encode + prefill.

    The interval is made from the parts' own intervals (MOVER: Zou and Donner 2008): each end is
    the value less or plus the root of the squared weighted distances of the parts' ends, so a
    sum is never surer in seconds than any of its parts. The standard error is the delta
    method's, with Satterthwaite's degrees of freedom, for draws. A part whose interval is
    unknown makes the sum's interval unknown. `n` is the smallest number of processes among the
    parts.

    Args:
        parts: (weight, estimate), such as `[(passes, encode), (1, prefill)]`.

    Raises:
        InvalidSamplesError: if there is no part or the sum is not above each of its parts.

    >>> part = estimate([0.1, 0.101, 0.099])
    >>> total = compose([(2, part), (1, part)])
    >>> round(total.value, 3), total.n
    (0.3, 3)
    """
    terms = [weight * part.value for weight, part in parts]
    total = math.fsum(terms)
    if not parts or not math.isfinite(total) or total < max(terms):
        raise InvalidSamplesError(f"parts of {terms!r} s cannot make a sum of {total!r} s")
    n = min(part.n for _, part in parts)
    labels = tuple(dict.fromkeys(label for _, part in parts for label in part.labels))
    is_disturbed = any(part.is_disturbed for _, part in parts)
    weighted = [
        (weight, part.value, part.low, part.high)
        for weight, part in parts
        if part.low is not None and part.high is not None
    ]
    if len(weighted) < len(parts):
        return Estimate(
            total, None, None, n, UNKNOWN_METHOD, labels=labels, is_disturbed=is_disturbed
        )
    low = total - math.hypot(*(weight * (value - low) for weight, value, low, _ in weighted))
    high = total + math.hypot(*(weight * (high - value) for weight, value, _, high in weighted))
    error, df = _combined(
        [(term / total, part) for term, (_, part) in zip(terms, parts, strict=True)]
    )
    method = " + ".join(dict.fromkeys(part.method for _, part in parts))
    return Estimate(total, low, high, n, method, None, labels, error, df, is_disturbed)


def ratio(numerator: Estimate, denominator: Estimate) -> Estimate:
    """The ratio of two independent estimates, their intervals combined as logarithms (MOVER).

    With few processes Welch's degrees of freedom made a ratio surer than either of its sides.

    >>> a, b = estimate([0.2, 0.202, 0.198]), estimate([0.1, 0.101, 0.099])
    >>> round(ratio(a, b).value, 3)
    2.0
    """
    value, n = numerator.value / denominator.value, min(numerator.n, denominator.n)
    labels = tuple(dict.fromkeys(numerator.labels + denominator.labels))
    over, under = numerator, denominator
    is_disturbed = over.is_disturbed or under.is_disturbed
    if over.low is None or over.high is None or under.low is None or under.high is None:
        return Estimate(
            value, None, None, n, UNKNOWN_METHOD, labels=labels, is_disturbed=is_disturbed
        )
    down = math.hypot(math.log(over.value / over.low), math.log(under.high / under.value))
    up = math.hypot(math.log(over.high / over.value), math.log(under.value / under.low))
    error, df = _combined([(1.0, over), (1.0, under)])
    low, high = value / _factor(down), value * _factor(up)
    return Estimate(value, low, high, n, "unpaired", None, labels, error, df, is_disturbed)


def _combined(terms: Sequence[tuple[float, Estimate]]) -> tuple[float | None, float | None]:
    """Standard error of the log of a sum of independent terms, each with its share of the sum, and
    Satterthwaite degrees of freedom; None where those of a term are not known."""
    errors = [
        (share * term.log_se, term.df)
        for share, term in terms
        if term.log_se is not None and term.df is not None
    ]
    if len(errors) < len(terms):
        return None, None
    variance = math.fsum(error**2 for error, _ in errors)
    weight = math.fsum(error**4 / df for error, df in errors)
    return math.sqrt(variance), (variance**2 / weight if weight > 0 else math.inf)


def replicates(cells: Iterable[P], at_least: Fidelity = "quick") -> list[P]:
    """One cell per round: what an estimate counts, in the order of their starts.

    A suspect or disturbed cell was repeated in its round, and all are stored. The first that is
    in order counts; if none is, the machine was like that: a suspect one counts before a
    disturbed one, the later before the earlier. The canary is another kernel than the
    workload's, so this choice is independent of the latency it decides about. Quick cells step
    back where longer ones exist, disturbed ones where undisturbed ones exist in any round.

    Args:
        cells: the cells of one workload in one environment, with their samples or without.
        at_least: quick cells do not count for a higher level; standard, rigorous and audit cells
            follow the same protocol and count for each other.
    """
    ordered = list(cells)
    ordered.sort(key=lambda cell: cell.started_at)
    if len({cell.started_at for cell in ordered}) < len(ordered):  # a key takes time to work out
        ordered.sort(key=lambda cell: (cell.started_at, cell.key))
    longer = [cell for cell in ordered if cell.fidelity != "quick"]
    if longer or at_least != "quick":
        ordered = longer
    chosen: dict[RoundKey, P] = {}
    for cell in ordered:
        at = (cell.sweep_key, cell.round_index)
        before = _rank(chosen[at]) if at in chosen else len(_RANK)
        if before and _rank(cell) <= before:
            chosen[at] = cell
    quiet = [cell for cell in chosen.values() if cell.status != "disturbed"]
    return quiet or list(chosen.values())


def undisturbed(cells: Iterable[P], at_least: Fidelity = "quick") -> list[P]:
    """The `replicates` that other programs did not disturb; none where all were."""
    return [cell for cell in replicates(cells, at_least) if cell.status != "disturbed"]


def _rank(cell: Process) -> int:
    return _RANK.get(cell.status, 0)


def cell_median(cell: Process) -> float:
    """The median of a cell's samples, in seconds; NaN if it has none."""
    return math.nan if cell.median_s is None else cell.median_s


UNJUDGED = "canary unjudged"
"""Label of a measurement with processes that no canary judged."""


def labels_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """What a reader must know about these cells, in a few words each.

    Disturbed cells with who disturbed them, samples that are too few for a median, two modes,
    severe outliers, cells whose canary moved. Nothing is deleted on the strength of a label.
    """
    found: list[str] = disturbance(cells)
    if any(len(cell.counted_s) == 2 for cell in cells):
        found.append("mean of 2 samples")
    if is_bimodal([cell_median(cell) for cell in cells]):
        found.append("bimodal between processes")
    inside = sum(is_bimodal(cell.counted_s) for cell in cells)
    if inside * 2 > len(cells):
        found.append("bimodal within processes")
    many = [cell.counted_s for cell in cells if len(cell.counted_s) >= OUTLIERS_NEED]
    outliers, total = sum(map(severe_outliers, many)), sum(map(len, many))
    if outliers > OUTLIER_SHARE * total:
        found.append(f"severe outliers {outliers}/{total}")
    suspect = sum(cell.status == "suspect" for cell in cells)
    if suspect:
        found.append(f"suspect: {suspect} of {len(cells)} processes")
    if any(cell.status == "unjudged" for cell in cells):
        found.append(UNJUDGED)
    return tuple(found)


def disturbance(cells: Sequence[Cell]) -> list[str]:
    """That the machine was never quiet, by how much and through whom; nothing if it was.

    >>> disturbance([])
    []
    """
    seen = [c.contention for c in cells if c.status == "disturbed" and c.contention is not None]
    if not seen:
        return []
    shares = [share for one in seen for share in one.foreign]
    middle = statistics.median(shares) if shares else 0.0
    named = next((one.disturbers() for one in seen if one.neighbours), "")
    by = f", most by {named}" if named else ""
    return [f"never quiet: others took {middle:.0%} of the cores{by}"]


def measurement(cells: Sequence[Cell], pool: Pool | None = None) -> Measurement:
    """The measurement that the cells of one workload in one environment make.

    Load and first run are medians over its cells, peak memory is the highest seen; the
    fidelity is the highest level among the cells that count. A pool serves the standard level,
    and one process of any level; where there is none, one process gets the stated prior. Rigorous
    has its interval from its own cells from two on, unless those of a pool say more spread: where
    a rule stopped at few processes, they may agree by luck or be of one mode. Disturbed cells give
    the range of what was seen, from which nothing is concluded.

    Raises:
        InvalidSamplesError: if there is no cell.
    """
    counted = replicates(cells)
    if not counted:
        raise InvalidSamplesError("no cells: this workload has not been measured here")
    fidelity = max((cell.fidelity for cell in counted), key=_LEVELS.index)
    peaks = [cell.peak_memory_bytes for cell in cells if cell.peak_memory_bytes is not None]
    energies = [cell.energy_j for cell in counted if cell.energy_j is not None]
    return Measurement(
        workload_key=counted[0].workload_key,
        environment_key=counted[0].environment_key,
        latency=_latency(counted, fidelity, pool),
        fidelity=fidelity,
        cells=len(counted),
        samples=sum(len(cell.counted_s) for cell in counted),
        first_run_s=_median(counted, lambda cell: cell.first_run_s),
        load_s=_median(counted, lambda cell: cell.load_s),
        peak_memory_bytes=max(peaks) if peaks else None,
        energy_j=float(np.median(energies)) if energies else None,
    )


def _latency(counted: Sequence[Cell], fidelity: Fidelity, pool: Pool | None) -> Estimate:
    """The estimate that cells of one workload make, whatever their number and state."""
    medians_s, labels = [cell_median(cell) for cell in counted], labels_of(counted)
    if all(cell.status == "disturbed" for cell in counted):
        return _range_seen(medians_s, counted, labels)
    if len(counted) == 1:
        return estimate(medians_s, pool or PRIOR, labels)
    if fidelity in ("quick", "standard"):
        return estimate(medians_s, pool, labels)
    if fidelity != "rigorous":
        return estimate(medians_s, None, labels)
    if pool is None:
        return estimate(medians_s, None, labels, SEQUENTIAL_CONFIDENCE)
    own, pooled = estimate(medians_s, None, labels), estimate(medians_s, pool, labels)
    return max(own, pooled, key=lambda one: one.high or 0.0)  # of one value


def _range_seen(
    medians_s: Sequence[float], cells: Sequence[Cell], labels: tuple[str, ...]
) -> Estimate:
    """The geometric mean, with the fastest and the slowest sample for ends."""
    samples_s = [s for cell in cells for s in cell.samples_s]
    value = estimate(medians_s).value
    return Estimate(
        value,
        min(samples_s),
        max(samples_s),
        len(cells),
        DISTURBED_METHOD,
        labels=labels,
        is_disturbed=True,
    )


def _median(cells: Sequence[Cell], field: Callable[[Cell], float]) -> float:
    return float(np.median([field(cell) for cell in cells]))
