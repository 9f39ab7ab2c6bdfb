"""What would change an answer: known answers, and gains as differences of what is attained."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretobench.analysis.next_steps import (
    attained,
    worth_measuring,
    worth_scoring,
    worth_timing,
)
from paretobench.analysis.points import Contender, LatencyNoise, Part

FLOOR = 0.4


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_what_is_attained_is_the_mean_over_the_budgets_logarithm():
    times, heights = np.array([[1.0, 10.0, 5.0]]), np.array([[0.5, 0.7, 0.45]])
    assert attained(times, heights, 1.0, 100.0, FLOOR)[0] == pytest.approx(0.6)
    assert attained(times, heights, 0.1, 10.0, FLOOR)[0] == pytest.approx(0.45)


def test_a_dominated_point_attains_nothing_more():
    times, heights = np.array([[1.0, 10.0]]), np.array([[0.5, 0.7]])
    more = np.array([[1.0, 10.0, 20.0]]), np.array([[0.5, 0.7, 0.6]])
    assert attained(times, heights, 1, 50, FLOOR) == attained(*more, 1, 50, FLOOR)


def drawn(seed: int, scored: int, others: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Latencies, draws of accuracies, and the floor of a made-up panel."""
    random = np.random.default_rng(seed)
    ttft_s = np.exp(random.uniform(0, 3, scored + others))
    accuracy = 0.5 + 0.05 * np.log(ttft_s) + random.normal(0, 0.05, (30, scored + others))
    return ttft_s, accuracy, float(accuracy[:, :scored].mean(axis=0).min())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_a_gain_is_the_rise_of_what_is_attained_and_the_best_comes_first(seed, scored, others):
    ttft_s, accuracy, floor = drawn(seed, scored, others)
    ends = float(ttft_s.min()), float(ttft_s.max()), floor

    def with_(chosen: list[int]) -> float:
        columns = [*range(scored), *chosen]
        times = np.broadcast_to(ttft_s[columns], (30, len(columns)))
        return float(attained(times, accuracy[:, columns], *ends).mean())

    chosen: list[int] = []
    for found in worth_scoring(ttft_s, accuracy, scored, floor, 3):
        before = with_(chosen)
        gains = {i: with_([*chosen, i]) - before for i in range(scored, scored + others)}
        assert found.gain == pytest.approx(max(gains.values()), abs=1e-9)
        assert found.gain == pytest.approx(gains[scored + found.index], abs=1e-9)
        chosen.append(scored + found.index)


def test_a_point_that_is_surely_better_is_chosen_and_one_that_is_surely_worse_never():
    ttft_s = np.array([1.0, 10.0, 2.0, 3.0])
    accuracy = np.tile([0.5, 0.6, 0.58, 0.3], (50, 1))
    found = worth_scoring(ttft_s, accuracy, 2, 0.5, 5)
    assert [each.index for each in found] == [0]
    assert found[0].chance == 1.0
    assert found[0].gain == pytest.approx(0.08 * math.log(10 / 2) / math.log(10))


def test_within_a_limit_only_the_best_there_counts():
    ttft_s = np.array([1.0, 10.0, 2.0, 8.0])
    accuracy = np.tile([0.5, 0.6, 0.55, 0.7], (50, 1))
    found = worth_scoring(ttft_s, accuracy, 2, 0.5, 5, under_s=5.0)
    assert [(each.index, round(each.gain, 6)) for each in found] == [(0, 0.05)]
    assert worth_scoring(ttft_s, accuracy, 2, 0.5, 5, under_s=0.5) == []


def point(name: str, accuracy: float, *parts: Part) -> Contender:
    return Contender(name, sum(p.passes * p.seconds for p in parts), accuracy, parts=parts)


def encode(name: str, seconds: float, log_se: float | None) -> Part:
    return Part(name, 1, seconds, None if log_se is None else LatencyNoise(log_se))


SHARED = Part("shared", 1, 1.0, LatencyNoise(0.5))


def test_a_part_that_two_rivals_share_cannot_change_their_order():
    rivals = [
        point("a", 0.6, encode("a", 0.100, 1e-4), SHARED),
        point("b", 0.5, encode("b", 0.101, 1e-4), SHARED),
    ]
    by_name = {each.part.workload: each for each in worth_measuring(rivals, rng())}
    assert by_name["shared"].chance == 0.0
    assert by_name["shared"].gain == 0.0


def test_the_part_in_doubt_comes_first_with_the_chance_of_the_closed_form():
    rivals = [
        point("a", 0.6, encode("a", 0.100, 0.02)),
        point("b", 0.5, encode("b", 0.101, 1e-6)),
        point("c", 0.4, encode("c", 0.01, 1e-6)),
        point("d", 0.7, encode("d", 1.0, 1e-6)),
    ]
    first, *others = worth_measuring(rivals, rng())
    assert first.part.workload == "a"
    expected = 0.5 * math.erfc(math.log(1.01) / 0.02 / math.sqrt(2))
    assert first.chance == pytest.approx(expected, abs=0.06)
    assert first.gain is not None and first.gain > 0
    assert all(each.chance == 0 for each in others)


def test_within_a_limit_a_part_counts_that_may_break_it():
    rivals = [point("a", 0.6, encode("a", 0.199, 0.02)), point("b", 0.5, encode("b", 0.1, 0.02))]
    first = worth_measuring(rivals, rng(), under_s=0.2)[0]
    assert (first.part.workload, first.gain) == ("a", None)
    assert 0.2 < first.chance < 0.6


def test_a_part_without_a_known_noise_gets_the_assumed_one():
    rivals = [point("a", 0.6, encode("a", 0.100, None)), point("b", 0.5, encode("b", 0.101, 1e-6))]
    assert worth_measuring(rivals, rng())[0].chance > 0.1


def test_a_first_measurement_is_worth_what_its_prediction_says():
    known = [point("a", 0.6, encode("a", 1.0, 0.01)), point("b", 0.5, encode("b", 0.1, 0.01))]
    chance, gain = worth_timing(known, 0.6, (0.5, 1e-6), rng())
    assert chance == 1.0
    assert gain == pytest.approx(0.1 * math.log(2) / math.log(10), abs=1e-4)
    assert worth_timing(known, 0.6, (2.0, 1e-6), rng()) == (0.0, pytest.approx(0.0, abs=1e-12))
    assert worth_timing(known, 0.6, (1.0, 0.2), rng())[0] == pytest.approx(0.5, abs=0.05)


def test_within_a_limit_a_first_measurement_counts_if_it_meets_it():
    known = [point("a", 0.6, encode("a", 1.0, 0.01)), point("b", 0.5, encode("b", 0.1, 0.01))]
    chance, gain = worth_timing(known, 0.55, (0.5, 0.2), rng(), under_s=0.5)
    assert chance == pytest.approx(0.5, abs=0.05)
    assert gain == pytest.approx(0.05 * chance)
    assert worth_timing(known, 0.45, (0.2, 0.01), rng(), under_s=0.5) == (0.0, 0.0)
