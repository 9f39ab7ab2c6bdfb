"""Ten people, one front: the order in which their databases are joined leaves no trace."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from paretobench.cli import group
from paretobench.store import Store, bundle
from tests.store import examples
from tests.store.contract import ENCODE, PREFILL

DEVICES, ORDERS = 10, 6


def fill(store: Store, i: int) -> None:
    """What the i-th person measured: their own device, some of it also on a neighbour's.

    All ten score one point, differently, out of one source; two of ten call a workload
    otherwise; every third saw a failure.
    """
    with store.transaction():
        labelled = examples.workload(0, label=f"label {i % 2}")
        store.add_workloads([labelled, PREFILL])
        for device in (i, (i + 1) % DEVICES):
            environment = examples.environment(device, observed=float(i))
            store.add_environment(environment)
            sweep = store.add_sweep(environment_key=environment.key, **examples.SWEEP)
            store.add_points(sweep, [examples.point(ENCODE, PREFILL, 256 * (1 + device % 3))])
            store.finish_sweep(sweep, f"2026-11-20T13:00:{i:02d}Z", i % 2)
            for k in range(5):
                cell = examples.cell(ENCODE, environment, k, 0.1 + device / 100, sweep_key=sweep)
                store.add_cell(cell)
                store.add_cell(examples.cell(PREFILL, environment, k, 0.2, sweep_key=sweep))
            if i % 3 == 0:
                store.add_failure(examples.failure(PREFILL, environment, i))
        store.add_scores([examples.score(0, 0.5 + i / 100), examples.score(1, 0.4)])


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("ten")
    paths = [folder / f"{i}.db" for i in range(DEVICES)]
    for i, path in enumerate(paths):
        with Store.open(path) as store:
            fill(store, i)
    return paths


def join(path: Path, parts: list[Path]) -> None:
    with Store.open(path) as store:
        for part in parts:
            store.union(part)


def exports(path: Path, folder: Path) -> dict[str, bytes]:
    """Everything that `export` writes of a database, under one name for all of them."""
    path = path.rename(folder / "all.db")
    made: dict[str, bytes] = {}
    with Store.open(path, read_only=True) as store:
        bundle.write_bundle(store, folder / "all.zip")
        environments = sorted(environment.key for environment in store.environments())
    made["bundle"] = (folder / "all.zip").read_bytes()
    for kind in ("csv", "markdown", "json"):
        for key in environments[:2]:
            arguments = ["export", "-d", str(path), "--environment", key, "--format", kind]
            done = CliRunner().invoke(group, arguments, catch_exceptions=False)
            assert done.exit_code == 0 and done.stdout_bytes.count(b"\n") > 1, done.output
            made[f"{kind} of {key[:8]}"] = done.stdout_bytes
    return made


def test_any_order_of_ten_databases_exports_the_same_bytes(ten: list[Path], tmp_path: Path) -> None:
    found = []
    for seed in range(ORDERS):
        order = random.Random(seed).sample(ten, len(ten))
        folder = tmp_path / str(seed)
        folder.mkdir()
        join(folder / "joined.db", order)
        found.append(exports(folder / "joined.db", folder))
    for name, first in found[0].items():
        assert [other[name] == first for other in found] == [True] * ORDERS, name


def test_bundles_of_ten_databases_join_to_the_same_bytes_as_the_databases(
    ten: list[Path], tmp_path: Path
) -> None:
    join(tmp_path / "joined.db", ten)
    with Store.open(tmp_path / "unpacked.db") as store:
        for path in reversed(ten):
            packed = tmp_path / f"{path.stem}.zip"
            with Store.open(path, read_only=True) as part:
                bundle.write_bundle(part, packed)
            bundle.import_bundle(store, packed)
        bundle.write_bundle(store, tmp_path / "unpacked.zip")
    with Store.open(tmp_path / "joined.db") as store:
        bundle.write_bundle(store, tmp_path / "joined.zip")
    assert (tmp_path / "joined.zip").read_bytes() == (tmp_path / "unpacked.zip").read_bytes()


def test_importing_them_again_changes_nothing(ten: list[Path], tmp_path: Path) -> None:
    join(tmp_path / "joined.db", ten)
    with Store.open(tmp_path / "joined.db") as store:
        before = examples.dump(store)
        for path in ten:
            assert not any(store.union(path).new.values())
        assert examples.dump(store) == before
        assert store.integrity_check() == []


def test_environments_stay_apart_and_contradictions_are_shown_not_settled(
    ten: list[Path], tmp_path: Path
) -> None:
    join(tmp_path / "joined.db", ten[:-1])
    with Store.open(tmp_path / "joined.db") as store:
        counts = store.union(ten[-1])
        assert "contradiction, all kept" in str(counts)
        (group_of_scores,) = counts.disagreements
        assert {score.value for score in group_of_scores} == {0.5 + i / 100 for i in range(10)}
        for device in range(DEVICES):
            key = examples.environment(device).key
            medians = {c.median_s for c in store.cell_summaries(key, [ENCODE.key])}
            assert medians == {0.1 + device / 100}
        assert len(store.environments()) == DEVICES
