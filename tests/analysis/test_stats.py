"""Estimates, sums and ratios over processes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis import pooling, stats
from paretobench.domain.contention import Contention, Neighbour
from paretobench.domain.records import Cell, Estimate
from paretobench.errors import InvalidSamplesError

seconds = st.floats(1e-5, 1e3)
medians = st.lists(seconds, min_size=2, max_size=12)


def cell(
    samples: tuple[float, ...] = (1.0, 1.1, 0.9),
    round_index: int = 0,
    status: str = "ok",
    fidelity: str = "standard",
    at: int = 0,
    sweep: str | None = "s",
    **more: object,
) -> Cell:
    return Cell(
        workload_key="w",
        environment_key="e",
        started_at=f"2026-01-01T00:00:{at:02d}",
        fidelity=fidelity,  # type: ignore[arg-type]
        round_index=round_index,
        load_s=1.0,
        first_run_s=2.0,
        warmup_s=(),
        samples_s=samples,
        canary_before_s=0.02,
        canary_after_s=0.02,
        wall_s=5.0,
        peak_memory_bytes=more.get("peak"),  # type: ignore[arg-type]
        status=status,  # type: ignore[arg-type]
        sweep_key=sweep,
    )


@given(medians)
def test_an_interval_contains_its_value_and_the_value_lies_among_the_medians(
    found: list[float],
) -> None:
    estimate = stats.estimate(found)
    assert estimate.low is not None and estimate.high is not None
    assert 0.0 < estimate.low < estimate.value < estimate.high < math.inf
    assert min(found) * 0.999 <= estimate.value <= max(found) * 1.001


@given(medians, st.floats(0.1, 10))
def test_a_change_of_unit_scales_value_and_interval_alike(found: list[float], unit: float) -> None:
    one, other = stats.estimate(found), stats.estimate([unit * m for m in found])
    assert one.low is not None and other.low is not None
    assert other.value == pytest.approx(unit * one.value)
    assert other.low == pytest.approx(unit * one.low, rel=1e-6)


@given(medians)
def test_the_order_of_processes_does_not_matter(found: list[float]) -> None:
    assert stats.estimate(found).value == pytest.approx(stats.estimate(found[::-1]).value)


def test_the_interval_is_students_t_on_the_logarithms() -> None:
    logs = np.log([0.100, 0.102, 0.101, 0.103])
    margin = 3.182446 * np.std(logs, ddof=1) / 2  # t(0.975, 3) from a printed table
    estimate = stats.estimate([0.100, 0.102, 0.101, 0.103])
    assert estimate.high == pytest.approx(math.exp(np.mean(logs) + margin), rel=1e-6)
    assert estimate.n == 4
    assert estimate.df == 3


def test_one_process_has_an_unknown_interval_not_a_narrow_one() -> None:
    estimate = stats.estimate([0.1])
    assert (estimate.low, estimate.high, estimate.method) == (None, None, "unknown")


def test_a_pool_gives_even_one_process_an_interval_and_says_so() -> None:
    estimate = stats.estimate([0.1], pooling.Pool(0.01, 8.0, 10))
    assert estimate.method == "pooled"
    assert estimate.log_sd == pytest.approx(0.01)
    assert estimate.df == 8.0


def test_equal_medians_still_have_an_interval() -> None:
    estimate = stats.estimate([0.1, 0.1, 0.1])
    assert estimate.low is not None and estimate.low < 0.1


@pytest.mark.parametrize("wrong", [[], [0.1, float("nan")], [0.0], [-1.0], [float("inf")]])
def test_medians_that_are_no_durations_are_refused(wrong: list[float]) -> None:
    with pytest.raises(InvalidSamplesError, match="positive and finite"):
        stats.estimate(wrong)


@pytest.mark.parametrize(
    ("samples", "runs", "message"),
    [
        ([], None, "no samples"),
        ([1.0, float("nan")], None, "not a duration"),
        ([1.0, float("inf")], None, "not a duration"),
        ([1.0, 0.0], None, "not a duration"),
        ([1.0, 1.0, 1.0], None, "all 3 samples are exactly"),
        ([1.0, 1.1], 3, "2 samples arrived where the process logged 3 runs"),
    ],
)
def test_samples_that_cannot_be_true_are_refused(
    samples: list[float], runs: int | None, message: str
) -> None:
    with pytest.raises(InvalidSamplesError, match=message):
        stats.check_samples(samples, runs)


def test_ordinary_samples_pass() -> None:
    stats.check_samples([1.0, 1.1], 2)


def test_a_sum_adds_values_and_combines_errors() -> None:
    encode, prefill = stats.estimate([0.10, 0.11, 0.09]), stats.estimate([0.30, 0.31, 0.29])
    total = stats.compose([(2, encode), (1, prefill)])
    assert total.value == pytest.approx(2 * encode.value + prefill.value)
    assert encode.log_se is not None and prefill.log_se is not None and total.log_se is not None
    absolute = math.hypot(2 * encode.value * encode.log_se, prefill.value * prefill.log_se)
    assert total.log_se == pytest.approx(absolute / total.value)
    assert total.df is not None and 2 <= total.df <= 4


def test_a_sum_of_one_part_is_that_part() -> None:
    part = stats.estimate([0.10, 0.11, 0.09])
    total = stats.compose([(1, part)])
    assert (total.low, total.high) == (pytest.approx(part.low), pytest.approx(part.high))


def test_a_sum_with_an_unknown_part_has_an_unknown_interval() -> None:
    known, unknown = stats.estimate([0.1, 0.11]), stats.estimate([0.2])
    total = stats.compose([(1, known), (1, unknown)])
    assert (total.value, total.low, total.n) == (pytest.approx(known.value + 0.2), None, 1)


def test_parts_that_cannot_make_a_sum_are_refused() -> None:
    broken = Estimate(float("nan"), None, None, 1, "unknown")
    with pytest.raises(InvalidSamplesError, match="cannot make a sum"):
        stats.compose([(1, broken)])
    with pytest.raises(InvalidSamplesError, match="cannot make a sum"):
        stats.compose([(1, stats.estimate([1.0])), (-1, stats.estimate([0.5]))])


@given(medians, medians)
def test_a_sum_is_never_surer_than_its_parts(a: list[float], b: list[float]) -> None:
    one, other = stats.estimate(a), stats.estimate(b)
    total = stats.compose([(3, one), (1, other)])
    assert total.low is not None and total.high is not None
    assert total.low >= 3 * one.low + other.low - 1e-9  # type: ignore[operator]
    for weight, part in ((3, one), (1, other)):
        width = weight * (part.high - part.low)  # type: ignore[operator]
        assert total.high - total.low >= width * (1 - 1e-9)


@given(medians, medians)
def test_the_inverse_ratio_has_the_inverse_interval(a: list[float], b: list[float]) -> None:
    one, other = stats.estimate(a), stats.estimate(b)
    there, back = stats.ratio(one, other), stats.ratio(other, one)
    assert there.low is not None and back.high is not None
    assert math.log(there.low) == pytest.approx(-math.log(back.high), abs=1e-6)


def test_a_ratio_with_an_unknown_side_is_a_value_without_an_interval() -> None:
    found = stats.ratio(stats.estimate([0.2]), stats.estimate([0.1, 0.11]))
    assert found.low is None and found.method == "unknown"


def test_a_repeat_that_held_stands_for_its_round() -> None:
    moved, repeat = cell(status="suspect", at=1), cell(at=2)
    assert stats.replicates([repeat, moved]) == [repeat]


def test_if_no_canary_held_the_later_cell_stands() -> None:
    first, second = cell(status="suspect", at=1), cell(status="suspect", at=2)
    assert stats.replicates([first, second]) == [second]


def test_each_round_counts_once() -> None:
    cells = [cell(round_index=i, at=i) for i in range(3)]
    assert stats.replicates(cells) == cells
    assert len(stats.replicates([*cells, cell(round_index=0, sweep="t", at=9)])) == 4


def test_quick_cells_step_back_where_longer_ones_exist() -> None:
    quick, longer = cell(fidelity="quick"), cell(round_index=1, at=1)
    assert stats.replicates([quick, longer]) == [longer]
    assert stats.replicates([quick]) == [quick]
    assert stats.replicates([quick], "standard") == []


def test_a_measurement_says_what_it_rests_on() -> None:
    cells = [cell((1.0, 1.1, 0.9), i, at=i, peak=100 + i) for i in range(3)]
    found = stats.measurement(cells)
    assert (found.cells, found.samples, found.peak_memory_bytes) == (3, 9, 102)
    assert (found.first_run_s, found.load_s, found.fidelity) == (2.0, 1.0, "standard")
    assert found.latency.method == "t on log cell medians"


def test_rigorous_stands_on_its_own_processes_where_they_say_more_and_other_levels_borrow() -> None:
    pool = pooling.Pool(0.01, 8.0, 10)
    methods = {
        level: stats.measurement(
            [cell((1.0 + 0.01 * i,), i, at=i, fidelity=level) for i in range(3)], pool
        ).latency.method
        for level in ("quick", "standard", "rigorous")
    }
    own = "t on log cell medians"
    assert methods == {"quick": "pooled", "standard": "pooled", "rigorous": own}


def test_rigorous_is_not_surer_than_its_pool() -> None:
    """All of five processes can be of the fast one of two modes."""
    cells = [cell((1.0 + 1e-4 * i,), i, at=i, fidelity="rigorous") for i in range(5)]
    alone = stats.measurement(cells).latency
    beside = stats.measurement(cells, pooling.Pool(0.025, 8.0, 10)).latency
    assert beside.method == "pooled" and beside.value == alone.value
    assert beside.high > 1.01 * alone.high  # type: ignore[operator]


def test_one_process_has_the_pools_interval_or_the_stated_prior() -> None:
    borrowed = stats.measurement([cell()], pooling.Pool(0.01, 8.0, 10)).latency
    assert borrowed.method == "pooled" and borrowed.is_known
    alone = stats.measurement([cell()]).latency
    assert alone.method == "prior"
    assert math.log(alone.high / alone.value) == pytest.approx(0.1, abs=0.01)  # type: ignore[operator]


def disturbed(samples_s: tuple[float, ...], index: int, counts: int = 0) -> Cell:
    n = len(samples_s)
    seen = Contention(2, (0.5,) * n, tuple(range(counts, n)), neighbours=(Neighbour("make", 1.0),))
    return replace(cell(samples_s, index, at=index, status="disturbed"), contention=seen)


def test_what_was_never_quiet_gives_the_range_seen_and_concludes_nothing() -> None:
    found = stats.measurement([disturbed((1.0, 2.0, 4.0), 0), disturbed((3.0, 1.5, 2.0), 1)])
    latency = found.latency
    assert (latency.low, latency.high) == (1.0, 4.0)
    assert latency.is_disturbed and not latency.is_known
    assert any("make" in label and "50%" in label for label in latency.labels)
    total = stats.compose([(1, latency), (1, stats.estimate([1.0, 1.01]))])
    assert total.is_disturbed and not total.is_known


def test_disturbed_processes_step_back_as_soon_as_one_was_quiet() -> None:
    found = stats.measurement([disturbed((1.0, 2.0), 0), cell((1.0, 1.01), 1, at=1)])
    assert found.cells == 1 and not found.latency.is_disturbed


def test_only_samples_that_count_make_the_median() -> None:
    seen = Contention(2, (0.0, 0.0, 0.5, 0.0), disturbed=(2,))
    one = replace(cell((1.0, 1.1, 9.0, 1.2)), contention=seen)
    assert one.median_s == 1.1 and stats.measurement([one]).samples == 3


def test_the_mean_of_two_samples_is_not_called_a_median() -> None:
    assert "mean of 2 samples" in stats.labels_of([cell((1.0, 1.1))])


def test_a_rigorous_interval_pays_for_looking_repeatedly() -> None:
    levels = {
        level: stats.measurement(
            [cell((1.0 + 0.01 * i,), i, at=i, fidelity=level) for i in range(5)]
        ).latency
        for level in ("standard", "rigorous")
    }
    assert levels["rigorous"].low < levels["standard"].low  # type: ignore[operator]


def test_no_cell_is_no_measurement() -> None:
    with pytest.raises(InvalidSamplesError, match="no cells"):
        stats.measurement([])


def test_labels_name_what_a_reader_must_know() -> None:
    even = tuple(1.0 + 0.001 * i for i in range(20))
    cells = [cell((*even, 3.0), i, at=i, status="suspect" if i == 0 else "ok") for i in range(3)]
    labels = stats.labels_of(cells)
    assert "severe outliers 3/63" in labels
    assert "suspect: 1 of 3 processes" in labels


def test_few_samples_or_few_outliers_make_no_outlier_label() -> None:
    short = [cell((*(1.0 + 0.001 * i for i in range(10)), 3.0), i, at=i) for i in range(3)]
    long = [cell((*(1.0 + 0.001 * i for i in range(150)), 3.0), i, at=i) for i in range(3)]
    assert not any("outliers" in label for label in stats.labels_of(short) + stats.labels_of(long))


def test_two_kinds_of_processes_are_labelled_bimodal() -> None:
    slow = [1.2 if i % 3 == 0 else 1.0 for i in range(12)]
    cells = [
        cell(tuple(s * (1 + 0.001 * j) for j in range(3)), i, at=i) for i, s in enumerate(slow)
    ]
    assert "bimodal between processes" in stats.labels_of(cells)


def test_what_is_made_of_something_disturbed_is_disturbed_whatever_is_known_of_the_rest() -> None:
    disturbed = replace(stats.estimate([0.1, 0.11]), is_disturbed=True)
    for other in (stats.estimate([0.2]), stats.estimate([0.2, 0.21])):
        assert stats.compose([(1, disturbed), (1, other)]).is_disturbed
        assert stats.ratio(disturbed, other).is_disturbed
