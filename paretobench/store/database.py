"""One connection: transactions, and SQLite's errors as messages that say what to do.

It knows no table. How a file is opened is in `opening`; what is in it, in the files by noun.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paretobench.errors import StoreError
from paretobench.units import duration

Row = sqlite3.Row

BUSY_TIMEOUT_S = 60.0
"""How long a writer waits for another. Writers here commit in milliseconds; an import or a
migration of a large database holds the lock for seconds."""


LOCK_LIMIT_S = 300.0
"""How long a write is tried again while others hold the lock: what is to be stored was measured
for minutes, and nothing else keeps it."""

RETRY_PAUSE_S = 0.1
"""Between two tries; SQLite waits by itself in each, but answers some conflicts at once."""


class RowRefusedError(StoreError):
    """A row breaks a rule of its table: a wrong type, or a reference to a row that is not there."""


class Database:
    """An open database. Every write is one transaction; reads see whole transactions only."""

    def __init__(self, connection: sqlite3.Connection, path: Path, is_read_only: bool) -> None:
        self._connection = connection
        self._in_transaction = False
        self.path = path
        self.is_read_only = is_read_only
        self._file = _file_id(path)

    def close(self) -> None:
        """Close the file; what was acknowledged is on the disk already."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable once it ends. Inside another one it joins that one.

        Raises:
            StoreError: if the database is read-only, locked for too long, or the disk is full;
                nothing of the transaction is then stored. Or if its file is no longer there:
                everything, this transaction included, is then in a new file that is named.
        """
        if self._in_transaction:
            yield
            return
        if self.is_read_only:
            raise StoreError(f"{self.path} was opened for reading only; nothing was stored.")
        lost = self.path if _file_id(self.path) != self._file else None
        if lost is not None:
            self._save_elsewhere()
        with self._begun():
            yield
        if lost is not None:
            raise StoreError(
                f"{lost} was deleted, moved or replaced while it was in use.\n"
                f"Everything that was stored in it is in {self.path}; the same command with "
                f"database={self.path} continues."
            )

    def _save_elsewhere(self) -> None:
        """Copy the open database, whose file has no name any more, into a new file; use that."""
        target = _unused_name(self.path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = sqlite3.connect(target, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self._connection.backup(copy)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"{self.path} was deleted, moved or replaced while it was in use, and its content "
                f"could not be saved as {target} ({error}).\n"
                "Make its folder writable and start again; what was stored since the file "
                "vanished is lost."
            ) from error
        copy.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            copy.execute(f"PRAGMA {setting}")
        self._connection.close()
        self._connection, self.path, self._file = copy, target, _file_id(target)

    @contextmanager
    def _begun(self) -> Iterator[None]:
        with translated_errors(self.path):
            self._begin()
            self._in_transaction = True
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have ended the transaction already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._in_transaction = False

    def _begin(self) -> None:
        """Take the write lock, trying again while another process holds it."""
        give_up_at = time.monotonic() + LOCK_LIMIT_S
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= give_up_at:
                    raise
                time.sleep(RETRY_PAUSE_S)

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with translated_errors(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def _batches(
        self, sql: str, parameters: Sequence[Any] = (), size: int = 20_000
    ) -> Iterator[list[Row]]:
        with translated_errors(self.path):
            cursor = self._connection.execute(sql, parameters)
            while rows := cursor.fetchmany(size):
                yield rows

    def _insert(self, table: str, rows: Iterable[Sequence[Any]]) -> int:
        """Insert what is not there yet; returns how many were new.

        Only an equal key is passed over: `INSERT OR IGNORE` would also swallow a missing value
        or a failed check.
        """
        rows = list(rows)
        before = self._connection.total_changes
        with self.transaction():
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                self._connection.executemany(
                    f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING", rows
                )
            return self._connection.total_changes - before


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds what was asked for."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _file_id(path: Path) -> tuple[int, int] | None:
    """Device and inode, which stay while a file is written and change when it is replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _unused_name(path: Path) -> Path:
    """A new name beside a file: `a.saved.db`, `a.saved-2.db`, ..."""
    number = 1
    while True:
        suffix = "saved" if number == 1 else f"saved-{number}"
        name = path.with_name(f"{path.stem}.{suffix}{path.suffix}")
        if not name.exists():
            return name
        number += 1


def where(**filters: str | int | Iterable[str] | None) -> tuple[str, list[Any]]:
    """A WHERE clause and its parameters; None leaves a column free, a collection means any of.

    A collection travels as one JSON parameter, since SQLite limits how many there may be.

    >>> where(environment_key='a', workload_key=None)
    (' WHERE environment_key = ?', ['a'])
    >>> where(fidelity=('quick', 'standard'))
    (' WHERE fidelity IN (SELECT value FROM json_each(?))', ['["quick", "standard"]'])
    """
    clauses, parameters = [], []
    for column, wanted in filters.items():
        if wanted is None:
            continue
        if isinstance(wanted, (str, int)):
            clauses.append(f"{column} = ?")
            parameters.append(wanted)
        else:
            clauses.append(f"{column} IN (SELECT value FROM json_each(?))")
            parameters.append(json.dumps(list(wanted)))
    return (" WHERE " + " AND ".join(clauses) if clauses else ""), parameters


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into a `StoreError`; bugs in SQL escape as they are."""
    try:
        yield
    except (sqlite3.IntegrityError, OverflowError) as error:
        raise RowRefusedError(
            f"{path} refuses a row: {error}.\nNothing of its transaction was stored. What a row "
            "refers to (environment, workload, source, sweep) must be added before it."
        ) from error
    except sqlite3.DatabaseError as error:
        message = explain(error, path)
        if message is None:
            raise
        raise StoreError(message) from error


def explain(error: sqlite3.Error, path: Path) -> str | None:
    """What happened to `path` and what to do, in at most three lines; None if it is a bug."""
    code = getattr(error, "sqlite_errorcode", None)
    template = None if code is None else _MESSAGES.get(code & 0xFF)
    return template and template.format(path=path, error=error, waited=duration(BUSY_TIMEOUT_S))


_NO_SPACE = (
    "no space left to write {path} ({error}); what is being stored now is lost, "
    "all earlier results are safe.\n"
    "Free some space or move the database (database=PATH for a sweep or plan, -d PATH otherwise),\n"
    "then run the same command again."
)
_LOCKED = (
    "{path} has been locked by another process for more than {waited}.\n"
    "If an import is running, wait for it; `fuser {path}` shows who holds it."
)
_READ_ONLY = (
    "{path} cannot be written ({error}).\n"
    "Check the permissions of the file and its folder, or choose another\n"
    "(database=PATH for a sweep or plan, -d PATH otherwise)."
)
_DAMAGED = (
    "{path} is damaged ({error}).\n"
    "Save what can be read with `sqlite3 {path} .recover`, or restore a copy."
)
_MESSAGES: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: _NO_SPACE,
    sqlite3.SQLITE_IOERR: (
        "{path} could not be read or written ({error}); what is being stored now is lost, "
        "all earlier results are safe.\n"
        "Check that the disk is there, has space and allows files of this size, then run again."
    ),
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: (
        "{path} cannot be opened ({error}).\n"
        "Check that its folder exists and that you may read and write there."
    ),
    sqlite3.SQLITE_NOTADB: (
        "{path} is not a SQLite database (file is not a database).\n"
        "Choose another file (database=PATH for a sweep or plan, -d PATH otherwise).\n"
        "Scores and spool files are read by `paretobench import`."
    ),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
}
"""By SQLite's primary result code (https://sqlite.org/rescode.html)."""
