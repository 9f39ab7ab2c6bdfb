"""Where the labels of a plot go: beside their marker, and on nothing else.

Point labels are placed in pixels, greedily, the most important first and the most hemmed in
before the others. A candidate is refused if its box would touch the frame, a marker, another
label, or a front line; a label for which nothing free is left is not drawn at all. So an overlap
is impossible, not merely unlikely.

Why not a library: adjustText and textalloc draw what they cannot place on top of something,
and neither knows that a label nearer to another marker than to its own is read wrongly.
Reference for candidate positions and greedy placement: J. Christensen, J. Marks, S. Shieber,
"An empirical study of algorithms for point-feature label placement", ACM TOG 14 (3), 1995.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""Rows of (left, bottom, right, top) in pixels."""

COMPASS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Directions in order of preference: above, right, below, left, then the corners."""

RINGS = (1.0, 1.7, 2.6, 3.8, 5.2, 7.0)
"""Distances of the label from its marker, in units of the clearance; the last need a leader."""

LEADER_FROM = 2
"""The first ring at which a thin line ties a label to its marker."""


@dataclass(frozen=True)
class Anchor:
    """A marker that needs a label; all in pixels.

    Attributes:
        x, y: centre of the marker.
        width, height: size of the label's text.
        radius: half the marker's size.
        priority: lower is placed first.
    """

    x: float
    y: float
    width: float
    height: float
    radius: float
    priority: int = 0


@dataclass(frozen=True)
class LabelPosition:
    """Where a label goes: the centre of its text, and whether a leader line is needed."""

    x: float
    y: float
    needs_leader: bool = False


@dataclass(frozen=True)
class Scene:
    """What labels must keep off: the frame, boxes already there, and line segments.

    Attributes:
        frame: left, bottom, right, top.
        boxes: markers, words, legends; shape (n, 4).
        segments: x0, y0, x1, y1 of every piece of line; shape (m, 4).
    """

    frame: tuple[float, float, float, float]
    boxes: Boxes
    segments: Boxes

    def has_room(self, box: Boxes) -> bool:
        """Whether a box is inside the frame and on nothing."""
        left, bottom, right, top = self.frame
        is_inside = box[0] > left and box[1] > bottom and box[2] < right and box[3] < top
        return bool(is_inside) and not touches(box, self.boxes) and not crosses(box, self.segments)

    def first_room(
        self, centres: Iterable[Boxes], half: Boxes, bars: Boxes, over_bars: float = 0.0
    ) -> Boxes | None:
        """The first box with room; one on error bars is taken only where there is no other.

        Args:
            centres: x and y of the boxes to try.
            half: half the width and half the height of the box.
            bars: error bars, as segments.
            over_bars: how far each side of the box may reach over bars.
        """
        second_best = None
        for centre in centres:
            box = box_around(*centre, *half)
            if not self.has_room(box):
                continue
            if not crosses(grown(box, -over_bars), bars):
                return box
            second_best = box if second_best is None else second_best
        return second_best


def box_around(x: float, y: float, half_width: float, half_height: float) -> Boxes:
    """The box with this centre."""
    return np.array([x - half_width, y - half_height, x + half_width, y + half_height])


def grown(boxes: Boxes, by: float) -> Boxes:
    """Boxes with each side moved out; a negative number moves it in."""
    return np.asarray(boxes + np.array([-by, -by, by, by]), dtype=np.float64)


def place_labels(
    anchors: Sequence[Anchor], scene: Scene, clearance: float
) -> list[LabelPosition | None]:
    """A place for each label such that none touches anything, or None where there is none.

    Args:
        clearance: the least distance in pixels between a label and anything else.
    """
    markers = [box_around(a.x, a.y, a.radius, a.radius) for a in anchors]
    scene = replace(scene, boxes=np.vstack([scene.boxes, *markers]))
    free = [_free_candidates(anchor, anchors, scene, clearance) for anchor in anchors]
    places: list[LabelPosition | None] = [None] * len(anchors)
    taken = np.empty((0, 4))
    leaders = np.empty((0, 4))
    order = sorted(range(len(anchors)), key=lambda i: (anchors[i].priority, len(free[i])))
    for index in order:
        anchor = anchors[index]
        for place in free[index]:
            box = _label_box(anchor, place, clearance / 2)
            leader = np.array([[anchor.x, anchor.y, place.x, place.y]])
            if touches(box, taken) or crosses(box, leaders):
                continue
            if place.needs_leader and crosses(taken, leader):
                continue
            places[index] = place
            taken = np.vstack([taken, box])
            leaders = np.vstack([leaders, leader]) if place.needs_leader else leaders
            break
    return places


def touches(box: Boxes, boxes: Boxes) -> bool:
    """Whether a box overlaps any of the boxes; shared edges do not count.

    >>> touches(np.array([0., 0., 2., 2.]), np.array([[1., 1., 3., 3.]]))
    True
    """
    return bool(_overlap(box, boxes).any())


def _overlap(box: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """Which of the boxes a box overlaps."""
    return np.asarray(
        (boxes[:, 0] < box[2])
        & (boxes[:, 2] > box[0])
        & (boxes[:, 1] < box[3])
        & (boxes[:, 3] > box[1])
    )


def _bounds(segments: Boxes) -> Boxes:
    """The box around each segment, a little wider, since level ones have no height."""
    start, end = segments[:, :2], segments[:, 2:]
    return np.hstack([np.minimum(start, end) - 1, np.maximum(start, end) + 1])


def _reach(anchor: Anchor, clearance: float) -> Boxes:
    """The box that no candidate of an anchor leaves, nor its leader."""
    out = anchor.radius + clearance * (RINGS[-1] + 1)
    return box_around(anchor.x, anchor.y, anchor.width + out, anchor.height + out)


def crosses(boxes: Boxes, segments: Boxes) -> bool:
    """Whether any segment passes through any of the boxes (Liang-Barsky clipping).

    Args:
        boxes: shape (n, 4) or (4,).
        segments: shape (m, 4).

    >>> crosses(np.array([0., 0., 2., 2.]), np.array([[-1., 1., 3., 1.], [5., 5., 6., 6.]]))
    True
    """
    low, high = boxes.reshape(-1, 1, 4)[..., :2], boxes.reshape(-1, 1, 4)[..., 2:]
    start, step = segments[:, :2], segments[:, 2:] - segments[:, :2]
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (low - start) / step, (high - start) / step
    is_inside = (start > low) & (start < high)  # decides along an axis it does not move on
    entry = np.where(step == 0, np.where(is_inside, -np.inf, np.inf), np.minimum(first, second))
    leave = np.where(step == 0, np.where(is_inside, np.inf, -np.inf), np.maximum(first, second))
    near = np.maximum(entry.max(axis=-1), 0.0)
    far = np.minimum(leave.min(axis=-1), 1.0)
    return bool((near < far).any())


def _label_box(anchor: Anchor, place: LabelPosition, margin: float) -> Boxes:
    return box_around(place.x, place.y, anchor.width / 2 + margin, anchor.height / 2 + margin)


def _candidates(anchor: Anchor, clearance: float) -> list[LabelPosition]:
    places = []
    for ring, factor in enumerate(RINGS):
        gap = anchor.radius + clearance * factor
        for east, north in COMPASS:
            shrink = 0.75 if east and north else 1.0  # a corner is farther away than a side
            places.append(
                LabelPosition(
                    anchor.x + east * (gap * shrink + anchor.width / 2),
                    anchor.y + north * (gap * shrink + anchor.height / 2),
                    ring >= LEADER_FROM,
                )
            )
    return places


def _free_candidates(
    anchor: Anchor, anchors: Sequence[Anchor], scene: Scene, clearance: float
) -> list[LabelPosition]:
    window = _reach(anchor, clearance)
    boxes = scene.boxes[_overlap(window, scene.boxes)]  # of ten thousand markers a few are near
    near = Scene(scene.frame, boxes, scene.segments[_overlap(window, _bounds(scene.segments))])
    is_on_it = (  # a leader may start inside a larger marker that covers this one
        (boxes[:, 0] <= anchor.x)
        & (boxes[:, 2] >= anchor.x)
        & (boxes[:, 1] <= anchor.y)
        & (boxes[:, 3] >= anchor.y)
    )
    apart = boxes[~is_on_it]

    def is_clear(place: LabelPosition) -> bool:
        if not near.has_room(_label_box(anchor, place, clearance / 2)):
            return False
        if place.needs_leader:
            return not crosses(apart, np.array([[anchor.x, anchor.y, place.x, place.y]]))
        return _is_unambiguous(anchor, anchors, place)

    return [place for place in _candidates(anchor, clearance) if is_clear(place)]


def _is_unambiguous(anchor: Anchor, anchors: Sequence[Anchor], place: LabelPosition) -> bool:
    """Whether the label's text is nearer to its own marker than to any other one."""
    own = _distance(anchor, anchor, place)
    others = (other for other in anchors if (other.x, other.y) != (anchor.x, anchor.y))
    return all(_distance(anchor, other, place) > own for other in others)


def _distance(label: Anchor, marker: Anchor, place: LabelPosition) -> float:
    dx = max(abs(marker.x - place.x) - label.width / 2, 0.0)
    dy = max(abs(marker.y - place.y) - label.height / 2, 0.0)
    return math.hypot(dx, dy)
