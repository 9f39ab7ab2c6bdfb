"""Labels for the shape of samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis.shape import is_bimodal, severe_outliers

Draw = Callable[[np.random.Generator, int], np.ndarray]


@pytest.mark.parametrize("n", [8, 12, 20, 100])
@pytest.mark.parametrize(
    ("draw", "allowed"),
    [
        (lambda rng, n: rng.lognormal(0.0, 0.05, n), 0.02),
        (lambda rng, n: rng.uniform(0.9, 1.1, n), 0.06),
        (lambda rng, n: 1.0 + 0.1 * rng.standard_exponential(n), 0.1),
    ],
    ids=["lognormal", "uniform", "skewed"],
)
def test_one_mode_is_rarely_called_two(draw: Draw, allowed: float, n: int) -> None:
    rng = np.random.default_rng(0)
    assert sum(is_bimodal(draw(rng, n)) for _ in range(500)) <= allowed * 500


@pytest.mark.parametrize("n", [12, 20, 100])
def test_two_modes_are_found(n: int) -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(100):
        mode = np.where(np.arange(n) % 3 == 0, 1.1, 1.0)
        found += is_bimodal(mode * rng.normal(1.0, 0.005, n))
    assert found >= 95


def test_modes_that_nobody_would_care_about_are_not_called_so() -> None:
    assert not is_bimodal([1.0, 1.00001] * 6 + [1.005, 1.00501] * 6)


@given(st.lists(st.floats(0.1, 10), max_size=7))
def test_a_handful_of_samples_is_never_bimodal(samples: list[float]) -> None:
    assert not is_bimodal(samples)


@given(st.lists(st.floats(0.1, 10), min_size=8, max_size=40), st.randoms())
def test_the_order_does_not_matter(samples: list[float], random: object) -> None:
    mixed = list(samples)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert is_bimodal(samples) == is_bimodal(mixed)
    assert severe_outliers(samples) == severe_outliers(mixed)


def test_three_samples_have_no_outliers() -> None:
    assert severe_outliers([1.0, 1.0, 9.0]) == 0


@given(st.lists(st.floats(0.1, 10), min_size=4, max_size=40))
def test_outliers_are_those_beyond_three_ranges_from_numpys_quartiles(samples: list[float]) -> None:
    logs = np.log(samples)
    lower, upper = np.quantile(logs, [0.25, 0.75])
    margin = 3 * (upper - lower)
    away = 1e-9  # a sample right on a fence may fall to either side
    sure = np.sum((logs < lower - margin - away) | (logs > upper + margin + away))
    possible = np.sum((logs < lower - margin + away) | (logs > upper + margin - away))
    assert sure <= severe_outliers(samples) <= possible


def test_equal_samples_are_no_outliers_of_one_another() -> None:
    for value in (0.1, 0.3, 1 / 3, 7.7):
        assert severe_outliers([value] * 7) == 0
