"""Real processes on one database: opened at once, killed at any moment, nothing acknowledged lost.

An acknowledgement is a line that a child sends only after the call that stored the row has
returned; the parent kills with SIGKILL and compares what was sent with what is stored.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from functools import partial
from pathlib import Path

from paretobench.store import Store, migrations, opening, spool
from tests.store import examples
from tests.store.contract import ENCODE, HERE
from tests.store.processes import Child

assert migrations, "imported here once, so that no child spends its life importing pandas"

WRITERS, ROUNDS = 4, 13
"""52 kills; their moments spread over the whole life of a child, from opening on."""


def let_live(child: Child, moments: random.Random, lines: int = 5) -> None:
    """Until a random moment: of its first 20 ms, or a little after one of its first lines.

    Counting lines keeps the moments spread out however busy the machine is.
    """
    if moments.random() < 0.3:
        time.sleep(moments.uniform(0.0, 0.02))
    else:
        child.wait_for_lines(moments.randint(1, lines))
        time.sleep(moments.uniform(0.0, 0.004))


def write_cells(path: Path, writer: int, count: int, pipe: int) -> None:
    """What a sweep does: open, describe, then one durable cell after another."""
    with Store.open(path) as store:
        store.add_environment(HERE)
        store.add_workloads([ENCODE])
        for i in range(count):
            cell = examples.cell(ENCODE, HERE, i, facts={"writer": writer})
            store.add_cell(cell)
            os.write(pipe, f"{cell.key}\n".encode())


def stored_keys(path: Path) -> list[str]:
    with Store.open(path) as store:
        assert store.integrity_check() == []
        return [cell.key for cell in store.cells()]


def test_eight_processes_open_and_fill_one_fresh_database(tmp_path: Path) -> None:
    path, per_writer = tmp_path / "fresh.db", 10
    for attempt in range(3):
        begin = time.time() + 0.1

        def work(pipe: int, writer: int, path: Path = path, begin: float = begin) -> None:
            time.sleep(max(0.0, begin - time.time()))
            write_cells(path, writer, per_writer, pipe)

        children = [Child(partial(work, writer=writer)) for writer in range(8)]
        ended = [child.finish() for child in children]
        assert [status for status, _ in ended] == [0] * 8, f"attempt {attempt}"
        acknowledged = {key for _, keys in ended for key in keys}
        assert len(acknowledged) == 8 * per_writer
        assert sorted(acknowledged) == sorted(stored_keys(path))
        path = tmp_path / f"fresh{attempt}.db"


def test_writers_killed_at_random_moments_lose_nothing_acknowledged(tmp_path: Path) -> None:
    path, moments = tmp_path / "a.db", random.Random(20261120)
    acknowledged: set[str] = set()
    kills = 0
    for turn in range(ROUNDS):
        children = [
            Child(partial(write_cells, path, turn * WRITERS + i, 10_000)) for i in range(WRITERS)
        ]
        for child in children:
            let_live(child, moments)
            status, keys = child.kill()
            kills += status == -9
            acknowledged.update(keys)
    stored = stored_keys(path)
    assert kills == WRITERS * ROUNDS
    assert len(acknowledged) > kills // 2, "the children were killed before they did anything"
    assert acknowledged <= set(stored)
    assert len(stored) <= len(acknowledged) + kills, "at most the cell in flight is unreported"
    assert len(stored) == len(set(stored))


def test_a_coordinator_killed_while_ingesting_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path, folder, moments = tmp_path / "a.db", tmp_path / "spool", random.Random(7)
    cells = [examples.cell(ENCODE, HERE, i) for i in range(900)]
    for start in range(0, len(cells), 3):
        few = tuple(cells[start : start + 3])
        spool.write(folder, spool.Result((ENCODE,), (HERE,), few))

    def ingest(pipe: int) -> None:
        with Store.open(path) as store:
            while files := spool.pending(folder)[:7]:
                spool.ingest(store, files)
                for file in files:
                    file.unlink()
                os.write(pipe, b"ingested\n")

    kills = 0
    while spool.pending(folder):
        child = Child(ingest)
        let_live(child, moments)
        status, _ = child.kill()
        kills += status == -9
    assert kills >= 5
    assert sorted(stored_keys(path)) == sorted(cell.key for cell in cells)


def test_a_worker_killed_while_writing_leaves_whole_files_or_none(tmp_path: Path) -> None:
    folder, moments = tmp_path / "spool", random.Random(8)

    def work(pipe: int, worker: int) -> None:
        for i in range(10_000):
            cell = examples.cell(ENCODE, HERE, i, facts={"worker": worker, "pad": "x" * 5000})
            path = spool.write(folder, spool.Result((ENCODE,), (HERE,), (cell,)))
            os.write(pipe, f"{path}\n".encode())

    acknowledged: set[Path] = set()
    for worker in range(20):
        child = Child(partial(work, worker=worker))
        let_live(child, moments)
        acknowledged.update(map(Path, child.kill()[1]))
    found = spool.pending(folder)
    assert acknowledged and acknowledged <= set(found)
    with Store.open(tmp_path / "a.db") as store:
        assert spool.ingest(store, found).refused == ()
        assert store.cell_count() == len(found)


def test_a_database_killed_in_its_very_first_moment_is_usable(tmp_path: Path) -> None:
    moments = random.Random(9)
    for i in range(20):
        path = tmp_path / f"{i}.db"
        child = Child(partial(lambda path, pipe: Store.open(path).close(), path))
        time.sleep(moments.uniform(0.0, 0.012))
        child.kill()
        with Store.open(path) as store:
            store.add_environment(HERE)
            assert store.integrity_check() == []


def test_an_import_does_not_hold_up_a_running_sweep(tmp_path: Path) -> None:
    with Store.open(tmp_path / "other.db") as other:
        other.add_environment(HERE)
        other.add_workloads([ENCODE])
        other.add_cells(examples.cell(ENCODE, HERE, i) for i in range(3000))
    path = tmp_path / "a.db"
    Store.open(path).close()

    def join(pipe: int) -> None:
        with Store.open(path) as store:
            store.union(tmp_path / "other.db")

    importer, sweep = Child(join), Child(partial(write_cells, path, 1, 50))
    assert [sweep.finish()[0], importer.finish()[0]] == [0, 0]
    assert len(stored_keys(path)) == 3050


def test_wal_and_full_synchronisation_are_really_on(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        pragmas = {
            name: store._rows(f"PRAGMA {name}")[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "fullfsync")
        }
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "fullfsync": 1,
    }
    with sqlite3.connect(tmp_path / "a.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_switch_to_wal_waits_for_who_holds_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    def hold(pipe: int) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        os.write(pipe, b"held\n")
        time.sleep(0.2)
        connection.execute("COMMIT")

    holder = Child(hold)
    holder.wait_for_lines(1)
    # No busy timeout of its own: SQLite does not always honour one for this statement.
    connection = sqlite3.connect(path, timeout=0.0, isolation_level=None)
    opening._enter_wal(connection)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert holder.finish()[0] == 0
