"""The tables as such, whatever is in them: reading all rows in order, copying cells, checking.

What joining, copying and checking whole databases is built of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from paretobench.store.cells import CellRows
from paretobench.store.database import Row
from paretobench.store.opening import foreign_objects
from paretobench.store.points import PointRows
from paretobench.store.scores import ScoreRows
from paretobench.store.sweeps import SweepRows

_UNION_BATCH = 50_000
"""Cells in one transaction of a union. Their keys are hashes, so each batch touches most pages
of the index of keys: fewer batches write fewer pages. One takes a second or two, and another
writer waits for a minute (`BUSY_TIMEOUT_S`)."""


class Tables(SweepRows, PointRows, CellRows, ScoreRows):
    """Rows by noun, and every table as a whole."""

    @contextmanager
    def _cache(self, kib: int) -> Iterator[None]:
        """A page cache of `kib`, inside the `with` block."""
        before = self._rows("PRAGMA cache_size")[0][0]
        self._connection.execute(f"PRAGMA cache_size = -{kib}")
        try:
            yield
        finally:
            self._connection.execute(f"PRAGMA cache_size = {before}")

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Everything read inside is of one moment, whatever others write meanwhile."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            # An error may have ended it already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def integrity_check(self) -> list[str]:
        """What is wrong with the file: its pages, its references, its schema; empty if sound."""
        found = [row[0] for row in self._rows("PRAGMA integrity_check")]
        dangling = [
            f"a row of {row[0]} refers to a missing row of {row[2]}"
            for row in self._rows("PRAGMA foreign_key_check")
        ]
        foreign = foreign_objects(self._connection)
        return [line for line in found if line != "ok"] + dangling + foreign

    def table_names(self) -> list[str]:
        """The tables that hold content, sorted."""
        rows = self._rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_sqlite%' ESCAPE '\\' ORDER BY name"
        )
        return [row[0] for row in rows]

    def in_order(self, table: str) -> Iterator[list[Row]]:
        """Every row of a table, sorted by its primary key, in batches."""
        columns = self._rows("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", [table])
        order = ", ".join(row[0] for row in columns)
        yield from self._batches(f'SELECT * FROM "{table}" ORDER BY {order}')

    def stored_keys(self, table: str) -> set[str]:
        """The keys of a table."""
        return {row[0] for row in self._rows(f'SELECT key FROM "{table}"')}

    def cell_rows(self) -> Iterator[list[Row]]:
        """Cells as rows, in the order they were stored, in batches: what a union copies."""
        yield from self._batches("SELECT * FROM cell ORDER BY rowid", size=_UNION_BATCH)

    def add_cell_rows(self, rows: Iterable[Row]) -> int:
        """Insert what `cell_rows` of another database gave; returns how many were new."""
        return self._insert("cell", rows)
