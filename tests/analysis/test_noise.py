"""Contenders, and what their numbers could have been."""

from __future__ import annotations

import math

import numpy as np
import pytest

from paretobench.analysis.noise import (
    Assumed,
    draw,
    draw_latencies,
    latency_noise,
)
from paretobench.analysis.points import Contender, LatencyNoise, Part, objectives
from paretobench.domain.records import Estimate
from paretobench.errors import DataError


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_draws_of_a_normal_error_have_its_spread_about_the_value():
    known = Contender("a", 0.2, 0.6, ttft_noise=LatencyNoise(0.02), accuracy_se=0.004)
    drawn = draw([known], rng(), draws=20_000)
    assert np.median(drawn.ttft_s) == pytest.approx(0.2, rel=1e-3)
    assert np.log(drawn.ttft_s).std() == pytest.approx(0.02, rel=0.03)
    assert drawn.accuracy.mean() == pytest.approx(0.6, abs=2e-4)
    assert drawn.accuracy.std() == pytest.approx(0.004, rel=0.03)


def test_few_processes_give_the_heavier_tails_of_student():
    drawn = draw_latencies(
        np.ones(2), [LatencyNoise(0.01, 2), LatencyNoise(0.01)], np.eye(2), rng(), 20_000
    )
    of_two, of_many = np.quantile(np.log(drawn), 0.975, axis=0)
    assert of_two == pytest.approx(0.01 * 4.303, rel=0.08)
    assert of_many == pytest.approx(0.01 * 1.960, rel=0.08)


def test_one_degree_of_freedom_never_overflows():
    drawn = draw_latencies(np.ones(1), [LatencyNoise(9.0, 1)], np.eye(1), rng(), 5000)
    assert np.isfinite(drawn).all() and (drawn > 0).all()


def test_points_that_share_a_workload_share_its_error():
    prefill = Part("prefill 256", 1, 0.3, LatencyNoise(0.05))
    encodes = [Part(f"encode {i}", 1, 0.01, LatencyNoise(1e-6)) for i in range(2)]
    points = [
        Contender(f"p{i}", 0.31, 0.5, parts=(encode, prefill), accuracy_se=0.01)
        for i, encode in enumerate(encodes)
    ]
    drawn = draw(points, rng())
    assert np.allclose(drawn.ttft_s[:, 0], drawn.ttft_s[:, 1], rtol=1e-4)
    assert drawn.ttft_s[:, 0].std() == pytest.approx(0.3 * 0.05, rel=0.1)
    assert abs(np.corrcoef(drawn.accuracy.T)[0, 1]) < 0.1


def test_points_of_one_score_share_its_error():
    points = [Contender(f"p{i}", 0.3, 0.5 + i / 10, accuracy_se=0.01, score="s") for i in range(2)]
    drawn = draw(points, rng())
    assert np.allclose(drawn.accuracy[:, 1] - drawn.accuracy[:, 0], 0.1)


def test_passes_multiply_one_error_instead_of_averaging_several():
    tiled = Contender("t", 0.5, 0.5, parts=(Part("e", 5, 0.1, LatencyNoise(0.04)),))
    assert np.log(draw([tiled], rng()).ttft_s).std() == pytest.approx(0.04, rel=0.1)


def test_a_part_weighs_by_its_passes():
    parts = (Part("e", 9, 0.1, LatencyNoise(0.05)), Part("l", 1, 0.1, LatencyNoise(0.0)))
    drawn = draw([Contender("t", 1.0, 0.5, parts=parts)], rng())
    assert np.log(drawn.ttft_s).std() == pytest.approx(0.9 * 0.05, rel=0.1)


def test_draws_of_a_total_measured_end_to_end_are_about_the_total():
    point = Contender("e", 0.33, 0.5, parts=(Part("w", 1, 0.30, LatencyNoise(0.01)),))
    assert np.median(draw([point], rng()).ttft_s) == pytest.approx(0.33, rel=2e-3)


def test_unknown_errors_are_drawn_as_assumed_and_named():
    published = Contender("p", 0.2, 0.6)
    drawn = draw([published], rng(), 20_000, Assumed(log_se=0.1, accuracy_se=0.01))
    assert published.unknown_noise == ("latency", "accuracy")
    assert np.log(drawn.ttft_s).std() == pytest.approx(0.1, rel=0.03)
    assert drawn.accuracy.std() == pytest.approx(0.01, rel=0.03)


def test_one_unknown_part_makes_the_latency_unknown():
    parts = (Part("a", 1, 0.1, LatencyNoise(0.01)), Part("b", 1, 0.1))
    assert Contender("p", 0.2, 0.6, parts=parts, accuracy_se=0.0).unknown_noise == ("latency",)


def test_the_same_seed_draws_the_same():
    points = [Contender("a", 0.2, 0.6), Contender("b", 0.3, 0.7)]
    first, second = draw(points, rng(), 10), draw(points, rng(), 10)
    assert (first.ttft_s == second.ttft_s).all() and (first.accuracy == second.accuracy).all()


def test_an_estimates_standard_error_is_taken_as_it_is():
    known = Estimate(0.1, 0.09, 0.11, 5, "pooled", log_se=0.02, df=7.5)
    assert latency_noise(known) == LatencyNoise(0.02, 7.5)
    assert latency_noise(Estimate(0.1, None, None, 1, "unknown")) is None
    imported = latency_noise(Estimate(1.0, math.exp(-0.0196), math.exp(0.0196), 9, "imported"))
    assert imported is not None and imported.log_se == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("ttft_s", [0.0, -1.0, math.nan, math.inf])
def test_a_ttft_that_cannot_be_is_refused_by_name(ttft_s):
    with pytest.raises(DataError, match="odd: a TTFT of"):
        objectives([Contender("odd", ttft_s, 0.5)])


@pytest.mark.parametrize("accuracy", [59.3, -0.1, math.nan])
def test_an_accuracy_that_is_no_fraction_is_refused_by_name(accuracy):
    with pytest.raises(DataError, match=r"odd: an accuracy of .* is no fraction"):
        objectives([Contender("odd", 0.1, accuracy)])


def test_a_workload_with_two_latencies_is_refused():
    points = [Contender(f"p{s}", s, 0.5, parts=(Part("w", 1, s),)) for s in (0.1, 0.2)]
    with pytest.raises(DataError, match=r"workload w carries two latencies, 0.1 s and 0.2 s"):
        draw(points, rng())


def test_a_part_that_cannot_be_is_refused():
    with pytest.raises(DataError, match=r"workload w: 0 passes of 0.1 s"):
        draw([Contender("p", 0.1, 0.5, parts=(Part("w", 0, 0.1),))], rng())
