"""A copy of a database that depends on its content alone, byte for byte.

A database that grew row by row lays its pages out in the order in which rows came. A copy that
is to prove something (a bundle that two people compare by its hash) must not. Here every table
is written in the order of its keys into a file that was made a moment ago by the same steps, so
that equal content gives equal bytes under one version of SQLite, whose number is in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from paretobench.store.database import Row
from paretobench.store.opening import migrate

_NO_TIME = "1980-01-01 00:00:00+00:00"
"""When the copy's schema was made, for all copies: the oldest time that a zip file can hold."""

Table = tuple[str, Iterable[list[Row]]]
"""A table's name and its rows in batches, in the order of its keys."""


def write_ordered(path: Path, tables: Iterable[Table]) -> None:
    """Write tables into one new file.

    Args:
        path: the file; it must not exist.
        tables: every table that holds content, in an order that is always the same.

    Raises:
        sqlite3.Error: if the file cannot be written.
    """
    # No write-ahead log: no other process has the file yet, and it may be meant for a network
    # share.
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        migrate(connection, path)
        # Tables come by name, so a row may come before what it refers to.
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE _sqlite_migrations SET applied_at = ?", [_NO_TIME])
        # An index is written in one sweep once its table is whole: faster than row by row.
        indices = _indices(connection)
        for name, _ in indices:
            connection.execute(f'DROP INDEX "{name}"')
        for table, batches in tables:
            for rows in batches:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
        for _, statement in indices:
            connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _indices(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Name and statement of every index that is not part of its table."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    )
    return [(row[0], row[1]) for row in rows]
