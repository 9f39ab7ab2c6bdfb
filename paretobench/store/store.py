"""The store: everything that is known, in one SQLite file that only grows.

A facade over the rows by noun (`sweeps`, `points`, `cells`, `scores`), plus what concerns the
file as a whole: opening, joining, checking, copying. It gives and takes the domain's nouns and
plain values, never SQL and never a database row.

    with Store.open("results/paretobench.db") as store:
        environment_key = store.add_environment(environment)
        store.add_workloads([workload])
        store.add_cell(cell)                      # durable when it returns
        store.cells(environment_key)              # with every sample
"""

from __future__ import annotations

import os
from pathlib import Path

from paretobench.errors import StoreError
from paretobench.store import merge as union
from paretobench.store.canonical_copy import write_ordered
from paretobench.store.database import translated_errors
from paretobench.store.opening import open_database
from paretobench.store.tables import Tables

_UNION_CACHE_KIB = 256 * 1024
"""Holds the indices of a million cells, some 250 MB, into which a union inserts at random."""


class Store(Tables):
    """An open database of paretobench. Use it as a context manager, from one thread."""

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        create: bool = True,
        read_only: bool = False,
    ) -> Store:
        """Open a database, and migrate its schema unless it is read only.

        Args:
            path: the file.
            create: make the file and its folder if they are missing.
            read_only: for reports: creates and changes nothing, works in a read-only folder.

        Raises:
            StoreError: if the path, the file or its schema will not do; the message says why.
        """
        path = Path(path).expanduser()
        return cls(open_database(path, create=create, read_only=read_only), path, read_only)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def union(self, other_path: str | os.PathLike[str]) -> union.UnionCounts:
        """Add everything of another database: idempotent, and the order does not matter.

        Raises:
            StoreError: if the other file cannot be opened.
            DataError: if one of its rows was altered; nothing is then stored.
        """
        with (
            Store.open(other_path, read_only=True) as other,
            other._snapshot(),
            self._cache(_UNION_CACHE_KIB),
        ):
            return union.join(self, other)

    def copy_to(self, path: str | os.PathLike[str]) -> None:
        """Write a compact copy into one new file, consistent even while a sweep is writing.

        Rows are in the order of their keys: databases of equal content give equal bytes, in
        whatever order they were filled and joined (under one version of SQLite).

        Raises:
            StoreError: if the file exists or cannot be written.
        """
        target = Path(path)
        if target.exists():
            raise StoreError(f"{target} exists already.\nName a new file for the copy.")
        with translated_errors(target), self._snapshot():
            write_ordered(target, ((name, self.in_order(name)) for name in self.table_names()))

    def refuse_altered_rows(self) -> None:
        """Hash every row again and compare.

        Raises:
            DataError: naming the first row that does not fit its key.
        """
        union.refuse_altered_rows(self)
