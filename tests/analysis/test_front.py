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

DOWN_UP = np.array([1.0, -1.0])
"""Worse in both: slower and less accurate."""


def brute_force(objectives: np.ndarray) -> np.ndarray:
    """The definition of dominance, spelled out."""
    costs = objectives * DOWN_UP
    return np.array(
        [not any((q <= p).all() and (q < p).any() for q in costs) for p in costs], dtype=bool
    )


def point_sets() -> st.SearchStrategy[np.ndarray]:
    """Few distinct values, so that ties and equal coordinates are common."""
    shapes = st.tuples(st.integers(1, 25), st.just(2))
    numbers = st.integers(-4, 4).map(float) | st.floats(-1e6, 1e6)
    return shapes.flatmap(lambda shape: hnp.arrays(float, shape, elements=numbers))


@given(point_sets())
def test_the_mask_is_the_definition(points):
    assert front_mask(points).tolist() == brute_force(points).tolist()


@given(point_sets())
def test_the_mask_agrees_with_moocore(points):
    expected = moocore.is_nondominated(points, maximise=[False, True], keep_weakly=True)
    assert front_mask(points).tolist() == expected.tolist()


@given(point_sets(), st.randoms(use_true_random=False))
def test_a_front_is_invariant_under_permutation(points, random):
    order = list(range(len(points)))
    random.shuffle(order)
    assert (front_mask(points[order]) == front_mask(points)[order]).all()


@given(point_sets(), st.data())
def test_adding_a_dominated_point_changes_nothing(points, data):
    worse = points[data.draw(st.integers(0, len(points) - 1))] + DOWN_UP
    mask = front_mask(np.vstack([points, worse]))
    assert mask[:-1].tolist() == front_mask(points).tolist()
    assert not mask[-1]


@given(point_sets())
def test_monotone_transforms_of_the_axes_leave_the_mask_unchanged(points):
    points = np.round(points)  # distinct values stay distinct in both
    assert front_mask(points**3).tolist() == front_mask(points).tolist()
    shifted = np.log(points + 2e6)
    assert front_mask(shifted).tolist() == front_mask(points).tolist()


@given(point_sets())
def test_some_point_is_always_on_the_front(points):
    assert front_mask(points).any()


def test_tied_points_both_stay_on_the_front():
    assert front_mask([[0.1, 0.6], [0.1, 0.6], [0.2, 0.6]]).tolist() == [True, True, False]


def test_negative_zero_ties_with_zero():
    assert front_mask([[0.0, 1.0], [-0.0, 1.0]]).all()


def test_no_points_give_an_empty_mask():
    assert front_mask([]).shape == (0,)
    assert front_mask(np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_index(bad):
    with pytest.raises(DataError, match=rf"objective 1 of point 2 is {bad}"):
        front_mask([[1, 1], [2, 2], [3, bad]])


@pytest.mark.parametrize("points", [[1.0, 2.0], [[1.0, 2.0, 3.0]], [[[1.0, 2.0]]]])
def test_another_shape_is_refused(points):
    with pytest.raises(DataError, match="not one TTFT and one accuracy"):
        front_mask(points)


@given(point_sets())
def test_vertices_come_in_drawing_order(points):
    order = front_vertices(points)
    assert sorted(order.tolist()) == np.flatnonzero(front_mask(points)).tolist()
    assert (np.diff(points[order], axis=0) >= 0).all()
