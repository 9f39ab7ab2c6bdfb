"""Speed-ups and gains at the baseline's own vertices, nothing extrapolated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis.claims import gain_at_equal_budget, largest, speedup_at_equal_accuracy
from paretobench.analysis.noise import draw
from paretobench.analysis.points import Contender, LatencyNoise


def family(name: str, pairs: list[tuple[float, float]], log_se: float = 0.01) -> list[Contender]:
    return [
        Contender(f"{name}{i}", t, a, ttft_noise=LatencyNoise(log_se), accuracy_se=0.001)
        for i, (t, a) in enumerate(pairs)
    ]


BASELINE = family("b", [(0.2, 0.50), (0.4, 0.60), (0.5, 0.55), (0.8, 0.70)])


def test_speedups_are_taken_at_the_baselines_vertices_only():
    ours = family("a", [(0.1, 0.50), (0.2, 0.60), (0.4, 0.70)])
    results = speedup_at_equal_accuracy(ours, BASELINE)
    assert [each.baseline.name for each in results] == ["b0", "b1", "b3"]
    assert [each.effect for each in results] == pytest.approx([2.0, 2.0, 2.0])


def test_a_staircase_does_not_overstate_a_twofold_speedup():
    levels = np.linspace(0.4, 0.7, 13)
    theirs = family("b", [(0.1 * math.exp(8 * (a - 0.4)), a) for a in levels[::3]])
    ours = family("a", [(0.05 * math.exp(8 * (a - 0.4)), a) for a in levels])
    found = largest(speedup_at_equal_accuracy(ours, theirs))
    assert found is not None and found.effect == pytest.approx(2.0)


def test_an_accuracy_nobody_reaches_is_said_and_not_extrapolated():
    results = speedup_at_equal_accuracy(family("a", [(0.1, 0.55), (0.2, 0.65)]), BASELINE)
    assert [each.note for each in results] == ["", "", "not reached"]
    assert results[-1].candidate is None and results[-1].effect is None
    assert [each.candidate.name for each in results[:2]] == ["a0", "a1"]


def test_a_budget_nobody_meets_is_said():
    results = gain_at_equal_budget(family("a", [(0.3, 0.62), (0.7, 0.72)]), BASELINE)
    assert [each.note for each in results] == ["n/a", "", ""]
    assert [each.effect for each in results[1:]] == pytest.approx([0.02, 0.02])


def test_a_slower_candidate_has_a_speedup_below_one_and_a_negative_gain():
    ours = family("a", [(0.4, 0.45), (1.6, 0.75)])
    assert speedup_at_equal_accuracy(ours, BASELINE)[0].effect == pytest.approx(0.2 / 1.6)
    assert gain_at_equal_budget(ours, BASELINE)[1].effect == pytest.approx(-0.15)


def test_of_equally_fast_candidates_the_more_accurate_is_named():
    ours = family("a", [(0.1, 0.60), (0.1, 0.65)])
    assert speedup_at_equal_accuracy(ours, BASELINE)[0].candidate.name == "a1"
    ours = family("a", [(0.15, 0.60), (0.1, 0.60)])
    assert gain_at_equal_budget(ours, BASELINE)[0].candidate.name == "a1"


def test_single_points_can_be_compared():
    ours, theirs = family("a", [(0.1, 0.6)]), family("b", [(0.32, 0.6)])
    assert speedup_at_equal_accuracy(ours, theirs)[0].effect == pytest.approx(3.2)
    assert gain_at_equal_budget(ours, theirs)[0].effect == 0.0


def test_intervals_come_from_the_noise_of_the_two_configurations():
    ours, theirs = family("a", [(0.1, 0.65)], 0.03), family("b", [(0.2, 0.6)], 0.04)
    drawn = draw([*ours, *theirs], np.random.default_rng(1), 20_000)
    speedup = speedup_at_equal_accuracy(ours, theirs, drawn)[0]
    margin = 1.96 * math.hypot(0.03, 0.04)
    assert speedup.low == pytest.approx(2 * math.exp(-margin), rel=0.01)
    assert speedup.high == pytest.approx(2 * math.exp(margin), rel=0.01)
    gain = gain_at_equal_budget(ours, theirs, drawn)[0]
    assert gain.high == pytest.approx(0.05 + 1.96 * math.hypot(0.001, 0.001), rel=0.01)
    assert gain.low == pytest.approx(0.1 - gain.high, rel=0.01)


def test_the_largest_of_nothing_is_nothing():
    assert largest(speedup_at_equal_accuracy(family("a", [(0.1, 0.4)]), BASELINE)) is None
    assert largest([]) is None


def test_the_largest_effect_may_be_negative():
    found = largest(gain_at_equal_budget(family("a", [(0.2, 0.4)]), BASELINE))
    assert found is not None and found.effect == pytest.approx(-0.1)


pairs = st.lists(
    st.tuples(st.integers(1, 20), st.integers(0, 10)).map(lambda p: (p[0] / 10, p[1] / 10)),
    min_size=1,
    max_size=8,
)


@given(pairs, pairs)
def test_every_speedup_is_between_two_real_points(ours, theirs):
    candidates, baselines = family("a", ours), family("b", theirs)
    for result in speedup_at_equal_accuracy(candidates, baselines):
        reached = [each for each in candidates if each.accuracy >= result.baseline.accuracy]
        assert (result.note == "not reached") == (not reached)
        if reached:
            fastest = min(each.ttft_s for each in reached)
            assert result.effect == pytest.approx(result.baseline.ttft_s / fastest)


@given(pairs)
def test_a_set_against_itself_gains_nothing(own):
    points = family("a", own)
    assert all(each.effect == 1.0 for each in speedup_at_equal_accuracy(points, points))
    assert all(each.effect == 0.0 for each in gain_at_equal_budget(points, points))


def test_a_candidate_that_may_not_be_accurate_enough_widens_the_speedup():
    ours, theirs = family("a", [(0.1, 0.601), (0.4, 0.65)]), family("b", [(0.8, 0.6)])
    drawn = draw([*ours, *theirs], np.random.default_rng(2), 4000)
    found = speedup_at_equal_accuracy(ours, theirs, drawn)[0]
    assert found.effect == pytest.approx(8.0)
    assert found.low == pytest.approx(2.0, rel=0.05), "the slower, surely accurate one"
    assert found.high == pytest.approx(8.0, rel=0.05)


def test_a_draw_without_a_candidate_counts_as_no_speedup_and_no_accuracy():
    ours, theirs = family("a", [(0.2, 0.6)], 0.03), family("b", [(0.2, 0.6)], 0.03)
    drawn = draw([*ours, *theirs], np.random.default_rng(3), 4000)
    assert speedup_at_equal_accuracy(ours, theirs, drawn)[0].low == 0.0
    gain = gain_at_equal_budget(ours, theirs, drawn)[0]
    assert gain.low == pytest.approx(-0.6, abs=0.01) and gain.high < 0.01
