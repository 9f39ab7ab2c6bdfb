"""Probabilities of being on the front: against brute force, moocore and closed forms."""

from __future__ import annotations

import math

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretobench.analysis.front import front_mask
from paretobench.analysis.noise import Draws
from paretobench.analysis.points import Contender, LatencyNoise, Part
from paretobench.analysis.probability import (
    attainment_band,
    front_masks,
    front_probability,
    memberships,
    verdict,
)


def point(name, ttft_s, accuracy, log_se=0.01, accuracy_se=0.002, **more) -> Contender:
    return Contender(
        name, ttft_s, accuracy, ttft_noise=LatencyNoise(log_se), accuracy_se=accuracy_se, **more
    )


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


coarse = st.integers(-3, 3).map(float)


@st.composite
def many_draws(draw) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 12)))
    return draw(hnp.arrays(float, shape, elements=coarse)), draw(
        hnp.arrays(float, shape, elements=coarse)
    )


@given(many_draws())
def test_masks_of_many_draws_are_the_masks_of_each(both):
    times, heights = both
    masks = front_masks(times, heights)
    for mask, own_times, own_heights in zip(masks, times, heights, strict=True):
        pairs = np.column_stack([own_times, own_heights])
        assert mask.tolist() == front_mask(pairs).tolist()
        expected = moocore.is_nondominated(pairs, maximise=[False, True], keep_weakly=True)
        assert mask.tolist() == expected.tolist()


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_probability_agrees_with_brute_force_on_random_sets(seed):
    random = np.random.default_rng(seed)
    times = np.exp(random.normal(0, 0.5, 9) + random.normal(0, 0.2, (300, 9)))
    heights = random.normal(0.6, 0.03, 9) + random.normal(0, 0.01, (300, 9))
    counts = np.zeros(9)
    for t, a in zip(times, heights, strict=True):
        for i in range(9):
            counts[i] += not any(
                t[j] <= t[i] and a[j] >= a[i] and (t[j] < t[i] or a[j] > a[i]) for j in range(9)
            )
    assert front_probability(Draws(times, heights)).tolist() == (counts / 300).tolist()


def test_chunks_add_up_to_the_whole(monkeypatch):
    random = np.random.default_rng(0)
    draws = Draws(random.random((100, 7)), random.random((100, 7)))
    whole = front_probability(draws)
    monkeypatch.setattr("paretobench.analysis.probability._NUMBERS_AT_ONCE", 50)
    assert np.allclose(front_probability(draws), whole)


def test_two_points_of_equal_accuracy_follow_the_closed_form():
    points = [point("a", 0.100, 0.6, 0.01, 0.0), point("b", 0.101, 0.6, 0.01, 0.0)]
    first, second = memberships(points, rng(), draws=20_000)
    difference = math.log(0.101 / 0.100) / math.hypot(0.01, 0.01)
    expected = 0.5 * (1 + math.erf(difference / math.sqrt(2)))
    assert first.probability == pytest.approx(expected, abs=0.01)
    assert first.probability + second.probability == pytest.approx(1.0)
    assert first.verdict == second.verdict == "ambiguous"


def test_a_shared_workload_makes_the_order_of_two_points_sure():
    prefill = Part("prefill", 1, 1.0, LatencyNoise(0.05))
    encodes = [Part(f"e{i}", 1, s, LatencyNoise(0.01)) for i, s in enumerate((0.010, 0.011))]
    shared = [
        Contender(f"p{i}", 1.0 + part.seconds, 0.6, parts=(part, prefill), accuracy_se=0.0)
        for i, part in enumerate(encodes)
    ]
    alone = [point(each.name, each.ttft_s, 0.6, 0.05, 0.0) for each in shared]
    assert [each.verdict for each in memberships(shared, rng())] == ["on", "off"]
    assert [each.verdict for each in memberships(alone, rng())] == ["ambiguous"] * 2


def test_points_without_noise_are_on_or_off_with_certainty():
    points = [point("a", 0.1, 0.6, 0, 0), point("b", 0.1, 0.6, 0, 0), point("c", 0.2, 0.6, 0, 0)]
    found = memberships(points, rng(), draws=10)
    assert [each.probability for each in found] == [1.0, 1.0, 0.0]
    assert [each.verdict for each in found] == ["on", "on", "off"]


def test_a_point_of_unknown_noise_is_called_unknown_but_has_a_probability():
    found = memberships([Contender("p", 0.1, 0.6), point("q", 0.3, 0.5)], rng())
    assert (found[0].verdict, found[0].probability) == ("unknown", 1.0)
    assert found[1].verdict == "off"


def test_an_unknown_rival_does_not_make_others_sure():
    sure, doubted = (
        memberships([point("a", 0.102, 0.6, 1e-4, 0.0), rival], rng())[0]
        for rival in (point("b", 0.1, 0.6, 1e-4, 0.0), Contender("b", 0.1, 0.6, accuracy_se=0.0))
    )
    assert sure.verdict == "off" and doubted.verdict == "ambiguous"


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(1.0, "on"), (0.95, "on"), (0.94, "ambiguous"), (0.06, "ambiguous"), (0.05, "off")],
)
def test_the_classes_begin_at_the_documented_thresholds(probability, expected):
    assert verdict(probability) == expected


def test_no_points_have_no_memberships():
    assert memberships([], rng()) == ()


def test_the_band_says_what_is_attained_within_each_time():
    draws = Draws(np.array([[1.0, 2.0], [1.5, 2.5]]), np.array([[0.5, 0.6], [0.55, 0.65]]))
    band = attainment_band(draws, np.array([0.9, 1.2, 2.0, 3.0]), (0.0, 1.0))
    assert band.tolist() == [[-np.inf, -np.inf, 0.55, 0.6], [-np.inf, 0.5, 0.6, 0.65]]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_the_band_agrees_with_asking_every_point_at_every_time(seed, n):
    rng = np.random.default_rng(seed)
    times = rng.choice([0.1, 0.2, 0.3, 0.4], (30, n))  # with ties
    draws = Draws(times, rng.uniform(0, 1, (30, n)))
    at_s = np.array([0.05, 0.1, 0.25, 0.3, 1.0])
    best = [
        [max(draws.accuracy[d][times[d] <= limit], default=-np.inf) for limit in at_s]
        for d in range(30)
    ]
    expected = np.quantile(best, (0.025, 0.5, 0.975), axis=0, method="inverted_cdf")
    assert np.array_equal(attainment_band(draws, at_s), expected)
