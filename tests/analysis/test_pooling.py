"""Spreads borrowed from other workloads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis import pooling


def draw(spreads: list[float], k: int, seed: int = 0) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    return [list(np.exp(rng.normal(0.0, sd, k))) for sd in spreads]


def test_too_few_workloads_make_no_pool() -> None:
    assert pooling.fit(draw([0.01] * 4, 2)) is None
    assert pooling.fit([[1.0]] * 50) is None


def test_equal_spreads_are_found_again() -> None:
    pool = pooling.fit(draw([0.02] * 200, 3))
    assert pool is not None
    assert pool.log_sd == pytest.approx(0.02, rel=0.1)
    assert pool.prior_df == pooling.MAX_PRIOR_DF


def test_unequal_spreads_are_worth_fewer_degrees_of_freedom() -> None:
    rng = np.random.default_rng(1)
    even = pooling.fit(draw([0.01] * 200, 4))
    uneven = pooling.fit(draw(list(0.01 * rng.lognormal(0, 1.0, 200)), 4))
    assert even is not None and uneven is not None
    assert uneven.prior_df < even.prior_df / 2


def test_a_few_processes_of_one_mode_do_not_hide_the_other_mode_of_their_machine() -> None:
    rng = np.random.default_rng(3)
    two_modes = [
        list(np.exp(rng.normal(0.0, 0.003, 16) + np.where(np.arange(16) % 3 == 0, 0.05, 0.0)))
        for _ in range(6)
    ]
    of_one_mode = list(np.exp(rng.normal(0.0, 0.003, 5)))
    pool = pooling.fit([*two_modes, of_one_mode])
    assert pool is not None
    spread, _ = pool.moderated(float(np.std(np.log(of_one_mode), ddof=1)), 4.0)
    assert spread == pytest.approx(0.05 * math.sqrt(2 / 9), rel=0.15)


def test_one_workload_with_two_modes_may_be_chance() -> None:
    rng = np.random.default_rng(3)
    one = list(np.exp(rng.normal(0.0, 0.003, 16) + np.where(np.arange(16) % 3 == 0, 0.05, 0.0)))
    quiet = draw([0.003] * 8, 16)
    alone, twice = pooling.fit([one, *quiet]), pooling.fit([one, one, *quiet])
    assert alone is not None and alone.least_log_sd == 0.0
    assert twice is not None and twice.least_log_sd > 0.0


@given(st.floats(1e-4, 0.2), st.floats(1, 12), st.floats(1e-4, 0.2), st.integers(1, 19))
def test_a_moderated_spread_lies_between_the_own_and_the_common_one(
    common: float, prior_df: float, own: float, own_df: int
) -> None:
    spread, df = pooling.Pool(common, prior_df, 9).moderated(own, own_df)
    assert min(common, own) * (1 - 1e-9) <= spread <= max(common, own) * (1 + 1e-9)
    assert df == prior_df + own_df


def test_one_process_gets_the_common_spread() -> None:
    assert pooling.Pool(0.01, 7.0, 9).moderated(0.0, 0) == (pytest.approx(0.01), 7.0)


@pytest.mark.parametrize("value", [0.01, 0.5, 1.0, math.pi**2 / 6, 40.0])
def test_the_trigamma_function_is_inverted(value: float) -> None:
    from scipy import special

    y = pooling._inverse_trigamma(value)
    assert float(special.polygamma(1, y)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("spread_of_spreads", [0.0, 0.35, 0.7])
def test_pooled_intervals_hold_on_average(spread_of_spreads: float) -> None:
    from paretobench.analysis import stats

    rng = np.random.default_rng(2)
    inside = total = 0
    for _ in range(60):
        medians = draw(
            list(0.01 * rng.lognormal(0, spread_of_spreads, 16)), 2, int(rng.integers(1 << 30))
        )
        pool = pooling.fit(medians)
        for group in medians:
            found = stats.estimate(group, pool)
            assert found.low is not None and found.high is not None
            inside += found.low <= 1.0 <= found.high
            total += 1
    assert 0.92 <= inside / total <= 0.99
