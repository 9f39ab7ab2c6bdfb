"""A database, a bundle and a result file that an earlier release wrote, byte for byte.

`old/` was written by commit 4a99127 (schema 3) from the rows in `examples`: they are never made
anew, since what they hold is what people have.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from paretobench.store import Store
from paretobench.store.imports import import_file, kind_of
from tests.store import examples

OLD = Path(__file__).parent / "old"
HERE = examples.environment(0)
ENCODE, PREFILL = examples.workload(0), examples.workload(1, "prefill")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "schema_3.db"
    path.write_bytes(gzip.decompress((OLD / "schema_3.db.gz").read_bytes()))
    return path


def assert_is_whole(store: Store) -> None:
    """Every row of the old database, with the keys it had."""
    (environment,) = store.environments()
    assert environment.key == HERE.key and environment.observed == HERE.observed
    assert set(store.workloads()) == {ENCODE.key, PREFILL.key}
    assert [cell.status for cell in store.cells(HERE.key)].count("ok") == 3
    assert {cell.key for cell in store.cells(HERE.key, [ENCODE.key])} == {
        examples.cell(ENCODE, HERE, 0).key,
        examples.cell(ENCODE, HERE, 1).key,
    }
    assert [failure.kind for failure in store.failures(current=False)] == ["out_of_memory"]
    assert store.scores() == [examples.score(0)]
    assert store.task_runs() == [examples.task_run(0)]
    (sweep,) = store.sweeps()
    assert (sweep.exit_status, dict(sweep.settings)) == (0, {"fidelity": "quick"})
    assert store.points(sweep.key) == [examples.point(ENCODE, PREFILL)]
    assert store.integrity_check() == []
    store.refuse_altered_rows()


@pytest.mark.parametrize("read_only", [False, True])
def test_an_old_database_opens_with_every_row(database: Path, read_only: bool) -> None:
    before = database.read_bytes()
    with Store.open(database, read_only=read_only) as store:
        assert_is_whole(store)
    if read_only:
        assert database.read_bytes() == before


def test_an_old_database_is_imported_with_every_row(database: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "new.db") as store:
        assert import_file(store, database).new["cells"] == 4
        assert_is_whole(store)


def test_an_old_bundle_is_imported_with_every_row(tmp_path: Path) -> None:
    path = OLD / "schema_3.zip"
    assert kind_of(path) == "bundle"
    with Store.open(tmp_path / "new.db") as store:
        assert import_file(store, path).new["cells"] == 4
        assert_is_whole(store)


def test_an_old_result_file_is_imported(tmp_path: Path) -> None:
    path = OLD / "result_1.json"
    assert kind_of(path) == "spool file"
    with Store.open(tmp_path / "new.db") as store:
        import_file(store, path)
        assert [cell.key for cell in store.cells()] == [examples.cell(ENCODE, HERE, 2).key]
        assert store.scores() == [examples.score(1)]
