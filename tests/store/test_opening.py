"""Opening says what is wrong with a path in at most three lines, and reading leaves no trace."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paretobench.errors import StoreError
from paretobench.store import Store, database, opening
from paretobench.store.filesystem import Mount
from tests.store import examples, processes
from tests.store.contract import ENCODE, HERE


def message_of(act: Callable[[], object]) -> str:
    """What the user reads; three lines at most."""
    with pytest.raises(StoreError) as caught:
        act()
    text = str(caught.value)
    assert len(text.splitlines()) <= 3, text
    return text


def fill(path: Path) -> Path:
    with Store.open(path) as store:
        store.add_environment(HERE)
        store.add_workloads([ENCODE])
        store.add_cell(examples.cell(ENCODE, HERE))
    return path


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    fill(tmp_path / "new" / "folder" / "a.db")
    assert (tmp_path / "new" / "folder" / "a.db").is_file()


def test_a_path_with_odd_characters_is_taken_as_it_is(tmp_path: Path) -> None:
    path = fill(tmp_path / "100%?mode=ro#é.db")
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    fill(tmp_path / "a.db")


def test_a_text_file_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("this is a shopping list, and a long enough one to be read" * 50)
    before = path.read_bytes()
    for read_only in (False, True):
        text = message_of(lambda only=read_only: Store.open(path, read_only=only))
        assert "file is not a database" in text and "database=PATH" in text
    assert path.read_bytes() == before


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    text = message_of(lambda: Store.open(tmp_path))
    assert "is a folder" in text and f"{tmp_path / 'paretobench.db'}" in text


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = message_of(lambda: Store.open(tmp_path / "file" / "sub" / "a.db"))
    assert "cannot make the folder" in text and "Not a directory" in text


@pytest.mark.parametrize("options", [{"read_only": True}, {"create": False}])
def test_a_missing_database_is_not_made_by_who_only_reads(
    tmp_path: Path, options: dict[str, bool]
) -> None:
    text = message_of(lambda: Store.open(tmp_path / "sub" / "a.db", **options))
    assert "there is no database" in text and "paretobench sweep" in text
    assert list(tmp_path.iterdir()) == []


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE photos (id)")
    before = path.read_bytes()
    text = message_of(lambda: Store.open(path))
    assert "another program" in text and "photos" in text
    assert path.read_bytes() == before


class Interrupted:
    """A connection between two of whose reads another process makes the database."""

    def __init__(self, path: Path, after: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._path, self._left = path, after

    def execute(self, sql: str) -> sqlite3.Cursor:
        if self._left == 0:
            fill(self._path)
        self._left -= 1
        return self._connection.execute(sql)


@pytest.mark.parametrize("after", range(3))
def test_a_database_made_while_it_is_looked_at_is_not_taken_for_a_strangers(
    tmp_path: Path, after: int
) -> None:
    path = tmp_path / "a.db"
    path.touch()
    found = opening._check_schema(Interrupted(path, after), path)  # type: ignore[arg-type]
    assert found in (0, opening.SCHEMA_VERSION)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_of_a_newer_release_is_refused(tmp_path: Path, read_only: bool) -> None:
    path = fill(tmp_path / "a.db")
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    text = message_of(lambda: Store.open(path, read_only=read_only))
    assert "newer paretobench (schema 99" in text and "Upgrade it: " in text


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    assert "needs 3.37 or newer" in message_of(lambda: Store.open(tmp_path / "a.db"))


def test_a_damaged_database_says_so(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.db")
    page = 4096
    data = bytearray(path.read_bytes())
    data[page:] = os.urandom(len(data) - page)
    path.write_bytes(data)

    def read() -> None:
        with Store.open(path, read_only=True) as store:
            store.cells()

    assert "is damaged" in message_of(read)


def test_a_locked_database_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fill(tmp_path / "a.db")
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_S", 0.05)
    with Store.open(path) as busy, busy.transaction():
        text = message_of(lambda: Store.open(path))
        assert "locked by another process" in text and "fuser" in text
        with Store.open(path, read_only=True) as reader:
            assert reader.cell_count() == 1, "readers do not wait for writers"


def test_a_bug_in_sql_is_not_dressed_up(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        store._rows("SELECT missing FROM cell")


def test_a_number_beyond_64_bits_is_refused(store: Store) -> None:
    store.add_environment(HERE)
    store.add_workloads([ENCODE])
    huge = examples.cell(ENCODE, HERE, peak_memory_bytes=1 << 70)
    assert "refuses a row" in message_of(lambda: store.add_cell(huge))


# Network file systems


def test_a_network_file_system_is_refused_for_writing(tmp_path: Path, monkeypatch) -> None:
    mounts = [Mount("/", "ext4"), Mount(str(tmp_path.resolve()), "nfs4")]
    monkeypatch.setattr("paretobench.store.filesystem.read_mounts", lambda: mounts)
    text = message_of(lambda: Store.open(tmp_path / "a.db"))
    assert "nfs4" in text and str(tmp_path) in text and "paretobench import" in text
    assert list(tmp_path.iterdir()) == []


def test_a_network_file_system_may_be_read_and_is_not_written(tmp_path: Path, monkeypatch) -> None:
    path = fill(tmp_path / "a.db")
    mounts = [Mount(str(tmp_path.resolve()), "cifs")]
    monkeypatch.setattr("paretobench.store.filesystem.read_mounts", lambda: mounts)
    with Store.open(path, read_only=True) as store:
        assert store.cell_count() == 1
        assert [child.name for child in tmp_path.iterdir()] == ["a.db"]


# Reading


def test_a_reader_can_store_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.db")
    before = path.read_bytes()
    with Store.open(path, read_only=True) as store:
        assert store.cells() == [examples.cell(ENCODE, HERE)]
        text = message_of(lambda: store.add_environment(examples.environment(5)))
        assert "for reading only" in text
    assert [child.name for child in tmp_path.iterdir()] == ["a.db"]
    assert path.read_bytes() == before


def test_a_reader_sees_what_a_running_writer_has_committed(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.db")
    with Store.open(path) as writer, Store.open(path, read_only=True) as reader:
        writer.add_cell(examples.cell(ENCODE, HERE, 1))
        assert reader.cell_count() == 2


def test_a_database_in_a_read_only_folder_can_be_read_by_who_cannot_write() -> None:
    def read() -> str:
        processes.as_nobody()
        with Store.open(path, read_only=True) as store:
            return str(store.cell_count())

    with processes.open_folder() as folder:
        path = fill(folder / "a.db")
        path.chmod(0o444)
        folder.chmod(0o555)
        assert processes.run(read) == (0, "1")
        assert [child.name for child in folder.iterdir()] == ["a.db"]


def test_writing_where_one_may_not_says_so() -> None:
    def write() -> str:
        processes.as_nobody()
        return message_of(lambda: Store.open(path))

    with processes.open_folder() as folder:
        path = fill(folder / "a.db")
        path.chmod(0o444)
        folder.chmod(0o555)
        status, text = processes.run(write)
        assert status == 0 and "cannot be written" in text and "permissions" in text
        path = folder / "new.db"
        status, text = processes.run(write)
        assert status == 0 and "cannot be opened" in text


def test_a_crashed_database_in_a_read_only_folder_asks_for_a_copy() -> None:
    def crash(pipe: int) -> None:
        store = Store.open(path)
        store.add_environment(HERE)
        os.write(pipe, b"written\n")
        os._exit(0)

    def read() -> str:
        processes.as_nobody()
        return message_of(lambda: Store.open(path, read_only=True))

    with processes.open_folder() as folder:
        path = folder / "a.db"
        processes.Child(crash).finish()
        (folder / "a.db-shm").unlink()
        folder.chmod(0o555)
        status, text = processes.run(read)
        assert status == 0 and "left so by a crash" in text and "Copy both files" in text


# Full disks


def many_cells() -> list[object]:
    return [examples.cell(ENCODE, HERE, i, facts={"pad": "x" * 500}) for i in range(2000)]


def test_a_full_database_keeps_what_was_acknowledged_and_goes_on_later(store: Store) -> None:
    store.add_environment(HERE)
    store.add_workloads([ENCODE])
    pages = store._rows("PRAGMA page_count")[0][0]
    store._rows(f"PRAGMA max_page_count = {pages + 20}")
    store.add_cell(examples.cell(ENCODE, HERE, 0))
    text = message_of(lambda: store.add_cells(many_cells()))  # type: ignore[arg-type]
    assert "no space left" in text and "all earlier results are safe" in text
    assert store.cells() == [examples.cell(ENCODE, HERE, 0)]
    assert store.integrity_check() == []
    store._rows("PRAGMA max_page_count = 1000000")
    assert store.add_cells(many_cells()) == 2000  # type: ignore[arg-type]


def test_a_limit_on_file_size_is_named_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.db")

    def write() -> str:
        size = path.stat().st_size + 100_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        with Store.open(path) as store:
            return message_of(lambda: store.add_cells(many_cells()))  # type: ignore[arg-type]

    status, text = processes.run(write)
    assert status == 0 and "allows files of this size" in text and "are safe" in text
    with Store.open(path) as store:
        assert store.cell_count() == 1
        assert store.integrity_check() == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB that really fills up; needs root."""
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    if mount.returncode:
        pytest.skip("may not mount a small disk here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_disk_that_fills_up_loses_nothing_acknowledged(tiny_disk: Path) -> None:
    path = fill(tiny_disk / "a.db")
    stored = 1

    def write_until_full() -> None:
        nonlocal stored
        with Store.open(path) as store:
            for cell in many_cells():
                store.add_cell(cell)  # type: ignore[arg-type]
                stored += cell != examples.cell(ENCODE, HERE)

    text = message_of(write_until_full)
    assert "no space left" in text
    assert stored > 20
    with Store.open(path, read_only=True) as store:
        assert store.cell_count() == stored
        assert store.integrity_check() == []


def test_every_sqlite_error_about_the_file_has_three_lines_at_most(tmp_path: Path) -> None:
    for code in database._MESSAGES:
        error = sqlite3.OperationalError("what SQLite said")
        error.sqlite_errorcode = code
        text = database.explain(error, tmp_path / "a.db")
        assert text is not None and 2 <= len(text.splitlines()) <= 3
        assert str(tmp_path) in text


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER spy AFTER INSERT ON cell BEGIN DELETE FROM score; END",
        "CREATE VIEW spy AS SELECT load_extension('x')",
    ],
)
def test_a_trigger_or_a_view_that_is_not_ours_is_refused_by_name(
    tmp_path: Path, statement: str
) -> None:
    path = fill(tmp_path / "a.db")
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    for read_only in (False, True):
        text = message_of(lambda only=read_only: Store.open(path, read_only=only))
        assert "'spy'" in text and "DROP" in text


def test_a_view_of_ours_with_other_sql_is_refused(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.db")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP VIEW failed")
        connection.execute("CREATE VIEW failed AS SELECT 1")
    assert "'failed'" in message_of(lambda: Store.open(path))


def test_a_check_of_the_file_names_what_is_not_of_the_schema(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.db")
    with Store.open(path, read_only=True) as store:
        assert store.integrity_check() == []
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    with Store.open(path, read_only=True) as store:
        assert store.integrity_check() == ["table notes is not of paretobench's schema"]


@pytest.mark.parametrize("fault", ["deleted", "moved", "replaced", "folder deleted"])
def test_a_file_that_vanishes_while_it_is_used_loses_nothing(tmp_path: Path, fault: str) -> None:
    path = fill(tmp_path / "results" / "a.db")
    later = examples.cell(ENCODE, HERE, started_at="2026-01-02T00:00:00+00:00")
    with Store.open(path) as store:
        if fault == "folder deleted":
            shutil.rmtree(path.parent)
        elif fault == "moved":
            path.rename(tmp_path / "elsewhere.db")
        else:
            path.unlink()
        if fault == "replaced":
            fill(path)
        text = message_of(lambda: store.add_cell(later))
        saved = path.with_name("a.saved.db")
        assert f"database={saved}" in text
        store.add_cell(later)  # goes on in the new file, where it is known already
    with Store.open(saved) as store:
        assert len(store.cells()) == 2
        assert store.integrity_check() == []
