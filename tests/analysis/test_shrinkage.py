"""What true accuracies could be: against closed forms, and against made-up truths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretobench.analysis.front import front_mask
from paretobench.analysis.noise import Assumed, draw
from paretobench.analysis.points import Contender, LatencyNoise, objectives
from paretobench.analysis.probability import front_probability, memberships
from paretobench.analysis.shrinkage import SPARE, plausible

ERROR = 0.0025


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def sweep(n: int, scatter: float, seed: int, error: float | None = ERROR) -> list[Contender]:
    """Observed points of two encoders on a line in log TTFT, each with a scatter of its own."""
    random = rng(seed)
    times = np.linspace(0, 3, n)
    level = np.arange(n) % 2 * 0.02
    noise = random.normal(0, scatter, n) + random.normal(0, ERROR if error is None else error, n)
    return [
        Contender(
            f"p{i}", math.exp(times[i]), 0.5 + 0.03 * times[i] + level[i] + noise[i],
            ttft_noise=LatencyNoise(0.005), accuracy_se=error, traits=(f"e{i % 2}",),
        )
        for i in range(n)
    ]  # fmt: skip


def trend(n: int) -> np.ndarray:
    return 0.5 + 0.03 * np.linspace(0, 3, n) + np.arange(n) % 2 * 0.02


def test_many_points_are_drawn_between_observation_and_trend_as_the_closed_form_says():
    n, scatter = 400, 0.003
    points = sweep(n, scatter, seed=1)
    observed = objectives(points)[:, 1]
    drawn = plausible(points, rng(), 3000).accuracy
    kept = scatter**2 / (scatter**2 + ERROR**2)
    expected = trend(n) + kept * (observed - trend(n))
    assert np.abs(drawn.mean(axis=0) - expected).mean() < 0.1 * ERROR
    assert drawn.std(axis=0).mean() == pytest.approx(math.sqrt(kept) * ERROR, rel=0.05)


def test_what_is_drawn_lies_nearer_the_truth_than_what_was_observed():
    n = 60
    points = sweep(n, 0.0, seed=2)
    drawn = plausible(points, rng()).accuracy
    observed = objectives(points)[:, 1]
    miss, luck = (np.sqrt(np.mean((a - trend(n)) ** 2)) for a in (drawn.mean(axis=0), observed))
    assert miss < 0.5 * luck
    assert drawn.std(axis=0).mean() < 0.6 * ERROR


def test_scatter_far_beyond_the_errors_leaves_the_plain_bootstrap():
    points = sweep(60, 0.1, seed=3)
    drawn, plain = plausible(points, rng()), draw(points, rng())
    assert np.allclose(drawn.accuracy.mean(axis=0), objectives(points)[:, 1], atol=0.15 * ERROR)
    assert drawn.accuracy.std(axis=0).mean() == pytest.approx(
        plain.accuracy.std(axis=0).mean(), rel=0.03
    )


@pytest.mark.parametrize("n", [0, 1, 2, SPARE + 2])
def test_too_few_points_to_tell_a_scatter_leave_the_plain_bootstrap(n):
    points = sweep(n, 0.0, seed=4)
    drawn, plain = plausible(points, rng()), draw(points, rng())
    assert (drawn.accuracy == plain.accuracy).all()


def test_accuracies_without_error_are_never_moved():
    points = sweep(40, 0.001, seed=5, error=0.0)
    assert (plausible(points, rng()).accuracy == objectives(points)[:, 1]).all()
    assert {each.probability for each in memberships(points, rng(), 200)} >= {1.0}


def test_one_exact_accuracy_among_noisy_ones_stays_where_it_is():
    points = sweep(40, 0.001, seed=6)
    exact = Contender("exact", 2.0, 0.6, ttft_noise=LatencyNoise(0.005), accuracy_se=0.0)
    drawn = plausible([*points, exact], rng()).accuracy
    assert np.allclose(drawn[:, -1], 0.6, atol=1e-12)


def test_latencies_are_those_of_the_bootstrap():
    points = sweep(40, 0.001, seed=7)
    assert (plausible(points, rng()).ttft_s == draw(points, rng()).ttft_s).all()


def test_a_score_shared_by_two_devices_is_one_truth():
    points = [
        Contender(f"{p.name}@{device}", p.ttft_s * device, p.accuracy, accuracy_se=ERROR,
                  ttft_noise=LatencyNoise(0.01), score=p.name, traits=p.traits)
        for p in sweep(20, 0.001, seed=8) for device in (1, 3)
    ]  # fmt: skip
    drawn = plausible(points, rng()).accuracy
    assert (drawn[:, 0::2] == drawn[:, 1::2]).all()


def test_one_score_key_with_two_values_keeps_both():
    points = [replace(p, score=f"s{i % 30}") for i, p in enumerate(sweep(60, 0.05, seed=16))]
    drawn = plausible(points, rng()).accuracy
    assert np.allclose(drawn.mean(axis=0), objectives(points)[:, 1], atol=ERROR)


def test_points_without_a_known_error_are_drawn_with_the_assumed_one():
    unknown, known = sweep(40, 0.001, 9, None), sweep(40, 0.001, 9, ERROR)
    found = plausible(unknown, rng(), assumed=Assumed(accuracy_se=ERROR)).accuracy
    assert np.allclose(found, plausible(known, rng()).accuracy)


def test_knowing_the_encoders_tells_more_about_each_of_their_points():
    known = sweep(60, 0.0005, seed=10)
    nameless = [Contender(p.name, p.ttft_s, p.accuracy, ttft_noise=p.ttft_noise,
                          accuracy_se=ERROR) for p in known]  # fmt: skip
    with_traits, without = (plausible(p, rng()).accuracy.std(axis=0) for p in (known, nameless))
    assert with_traits.mean() < 0.7 * without.mean()


def test_points_that_are_not_drawn_still_tell_about_the_others():
    points = sweep(60, 0.001, seed=15)
    few, more = points[:6], points[6:]
    alone, helped = plausible(few, rng()), plausible(few, rng(), others=more)
    assert helped.accuracy.shape == alone.accuracy.shape == helped.ttft_s.shape
    assert helped.accuracy.std(axis=0).mean() < 0.7 * alone.accuracy.std(axis=0).mean()
    assert np.abs(helped.accuracy.mean(axis=0) - trend(60)[:6]).mean() < ERROR


def test_identical_twins_have_the_same_probability():
    points = sweep(30, 0.002, seed=11)
    twin = points[14]
    points.append(Contender("twin", twin.ttft_s, twin.accuracy, ttft_noise=twin.ttft_noise,
                            accuracy_se=twin.accuracy_se, traits=twin.traits))  # fmt: skip
    found = [each.probability for each in memberships(points, rng(), 8000)]
    assert found[-1] == pytest.approx(found[14], abs=0.03)


def test_the_best_of_equal_rivals_does_not_look_better_than_they_are():
    random = rng(12)
    points = [
        Contender(f"p{i}", 1.0 + i / 100, 0.6 + random.normal(0, ERROR),
                  ttft_noise=LatencyNoise(0.001), accuracy_se=ERROR)
        for i in range(40)
    ]  # fmt: skip
    best, doubled = (d.accuracy.max(axis=1).mean() for d in (plausible(points, rng()),
                                                             draw(points, rng())))  # fmt: skip
    assert abs(best - 0.6) < 0.6 * abs(doubled - 0.6)


def test_probabilities_in_crowded_worlds_are_sharper_and_no_longer_too_low():
    ours, plain, truths = [], [], []
    random = rng(13)
    for world in range(60):
        n = 40
        points = sweep(n, 0.0, seed=1000 + world)
        scatter = random.normal(0, 0.003, n)
        points = [
            Contender(p.name, p.ttft_s, p.accuracy + float(extra), ttft_noise=p.ttft_noise,
                      accuracy_se=ERROR, traits=p.traits)
            for p, extra in zip(points, scatter, strict=True)
        ]  # fmt: skip
        times = objectives(points)[:, 0]
        truths += front_mask(np.column_stack([times, trend(n) + scatter])).tolist()
        ours += [each.probability for each in memberships(points, rng(world), 300)]
        plain += front_probability(draw(points, rng(world), 300)).tolist()
    truth = np.array(truths, dtype=float)
    errors = {}
    for name, predicted in (("ours", np.array(ours)), ("plain", np.array(plain))):
        middle = (predicted > 0.05) & (predicted < 0.95)
        bias = truth[middle].mean() - predicted[middle].mean()
        errors[name] = (abs(float(bias)), float(((predicted - truth) ** 2).mean()))
    assert errors["ours"][0] < 0.04
    assert errors["ours"][1] < 0.95 * errors["plain"][1]


@st.composite
def any_points(draw_from) -> list[Contender]:
    n = draw_from(st.integers(1, 25))
    numbers = st.floats(0, 1, width=32)
    return [
        Contender(
            f"p{i}", draw_from(st.sampled_from([0.1, 0.2, 1.0, 5.0])), draw_from(numbers),
            accuracy_se=draw_from(st.sampled_from([None, 0.0, 1e-3, 0.2])),
            traits=tuple(draw_from(st.lists(st.sampled_from("abc"), max_size=3))),
        )
        for i in range(n)
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(any_points())
def test_whatever_the_points_the_draws_are_finite_and_as_many(points):
    drawn = plausible(points, rng(), 20)
    assert drawn.accuracy.shape == drawn.ttft_s.shape == (20, len(points))
    assert np.isfinite(drawn.accuracy).all()


def test_the_same_seed_gives_the_same_draws():
    points = sweep(30, 0.002, seed=14)
    assert (plausible(points, rng(5)).accuracy == plausible(points, rng(5)).accuracy).all()
