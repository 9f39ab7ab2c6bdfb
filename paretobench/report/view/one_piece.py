"""Whether a point timed in one piece took as long as the sum of its parts says, and why not.

TTFT is a sum of an encoder's and a language model's time. Some points are also timed in one
process that does both, in the same rounds as their parts. That process writes down what each of its
own parts took, so a difference has its cause beside it: work that the sum leaves out (resizing the
photograph, the projector), or a half that takes another time beside the other one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from paretobench.analysis import stats
from paretobench.analysis.pooling import Pool
from paretobench.domain.records import Cell, Estimate
from paretobench.report.formatting import estimate_ms
from paretobench.report.view.rows import Caution, OnePiece
from paretobench.units import milliseconds, significant

LEAST = 0.05
"""A ratio whose whole interval is further than this from 1 contradicts the sum."""

HALVES = ("encode", "prefill")


@dataclass(frozen=True)
class TimedCells:
    """One workload's cells, how often it counts, and the pool of its spread.

    Attributes:
        name: `encode`, `prefill` or `end_to_end`.
    """

    name: str
    cells: Sequence[Cell]
    passes: float = 1.0
    pool: Pool | None = None

    @property
    def rounds(self) -> frozenset[stats.RoundKey]:
        """The rounds in which it has an undisturbed cell."""
        cells = stats.replicates(self.cells)
        return frozenset(_round(cell) for cell in cells if cell.status != "disturbed")

    def latency(self, rounds: frozenset[stats.RoundKey]) -> Estimate:
        """The estimate from the cells of these rounds alone."""
        inside = [cell for cell in self.cells if _round(cell) in rounds]
        return stats.measurement(inside, self.pool).latency


def in_one_piece(whole: TimedCells, parts: Sequence[TimedCells]) -> OnePiece | None:
    """A point in one piece against its parts, from rounds that they share where there are any.

    What drifts over a sweep is then the same for both. Databases from before checks ran beside
    their parts share no round: there all cells count.
    """
    if not whole.cells or not parts or not all(part.cells for part in parts):
        return None
    shared = whole.rounds.intersection(*(part.rounds for part in parts))
    each = [(part, shared or part.rounds) for part in (whole, *parts)]
    if not all(rounds for _, rounds in each):
        return None
    (one, *alone) = [part.latency(rounds) for part, rounds in each]
    total = stats.compose([(p.passes, e) for p, e in zip(parts, alone, strict=True)])
    alone_s: dict[str, float] = {}
    for part, estimate in zip(parts, alone, strict=True):
        alone_s[part.name] = alone_s.get(part.name, 0.0) + part.passes * estimate.value
    inside = _inside([cell for cell in whole.cells if _round(cell) in (shared or whole.rounds)])
    return OnePiece(
        ratio=stats.ratio(one, total),
        rounds=len(shared),
        beside=tuple((n, s) for n, s in inside.items() if n not in HALVES),
        halves=tuple((n, inside[n] / alone_s[n]) for n in HALVES if n in inside and n in alone_s),
    )


def _inside(cells: Sequence[Cell]) -> dict[str, float]:
    """Seconds of each part inside the process, as the geometric mean over its cells."""
    medians: dict[str, list[float]] = {}
    for cell in stats.replicates(cells):
        names, runs = cell.facts.get("parts", ()), cell.facts.get("parts_s", ())
        timed = list(runs)[-len(cell.samples_s) :] if cell.samples_s else []
        if not timed or any(len(run) != len(names) for run in timed):
            continue
        for name, seconds in zip(names, zip(*timed, strict=True), strict=True):
            medians.setdefault(str(name), []).append(statistics.median(map(float, seconds)))
    return {
        name: math.exp(statistics.fmean(map(math.log, seconds)))
        for name, seconds in medians.items()
        if min(seconds) > 0
    }


def contradiction(
    sum_of_parts: Estimate | None, one_piece: Estimate | None, found: OnePiece | None
) -> tuple[Caution, ...]:
    """A caution where the ratio's interval lies wholly beyond 5 % of 1; none otherwise.

    >>> ratio = Estimate(1.2, 1.1, 1.3, 2, 'unpaired')
    >>> whole = Estimate(1.123, 1.035, 1.218, 2, 't')
    >>> print(*contradiction(Estimate(0.964, 0.923, 1.006, 2, 't'), whole, OnePiece(ratio)))
    in one piece 1123 [1035, 1218] ms, 1.20 [1.10, 1.30] times its sum of 964 ms
    >>> contradiction(None, whole, OnePiece(Estimate(1.2, 1.04, 1.4, 2, 'unpaired')))
    ()
    """
    if sum_of_parts is None or one_piece is None or found is None:
        return ()
    low, high = found.ratio.low, found.ratio.high
    if low is None or high is None or (low <= 1 + LEAST and high >= 1 / (1 + LEAST)):
        return ()
    took, total = estimate_ms(one_piece), milliseconds(sum_of_parts.value)
    text = f"in one piece {took} ms, {ratio_text(found.ratio)} times its sum of {total} ms"
    return (Caution("sum", "; ".join((text, *_causes(found)))),)


def explanation(found: OnePiece) -> str:
    """The ratio of a checked point and what it is made of, in one line.

    >>> ratio = Estimate(1.07, 1.02, 1.12, 2, 'unpaired')
    >>> explanation(OnePiece(ratio, 2, (("preprocess", 0.006),), (("encode", 1.03),)))
    '1.07 [1.02, 1.12]: preprocess 6.00 ms beside the sum; encode 1.03 times as long as alone'
    """
    causes = "; ".join(_causes(found))
    return ratio_text(found.ratio) + (f": {causes}" if causes else "")


def _causes(found: OnePiece) -> list[str]:
    beside = ", ".join(f"{name} {milliseconds(seconds)} ms" for name, seconds in found.beside)
    halves = ", ".join(f"{name} {significant(ratio)}" for name, ratio in found.halves)
    said = [f"{beside} beside the sum"] if beside else []
    return [*said, f"{halves} times as long as alone"] if halves else said


def ratio_text(ratio: Estimate) -> str:
    """A ratio with its interval: `1.02 [0.98, 1.06]`."""
    if ratio.low is None or ratio.high is None:
        return significant(ratio.value)
    return f"{significant(ratio.value)} [{significant(ratio.low)}, {significant(ratio.high)}]"


def _round(cell: Cell) -> stats.RoundKey:
    return (cell.sweep_key, cell.round_index)
