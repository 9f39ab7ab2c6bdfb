"""What keeps a large database quick: which index answers, and what a union checks of a row."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.store import Store
from paretobench.store.rows import cell_row, is_cell_row_unchanged
from tests.store import examples
from tests.store.contract import ENCODE, HERE, PREFILL

seconds = st.floats(1e-9, 1e6)


def plan_of(store: Store, ask: str, monkeypatch: pytest.MonkeyPatch, **arguments: object) -> str:
    """How SQLite carries out the question that `store.<ask>(...)` puts to it."""
    asked: list[tuple[str, list[object]]] = []
    for way in ("_rows", "_batches"):
        monkeypatch.setattr(store, way, lambda sql, given=(): asked.append((sql, given)) or [])
    getattr(store, ask)(**arguments)
    monkeypatch.undo()
    ((sql, parameters),) = asked
    return " ".join(row[3] for row in store._rows(f"EXPLAIN QUERY PLAN {sql}", parameters))


@pytest.mark.parametrize("ask", ["cells", "cell_summaries"])
def test_cells_of_a_workload_come_from_the_index_of_workloads(
    known: Store, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for environment_key in (HERE.key, None):
        arguments = {"environment_key": environment_key, "workload_keys": [ENCODE.key]}
        assert "cell_by_workload" in plan_of(known, ask, monkeypatch, **arguments)


@pytest.mark.parametrize("ask", ["cells", "cell_summaries"])
def test_all_cells_of_an_environment_come_in_the_order_of_time_unsorted(
    known: Store, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cell_by_time" in plan_of(known, ask, monkeypatch, environment_key=HERE.key)


def test_cells_of_chosen_workloads_come_in_the_order_of_their_starts(known: Store) -> None:
    for i in (3, 1, 2, 0):
        known.add_cell(examples.cell(ENCODE if i % 2 else PREFILL, HERE, i))
    for keys in (None, [PREFILL.key, ENCODE.key]):
        assert [cell.round_index for cell in known.cells(HERE.key, keys)] == [0, 1, 2, 3]
        assert [cell.round_index for cell in known.cell_summaries(None, keys)] == [0, 1, 2, 3]


@given(
    st.lists(seconds, max_size=6),
    seconds,
    st.one_of(st.none(), seconds),
    st.text(max_size=8),
    st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.integers(), st.text(max_size=3))),
)
def test_a_row_is_recognised_as_its_cells_own_and_no_other(
    samples: list[float], load_s: float, energy_j: float | None, text: str, facts: dict[str, object]
) -> None:
    cell = examples.cell(
        ENCODE,
        HERE,
        samples_s=tuple(samples),
        load_s=load_s,
        energy_j=energy_j,
        sweep_key=text or None,
        facts=facts,
    )
    row = cell_row(cell)
    assert is_cell_row_unchanged(row)
    median = row[8]
    assert median == (statistics.median(samples) if samples else None)
    changed = {
        1: "w",
        3: text + "x",
        6: 9,
        8: 0.5,
        9: 99,
        10: math.nextafter(load_s, 1e9),
        19: "{}",
    }
    for column, value in changed.items():
        other = (*row[:column], value, *row[column + 1 :])
        assert other == row or not is_cell_row_unchanged(other), column


def test_a_separator_in_a_text_hides_nothing() -> None:
    cell = examples.cell(ENCODE, HERE, sweep_key='a\0b","c":"d%s', facts={"%s": "\0"})
    row = cell_row(cell)
    assert is_cell_row_unchanged(row)
    assert not is_cell_row_unchanged((*row[:3], 'a\0b","c":"e%s', *row[4:]))


def test_a_union_gives_back_the_cache_it_took(known: Store, tmp_path) -> None:
    before = known._rows("PRAGMA cache_size")[0][0]
    Store.open(tmp_path / "other.db").close()
    known.union(tmp_path / "other.db")
    assert known._rows("PRAGMA cache_size")[0][0] == before
