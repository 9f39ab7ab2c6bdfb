"""What the latencies of parts could be, given their processes so far. Pure.

A measured part is its geometric mean times exp(error), Student's t with the moderated spread of
its group (`analysis.pooling`); a part that was not measured is predicted, with a wide error. All
candidates are sums of the same draws, so what two of them share cancels where they are compared.
The random numbers are the same at every decision: only what was measured moves an answer.
"""

from __future__ import annotations

import math
import statistics
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from paretobench.analysis import pooling
from paretobench.analysis.noise import off_by
from paretobench.analysis.points import Floats
from paretobench.planning.question import CandidatePart, PartRecord

UNMEASURED_LOG_SD = 0.5
"""Error of a predicted latency, as a logarithm, where nothing of its group is measured: operations
over a rate are off by a factor of 1.6 in two of three cases."""

CALIBRATED_LOG_SD = 0.3
"""The same, once measured parts of the group have set the rate."""


@dataclass(frozen=True)
class Beliefs:
    """Draws of the latency of every part.

    Attributes:
        keys: of the parts, in the order of all arrays.
        counts: processes of each.
        seconds: geometric mean of each, or what is predicted.
        log_errors: [draws, parts], about `seconds` on the log scale.
    """

    keys: tuple[str, ...]
    counts: Floats
    seconds: Floats
    log_errors: Floats

    @property
    def is_measured(self) -> np.ndarray:
        """Which parts have a process."""
        return np.asarray(self.counts > 0)

    def drawn(self) -> Floats:
        """Seconds, shape [draws, parts]."""
        return off_by(self.seconds, self.log_errors)

    def after_another(self, part: int) -> Floats:
        """One measured part's draws [draws] as they would spread with another process."""
        n = self.counts[part]
        return off_by(self.seconds[part], self.log_errors[:, part] * math.sqrt(n / (n + 1)))


def beliefs(
    parts: Sequence[CandidatePart], records: Mapping[str, PartRecord], seed: int, draws: int
) -> Beliefs:
    """What is believed of parts, in their order."""
    pools = _pools(parts, records)
    rates = _rates_of(parts, records)
    seconds, errors, degrees = [], [], []
    for part in parts:
        medians_s = _medians(records, part.key)
        if medians_s:
            logs = np.log(medians_s)
            own = float(np.std(logs, ddof=1)) if len(logs) > 1 else 0.0
            spread, df = pools[part.group].moderated(own, len(logs) - 1.0)
            seconds.append(math.exp(float(np.mean(logs))))
            errors.append(max(spread, pooling.LOG_SD_FLOOR) / math.sqrt(len(logs)))
        else:
            df = math.inf
            is_calibrated = part.group in rates
            seconds.append(part.latency_s * rates.get(part.group, rates.get("", 1.0)))
            errors.append(CALIBRATED_LOG_SD if is_calibrated else UNMEASURED_LOG_SD)
        degrees.append(df)
    counts = np.array([len(_medians(records, part.key)) for part in parts], dtype=np.float64)
    uniforms = np.column_stack([_column(seed, draws, part.key) for part in parts])
    standard = _student(uniforms, np.array(degrees))
    return Beliefs(
        tuple(part.key for part in parts),
        counts,
        np.array(seconds, dtype=np.float64),
        standard * np.array(errors, dtype=np.float64),
    )


def _rates_of(
    parts: Sequence[CandidatePart], records: Mapping[str, PartRecord]
) -> dict[str, float]:
    """Measured over predicted latency, the median by group; of all groups under the empty name."""
    return _by_group(
        (part.group, statistics.median(medians_s) / part.latency_s)
        for part in parts
        if (medians_s := _medians(records, part.key))
    )


def process_costs(
    parts: Sequence[CandidatePart], records: Mapping[str, PartRecord]
) -> dict[str, float]:
    """Wall seconds of a process of each part: measured, else predicted and corrected by how
    predictions of its group held so far, or of all groups."""
    measured = {part.key for part in parts if _medians(records, part.key)}
    off = _by_group(
        (part.group, records[part.key].process_s / part.process_s)
        for part in parts
        if part.key in measured
    )
    return {
        part.key: records[part.key].process_s
        if part.key in measured
        else part.process_s * off.get(part.group, off.get("", 1.0))
        for part in parts
    }


def _by_group(ratios: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Median ratio by group, and of all under the empty name; empty where there is none."""
    found: dict[str, list[float]] = {}
    for group, ratio in ratios:
        for name in (group, ""):
            found.setdefault(name, []).append(ratio)
    return {group: statistics.median(each) for group, each in found.items()}


def _medians(records: Mapping[str, PartRecord], key: str) -> tuple[float, ...]:
    record = records.get(key)
    return record.medians_s if record else ()


def _pools(
    parts: Sequence[CandidatePart], records: Mapping[str, PartRecord]
) -> dict[str, pooling.Pool]:
    """The spread of processes by group; the stated prior where a group has too few."""
    groups: dict[str, list[tuple[float, ...]]] = {}
    for part in parts:
        groups.setdefault(part.group, []).append(_medians(records, part.key))
    return {group: pooling.fit(found) or pooling.PRIOR for group, found in groups.items()}


@lru_cache(maxsize=4096)
def _column(seed: int, draws: int, key: str) -> Floats:
    """A part's random numbers in (0, 1), shape [draws]: a permutation of an even grid.

    Latin hypercube sampling (McKay, Beckman and Conover 1979): less Monte Carlo error than
    independent numbers.
    """
    rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
    return np.asarray(rng.permutation((np.arange(draws) + 0.5) / draws))


def _student(uniforms: Floats, degrees: Floats) -> Floats:
    from scipy import special

    found = np.empty_like(uniforms)
    is_normal = np.isinf(degrees)
    found[:, is_normal] = special.ndtri(uniforms[:, is_normal])
    found[:, ~is_normal] = special.stdtrit(degrees[~is_normal], uniforms[:, ~is_normal])
    return found
