"""What a database holds of some points in one environment: all that the rows of a view rest on.

Estimates come from `analysis.stats`, over all cells of the environment with one pool per
backend and kind of work; predictions stand in for parts that were not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from paretobench.analysis import levels, pooling, stats
from paretobench.analysis.prediction import Prediction
from paretobench.domain import Workload
from paretobench.domain.records import (
    Cell,
    CellSummary,
    Environment,
    Estimate,
    Failure,
    Measurement,
)
from paretobench.planning.plan import Refusal
from paretobench.report.runs import runs_of
from paretobench.report.view.one_piece import TimedCells
from paretobench.report.view.predictions import predicted_parts
from paretobench.report.view.rows import Identity, Runs, identity_of
from paretobench.store import Link, Store, StoredPoint


@dataclass(frozen=True)
class PartEvidence:
    """One workload of a point, and what is known of it.

    Attributes:
        role: as `Link.role`.
        passes: how often it runs for one image, the mean where a point is of several.
    """

    role: str
    key: str
    passes: float
    workload: Workload
    measured: Measurement | None
    predicted: Prediction | None
    failure: Failure | None

    @property
    def latency(self) -> Estimate | None:
        """Seconds of one pass; None if it is not measured."""
        return self.measured.latency if self.measured else None


@dataclass(frozen=True)
class Evidence:
    """What the rows of one view are made from, by workload unless it says otherwise.

    Attributes:
        predictions: of parts without a measurement.
        refused: why points were left out, by identity.
        runs: the timed runs of a workload in a role.
        summaries: every cell of the environment, without its samples.
    """

    environment: Environment
    workloads: Mapping[str, Workload]
    cells: Mapping[str, Sequence[Cell]]
    pools: Mapping[str, pooling.Pool | None]
    measurements: Mapping[str, Measurement]
    predictions: Mapping[str, Prediction]
    failures: Mapping[str, Failure]
    refused: Mapping[Identity, str]
    runs: Mapping[tuple[str, str], Runs]
    summaries: Sequence[CellSummary]

    @classmethod
    def of(
        cls,
        store: Store,
        points: Sequence[StoredPoint],
        environment: Environment,
        refusals: Iterable[Refusal],
    ) -> Evidence:
        """Read what is known of the points and of those that were refused."""
        roles = {(link.workload_key, link.role) for point in points for link in point.links}
        keys = {key for key, _ in roles}
        workloads = store.workloads(keys)
        cells: dict[str, list[Cell]] = {}
        for cell in store.cells(environment.key, keys):
            cells.setdefault(cell.workload_key, []).append(cell)
        pools = pools_of(cells, workloads)
        summaries = store.cell_summaries(environment.key)
        needed = {link.workload_key for point in points for link in point.summed_links}
        missing = {key: workloads[key] for key in sorted(needed.difference(cells))}
        return cls(
            environment=environment,
            workloads=workloads,
            cells=cells,
            pools=pools,
            measurements={key: levels.measurement(cells[key], pools[key]) for key in cells},
            predictions=predicted_parts(store, environment, summaries, missing),
            failures={each.workload_key: each for each in store.failures(environment.key, keys)},
            refused={identity_of(refusal): refusal.reason for refusal in refusals},
            runs=_runs(cells, roles),
            summaries=summaries,
        )

    def parts(self, point: StoredPoint, role: str = "") -> list[PartEvidence]:
        """What a point's TTFT is the sum of; or its workloads of one role."""
        links = [link for link in point.links if link.role == role] if role else point.summed_links
        return [self._part(link, point.image_count) for link in links]

    def _part(self, link: Link, images: int) -> PartEvidence:
        key = link.workload_key
        return PartEvidence(
            link.role,
            key,
            link.passes / images,
            self.workloads[key],
            self.measurements.get(key),
            self.predictions.get(key),
            self.failures.get(key),
        )

    def is_timed(self, point: StoredPoint) -> bool:
        """Whether every part of its TTFT is measured."""
        keys = [link.workload_key for link in point.summed_links]
        return bool(keys) and all(key in self.measurements for key in keys)

    def timed_cells(self, part: PartEvidence) -> TimedCells:
        """The cells of one part, for holding a point in one piece against its sum."""
        cells = self.cells.get(part.key, ())
        return TimedCells(part.role, cells, part.passes, self.pools.get(part.key))


def _runs(
    cells: Mapping[str, Sequence[Cell]], wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Runs]:
    """The timed runs of every measured workload in every role it has."""
    shown = {
        key: runs_of("", [cell.counted_s for cell in stats.replicates(of_one)])
        for key, of_one in cells.items()
    }
    return {(key, role): replace(shown[key], part=role) for key, role in wanted if key in shown}


def pools_of(
    cells: Mapping[str, Sequence[Cell]], workloads: Mapping[str, Workload]
) -> dict[str, pooling.Pool | None]:
    """A pool per workload; those of one backend and kind share what they say of spread.

    A sweep has too few end-to-end checks for a pool of their own; a check is an encode and a
    prefill in one process, so it borrows from all of them. Disturbed cells teach nothing.
    """
    medians = {
        key: [stats.cell_median(cell) for cell in stats.undisturbed(of_one)]
        for key, of_one in cells.items()
    }
    groups: dict[tuple[str, str], list[str]] = {}
    for key in cells:
        workload = workloads[key]
        groups.setdefault((workload.runtime.backend, workload.kind), []).append(key)
    found: dict[str, pooling.Pool | None] = {}
    for (_, kind), keys in groups.items():
        pool = pooling.fit(medians[key] for key in (medians if kind == "end_to_end" else keys))
        found |= dict.fromkeys(keys, pool)
    return found
