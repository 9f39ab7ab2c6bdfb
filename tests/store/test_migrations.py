"""A database of any earlier schema becomes one of the newest, and keeps its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from paretobench.store import Store, opening
from paretobench.store.migrations import apply_migrations, migrations
from tests.store import examples
from tests.store.contract import ENCODE, HERE, StoreContract

VERSIONS = range(1, opening.SCHEMA_VERSION)


def make_old(path: Path, version: int) -> Path:
    """A database as the release with that schema would have left it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    assert apply_migrations(connection, until=version) == version
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute(f"PRAGMA application_id = {opening.APPLICATION_ID}")
    connection.execute("COMMIT")
    connection.close()
    return path


def schema_of(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%sqlite%' ORDER BY name"
        ).fetchall()


def test_the_schema_version_counts_the_steps() -> None:
    assert len(migrations._migrations) == opening.SCHEMA_VERSION
    assert all(
        step.name.startswith(f"m{number:03d}_")
        for number, step in enumerate(migrations._migrations, start=1)
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_schema_becomes_the_newest(tmp_path: Path, version: int) -> None:
    old, fresh = make_old(tmp_path / "old.db", version), tmp_path / "fresh.db"
    for path in (old, fresh):
        Store.open(path).close()
    assert schema_of(old) == schema_of(fresh)
    with Store.open(old) as store:
        assert store._rows("PRAGMA user_version")[0][0] == opening.SCHEMA_VERSION


@pytest.mark.parametrize("version", VERSIONS)
class TestMigratedStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, version: int) -> Iterator[Store]:
        with Store.open(make_old(tmp_path / "old.db", version)) as opened:
            yield opened


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_database_is_read_without_changing_it(tmp_path: Path, version: int) -> None:
    path = make_old(tmp_path / "old.db", version)
    with Store.open(tmp_path / "rows.db") as fresh:
        fresh.add_environment(HERE)
        fresh.add_workloads([ENCODE])
        fresh.add_cell(examples.cell(ENCODE, HERE))
    with sqlite3.connect(path) as old:
        old.execute("ATTACH ? AS fresh", [str(tmp_path / "rows.db")])
        for table in ("environment", "workload", "cell"):
            columns = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({table})"))
            old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM fresh.{table}")
    old.close()
    before = path.read_bytes()
    with Store.open(path, read_only=True) as store:
        assert store.cells() == [examples.cell(ENCODE, HERE)]
        assert store.failures() == []
    assert path.read_bytes() == before


def test_a_step_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_old(tmp_path / "old.db", 1)
    before = schema_of(path)

    def fail(connection: sqlite3.Connection) -> int:
        connection.execute("CREATE TABLE half_done (x)")
        raise RuntimeError("power cut")

    monkeypatch.setattr("paretobench.store.migrations.apply_migrations", fail)
    with pytest.raises(RuntimeError):
        Store.open(path)
    assert schema_of(path) == before


def test_every_table_is_strict_and_has_a_key(store: Store) -> None:
    tables = store.table_names()
    assert len(tables) == 15
    for table in tables:
        (sql,) = store._rows("SELECT sql FROM sqlite_master WHERE name = ?", [table])[0]
        assert "STRICT" in sql and "PRIMARY KEY" in sql
