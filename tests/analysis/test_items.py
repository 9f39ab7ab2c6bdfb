"""Scores from items: errors that are right, and pairs that share their questions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis.items import (
    Confusion,
    Difference,
    design_effect,
    f1,
    mean_difference,
    mean_error,
    mean_f1_error,
    mean_f1_error_by_image,
    paired_difference,
)

counts = st.integers(0, 200)


def test_the_error_of_a_mean_is_the_binomial_one() -> None:
    value, error = mean_error([1.0] * 300 + [0.0] * 100)
    assert value == 0.75
    assert error == pytest.approx(math.sqrt(0.75 * 0.25 / 399))


def test_a_single_item_has_no_error() -> None:
    assert mean_error([1.0]) == (1.0, None)
    assert mean_f1_error([Confusion(1, 0, 0, 0)]) == (1.0, None)


@pytest.mark.parametrize("values", [[], [float("nan")], [1.0, float("inf")]])
def test_a_mean_of_nothing_or_of_no_numbers_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="must be finite numbers"):
        mean_error(values)


@given(counts, counts, counts, counts)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(
    true_yes: int, false_yes: int, true_no: int, false_no: int
) -> None:
    value = f1(Confusion(true_yes, false_yes, true_no, false_no))
    if true_yes == 0:
        assert value == 0
    else:
        precision = true_yes / (true_yes + false_yes)
        recall = true_yes / (true_yes + false_no)
        assert value == pytest.approx(2 * precision * recall / (precision + recall))


def test_the_error_of_an_f1_is_that_of_repeated_samples() -> None:
    truth = np.array([0.45, 0.10, 0.40, 0.05])
    draws = np.random.default_rng(1).multinomial(1000, truth, size=2000)
    spread = np.std([f1(Confusion(*map(int, draw))) for draw in draws])
    _, error = mean_f1_error([Confusion(450, 100, 400, 50)])
    assert error == pytest.approx(spread, rel=0.1)


def test_the_mean_of_three_splits_is_three_times_surer_in_variance() -> None:
    split = Confusion(450, 100, 400, 50)
    _, one = mean_f1_error([split])
    value, three = mean_f1_error([split] * 3)
    assert value == pytest.approx(f1(split))
    assert one is not None and three is not None
    assert three == pytest.approx(one / math.sqrt(3), rel=0.1)


def test_an_f1_without_items_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one split"):
        mean_f1_error([])
    with pytest.raises(ValueError, match="each with items"):
        mean_f1_error([Confusion(0, 0, 0, 0)])


@given(
    st.dictionaries(st.text(max_size=3), st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2)
)
def test_a_paired_difference_is_antisymmetric(pairs: dict[str, tuple[float, float]]) -> None:
    a = {item: pair[0] for item, pair in pairs.items()}
    b = {item: pair[1] for item, pair in pairs.items()}
    forward, back = paired_difference(a, b), paired_difference(b, a)
    assert forward.value == pytest.approx(-back.value)
    assert forward.standard_error == pytest.approx(back.standard_error)


def test_pairing_removes_what_the_questions_share() -> None:
    generator = np.random.default_rng(0)
    difficulty = generator.random(2000)
    a = {str(i): float(d < 0.60) for i, d in enumerate(difficulty)}
    b = {str(i): float(d < 0.62) for i, d in enumerate(difficulty)}
    difference = paired_difference(a, b)
    _, alone = mean_error(list(a.values()))
    assert alone is not None
    assert difference.standard_error < alone / 2
    assert difference.low < 0.02 < difference.high


def test_items_of_one_side_only_are_counted_and_left_out() -> None:
    difference = paired_difference({"1": 0, "2": 0, "3": 1}, {"1": 1, "2": 1, "4": 0})
    assert (difference.value, difference.n, difference.only_one) == (1.0, 2, 2)
    assert 1 < difference.z < 2


def test_no_difference_has_a_z_of_zero() -> None:
    assert paired_difference({"1": 1, "2": 0}, {"1": 1, "2": 0}).z == 0


def test_a_pair_needs_two_items() -> None:
    with pytest.raises(ValueError, match="1 items in common"):
        paired_difference({"1": 0}, {"1": 1})


def test_a_mean_of_benchmarks_weighs_them_alike() -> None:
    mean = mean_difference([Difference(0.1, 0.03, 10, 1), Difference(0.3, 0.04, 1000, 2)])
    assert (mean.value, mean.n, mean.only_one) == (pytest.approx(0.2), 1010, 3)
    assert mean.standard_error == pytest.approx(0.025)
    with pytest.raises(ValueError, match="no benchmark in common"):
        mean_difference([])


def test_five_items_that_all_agree_are_no_proof() -> None:
    all_right, error = mean_error([1.0] * 5)
    assert all_right == 1.0 and error is not None and 0.1 < error < 0.2
    five = {str(i): 0.0 for i in range(5)}
    difference = paired_difference(five, dict.fromkeys(five, 1.0))
    assert (difference.value, difference.is_separated) == (1.0, False)
    many = {str(i): 0.0 for i in range(20)}
    assert paired_difference(many, dict.fromkeys(many, 1.0)).is_separated


@given(
    st.dictionaries(st.text(max_size=3), st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2)
)
def test_no_interval_leaves_what_is_possible(pairs: dict[str, tuple[float, float]]) -> None:
    difference = paired_difference(
        {key: a for key, (a, _) in pairs.items()}, {key: b for key, (_, b) in pairs.items()}
    )
    assert -1 <= difference.low < difference.high <= 1


def _answers(images: int, per_image: int, correlation: float, seed: int) -> np.ndarray:
    """Rights and wrongs whose chance of being right varies by image (beta-binomial)."""
    rng = np.random.default_rng(seed)
    shape = (1 - correlation) / correlation / 2
    chance = rng.beta(shape, shape, size=images)
    return (rng.random((images, per_image)) < chance[:, None]).astype(float)


def test_clustered_errors_are_those_of_repeated_samples() -> None:
    means, errors, plain = [], [], []
    for seed in range(400):
        answers = _answers(100, 20, 0.1, seed)
        images = np.repeat(np.arange(100), 20).astype(str).tolist()
        value, error = mean_error(answers.ravel().tolist(), images)
        means.append(value)
        errors.append(error)
        plain.append(mean_error(answers.ravel().tolist())[1])
    spread = float(np.std(means))
    assert float(np.mean(errors)) == pytest.approx(spread, rel=0.12)
    assert float(np.mean(plain)) < 0.7 * spread
    assert design_effect(2000, 100, 0.1) == pytest.approx((spread / np.mean(plain)) ** 2, rel=0.25)


def test_an_f1_by_image_has_the_spread_of_images_drawn_for_all_splits_at_once() -> None:
    one = {str(i): Confusion(4, 1, 4, 1) if i % 2 else Confusion(1, 4, 1, 4) for i in range(60)}
    value, error = mean_f1_error_by_image({"a": one, "b": one, "c": one})
    alone, error_alone = mean_f1_error_by_image({"a": one})
    assert value == pytest.approx(alone)
    assert error == pytest.approx(error_alone)
    _, independent = mean_f1_error([Confusion(150, 150, 150, 150)] * 3)
    assert independent is not None and error is not None and error > 1.5 * independent


def test_the_items_needed_shrink_the_interval_to_the_difference() -> None:
    a = {str(i): float(i % 2) for i in range(200)}
    b = {key: (1.0 if int(key) % 20 == 0 else value) for key, value in a.items()}
    few = paired_difference({k: a[k] for k in list(a)[:40]}, {k: b[k] for k in list(a)[:40]})
    assert not few.is_separated
    assert few.items_needed is not None and 80 < few.items_needed < 250
