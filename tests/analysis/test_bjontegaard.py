"""BD-TTFT and BD-accuracy: known answers, refusals, warnings, intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretobench.analysis.bjontegaard import bd_accuracy, bd_ttft
from paretobench.analysis.noise import draw
from paretobench.analysis.points import Contender, LatencyNoise
from paretobench.errors import DataError


def family(
    name: str, factor: float, levels, log_se: float = 0.005, accuracy_se: float = 0.001
) -> list[Contender]:
    """Points on one smooth, bent curve of log latency over accuracy, `factor` times slower."""
    noise = LatencyNoise(log_se)
    return [
        Contender(
            f"{name}{i}", factor * 0.05 * math.exp(40 * (a - 0.45) ** 1.5), float(a),
            ttft_noise=noise, accuracy_se=accuracy_se,
        )
        for i, a in enumerate(levels)
    ]  # fmt: skip


def test_two_families_exactly_twofold_apart_are_two_within_two_percent():
    theirs = family("b", 2.0, np.linspace(0.50, 0.65, 6))
    same_levels = bd_ttft(family("a", 1.0, np.linspace(0.50, 0.65, 6)), theirs)
    assert same_levels.value == pytest.approx(2.0, rel=1e-9) and same_levels.overlap == 1.0
    other_levels = bd_ttft(family("a", 1.0, np.linspace(0.51, 0.66, 5)), theirs)
    assert other_levels.value == pytest.approx(2.0, rel=0.02)
    assert other_levels.warnings == ()


def test_a_shift_in_accuracy_is_found_by_bd_accuracy():
    theirs = family("b", 1.0, np.linspace(0.50, 0.65, 6))
    ours = [Contender(f"a{i}", each.ttft_s, each.accuracy + 0.02) for i, each in enumerate(theirs)]
    found = bd_accuracy(ours, theirs)
    assert found.value == pytest.approx(0.02, abs=1e-9)
    assert found.range == pytest.approx((theirs[0].ttft_s, theirs[-1].ttft_s))


def test_dominated_points_do_not_count():
    theirs = family("b", 2.0, np.linspace(0.5, 0.65, 5))
    ours = family("a", 1.0, np.linspace(0.5, 0.65, 5))
    worse = [Contender("w", 5.0, 0.52), Contender("v", 0.9, 0.5)]
    assert bd_ttft([*ours, *worse], theirs) == bd_ttft(ours, theirs)
    assert bd_ttft(ours, theirs).vertices == (5, 5)


def test_tied_points_count_once():
    theirs = family("b", 2.0, np.linspace(0.5, 0.65, 5))
    ours = family("a", 1.0, np.linspace(0.5, 0.65, 5))
    assert bd_ttft([*ours, *ours], theirs) == bd_ttft(ours, theirs)


def test_less_than_half_an_overlap_is_refused():
    theirs = family("b", 2.0, np.linspace(0.50, 0.60, 5))
    with pytest.raises(DataError, match=r"BD-TTFT refused: the fronts share 33.3% of their range"):
        bd_ttft(family("a", 1.0, np.linspace(0.55, 0.65, 5)), theirs)
    with pytest.raises(DataError, match=r"BD-TTFT refused: the fronts share 0.0% of their range"):
        bd_ttft(family("a", 1.0, np.linspace(0.61, 0.65, 5)), theirs)


def test_exactly_half_an_overlap_is_still_accepted():
    ours = [Contender(f"a{i}", 0.05 * 2**i, 0.5 + i / 20) for i in range(4)]
    theirs = [Contender(f"b{i}", 0.1 * 2**i, 0.5 + i / 20) for i in range(4)]
    assert bd_accuracy(ours, theirs).overlap == pytest.approx(0.5)


def test_less_than_three_quarters_of_an_overlap_is_warned_about():
    theirs = family("b", 2.0, np.linspace(0.50, 0.60, 5))
    found = bd_ttft(family("a", 1.0, np.linspace(0.52, 0.62, 5)), theirs)
    assert found.overlap == pytest.approx(8 / 12)
    assert found.value == pytest.approx(2.0, rel=0.02)
    assert len(found.warnings) == 1 and "rests on 67% of the two ranges" in found.warnings[0]


def test_a_front_of_one_vertex_is_refused_by_side():
    many, one = family("b", 2.0, np.linspace(0.5, 0.6, 4)), family("a", 1.0, [0.6])
    with pytest.raises(DataError, match=r"the candidate's has 1; add a resolution"):
        bd_ttft(one, many)
    with pytest.raises(DataError, match=r"BD-accuracy needs .* the baseline's has 1"):
        bd_accuracy(many, one)
    with pytest.raises(DataError, match=r"the candidate's has 0"):
        bd_ttft([], many)


def test_a_front_of_two_vertices_is_a_straight_line_and_said():
    theirs = [Contender("b0", 0.1, 0.5), Contender("b1", 0.4, 0.6)]
    ours = [Contender("a0", 0.05, 0.5), Contender("a1", 0.1, 0.6)]
    found = bd_ttft(ours, theirs)
    assert found.value == pytest.approx(math.sqrt(2 * 4))
    assert found.warnings == (
        "the candidate's front has 2 vertices: a straight line joins them",
        "the baseline's front has 2 vertices: a straight line joins them",
    )


@settings(max_examples=30)
@given(st.floats(0.2, 5.0), st.integers(3, 7), st.integers(3, 7))
def test_swapping_the_sides_inverts_the_ratio(factor, ours_count, theirs_count):
    ours = family("a", 1.0, np.linspace(0.50, 0.64, ours_count))
    theirs = family("b", factor, np.linspace(0.52, 0.65, theirs_count))
    forth, back = bd_ttft(ours, theirs), bd_ttft(theirs, ours)
    assert forth.value * back.value == pytest.approx(1.0)
    assert bd_ttft(ours, ours).value == pytest.approx(1.0)


def test_without_draws_there_is_no_interval():
    theirs = family("b", 2.0, np.linspace(0.5, 0.65, 5))
    found = bd_ttft(family("a", 1.0, np.linspace(0.5, 0.65, 5)), theirs)
    assert (found.low, found.high) == (None, None)


def test_intervals_contain_the_value_and_widen_with_the_noise():
    widths = []
    for log_se in (0.005, 0.05):
        ours = family("a", 1.0, np.linspace(0.5, 0.65, 6), log_se)
        theirs = family("b", 2.0, np.linspace(0.5, 0.65, 6), log_se)
        drawn = draw([*ours, *theirs], np.random.default_rng(0), 300)
        found = bd_ttft(ours, theirs, drawn)
        assert found.low < 2.0 < found.high
        widths.append(math.log(found.high / found.low))
        accuracy = bd_accuracy(ours, theirs, drawn)
        assert accuracy.low < accuracy.value < accuracy.high
    assert widths[1] > 1.5 * widths[0]


def test_noise_that_tears_the_fronts_apart_leaves_no_interval():
    ours = family("a", 1.0, [0.600, 0.601], accuracy_se=0.1)
    theirs = family("b", 1.0, [0.600, 0.601], accuracy_se=0.1)
    found = bd_ttft(ours, theirs, draw([*ours, *theirs], np.random.default_rng(0), 200))
    assert (found.low, found.high) == (None, None)
    assert any(each.startswith("no interval: in ") for each in found.warnings)
