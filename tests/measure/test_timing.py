"""Warm-up, sampling and the number of processes, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.measure.timing import Repetition, sample, warm_up
from paretobench.planning.stopping import CellPlan, SamplingPlan, cell_plan, is_warm


class Clock:
    """Simulated seconds; `runs` says how long each repetition takes."""

    def __init__(self, runs: Iterator[float], renewing_s: float = 0.0) -> None:
        self.now, self.runs, self.renewing_s, self.renewed = 0.0, runs, renewing_s, 0

    def __call__(self) -> float:
        return self.now

    def run(self) -> None:
        self.now += next(self.runs)

    def renew(self) -> None:
        self.now += self.renewing_s
        self.renewed += 1


def always(seconds: float) -> Iterator[float]:
    while True:
        yield seconds


def then(first: list[float], rest: float) -> Iterator[float]:
    yield from first
    yield from always(rest)


def repetition(runs: Iterator[float], renewing_s: float = 0.0) -> tuple[Repetition, Clock]:
    clock = Clock(runs, renewing_s)
    return Repetition(clock.run, clock.renew, clock), clock


def test_making_the_input_is_not_timed() -> None:
    repeat, clock = repetition(always(0.1), renewing_s=5.0)
    assert repeat() == pytest.approx(0.1)
    assert (clock.renewed, repeat.count) == (1, 1)


def test_warming_up_ends_when_runs_stop_getting_faster() -> None:
    falling = [0.9, 0.5, 0.3, 0.2, 0.15, 0.12, 0.11]
    repeat, _ = repetition(then(falling, 0.1))
    first, discarded = warm_up(repeat, SamplingPlan())
    assert first == pytest.approx(0.9)
    assert discarded[:6] == pytest.approx(falling[1:])
    assert discarded[-3:] == pytest.approx([0.1] * 3)


def test_a_process_that_never_settles_is_warm_when_its_time_is_up() -> None:
    repeat, clock = repetition(iter([0.5 * 0.97**i for i in range(1000)]))
    warm_up(repeat, SamplingPlan(warmup_limit_s=3.0))
    assert 3.0 <= clock.now < 4.5


def test_getting_slower_is_not_warming_up() -> None:
    plan = SamplingPlan(window=2)
    assert is_warm([1.0, 1.0, 1.5, 1.6], plan)
    assert not is_warm([1.0, 1.0, 0.9, 0.9], plan)
    assert not is_warm([1.0, 1.0, 1.0], plan)


def test_one_hiccup_does_not_prolong_the_warm_up() -> None:
    assert is_warm([1.0, 9.0, 1.0, 1.0, 1.0, 1.0], SamplingPlan())


def test_for_slow_runs_the_cold_run_is_the_warm_up() -> None:
    repeat, _ = repetition(always(20.0))
    assert warm_up(repeat, SamplingPlan()) == (20.0, [])
    assert len(sample(repeat, SamplingPlan())) == SamplingPlan().min_slow_samples


@given(st.floats(1e-4, 1.5), st.floats(0, 10))
def test_sampling_lasts_its_time_and_respects_both_bounds(run_s: float, overhead_s: float) -> None:
    plan = SamplingPlan(max_samples=200)
    repeat, clock = repetition(always(run_s))
    samples = sample(repeat, plan, overhead_s)
    assert plan.min_samples <= len(samples) <= plan.max_samples
    if len(samples) < plan.max_samples:
        assert clock.now >= plan.target_s(overhead_s) * (1 - 1e-9)
    if len(samples) > plan.min_samples:
        assert clock.now - run_s < plan.target_s(overhead_s) * (1 + 1e-9)


def test_sampling_makes_up_for_a_slow_start_within_its_limit() -> None:
    plan = SamplingPlan(sample_s=2.0, share=0.75, sample_limit_s=8.0)
    assert [plan.target_s(overhead_s) for overhead_s in (0.1, 2.0, 60.0)] == [2.0, 6.0, 8.0]


def test_quick_takes_one_process() -> None:
    plan = cell_plan("quick")
    assert plan.decide([], 0.0).needs_more
    assert not plan.decide([0.1], 2.0).needs_more


def test_standard_takes_two_processes_and_more_if_they_are_cheap() -> None:
    plan = cell_plan("standard")
    assert plan.decide([0.1], 8.0).needs_more
    assert plan.decide([0.1] * 2, 10.0).needs_more
    assert not plan.decide([0.1] * 2, 17.0).needs_more
    assert not plan.decide([0.1] * 5, 5.0).needs_more


def test_standard_takes_one_process_of_what_is_very_slow() -> None:
    decision = cell_plan("standard").decide([20.0], 75.0)
    assert not decision.needs_more
    assert decision.why == "another process would exceed 30 s for this workload"


def test_rigorous_looks_from_the_fifth_process_on() -> None:
    plan = cell_plan("rigorous", 0.01)
    assert plan.decide([0.1] * 4, 40.0).needs_more
    assert not plan.decide([0.1, 0.1001, 0.0999, 0.1, 0.1], 50.0).needs_more
    assert plan.decide([0.10, 0.11, 0.09, 0.1, 0.1], 50.0).needs_more
    assert not plan.decide([0.10, 0.11] * 10, 200.0).needs_more


def test_the_reason_names_the_width_that_was_reached() -> None:
    why = cell_plan("rigorous", 0.01).decide([0.1, 0.1001, 0.0999, 0.1, 0.1], 50.0).why
    assert why.startswith("half-width 0.1") and why.endswith("<= 1.00%")


def test_a_tighter_goal_takes_more_processes() -> None:
    medians = [0.1, 0.1005, 0.0995, 0.1, 0.1002]
    assert not cell_plan("rigorous", 0.01).decide(medians, 50.0).needs_more
    assert cell_plan("rigorous", 0.001).decide(medians, 50.0).needs_more


@pytest.mark.parametrize("fidelity", ["quick", "standard", "rigorous"])
@given(cell_s=st.floats(0.5, 100), spread=st.floats(0.9, 1.1))
def test_expected_processes_are_none_exactly_when_no_more_are_wanted(
    fidelity: str, cell_s: float, spread: float
) -> None:
    plan = cell_plan(fidelity)  # type: ignore[arg-type]
    medians: list[float] = []
    while plan.decide(medians, cell_s * len(medians)).needs_more:
        expected = plan.expected_cells(medians, cell_s * len(medians), cell_s)
        assert 1 <= expected <= plan.max_cells - len(medians)
        medians.append(spread ** (len(medians) % 3))
    assert plan.expected_cells(medians, cell_s * len(medians), cell_s) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cell_plan("thorough"), "quick, standard, rigorous or audit"),  # type: ignore[arg-type]
        (lambda: cell_plan("rigorous", 0.0), "above 0"),
        (lambda: cell_plan("rigorous", float("nan")), "above 0"),
    ],
)
def test_levels_and_goals_that_do_not_exist_are_refused(
    make: Callable[[], CellPlan], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()
