from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from paretobench.report.figures.labels import (
    Anchor,
    LabelPosition,
    Scene,
    crosses,
    place_labels,
    touches,
)

FRAME = (0.0, 0.0, 600.0, 400.0)
NOTHING = np.empty((0, 4))


def box_of(anchor: Anchor, place: LabelPosition) -> np.ndarray:
    half = np.array([anchor.width / 2, anchor.height / 2])
    centre = np.array([place.x, place.y])
    return np.concatenate([centre - half, centre + half])


coordinates = st.tuples(st.floats(5, 595), st.floats(5, 395))


@settings(max_examples=60, deadline=None)
@given(st.lists(coordinates, min_size=1, max_size=40), st.lists(coordinates, max_size=6))
def test_no_label_touches_a_label_a_marker_a_line_or_the_frame(
    spots: list[tuple[float, float]], corners: list[tuple[float, float]]
) -> None:
    anchors = [Anchor(x, y, 26.0, 10.0, 4.0, i % 3) for i, (x, y) in enumerate(spots)]
    segments = np.array([(*a, *b) for a, b in itertools.pairwise(corners)])
    scene = Scene(FRAME, NOTHING, segments.reshape(-1, 4))
    places = place_labels(anchors, scene, clearance=3.0)
    boxes = [box_of(a, p) for a, p in zip(anchors, places, strict=True) if p]
    markers = np.array([(a.x - 4, a.y - 4, a.x + 4, a.y + 4) for a in anchors])
    for index, box in enumerate(boxes):
        others = np.array(boxes[:index] + boxes[index + 1 :]).reshape(-1, 4)
        assert not touches(box, others)
        assert not touches(box, markers)
        assert not crosses(box, scene.segments)
        assert box[0] > 0 and box[1] > 0 and box[2] < 600 and box[3] < 400


def test_a_lone_label_stands_right_above_its_marker() -> None:
    place = place_labels([Anchor(300, 200, 26, 10, 4)], Scene(FRAME, NOTHING, NOTHING), 3.0)[0]
    assert place is not None
    assert (place.x, place.needs_leader) == (300, False)
    assert 200 < place.y < 220


def test_a_label_with_no_free_place_is_left_out() -> None:
    everywhere = Scene(FRAME, np.array([FRAME]), NOTHING)
    assert place_labels([Anchor(300, 200, 26, 10, 4)], everywhere, 3.0) == [None]


def test_the_more_important_label_gets_the_place_both_want() -> None:
    tight = Scene((0.0, 0.0, 60.0, 17.0), NOTHING, NOTHING)
    anchors = [Anchor(28, 8, 20, 8, 4, priority=1), Anchor(32, 8, 20, 8, 4, priority=0)]
    places = place_labels(anchors, tight, 2.0)
    assert places[1] is not None


def test_a_label_never_stands_nearer_to_another_marker_without_a_leader() -> None:
    anchors = [Anchor(100, 100, 26, 10, 4), Anchor(112, 100, 26, 10, 4)]
    places = place_labels(anchors, Scene(FRAME, NOTHING, NOTHING), 3.0)
    first = places[0]
    assert first is not None
    assert first.needs_leader or abs(first.x - 100) <= abs(first.x - 112)


def test_a_segment_that_only_passes_by_does_not_cross() -> None:
    box = np.array([0.0, 0.0, 2.0, 2.0])
    assert not crosses(box, np.array([[3.0, -1.0, 3.0, 5.0]]))
    assert crosses(box, np.array([[1.0, -1.0, 1.0, 5.0]]))
    assert crosses(box, np.array([[0.5, 0.5, 0.6, 0.6]])), "a segment wholly inside"
