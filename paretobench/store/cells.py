"""Rows about what was timed: cells with every sample, and failures with their reason."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields

from paretobench.domain.records import Cell, CellSummary, Failure
from paretobench.store.database import Database, Row, where
from paretobench.store.rows import cell_from_row, cell_row, stored_json


class CellRows(Database):
    """Cells and failures."""

    def add_cell(self, cell: Cell) -> bool:
        """Store one cell, durably, before this returns; False if it was there already.

        Raises:
            StoreError: if its workload or environment is not stored, or nothing can be written.
            DataError: if it holds a number that is not finite.
        """
        return self.add_cells([cell]) == 1

    def add_cells(self, cells: Iterable[Cell]) -> int:
        """Store cells in one transaction; returns how many were new."""
        return self._insert("cell", [cell_row(cell) for cell in cells])

    def cells(
        self, environment_key: str | None = None, workload_keys: Iterable[str] | None = None
    ) -> list[Cell]:
        """Cells with every sample, in the order they were started; None means any."""
        clause, parameters = _of(environment_key, workload_keys)
        rows = self._rows(f"SELECT * FROM cell{clause}", parameters)
        return [cell_from_row(row) for row in rows]

    def cells_by_key(self, keys: Iterable[str]) -> list[Cell]:
        """Single cells with every sample, in the order they were started."""
        clause, parameters = where(key=keys)
        rows = self._rows(f"SELECT * FROM cell{clause} ORDER BY started_at, key", parameters)
        return [cell_from_row(row) for row in rows]

    def cell_summaries(
        self, environment_key: str | None = None, workload_keys: Iterable[str] | None = None
    ) -> list[CellSummary]:
        """Cells without their samples, in the order they were started: for many cells."""
        clause, parameters = _of(environment_key, workload_keys)
        # In batches, so that a million rows are not held beside what is made of them.
        batches = self._batches(f"SELECT {_SUMMARY} FROM cell{clause}", parameters)
        return [CellSummary(*row) for rows in batches for row in rows]

    def cell_count(self) -> int:
        """All cells of the database."""
        count: int = self._rows("SELECT count(*) FROM cell")[0][0]
        return count

    def add_failure(self, failure: Failure) -> bool:
        """Store why a workload has no measurement; False if it was there already."""
        return self.add_failures([failure]) == 1

    def add_failures(self, failures: Iterable[Failure]) -> int:
        """Store failures in one transaction; returns how many were new."""
        rows = [
            (
                failure.key,
                *(getattr(failure, name) for name in _FAILURE),
                stored_json(dict(failure.details), "a failure's details"),
            )
            for failure in failures
        ]
        return self._insert("failure", rows)

    def failures(
        self,
        environment_key: str | None = None,
        workload_keys: Iterable[str] | None = None,
        current: bool = True,
    ) -> list[Failure]:
        """Failures, the oldest first.

        Args:
            environment_key, workload_keys: None means any.
            current: leave out those superseded by a retry, or by a good cell that began later.
        """
        clause, parameters = where(environment_key=environment_key, workload_key=workload_keys)
        if current:
            clause += (" AND " if clause else " WHERE ") + _IS_CURRENT
        rows = self._rows(f"SELECT * FROM failure{clause} ORDER BY at, key", parameters)
        return [_failure(row) for row in rows]

    def supersede_failures(
        self, environment_key: str, workload_keys: Iterable[str] | None = None
    ) -> int:
        """Mark current failures as retried, so that a plan tries these workloads again.

        The rows stay. Returns how many were marked.
        """
        found = self.failures(environment_key, workload_keys)
        return self.add_superseded(failure.key for failure in found)

    def add_superseded(self, failure_keys: Iterable[str]) -> int:
        """Mark these failures as retried; returns how many were not yet."""
        return self._insert("failure_superseded", ((key,) for key in failure_keys))

    def superseded(self) -> list[str]:
        """Keys of the failures that were retried."""
        return [row[0] for row in self._rows("SELECT failure_key FROM failure_superseded")]


_SUMMARY = ", ".join(
    "json_extract(facts, '$.phase')" if column.name == "phase" else column.name
    for column in fields(CellSummary)
)

_FAILURE = ("workload_key", "environment_key", "sweep_key", "kind", "reason", "at")

_IS_CURRENT = "key IN (SELECT failure_key FROM failed)"


def _of(
    environment_key: str | None, workload_keys: Iterable[str] | None
) -> tuple[str, list[object]]:
    """Which cells, in the order they were started: the end of a query, and its parameters."""
    clause, parameters = where(environment_key=environment_key, workload_key=workload_keys)
    if environment_key is None and workload_keys is not None:
        # The index begins with the environment, of which there are few.
        clause += " AND environment_key IN (SELECT key FROM environment)"
    # The plus keeps SQLite from reading a whole environment in the order of time to save the
    # sorting of a few cells: one workload of 10,000 cells then takes a fortieth.
    in_time = "started_at" if workload_keys is None else "+started_at"
    return f"{clause} ORDER BY {in_time}, key", parameters


def _failure(row: Row) -> Failure:
    return Failure(**{name: row[name] for name in _FAILURE}, details=json.loads(row["details"]))
