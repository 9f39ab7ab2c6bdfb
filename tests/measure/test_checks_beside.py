"""A check runs in rounds with its parts, so that drift is the same for both."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from paretobench.domain.records import Environment
from paretobench.measure import harness, terms
from paretobench.measure.single import MemoryStore
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren

HERE = Environment({"chip": "test"})


@pytest.fixture(autouse=True)
def steady_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)


def run(store: MemoryStore, names: str, checks: str = "", wall_s: float = 9.0) -> list[str]:
    """Labels in the order in which they were visited; `checks` have `a` and `b` as parts."""
    children = ScriptedChildren(wall_s=wall_s)
    parts = [workload("a").key, workload("b").key]
    options: dict[str, Any] = {"beside": {workload(check).key: parts for check in checks}}
    harness.run(
        [workload(name) for name in names],
        store=store,
        environment=HERE,
        options=terms.Options(Path("artifacts"), sweep_key="s", **options),
        children=children,
    )
    return children.visits


def rounds(store: MemoryStore, name: str) -> list[int]:
    return [c.round_index for c in store.kept_cells if c.workload_key == workload(name).key]


def test_parts_are_measured_in_every_round_of_their_check_and_in_no_round_before() -> None:
    store = MemoryStore()
    run(store, "ab")
    before = max(rounds(store, "a"))
    visits = run(store, "abc", checks="c")
    assert Counter(visits) == {"a": 2, "b": 2, "c": 2}
    assert rounds(store, "c") == [before + 1, before + 2]
    assert rounds(store, "a")[-2:] == rounds(store, "b")[-2:] == rounds(store, "c")


def test_a_part_of_two_checks_is_measured_once_a_round() -> None:
    store = MemoryStore()
    run(store, "ab")
    assert Counter(run(store, "abcd", checks="cd")) == {"a": 2, "b": 2, "c": 2, "d": 2}


def test_an_interrupted_check_goes_on_in_its_round() -> None:
    store = MemoryStore()
    run(store, "ab")
    run(store, "abc", checks="c")
    last = max(rounds(store, "c"))
    store.kept_cells = [
        cell
        for cell in store.kept_cells
        if cell.round_index < last or cell.workload_key == workload("a").key
    ]
    assert sorted(run(store, "abc", checks="c")) == ["b", "c"]
    assert rounds(store, "a")[-2:] == rounds(store, "b")[-2:] == rounds(store, "c")


def test_a_finished_check_measures_no_part_again() -> None:
    store = MemoryStore()
    run(store, "ab")
    run(store, "abc", checks="c")
    assert run(store, "abc", checks="c") == []


def test_the_time_left_counts_the_parts_of_the_checks_to_come() -> None:
    store = MemoryStore()
    run(store, "ab")
    seen: list[float | None] = []
    harness.run(
        [workload(name) for name in "abc"],
        store=store,
        environment=HERE,
        options=terms.Options(
            Path("artifacts"),
            sweep_key="s",
            beside={workload("c").key: [workload("a").key, workload("b").key]},
        ),
        children=ScriptedChildren(wall_s=9.0),
        listen=lambda event: seen.append(getattr(event, "remaining_s", None)),
    )
    known = [seconds for seconds in seen if seconds is not None]
    assert known[0] == pytest.approx(54.0) and known[-1] == 0.0
