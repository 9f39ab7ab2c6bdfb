"""How a database file is opened: made, migrated, or read without leaving a trace.

Writing: WAL, `synchronous=FULL` and foreign keys on, with every pending migration taken under
one `BEGIN IMMEDIATE`, so that many processes may open one fresh file at the same moment.
Reading: nothing is created, and a file that cannot be written (a read-only folder, a network
share) is still readable as long as no process writes it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from paretobench.errors import StoreError
from paretobench.installation import upgrade_command
from paretobench.store.database import BUSY_TIMEOUT_S, is_busy, translated_errors
from paretobench.store.filesystem import network_mount, prepare_folder, refuse_network_mount
from paretobench.store.views import VIEWS

SCHEMA_VERSION = 8
"""Steps in `migrations`; kept in `PRAGMA user_version`. Equal by a test."""

APPLICATION_ID = 0x50426368
"""`PBch` in the file's header: identifies a paretobench database to us and to `file`."""

_OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables (https://sqlite.org/stricttables.html)."""

_CACHE_KIB = 64 * 1024
"""Page cache: the indices of a million cells stay in memory during an import."""


def open_database(path: Path, *, create: bool, read_only: bool) -> sqlite3.Connection:
    """Open `path` for reading alone, or for reading and writing at the newest schema.

    Args:
        path: the file.
        create: make the file and its folder if they are missing.
        read_only: create and change nothing, not even the schema.

    Raises:
        StoreError: with what is wrong with the path, the file or its schema.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(
            f"Python's SQLite is {sqlite3.sqlite_version}; paretobench needs 3.37 or newer.\n"
            "Use a Python that ships its own (python.org, uv, conda)."
        )
    _check_path(path, may_be_missing=create and not read_only)
    with translated_errors(path):
        if read_only:
            return _open_for_reading(path)
        prepare_folder(path)
        refuse_network_mount(path)
        return _open_for_writing(path)


def _check_path(path: Path, may_be_missing: bool) -> None:
    if path.is_dir():
        raise StoreError(
            f"{path} is a folder, not a database.\n"
            f"Name a file in it, for example {path / 'paretobench.db'}."
        )
    if not may_be_missing and not path.exists():
        raise StoreError(
            f"there is no database at {path}.\n"
            "`paretobench sweep` makes one; `paretobench report --published` needs none."
        )


def _connect(path: Path, query: str) -> sqlite3.Connection:
    # isolation_level=None: transactions are begun and ended where the code says so.
    uri = f"file:{quote(str(path.absolute()))}?{query}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _open_for_writing(path: Path) -> sqlite3.Connection:
    connection = _connect(path, "mode=rwc")
    try:
        version = _check_schema(connection, path)
        _prepare(connection)
        if version < SCHEMA_VERSION:
            migrate(connection, path)
        else:
            # A file that only root may write opens without complaint: ask now, not in an hour.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_schema(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a database that is ours, or empty; reads only."""
    # The tables first: another process may commit the whole schema between two of these reads,
    # and tables without an owner would then look like another program's.
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 3")
    names = [row[0] for row in tables.fetchall()]
    owner: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if names and owner != APPLICATION_ID:
        raise StoreError(
            f"{path} is a database of another program (it holds {', '.join(names)}).\n"
            "Choose another file (database=PATH for a sweep or plan, -d PATH otherwise)."
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer paretobench (schema {version}; this one knows "
            f"{SCHEMA_VERSION}).\nUpgrade it: {upgrade_command()}."
        )
    _refuse_foreign_code(connection, path, version)
    return version


def _refuse_foreign_code(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Refuse triggers, and views that are not ours: both run SQL that came with the file.

    The views of an older schema are dropped unread and created again by `migrate`.
    """
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
    )
    for kind, name, sql in found.fetchall():
        if kind == "view" and (version < SCHEMA_VERSION or sql in VIEWS):
            continue
        raise StoreError(
            f"{path} holds a {kind} that paretobench did not make: {name!r}; it would run SQL of "
            f"its author.\nIf it is yours: sqlite3 {path} 'DROP {kind.upper()} \"{name}\"'; "
            "otherwise ask for the original file."
        )


def foreign_objects(connection: sqlite3.Connection) -> list[str]:
    """Tables, indices, views and triggers that differ from the schema of this version."""
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(fresh, Path(":memory:"))
        expected = {tuple(row) for row in fresh.execute(query)}
    finally:
        fresh.close()
    there = {tuple(row) for row in connection.execute(query)}
    return [f"{kind} {name} is not of paretobench's schema" for kind, name, _ in sorted(
        there - expected, key=str)]  # fmt: skip


def _prepare(connection: sqlite3.Connection) -> None:
    _enter_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    # macOS answers fsync before the disk does; elsewhere these two change nothing.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switch the journal; SQLite does not always wait for other processes here, so we do.

    Of 800 processes, eight at a time on a fresh file, 11 were told `database is locked` at once
    in spite of a busy timeout of 60 s (SQLite 3.40).
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        else:
            if mode == "wal" or time.monotonic() > deadline:
                return
        time.sleep(0.01)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate an open file, or an empty one, to the newest schema; leaves foreign keys on.

    Args:
        path: for messages.

    Raises:
        StoreError: if it is the database of another program, or of a newer paretobench.
    """
    from paretobench.store.migrations import apply_migrations

    # Off while tables are rebuilt, as https://sqlite.org/lang_altertable.html asks.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated while this one waited for the lock.
        if _check_schema(connection, path) < SCHEMA_VERSION:
            version = apply_migrations(connection)
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("PRAGMA foreign_keys = ON")


def _open_for_reading(path: Path) -> sqlite3.Connection:
    connection = _connect_for_reading(path, is_remote=network_mount(path) is not None)
    try:
        if _check_schema(connection, path) < SCHEMA_VERSION:
            connection = _migrated_copy(connection, path)
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_for_reading(path: Path, is_remote: bool) -> sqlite3.Connection:
    """A connection that uses file locks if it may, else one that needs no locks.

    A writable connection that only asks is the tidy reader: it shares the write-ahead log and
    removes it when it closes last, where `mode=ro` leaves it behind.
    """
    wal = Path(f"{path}-wal")
    nobody_writes = not wal.exists() or wal.stat().st_size == 0
    may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    modes = ["mode=rw"] if may_write else ["mode=ro"]
    if is_remote or not may_write:
        modes = [*modes * (not is_remote), *["mode=ro&immutable=1"] * nobody_writes]
    for mode in modes:
        connection = _connect(path, mode)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.OperationalError:
            connection.close()
            if nobody_writes and mode == modes[-1]:
                raise
    raise StoreError(
        f"{path} is being written, or was left so by a crash ({wal.name} beside it is not empty), "
        "and its folder is not writable here.\n"
        "Copy both files to a folder of your own and open the copy."
    )


def _migrated_copy(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """An older file at the newest schema, in memory, so that the file stays as it is."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    copy.row_factory = sqlite3.Row
    connection.backup(copy)
    connection.close()
    migrate(copy, path)
    return copy
