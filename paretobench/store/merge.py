"""Joining databases: a set union of rows whose keys are their content.

Joining twice changes nothing, and the order does not matter. Nothing is overwritten: two
scores of one source that differ are both kept and shown. Before anything is copied, every row
of the other database is hashed again, so a row that was edited by hand is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from paretobench.domain.records import Score
from paretobench.errors import DataError
from paretobench.store.rows import is_cell_row_unchanged
from paretobench.store.tables import Tables
from paretobench.units import counted, percent

Row = TypeVar("Row")


@dataclass(frozen=True)
class UnionCounts:
    """What a merge added.

    Attributes:
        new, known: rows that were not here before, and rows that were, by kind.
        disagreements: groups of scores of one source that contradict one another, after the
            union, the joined ones among them.
        refused: spool files that were left out, each with the reason.
    """

    new: dict[str, int]
    known: dict[str, int]
    disagreements: list[list[Score]]
    refused: tuple[tuple[Path, str], ...] = ()

    def __str__(self) -> str:
        """One line for what is new and known, one for each thing a person should look at.

        >>> print(UnionCounts({'cells': 12, 'scores': 0}, {'cells': 3, 'scores': 0}, []))
        12 cells new; 3 rows known already
        """
        found = [counted(n, kind.removesuffix("s")) for kind, n in self.new.items() if n]
        known = counted(sum(self.known.values()), "row")
        lines = [f"{', '.join(found) or 'nothing'} new; {known} known already"]
        for group in self.disagreements:
            first = group[0]
            values = ", ".join(percent(value) for value in sorted({s.value for s in group}))
            lines.append(
                f"contradiction, all kept: {first.encoder}@{first.resolution_px} + {first.llm}, "
                f"{first.benchmark} is {values} in {first.source.cite()}"
            )
        lines += [f"refused: {reason}" for _, reason in self.refused]
        return "\n".join(lines)


def join(store: Tables, other: Tables) -> UnionCounts:
    """Add everything of `other` to `store`.

    Cells are copied in batches of one transaction each, so that a sweep that is running on
    `store` need not wait for the whole; an import that is killed is simply run again.

    Raises:
        DataError: if a row of `other` does not fit its key; nothing is then stored.
    """
    refuse_altered_rows(other)
    new: dict[str, int] = {}
    known: dict[str, int] = {}

    def add(kind: str, rows: Sequence[Row], insert: Callable[[Sequence[Row]], int]) -> None:
        added = insert(rows)
        new[kind] = new.get(kind, 0) + added
        known[kind] = known.get(kind, 0) + len(rows) - added

    with store.transaction():
        add("environments", other.environments(), store.add_environments)
        store.add_environments(other.environment_observations())
        add("sweeps", other.sweeps(), store.add_sweeps)
        for end in other.sweep_ends():
            store.finish_sweep(*end)
        add("workloads", list(other.workloads().values()), store.add_workloads)
        add("points", other.all_plans(), partial(store.add_points, None))
        store.add_sweep_points(other.sweep_points())
        add("failures", other.failures(current=False), store.add_failures)
        store.add_superseded(other.superseded())
        store.add_sources(other.sources())
        add("scores", other.scores(), store.add_scores)
        add("task runs", other.task_runs(), store.add_task_runs)
    for rows in other.cell_rows():
        add("cells", rows, store.add_cell_rows)
    return UnionCounts(new, known, store.disagreements())


def refuse_altered_rows(store: Tables) -> None:
    """Hash every row again and compare.

    Raises:
        DataError: naming the first row that does not fit its key.
    """
    for kind, key in _altered(store):
        raise DataError(
            f"{store.path} was changed by hand: {kind} {key[:12]} does not fit its content.\n"
            "Nothing of it is imported; ask for the original file."
        )


def _altered(store: Tables) -> Iterator[tuple[str, str]]:
    """Kind and key of every row whose stored key or derived columns do not match its content."""
    plans = store.all_plans()
    expected: dict[str, set[str]] = {
        "environment": {environment.key for environment in store.environments()},
        "sweep": {sweep.key for sweep in store.sweeps()},
        "workload": {workload.key for workload in store.workloads().values()},
        "planned_point": {plan.key for plan in plans},
        "point": {plan.point_key for plan in plans},
        "failure": {failure.key for failure in store.failures(current=False)},
        "source": {source.key for source in store.sources()},
        "score": {score.key for score in store.scores()},
        "task_run": {run.key for run in store.task_runs()},
    }
    for table, keys in expected.items():
        yield from ((table, key) for key in sorted(store.stored_keys(table) ^ keys))
    for rows in store.cell_rows():
        yield from (("cell", row[0]) for row in rows if not is_cell_row_unchanged(row))
