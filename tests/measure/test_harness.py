"""What the harness decides: order, stopping, resuming, failures, repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from paretobench.domain.records import Environment
from paretobench.measure import events, harness, terms
from paretobench.measure.lock import FOLDER_VARIABLE, DeviceLock
from paretobench.measure.process import ChildResult
from paretobench.measure.single import MemoryStore
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren

HERE = Environment({"chip": "test"})
ABC = [workload(name) for name in "abc"]


@pytest.fixture(autouse=True)
def steady_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)


def options(fidelity: str = "standard", **more: Any) -> terms.Options:
    return terms.Options(Path("artifacts"), fidelity=fidelity, **more)  # type: ignore[arg-type]


def run(
    children: ScriptedChildren,
    store: MemoryStore | None = None,
    workloads: Any = ABC,
    given: terms.Options | None = None,
    **more: Any,
) -> terms.Account:
    return harness.run(
        workloads,
        store=store or MemoryStore(),
        environment=more.pop("environment", HERE),
        options=given or options(),
        children=children,
        **more,
    )


def test_every_workload_gets_its_processes_in_mirrored_rounds() -> None:
    children = ScriptedChildren(wall_s=4.0)
    account = run(children, given=options(sweep_key="s", seed=3))
    assert Counter(children.visits) == {"a": 5, "b": 5, "c": 5}
    rounds = [children.visits[i : i + 3] for i in range(0, 15, 3)]
    assert rounds[0] == rounds[1][::-1]
    assert rounds[2] == rounds[3][::-1]
    assert all(sorted(visited) == ["a", "b", "c"] for visited in rounds)
    assert {cell.round_index for cell in account.cells} == set(range(5))
    assert {cell.facts["seed"] for cell in account.cells} == {3}


def test_the_account_adds_up() -> None:
    account = run(ScriptedChildren(wall_s=4.0), given=options("quick"))
    assert account.device_s == pytest.approx(12.0)
    assert account.work_s == pytest.approx(3 * (0.2 + 0.21 + 0.3))
    assert account.share == pytest.approx(account.work_s / 12.0)
    assert account.prepare_s == pytest.approx(1.5)
    assert set(account.reasons) == {w.key for w in ABC}


def test_an_account_of_nothing_has_no_share() -> None:
    assert terms.Account().share is None


def test_the_same_call_again_measures_nothing() -> None:
    store = MemoryStore()
    run(ScriptedChildren(), store)
    again = ScriptedChildren()
    account = run(again, store)
    assert (again.visits, again.prepared, account.cells) == ([], [], [])


def test_a_new_workload_alone_is_measured_later() -> None:
    store = MemoryStore()
    run(ScriptedChildren(), store, ABC[:2])
    children = ScriptedChildren()
    run(children, store, ABC)
    assert set(children.visits) == {"c"}


def test_another_environment_is_measured_anew() -> None:
    store = MemoryStore()
    run(ScriptedChildren(), store)
    children = ScriptedChildren()
    run(children, store, environment=Environment({"chip": "other"}))
    assert set(children.visits) == {"a", "b", "c"}


def test_quick_cells_do_not_count_for_standard_but_standard_ones_for_rigorous() -> None:
    store = MemoryStore()
    run(ScriptedChildren(), store, given=options("quick"))
    standard = ScriptedChildren(wall_s=9.0)
    run(standard, store)
    assert Counter(standard.visits) == {"a": 2, "b": 2, "c": 2}
    rigorous = ScriptedChildren(lambda label, visit: {"samples_s": [0.1, 0.1001, 0.0999]})
    run(rigorous, store, given=options("rigorous", sweep_key="later"))
    assert Counter(rigorous.visits) == {"a": 3, "b": 3, "c": 3}


def test_rigorous_goes_on_where_processes_differ() -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        factor = 1.0 + (0.03 * (visit % 3) if label == "a" else 0.0005 * (visit % 3))
        return {"samples_s": [0.1 * factor, 0.1001 * factor, 0.0999 * factor]}

    children = ScriptedChildren(script)
    run(children, given=options("rigorous"))
    visits = Counter(children.visits)
    assert visits["b"] == visits["c"] == 5
    assert 8 < visits["a"] <= 20


class KilledError(Exception):
    """Stands for SIGKILL between two cells."""


@pytest.mark.parametrize("after", range(1, 9))
def test_an_interrupted_sweep_finishes_its_round_first(after: int) -> None:
    store = MemoryStore()

    def stop(event: events.Event) -> None:
        if isinstance(event, events.CellFinished) and len(store.kept_cells) == after:
            raise KilledError

    given = options(sweep_key="s", seed=1)
    with pytest.raises(KilledError):
        run(ScriptedChildren(wall_s=6.0), store, given=given, listen=stop)
    run(ScriptedChildren(wall_s=6.0), store, given=given)
    counts = Counter((cell.workload_key, cell.round_index) for cell in store.kept_cells)
    assert set(counts.values()) == {1}
    assert Counter(key for key, _ in counts) == {w.key: 3 for w in ABC}
    whole = ScriptedChildren(wall_s=6.0)
    run(whole, given=given)
    label = {w.key: w.label for w in ABC}
    order = [label[cell.workload_key] for cell in store.kept_cells]
    assert order == whole.visits


def test_a_failure_is_a_row_and_the_sweep_goes_on() -> None:
    store = MemoryStore()

    def script(label: str, visit: int) -> Mapping[str, Any] | ChildResult:
        if label != "b":
            return {}
        return ChildResult(2.0, None, "timed_out", "still running after 2 s", {"log": ["last"]})

    children = ScriptedChildren(script, wall_s=9.0)
    account = run(children, store, given=options(sweep_key="s"))
    assert Counter(children.visits) == {"a": 2, "b": 1, "c": 2}
    (failure,) = account.failures
    assert (failure.kind, failure.sweep_key) == ("timed_out", "s")
    assert failure.details["log"] == ["last"]
    assert store.kept_failures == [failure]
    assert account.device_s == pytest.approx(4 * 9.0 + 2.0)


def test_failures_are_retried_only_when_asked() -> None:
    store = MemoryStore()
    run(ScriptedChildren(lambda *_: ChildResult(1.0, None, "crashed", "boom")), store)
    later = ScriptedChildren()
    account = run(later, store)
    assert later.visits == []
    assert [failure.reason for failure in account.failures] == ["boom"] * 3
    retried = ScriptedChildren()
    account = run(retried, store, given=options(retry_failed=True))
    assert set(retried.visits) == {"a", "b", "c"}
    assert account.failures == []


def test_what_kills_the_preparing_process_fails_alone() -> None:
    workloads = [workload("a"), workload("kills prepare"), workload("c")]
    store = MemoryStore()
    children = ScriptedChildren()
    account = run(children, store, workloads)
    assert set(children.visits) == {"a", "c"}
    (failure,) = account.failures
    assert failure.reason == "died of SIGSEGV: boom"
    assert failure.details["during"] == "prepare"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"samples_s": [], "runs": 0}, "no samples"),
        ({"samples_s": [0.1, 0.1, 0.1], "runs": 3}, "all 3 samples are exactly"),
        ({"samples_s": [0.1, float("nan")], "runs": 2}, "not a duration"),
        ({"samples_s": [0.1, 0.2], "runs": 3}, "logged 3 runs"),
    ],
)
def test_samples_that_cannot_be_true_are_an_invalid_failure(
    changes: dict[str, Any], reason: str
) -> None:
    store = MemoryStore()
    account = run(ScriptedChildren(lambda *_: changes), store)
    assert store.kept_cells == []
    assert {failure.kind for failure in account.failures} == {"invalid"}
    assert all(reason in failure.reason for failure in account.failures)


def test_a_cell_whose_canary_moved_is_repeated_once_and_both_are_kept() -> None:
    store = MemoryStore()

    def script(label: str, visit: int) -> Mapping[str, Any]:
        return {"canary_after_s": 0.03} if (label, visit) == ("a", 0) else {}

    children = ScriptedChildren(script)
    run(children, store, given=options("quick"))
    assert Counter(children.visits) == {"a": 2, "b": 1, "c": 1}
    moved, repeat = [c for c in store.kept_cells if c.workload_key == ABC[0].key]
    assert (moved.status, repeat.status) == ("suspect", "ok")
    assert moved.round_index == repeat.round_index == 0
    assert moved.facts["suspect"].startswith("canary moved by +50.0 %")


def test_a_machine_that_stays_slow_is_not_repeated_for_ever() -> None:
    children = ScriptedChildren(lambda *_: {"canary_before_s": 0.05, "canary_after_s": 0.05})
    store = MemoryStore()
    run(children, store, ABC[:1], given=options("quick"))
    assert children.visits == ["a", "a"]
    assert {cell.status for cell in store.kept_cells} == {"suspect"}


def test_the_time_left_falls_to_nothing() -> None:
    left: list[float | None] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.CellFinished):
            left.append(event.remaining_s)

    run(ScriptedChildren(wall_s=9.0), listen=listen)
    assert left == pytest.approx([45.0, 36.0, 27.0, 18.0, 9.0, 0.0])


def test_repeats_so_far_raise_the_time_left() -> None:
    def left_in_second_round(script: Any) -> float:
        found: list[float] = []

        def listen(event: events.Event) -> None:
            if isinstance(event, events.CellStarted) and event.round_index == 1:
                found.append(event.remaining_s or 0.0)

        run(ScriptedChildren(script, wall_s=9.0), listen=listen)
        return found[0]

    throttled = {"canary_before_s": 0.05, "canary_after_s": 0.05}
    assert left_in_second_round(lambda label, visit: {}) == pytest.approx(27.0)
    repeated_s = left_in_second_round(lambda label, visit: throttled if visit == 0 else {})
    assert repeated_s == pytest.approx(27.0 * (10 + 6) / (10 + 3))


def test_the_plans_estimate_serves_until_something_is_measured() -> None:
    started: list[float | None] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.CellStarted):
            started.append(event.remaining_s)

    expected = {w.key: 20.0 for w in ABC}
    run(ScriptedChildren(), given=options("quick", expected_cell_s=expected), listen=listen)
    assert started[0] == pytest.approx(60.0)
    started.clear()
    run(ScriptedChildren(), given=options("quick"), listen=listen)
    assert started[0] is None


def test_every_workload_that_was_measured_is_announced_as_done() -> None:
    done: list[str] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.WorkloadDone):
            done.append(event.workload.label)

    run(ScriptedChildren(), listen=listen)
    assert sorted(done) == ["a", "b", "c"]


def test_the_store_is_read_under_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, children = MemoryStore(), ScriptedChildren()
    lock = DeviceLock()
    acquire = lock.acquire

    def late(*args: Any, **more: Any) -> None:
        acquire(*args, **more)
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "of another sweep"))
        run(ScriptedChildren(), store)

    lock.acquire = late  # type: ignore[method-assign]
    run(children, store, lock=lock)
    assert children.visits == []
