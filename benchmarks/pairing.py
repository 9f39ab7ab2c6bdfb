"""The ratio of two workloads over rounds that timed both: what they share within a round cancels.

What a round shares is the machine's temperature, frequency and neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from paretobench.analysis import stats
from paretobench.domain.records import Cell, Estimate


def paired_ratio(
    numerator: Mapping[stats.RoundKey, float], denominator: Mapping[stats.RoundKey, float]
) -> Estimate | None:
    """The ratio of two workloads, paired by round; None if they share fewer than two rounds."""
    shared = sorted(numerator.keys() & denominator.keys(), key=lambda r: (r[0] or "", r[1]))
    if len(shared) < 2:
        return None
    found = stats.estimate([numerator[key] / denominator[key] for key in shared])
    return Estimate(**(vars(found) | {"method": "paired by round"}))


def by_round(cells: Iterable[Cell]) -> dict[stats.RoundKey, float]:
    """The medians of the cells that count, by round."""
    counted = stats.replicates(cells)
    return {(cell.sweep_key, cell.round_index): stats.cell_median(cell) for cell in counted}
