"""A budget counts down, keeps time for what comes after the parts, and stops while waiting."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from paretobench.domain.records import Cell
from paretobench.measure import events
from paretobench.sweeping import budget, interim
from paretobench.sweeping.budget import Budget
from paretobench.sweeping.interim import InterimReport
from tests.measure.pretend import workload


class Clock:
    """Seconds that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        for module in (budget, interim):
            monkeypatch.setattr(module, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_without_a_budget_nothing_ends() -> None:
    endless = Budget(None)
    assert endless.parts_end_in_s is None and endless.checks_end_in_s is None
    assert endless.is_held


def test_parts_end_before_checks_and_checks_before_the_report(clock: Clock) -> None:
    found = Budget(900.0)
    assert found.parts_end_in_s is not None and found.checks_end_in_s is not None
    assert 0 < found.parts_end_in_s < found.checks_end_in_s < 900.0
    clock.now += 100.0
    assert found.parts_end_in_s == pytest.approx(800.0 - found.reserved_s)


def test_without_checks_their_time_goes_to_the_parts(clock: Clock) -> None:
    without, with_checks = Budget(900.0, has_checks=False), Budget(900.0)
    assert without.parts_end_in_s == without.checks_end_in_s
    assert (without.parts_end_in_s or 0.0) > (with_checks.parts_end_in_s or 0.0)


def test_scoring_takes_its_time_from_the_parts_and_ends_before_checks(clock: Clock) -> None:
    found, without = Budget(900.0, has_scoring=True), Budget(900.0)
    ends = (found.parts_end_in_s, found.scoring_ends_in_s, found.checks_end_in_s)
    assert None not in ends and list(ends) == sorted(ends)  # type: ignore[type-var]
    assert found.checks_end_in_s == without.checks_end_in_s
    assert found.scoring_ends_in_s == without.parts_end_in_s


def test_waiting_for_the_device_does_not_count(clock: Clock) -> None:
    found = Budget(60.0)
    found.listen(events.Waiting("held by another"))
    clock.now += 500.0
    found.listen(events.Preparing(workload("a"), 0, 1))
    assert found.elapsed_s == pytest.approx(0.0)
    clock.now += 67.0
    assert not found.is_held


def test_what_came_before_counts_up_to_a_fifth(clock: Clock) -> None:
    assert Budget(900.0, began_at=clock.now - 60.0).elapsed_s == pytest.approx(60.0)
    assert Budget(900.0, began_at=clock.now - 5000.0).elapsed_s == pytest.approx(180.0)


def test_a_slow_drawing_keeps_more_time_for_the_report_but_never_most_of_it(clock: Clock) -> None:
    found = Budget(900.0, has_checks=False)
    before = found.reserved_s
    found.note_drawing(5.0)
    assert before < found.reserved_s
    found.note_drawing(1000.0)
    assert found.reserved_s <= 0.2 * 900.0


def test_the_front_is_drawn_early_and_drawing_takes_a_tenth_of_the_time(clock: Clock) -> None:
    drawn_at: list[float] = []
    finished = events.CellFinished(workload("a"), SimpleNamespace(spec=Cell), None)  # type: ignore[arg-type]

    def draw() -> bool:
        drawn_at.append(clock.now)
        clock.now += 20.0
        return True

    report = InterimReport(draw, Budget(900.0))
    started_at = clock.now
    while clock.now < started_at + 900.0:
        clock.now += 10.0
        report.listen(events.Preparing(workload("a"), 0, 1))
        report.listen(finished)
    assert drawn_at[0] - started_at <= 900.0 / 5
    gaps = [b - a for a, b in itertools.pairwise(drawn_at)]
    assert min(gaps) >= 200.0


def test_a_front_of_nothing_is_tried_again(clock: Clock) -> None:
    tries: list[float] = []

    def draw() -> bool:
        tries.append(clock.now)
        return len(tries) > 2

    report = InterimReport(draw, Budget(100.0))
    finished = events.CellFinished(workload("a"), SimpleNamespace(spec=Cell), None)  # type: ignore[arg-type]
    for _ in range(12):
        clock.now += 5.0
        report.listen(finished)
    assert len(tries) > 2
    assert tries[1] - tries[0] <= 10.0
