from __future__ import annotations

import itertools

import numpy as np
import pytest

from paretobench.analysis.budgets import best_shares, budget_steps, round_budget
from paretobench.analysis.constraints import under
from paretobench.analysis.noise import Draws
from paretobench.analysis.points import Contender, LatencyNoise
from paretobench.analysis.query import best
from paretobench.analysis.shrinkage import plausible


def crowd(count: int, seed: int) -> list[Contender]:
    rng = np.random.default_rng(seed)
    return [
        Contender(
            str(i),
            float(rng.uniform(0.05, 1)),
            float(rng.uniform(0.4, 0.7)),
            ttft_noise=LatencyNoise(0.05, 3),
            accuracy_se=0.01,
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_share_of_the_answer_is_its_probability_in_the_query(seed: int) -> None:
    points = crowd(20, seed)
    drawn = plausible(points, np.random.default_rng(0))
    limits = np.array([0.04, 0.1, 0.3, 0.8, 5.0])
    shares = best_shares(drawn, limits)
    for limit, row in zip(limits, shares, strict=True):
        answer = best(points, [under(float(limit))], rng=np.random.default_rng(0))
        if answer.point is not None:
            assert row[int(answer.point.name)] == pytest.approx(answer.probability)


def test_shares_add_up_to_the_draws_in_which_anything_fits() -> None:
    drawn = Draws(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 0.6], [0.7, 0.6]]))
    shares = best_shares(drawn, np.array([0.5, 1.0, 2.0, 3.5, 9.0]))
    assert shares.sum(axis=1).tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert shares[-1].tolist() == [0.5, 0.5]


def test_nobody_has_a_share_of_nothing() -> None:
    none = Draws(np.empty((3, 0)), np.empty((3, 0)))
    assert best_shares(none, np.array([1.0])).shape == (1, 0)


@pytest.mark.parametrize(("low", "high"), [(31.0, 1300.0), (0.5, 0.6), (99.0, 101.0), (1e3, 2e5)])
def test_steps_cover_the_range_at_most_two_and_a_half_percent_apart(
    low: float, high: float
) -> None:
    steps = budget_steps(low, high)
    assert steps[0] <= low and steps[-1] >= high
    assert all(1 < b / a < 1.0251 for a, b in itertools.pairwise(steps))


def test_a_round_budget_lies_in_the_middle() -> None:
    assert round_budget(31, 1300) == 200.0 and round_budget(1.0, 1.0) == 1.0
