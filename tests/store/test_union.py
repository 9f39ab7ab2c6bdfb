"""Joining databases is a set union: in any order, any number of times, the same bytes."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretobench.errors import DataError, StoreError
from paretobench.store import Store
from tests.store import examples
from tests.store.contract import ENCODE, HERE, PREFILL


def workload(i: int, label: str = "") -> object:
    return examples.workload(i, label=label)


def add_environment(store: Store, i: int, variant: int) -> None:
    store.add_environment(examples.environment(i, observed=float(variant)))


def add_cell(store: Store, i: int, variant: int) -> None:
    store.add_environment(HERE)
    store.add_workloads([ENCODE])
    store.add_cell(examples.cell(ENCODE, HERE, i, median_s=0.1 + variant))


def add_label(store: Store, i: int, variant: int) -> None:
    store.add_workloads([examples.workload(i, label=f"label {variant}")])


def add_score(store: Store, i: int, variant: int) -> None:
    store.add_scores([examples.score(i, 0.5 + variant / 10)])


def add_failure(store: Store, i: int, variant: int) -> None:
    store.add_environment(HERE)
    store.add_workloads([ENCODE])
    store.add_failure(examples.failure(ENCODE, HERE, i, details={"variant": variant}))
    if variant:
        store.supersede_failures(HERE.key)


def add_point(store: Store, i: int, variant: int) -> None:
    store.add_workloads([ENCODE, PREFILL])
    store.add_environment(HERE)
    sweep = store.add_sweep(environment_key=HERE.key, **{**examples.SWEEP, "seed": i})
    described = {"encoder": {"label": f"label {variant}"}}
    store.add_points(sweep, [examples.point(ENCODE, PREFILL, 256 + i, described=described)])
    store.finish_sweep(sweep, f"2026-11-{20 + variant}", variant)


def add_task_run(store: Store, i: int, variant: int) -> None:
    store.add_task_runs([examples.task_run(i, wall_s=60 + variant)])


ADDITIONS: tuple[Callable[[Store, int, int], None], ...] = (
    add_environment,
    add_cell,
    add_label,
    add_score,
    add_failure,
    add_point,
    add_task_run,
)

contents = st.lists(
    st.tuples(st.sampled_from(ADDITIONS), st.integers(0, 2), st.integers(0, 2)), max_size=8
)


def make(path: Path, content: list[tuple[Callable[[Store, int, int], None], int, int]]) -> None:
    with Store.open(path) as store:
        for add, i, variant in content:
            add(store, i, variant)


def joined(path: Path, parts: list[Path]) -> str:
    with Store.open(path) as store:
        for part in parts:
            store.union(part)
        assert store.integrity_check() == []
        return "\n".join(examples.dump(store))


@settings(max_examples=15, deadline=None)
@given(st.tuples(contents, contents, contents))
def test_any_order_and_any_repetition_give_the_same_bytes(parts: tuple[list, list, list]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"{i}.db" for i in range(len(parts))]
        for path, content in zip(paths, parts, strict=True):
            make(path, content)
        orders = [[0, 1, 2], [2, 1, 0], [1, 0, 2, 1, 0]]
        results = {
            joined(folder / f"joined{n}.db", [paths[i] for i in order])
            for n, order in enumerate(orders)
        }
        assert len(results) == 1
        # Joining a part with what was joined from it brings nothing new, either way round.
        with Store.open(folder / "joined0.db") as store:
            assert not any(store.union(paths[0]).new.values())
        with Store.open(paths[0]) as store:
            store.union(folder / "joined0.db")
            assert {"\n".join(examples.dump(store))} == results


def test_all_permutations_of_four_databases_agree(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.db" for i in range(4)]
    for i, path in enumerate(paths):
        make(path, [(add, (i + j) % 3, i % 2) for j, add in enumerate(ADDITIONS)])
    results = {
        joined(tmp_path / f"joined{n}.db", list(order))
        for n, order in enumerate(itertools.permutations(paths))
    }
    assert len(results) == 1


def test_a_union_counts_what_was_new_and_what_was_known(tmp_path: Path) -> None:
    make(tmp_path / "a.db", [(add_cell, 0, 0), (add_cell, 1, 0), (add_score, 0, 0)])
    make(tmp_path / "b.db", [(add_cell, 1, 0), (add_score, 0, 1)])
    with Store.open(tmp_path / "b.db") as store:
        counts = store.union(tmp_path / "a.db")
        assert (counts.new["cells"], counts.known["cells"]) == (1, 1)
        assert (counts.new["environments"], counts.known["environments"]) == (0, 1)
        assert (counts.new["scores"], counts.known["scores"]) == (1, 0)
        ((first, second),) = counts.disagreements
        assert {first.value, second.value} == {0.5, 0.6}, "both values of one source are kept"
        assert store.union(tmp_path / "a.db").known["cells"] == 2


def test_environments_stay_apart(tmp_path: Path) -> None:
    for i in (0, 1):
        with Store.open(tmp_path / f"{i}.db") as store:
            store.add_environment(examples.environment(i))
            store.add_workloads([ENCODE])
            store.add_cell(examples.cell(ENCODE, examples.environment(i)))
    with Store.open(tmp_path / "0.db") as store:
        store.union(tmp_path / "1.db")
        for i in (0, 1):
            (cell,) = store.cells(examples.environment(i).key)
            assert cell.workload_key == ENCODE.key


def test_the_other_database_is_not_changed(tmp_path: Path) -> None:
    make(tmp_path / "a.db", [(add_cell, 0, 0)])
    before = (tmp_path / "a.db").read_bytes()
    with Store.open(tmp_path / "b.db") as store:
        store.union(tmp_path / "a.db")
    assert (tmp_path / "a.db").read_bytes() == before


def test_a_missing_other_database_is_an_error_and_not_made(tmp_path: Path) -> None:
    with (
        Store.open(tmp_path / "a.db") as store,
        pytest.raises(StoreError, match="there is no database"),
    ):
        store.union(tmp_path / "b.db")
    assert not (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cell SET samples_s = '[0.001]'",
        "UPDATE cell SET median_s = 0.001",
        "UPDATE cell SET load_s = 0",
        "UPDATE score SET value = 0.99",
        "UPDATE source SET title = 'another paper'",
        'UPDATE environment SET identity = \'{"chip":"M9"}\'',
        "UPDATE workload SET spec = json_set(spec, '$.batch', 8)",
        "UPDATE planned_point SET passes = 9",
        "UPDATE point SET resolution_px = 9",
        "UPDATE point_workload SET passes = 9",
        "UPDATE sweep SET command = 'rm'",
        "UPDATE failure SET reason = 'none'",
        "UPDATE task_run SET wall_s = 1",
        "DELETE FROM point_workload",
    ],
)
def test_a_row_changed_by_hand_is_refused_and_nothing_is_stored(
    tmp_path: Path, change: str
) -> None:
    path = tmp_path / "a.db"
    make(path, [(add, 0, 0) for add in ADDITIONS])
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    with Store.open(tmp_path / "b.db") as store:
        with pytest.raises(DataError, match="changed by hand") as caught:
            store.union(path)
        assert len(str(caught.value).splitlines()) <= 3
        assert str(path) in str(caught.value)
        assert examples.dump(store) == []


def test_columns_that_follow_from_others_are_made_anew(tmp_path: Path) -> None:
    make(tmp_path / "a.db", [(add_cell, 0, 0)])
    make(tmp_path / "same.db", [(add_cell, 0, 0)])
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("UPDATE environment SET label = 'M9'")
        connection.execute("UPDATE workload SET backend = 'coreml'")
    connection.close()
    assert joined(tmp_path / "b.db", [tmp_path / "a.db"]) == joined(
        tmp_path / "c.db", [tmp_path / "same.db"]
    )
