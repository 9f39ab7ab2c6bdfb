"""The best point under constraints: ties, runner-up, how sure, and what to do if nothing fits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis.constraints import at_least, parse_constraint, under
from paretobench.analysis.front import front_mask
from paretobench.analysis.points import Contender, LatencyNoise, objectives
from paretobench.analysis.query import best
from paretobench.errors import ConfigError


def point(name, ttft_s, accuracy, log_se=0.0, accuracy_se=0.0, **columns) -> Contender:
    noise = LatencyNoise(log_se)
    return Contender(
        name, ttft_s, accuracy, ttft_noise=noise, accuracy_se=accuracy_se, columns=columns
    )


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


FAST, GOOD, BEST = point("fast", 0.05, 0.50), point("good", 0.15, 0.60), point("best", 0.3, 0.65)


def test_under_a_time_limit_the_most_accurate_wins_and_the_next_is_runner_up():
    answer = best([FAST, GOOD, BEST], [under(0.2)])
    assert (answer.point, answer.runner_up, answer.satisfying) == (GOOD, FAST, 2)
    assert answer.probability is None and answer.meets is None


def test_asked_for_an_accuracy_the_fastest_wins():
    answer = best([FAST, GOOD, BEST], [at_least(0.55)])
    assert (answer.point, answer.runner_up, answer.preference) == (GOOD, BEST, "ttft")


def test_a_limit_itself_still_satisfies():
    assert best([FAST, GOOD, BEST], [under(0.15)]).point == GOOD
    assert best([FAST, GOOD, BEST], [at_least(0.60)]).point == GOOD


def test_asked_for_both_accuracy_decides_unless_told_otherwise():
    points = [FAST, GOOD, BEST]
    assert best(points, [under(1.0), at_least(0.4)]).point == BEST
    assert best(points, [under(1.0), at_least(0.4)], prefer="ttft").point == FAST


def test_without_constraints_the_most_accurate_wins():
    assert best([FAST, BEST, GOOD]).point == BEST


def test_of_two_equally_accurate_points_the_faster_wins():
    slower = point("slower", 0.18, 0.60)
    answer = best([slower, GOOD], [under(0.2)])
    assert (answer.point, answer.runner_up, answer.tied) == (GOOD, slower, ())


def test_of_two_equally_fast_points_the_more_accurate_wins():
    worse = point("worse", 0.15, 0.58)
    assert best([worse, GOOD], [at_least(0.5)]).point == GOOD


def test_points_equal_in_both_are_named_as_tied_and_share_the_probability():
    twin = point("twin", GOOD.ttft_s, GOOD.accuracy)
    answer = best([FAST, GOOD, twin], [under(0.2)], rng=rng())
    assert (answer.point, answer.tied, answer.runner_up) == (GOOD, (twin,), FAST)
    assert answer.probability == 1.0


def test_other_columns_constrain_too():
    small = point("small", 0.1, 0.5, peak_memory_bytes=2 * 2**30, passes=1)
    large = point("large", 0.1, 0.6, peak_memory_bytes=8 * 2**30, passes=5)
    unknown = point("unknown", 0.1, 0.7)
    answer = best([small, large, unknown], [parse_constraint("memory<4GiB")], rng=rng())
    assert answer.point == small and answer.probability == 1.0
    assert best([small, large], [parse_constraint("passes>1")]).point == large


def test_nothing_satisfying_names_the_nearest_and_what_it_misses():
    answer = best([FAST, GOOD, BEST], [under(0.14), at_least(0.59)], rng=rng())
    assert answer.point is None and answer.runner_up is None and answer.satisfying == 0
    assert answer.probability is None and answer.assumed == ()
    assert answer.nearest is not None and answer.nearest.point == GOOD
    assert answer.nearest.reasons == ("TTFT is 150 ms, not <= 140 ms",)
    assert answer.nearest.shortfall == pytest.approx(math.log(0.15 / 0.14))


def test_no_points_have_no_answer():
    answer = best([], [under(0.2)], rng=rng())
    assert answer.point is None and answer.nearest is None


def test_the_probability_of_meeting_a_limit_follows_the_noise():
    limit = 0.2 * math.exp(0.01)  # one standard error above
    near = point("near", 0.2, 0.6, log_se=0.01)
    answer = best([near, point("sure", 0.1, 0.5)], [under(limit)], rng=rng(), draws=20_000)
    assert answer.point == near
    assert answer.meets == pytest.approx(0.841, abs=0.01)
    assert answer.probability == answer.meets


def test_the_probability_of_the_most_accurate_follows_the_noise():
    first, second = point("a", 0.1, 0.601, 0, 0.001), point("b", 0.1, 0.600, 0, 0.001)
    answer = best([first, second], rng=rng(), draws=20_000)
    expected = 0.5 * (1 + math.erf(1 / math.sqrt(2) / math.sqrt(2)))
    assert answer.probability == pytest.approx(expected, abs=0.01) and answer.meets == 1.0


def test_of_one_score_the_faster_is_the_answer_as_often_as_it_is_faster():
    a, b = (
        Contender(n, t, 0.6, ttft_noise=LatencyNoise(0.01), accuracy_se=0.002, score="one")
        for n, t in (("a", 0.100), ("b", 0.101))
    )
    answer = best([a, b], rng=rng(), draws=20_000)
    z = math.log(0.101 / 0.100) / math.hypot(0.01, 0.01)
    expected = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    assert answer.point == a and answer.probability == pytest.approx(expected, abs=0.01)


def test_an_answer_of_unknown_noise_says_so():
    answer = best([Contender("p", 0.1, 0.5)], [under(0.2)], rng=rng())
    assert answer.assumed == ("latency", "accuracy") and answer.probability == 1.0


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_a_time_limit_that_cannot_be_is_refused(limit):
    with pytest.raises(ConfigError, match="cannot be met; give a positive one"):
        best([FAST], [under(limit)])


def test_an_accuracy_in_percent_is_refused():
    with pytest.raises(ConfigError, match="an accuracy of 60 is no fraction"):
        best([FAST], [at_least(60)])


sets = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=12)


@given(sets, st.integers(1, 6), st.booleans())
def test_an_answer_is_on_the_front_and_nothing_allowed_beats_it(pairs, limit, by_time):
    points = [point(str(i), t / 10, a / 10) for i, (t, a) in enumerate(pairs)]
    asked = under(limit / 10) if by_time else at_least(limit / 10)
    answer = best(points, [asked])
    allowed = [each for each in points if asked.accepts(each.column(asked.column))]
    if answer.point is None:
        assert not allowed
        return
    assert front_mask(objectives(points))[points.index(answer.point)]
    if by_time:
        assert answer.point.accuracy == max(each.accuracy for each in allowed)
    else:
        assert answer.point.ttft_s == min(each.ttft_s for each in allowed)
    others = [answer.runner_up] if answer.runner_up else []
    assert answer.satisfying >= 1 + len(answer.tied) + len(others)
