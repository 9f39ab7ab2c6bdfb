"""What the harness does with what a question decides: order, resuming, deadlines, repeats."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paretobench.domain.contention import Contention
from paretobench.domain.records import Environment, Process
from paretobench.measure import deadline, events, harness, terms
from paretobench.measure.by_decision import records
from paretobench.measure.process import ChildResult
from paretobench.measure.single import MemoryStore
from paretobench.planning.question import Candidate, CandidatePart, Inquiry, Question
from paretobench.store import Store
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren

HERE = Environment({"chip": "test"})
PARTS = {label: workload(label) for label in ("small", "large", "tiny", "big", "unscored")}
SECONDS = {"small": 0.05, "large": 0.2, "tiny": 0.1, "big": 0.5, "unscored": 0.3}
PROCESS_S = 5.0


def asked(question: Question, seed: int = 0) -> Mapping[str, Any]:
    """Four scored points of two encoders and two language models, and a part beside them."""
    key = {label: part.key for label, part in PARTS.items()}
    parts = tuple(
        CandidatePart(key[label], "g", SECONDS[label], PROCESS_S + SECONDS[label])
        for label in PARTS
    )
    candidates = tuple(
        Candidate(f"{a}+{b}", {key[a]: 1.0, key[b]: 1.0}, {"r": 0.5 + 0.05 * (i + 2 * j)})
        for i, a in enumerate(("small", "large"))
        for j, b in enumerate(("tiny", "big"))
    )
    return Inquiry(question, candidates, parts, seed).to_json()


class TimedChildren(ScriptedChildren):
    """Children whose processes take `wall_s` on a clock that the deadline reads."""

    def __init__(self, script: Callable[..., Any] | None = None, wall_s: float = PROCESS_S) -> None:
        super().__init__(script or medians, wall_s)
        self.now = 0.0
        self.limits: list[float] = []

    def ask(self, module: str, orders: Any, timeout_s: float) -> ChildResult:
        self.limits.append(timeout_s)
        result = super().ask(module, orders, timeout_s)
        took_s = min(result.wall_s, timeout_s)
        self.now += took_s
        if result.wall_s > timeout_s:
            return ChildResult(took_s, None, "timed_out", "still running")
        return result


def medians(label: str, visit: int) -> Mapping[str, Any]:
    off = 1.0 + 0.002 * (-1) ** visit
    samples_s = [SECONDS[label] * off * each for each in (1.0, 1.001, 0.999)]
    return {"samples_s": samples_s, "first_run_s": 2 * SECONDS[label]}


def run(
    children: TimedChildren,
    monkeypatch: pytest.MonkeyPatch,
    question: Question | None = None,
    store: MemoryStore | None = None,
    listen: events.Listener = events.ignore,
    **more: Any,
) -> terms.Account:
    monkeypatch.setattr(deadline, "monotonic", lambda: children.now)
    monkeypatch.setattr(harness, "canary", lambda: 0.02)
    options = terms.Options(
        Path("artifacts"), inquiry=asked(question or Question("front")), sweep_key="s", **more
    )
    return harness.run(
        list(PARTS.values()),
        store=store or MemoryStore(),
        environment=HERE,
        options=options,
        children=children,
        listen=listen,
    )


def test_a_front_is_measured_without_what_no_scored_point_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    children = TimedChildren()
    account = run(children, monkeypatch)
    assert "is known" in account.decision
    assert set(children.visits) == set(PARTS) - {"unscored"}
    phases = {cell.facts["phase"] for cell in account.cells}
    assert {"first", "confirming"} <= phases


def test_a_plan_knows_of_a_sweep_what_the_sweep_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [replace(one, sweep_key=None) for one in run(TimedChildren(), monkeypatch).cells]
    with Store.open(tmp_path / "x.db") as store:
        store.add_environment(HERE)
        store.add_workloads(PARTS.values())
        store.add_cells(cells)
        summaries = store.cell_summaries()
    known, planned = (records(by_workload(each), "standard") for each in (cells, summaries))
    assert planned == known
    assert any(record.confirmations for record in planned.values())


def by_workload(processes: Iterable[Process]) -> dict[str, list[Process]]:
    found: dict[str, list[Process]] = {}
    for one in sorted(processes, key=lambda each: each.started_at):
        found.setdefault(one.workload_key, []).append(one)
    return found


def test_every_process_has_a_round_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    account = run(TimedChildren(), monkeypatch, Question("all"))
    rounds = Counter((cell.workload_key, cell.round_index) for cell in account.cells)
    assert set(rounds.values()) == {1}


@pytest.mark.parametrize("ends_in_s", [3.0, 12.0, 31.0, 60.0])
@pytest.mark.parametrize("question", [Question("all"), Question("best", under_s=0.3)])
def test_processes_end_in_time(
    question: Question, ends_in_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = TimedChildren()
    run(children, monkeypatch, question, ends_in_s=ends_in_s)
    assert children.now <= ends_in_s


def test_a_process_that_takes_longer_than_the_time_left_is_ended_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, children = MemoryStore(), TimedChildren(wall_s=100.0)
    account = run(children, monkeypatch, store=store, ends_in_s=40.0)
    assert children.now <= 40.0 * 1.1
    assert (account.cells, account.failures, store.kept_failures) == ([], [], [])


def test_a_process_that_hangs_within_the_time_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    children = TimedChildren(wall_s=100.0)
    account = run(children, monkeypatch, ends_in_s=900.0, cell_timeout_s=8.0)
    assert {failure.kind for failure in account.failures} == {"timed_out"}


class KilledError(Exception):
    """Stands for SIGKILL between two cells."""


@pytest.mark.parametrize("question", [Question("front"), Question("best", under_s=0.3)])
def test_a_sweep_killed_after_any_process_goes_on_as_it_would_have(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        suspect = {"canary_after_s": 0.03} if (label, visit) == ("large", 0) else {}
        return {**medians(label, visit), **suspect}

    whole = TimedChildren(script)
    run(whole, monkeypatch, question)
    for after in range(1, len(whole.visits)):
        store = MemoryStore()

        def stop(event: events.Event, store: MemoryStore = store, after: int = after) -> None:
            if isinstance(event, events.CellFinished) and len(store.kept_cells) == after:
                raise KilledError

        first = TimedChildren(script)
        with pytest.raises(KilledError):
            run(first, monkeypatch, question, store, stop)
        visited = Counter(first.visits)

        def later(label: str, visit: int, visited: Counter[str] = visited) -> Mapping[str, Any]:
            return script(label, visit + visited[label])

        second = TimedChildren(later)
        second._second = itertools.count(after)
        run(second, monkeypatch, question, store)
        assert first.visits + second.visits == whole.visits


def test_a_suspect_process_is_repeated_at_once_in_its_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def script(label: str, visit: int) -> Mapping[str, Any]:
        return {**medians(label, visit), **({"canary_after_s": 0.03} if visit == 0 else {})}

    store, children = MemoryStore(), TimedChildren(script)
    run(children, monkeypatch, store=store)
    first, second = store.kept_cells[:2]
    assert first.workload_key == second.workload_key
    assert first.round_index == second.round_index
    assert (first.status, second.status) == ("suspect", "ok")


def test_parts_that_others_disturb_are_set_aside_and_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = Contention(2, (0.6,) * 3, (0, 1, 2), canary_foreign=(0.0, 0.0)).to_json()

    def script(label: str, visit: int) -> Mapping[str, Any]:
        disturbed = {"contention": busy} if label in ("large", "big") else {}
        return {**medians(label, visit), **disturbed}

    children = TimedChildren(script)
    account = run(children, monkeypatch, Question("all"), ends_in_s=300.0)
    assert Counter(children.visits)["large"] == Counter(children.visits)["big"] == 2
    first_round = children.visits[:4]
    assert sorted(first_round) == ["big", "large", "small", "tiny"]
    assert {"small", "tiny", "unscored"} <= set(children.visits)
    assert account.stopped == ""


def test_the_first_part_is_measured_before_everything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    children, made_before_first = TimedChildren(), []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.CellFinished) and not made_before_first:
            made_before_first.extend(children.prepared)

    slow = {part.key: 15.0 for part in PARTS.values()}
    run(children, monkeypatch, listen=listen, preparation_s=slow)
    assert len(made_before_first) == 1
    assert set(children.prepared) == set(PARTS) - {"unscored"}


def test_what_cannot_be_made_takes_its_points_out_of_the_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PARTS, "big", workload("kills prepare"))
    monkeypatch.setitem(SECONDS, "kills prepare", 0.5)
    children = TimedChildren()
    account = run(children, monkeypatch)
    assert [failure.reason for failure in account.failures] == ["died of SIGSEGV: boom"]
    assert set(children.visits) == {"small", "large", "tiny"}


def test_the_time_left_is_that_of_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float | None] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.CellStarted):
            left.append(event.remaining_s)

    run(TimedChildren(), monkeypatch, listen=listen, ends_in_s=60.0)
    assert left[:3] == pytest.approx([60.0, 55.0, 50.0])
