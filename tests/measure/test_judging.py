"""Which processes are believed, which are repeated, and when a sweep gives up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from paretobench.analysis.crosschecks import contradiction
from paretobench.domain.contention import Contention, Neighbour
from paretobench.domain.records import Environment
from paretobench.measure import harness, terms
from paretobench.measure.single import MemoryStore
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren

HERE = Environment({"chip": "test"})
SAMPLES = [0.100, 0.101, 0.099, 0.1005, 0.0995]


@pytest.fixture(autouse=True)
def steady_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)


def seen(foreign: float = 0.0, disturbed: int = 0, **more: Any) -> dict[str, Any]:
    """An answer's contention: as many of the five samples disturbed."""
    n = len(SAMPLES)
    fields = {"canary_foreign": (0.0, 0.0), "neighbours": (Neighbour("make", 0.9),), **more}
    shares = (foreign,) * disturbed + (0.0,) * (n - disturbed)
    record = Contention(2, shares, tuple(range(disturbed)), **fields)
    return {"samples_s": SAMPLES, "runs": n, "contention": record.to_json()}


def run(children: ScriptedChildren, names: str, store: MemoryStore | None = None) -> Any:
    return harness.run(
        [workload(name) for name in names],
        store=store or MemoryStore(),
        environment=HERE,
        options=terms.Options(Path("artifacts"), sweep_key="s"),
        children=children,
    )


def test_a_disturbed_process_is_kept_and_repeated_and_does_not_count() -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        return seen(0.4, 3) if (label, visit) == ("a", 0) else seen()

    store = MemoryStore()
    account = run(ScriptedChildren(script, wall_s=12.0), "ab", store)
    first = next(cell for cell in account.cells if cell.status == "disturbed")
    assert first.facts["disturbed"] == "2 of 5 samples count"
    counts = Counter(cell.status for cell in store.kept_cells)
    assert counts == {"ok": 4, "disturbed": 1}
    assert not account.stopped


def test_one_disturbed_sample_of_many_leaves_a_process_in_order() -> None:
    plan_needs = 5
    samples = [0.1 + 0.0001 * i for i in range(plan_needs + 2)]
    record = Contention(2, (0.5,) + (0.0,) * 6, (0,), canary_foreign=(0.0, 0.0))
    reply = {"samples_s": samples, "runs": 7, "contention": record.to_json()}
    account = run(ScriptedChildren(lambda *_: reply, wall_s=20.0), "a")
    assert account.cells[0].status == "ok"
    assert account.cells[0].median_s == pytest.approx(0.10035)


def test_after_five_disturbed_processes_in_a_row_a_sweep_stops_and_names_who() -> None:
    children = ScriptedChildren(lambda *_: seen(0.5, 5))
    account = run(children, "abc")
    assert len(children.visits) == 5
    assert "make (0.90 cores)" in account.stopped and "50%" in account.stopped


def test_what_was_disturbed_is_measured_by_the_next_sweep() -> None:
    store = MemoryStore()
    run(ScriptedChildren(lambda *_: seen(0.5, 5)), "ab", store)
    again = ScriptedChildren(lambda *_: seen(), wall_s=9.0)
    account = run(again, "ab", store)
    assert Counter(again.visits) == {"a": 2, "b": 2} and not account.stopped


def test_a_workload_that_is_always_disturbed_is_left_while_others_go_on() -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        return seen(0.5, 5) if label == "a" else seen()

    children = ScriptedChildren(script, wall_s=4.0)
    account = run(children, "ab")
    assert children.visits.count("a") == harness.DISTURBED_AT_MOST
    assert children.visits.count("b") == 5
    assert "disturbed" in account.reasons[workload("a").key]


def test_a_disturbed_process_of_minutes_is_not_repeated_in_the_same_sweep() -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        return seen(0.5, 5) if label == "a" else seen()

    children = ScriptedChildren(script, wall_s=1.1 * harness.DISTURBED_LIMIT_S)
    account = run(children, "ab")
    assert children.visits.count("a") == 1
    assert "1 process was disturbed" in account.reasons[workload("a").key]


def test_a_canary_that_ran_beside_others_judges_nothing_and_is_no_history() -> None:
    loud = seen(canary_foreign=(0.4, 0.4)) | {"canary_before_s": 0.05, "canary_after_s": 0.06}

    def script(label: str, visit: int) -> Mapping[str, Any]:
        return loud if visit == 0 else seen()

    account = run(ScriptedChildren(script, wall_s=12.0), "abc")
    by_visit = [cell.status for cell in sorted(account.cells, key=lambda c: c.round_index)]
    assert by_visit == ["unjudged"] * 3 + ["ok"] * 3


def test_where_quiet_canaries_scatter_the_verdict_is_unjudged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scattered = iter([0.02, 0.025, 0.03, 0.022, 0.028])
    monkeypatch.setattr(harness, "canary", lambda: next(scattered))
    account = run(ScriptedChildren(lambda *_: seen(), wall_s=20.0), "a")
    assert {cell.status for cell in account.cells} == {"unjudged"}


def test_waiting_for_quiet_is_no_part_of_a_processs_time() -> None:
    account = run(ScriptedChildren(lambda *_: seen(waited_s=8.0), wall_s=20.0), "a")
    assert account.cells[0].wall_s == 12.0


def test_repeats_are_not_charged_to_the_workload() -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        return seen() | ({"canary_after_s": 0.03} if visit == 0 else {})

    children = ScriptedChildren(script, wall_s=9.0)
    run(children, "a")
    assert children.visits.count("a") == 3, "two that count within 20 s, and a repeat"


def test_samples_far_above_the_workloads_fastest_run_are_repeated() -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        slow = [1.3 * s for s in SAMPLES]
        return seen() | ({"samples_s": slow, "first_run_s": 0.3} if visit == 1 else {})

    account = run(ScriptedChildren(script, wall_s=9.0), "a")
    assert [cell.status for cell in account.cells] == ["ok", "suspect", "ok"]
    assert "fastest run" in account.cells[1].facts["suspect"]


@pytest.mark.parametrize(
    ("samples_s", "first_run_s", "fastest_s", "found"),
    [
        ([1.0, 1.02, 1.01], 1.5, 1.0, None),
        ([7.3, 19.6], 20.0, None, "spread by 2.68x"),
        ([1.0] * 50 + [5.0] * 3, 1.5, None, None),
        ([3.3, 3.3], 1.4, None, "cold run"),
        ([1.2, 1.21], 1.5, 1.0, "fastest run"),
        ([], 1.0, 1.0, None),
    ],
)
def test_contradictions(
    samples_s: list[float], first_run_s: float, fastest_s: float | None, found: str | None
) -> None:
    said = contradiction(samples_s, first_run_s, fastest_s)
    assert said is None if found is None else said is not None and found in said


def test_the_cheapest_workloads_get_a_second_process_whatever_the_budget() -> None:
    keys = [workload("a").key]
    options = terms.Options(Path("artifacts"), sweep_key="s", cheapest=keys)
    children = ScriptedChildren(lambda *_: seen(), wall_s=40.0)
    harness.run(
        [workload("a"), workload("b")],
        store=MemoryStore(),
        environment=HERE,
        options=options,
        children=children,
    )
    assert Counter(children.visits) == {"a": 2, "b": 1}
