"""Dominance against brute force and moocore; fronts in drawing order."""

from __future__ import annotations

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretobench.analysis.front import front_mask, front_vertices
from paretobench.errors import DataError


def brute_force(objectives: np.ndarray, minimise: tuple[bool, ...]) -> np.ndarray:
    """The definition of dominance, spelled out."""
    costs = np.where(minimise, objectives, -objectives)
    return np.array(
        [not any((q <= p).all() and (q < p).any() for q in costs) for p in costs], dtype=bool
    )


def point_sets(dimensions: int, min_points: int = 1) -> st.SearchStrategy[np.ndarray]:
    """Few distinct values, so that ties and equal coordinates are common."""
    shapes = st.tuples(st.integers(min_points, 25), st.just(dimensions))
    numbers = st.integers(-4, 4).map(float) | st.floats(-1e6, 1e6)
    return shapes.flatmap(lambda shape: hnp.arrays(float, shape, elements=numbers))


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, tuple[bool, ...]]:
    """A point set of one to four objectives with random directions."""
    dimensions = draw(st.integers(1, 4))
    minimise = draw(st.tuples(*[st.booleans()] * dimensions))
    return draw(point_sets(dimensions)), minimise


@given(problems())
def test_the_mask_is_the_definition(problem):
    points, minimise = problem
    assert front_mask(points, minimise).tolist() == brute_force(points, minimise).tolist()


@given(problems())
def test_the_mask_agrees_with_moocore(problem):
    points, minimise = problem
    maximise = [not flag for flag in minimise]
    if points.shape[1] < 2:
        return
    expected = moocore.is_nondominated(points, maximise=maximise, keep_weakly=True)
    assert front_mask(points, minimise).tolist() == expected.tolist()


@given(problems(), st.randoms(use_true_random=False))
def test_a_front_is_invariant_under_permutation(problem, random):
    points, minimise = problem
    order = list(range(len(points)))
    random.shuffle(order)
    assert (front_mask(points[order], minimise) == front_mask(points, minimise)[order]).all()


@given(problems(), st.data())
def test_adding_a_dominated_point_changes_nothing(problem, data):
    points, minimise = problem
    chosen = points[data.draw(st.integers(0, len(points) - 1))]
    worse = chosen + np.where(minimise, 1.0, -1.0)
    mask = front_mask(np.vstack([points, worse]), minimise)
    assert mask[:-1].tolist() == front_mask(points, minimise).tolist()
    assert not mask[-1]


@given(problems())
def test_monotone_transforms_of_the_axes_leave_the_mask_unchanged(problem):
    points, minimise = problem
    points = np.round(points)  # distinct values stay distinct in both
    assert front_mask(points**3, minimise).tolist() == front_mask(points, minimise).tolist()
    shifted = np.log(points + 2e6)
    assert front_mask(shifted, minimise).tolist() == front_mask(points, minimise).tolist()


@given(problems())
def test_some_point_is_always_on_the_front(problem):
    assert front_mask(*problem).any()


def test_tied_points_both_stay_on_the_front():
    assert front_mask([[0.1, 0.6], [0.1, 0.6], [0.2, 0.6]]).tolist() == [True, True, False]


def test_ties_stay_beyond_two_objectives():
    points = [[1, 1, 1], [1, 1, 1], [1, 1, 2]]
    assert front_mask(points, (True, True, True)).tolist() == [True, True, False]


def test_negative_zero_ties_with_zero():
    assert front_mask([[0.0, 1.0], [-0.0, 1.0]]).all()


def test_many_points_in_three_objectives_cross_the_block_border():
    points = np.random.default_rng(3).normal(size=(3000, 3))
    expected = moocore.is_nondominated(points, keep_weakly=True)
    assert front_mask(points, (True, True, True)).tolist() == expected.tolist()


def test_no_points_give_an_empty_mask():
    assert front_mask([]).shape == (0,)
    assert front_mask(np.zeros((0, 3)), (True, True, False)).shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_index(bad):
    with pytest.raises(DataError, match=rf"objective 1 of point 2 is {bad}"):
        front_mask([[1, 1], [2, 2], [3, bad]])


@pytest.mark.parametrize("points", [[1.0, 2.0], [[1.0, 2.0, 3.0]], [[[1.0, 2.0]]]])
def test_a_shape_that_does_not_fit_the_flags_is_refused(points):
    with pytest.raises(DataError, match="do not fit 2 minimise flags"):
        front_mask(points)


@given(point_sets(2))
def test_vertices_come_in_drawing_order(points):
    order = front_vertices(points)
    assert sorted(order.tolist()) == np.flatnonzero(front_mask(points)).tolist()
    assert (np.diff(points[order], axis=0) >= 0).all()
