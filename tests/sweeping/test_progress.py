"""Progress: every running process is named with its time, and what is left never stands still."""

from __future__ import annotations

from dataclasses import replace

from paretobench.domain.records import Failure
from paretobench.measure import events
from paretobench.sweeping.progress import EVERY_S, QUIET_S, Progress
from tests.store import examples
from tests.store.contract import ENCODE, HERE


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def following(besides_s: float = 0.0) -> tuple[Progress, Clock, list[str]]:
    clock, lines = Clock(), list[str]()
    return Progress(lines.append, besides_s=besides_s, clock=clock), clock, lines


def test_a_long_process_is_named_with_its_time_every_half_minute() -> None:
    progress, clock, lines = following()
    progress.listen(events.CellStarted(ENCODE, 0, 300.0))
    for _ in range(4):
        clock.now += QUIET_S
        progress.remind()
    assert len(lines) == 5
    assert all(ENCODE.label in line for line in lines)
    assert "for 2 min 0 s" in lines[-1]


def test_the_time_left_counts_down_between_estimates_and_includes_what_comes_after() -> None:
    progress, clock, _ = following(besides_s=50.0)
    assert progress.left_s is None
    progress.listen(events.CellStarted(ENCODE, 0, 300.0))
    assert progress.left_s == 350.0
    clock.now += 100.0
    assert progress.left_s == 250.0
    clock.now += 1000.0
    assert progress.left_s == 50.0


def test_short_processes_do_not_flood_a_log() -> None:
    progress, clock, lines = following()
    cell = examples.cell(ENCODE, HERE)
    for _ in range(20):
        progress.listen(events.CellStarted(ENCODE, 0, None))
        clock.now += 1.0
        progress.listen(events.CellFinished(ENCODE, cell, None))
    assert len(lines) <= 20.0 / EVERY_S + 1
    assert "20 processes done" in progress.text()


def test_a_cell_that_does_not_count_says_so_and_a_failure_is_printed_at_once() -> None:
    progress, _, lines = following()
    disturbed = replace(examples.cell(ENCODE, HERE), status="disturbed")
    progress.listen(events.CellFinished(ENCODE, disturbed, 10.0))
    assert "(disturbed)" in lines[-1]
    failure = Failure(ENCODE.key, HERE.key, "crashed", "it fell", "2026-01-01T00:00:00+00:00")
    progress.listen(events.WorkloadFailed(ENCODE, failure))
    assert lines[-1].startswith("failed: ") and "it fell" in lines[-1]
