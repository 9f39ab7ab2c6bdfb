"""Where the labels of a plot go: beside their marker, and on nothing else.

Point labels are placed in pixels, greedily, the most important first and the most hemmed in
before the others. A candidate is refused if its box would touch the frame, a marker, another
label, or a front line; a label for which nothing free is left is not drawn at all, and the
caller says how many those are. So an overlap is impossible, not merely unlikely.

Why not a library: adjustText and textalloc draw what they cannot place on top of something,
and neither knows that a label nearer to another marker than to its own is read wrongly.
Reference for candidate positions and greedy placement: J. Christensen, J. Marks, S. Shieber,
"An empirical study of algorithms for point-feature label placement", ACM TOG 14 (3), 1995.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
        boxes: markers without a label, legends; shape (n, 4).
        segments: x0, y0, x1, y1 of every piece of line; shape (m, 4).
    """

    frame: tuple[float, float, float, float]
    boxes: Boxes
    segments: Boxes


def place_labels(
    anchors: Sequence[Anchor], scene: Scene, clearance: float
) -> list[LabelPosition | None]:
    """A place for each label such that none touches anything, or None where there is none.

    Args:
        clearance: the least distance in pixels between a label and anything else.
    """
    markers = np.array([_marker_box(anchor) for anchor in anchors]).reshape(-1, 4)
    obstacles = np.vstack([scene.boxes.reshape(-1, 4), markers])
    free = [
        _free_candidates(index, anchors, obstacles, scene, clearance)
        for index in range(len(anchors))
    ]
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
    half_w, half_h = anchor.width + out, anchor.height + out
    return np.array([anchor.x - half_w, anchor.y - half_h, anchor.x + half_w, anchor.y + half_h])


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


def _marker_box(anchor: Anchor) -> tuple[float, float, float, float]:
    r = anchor.radius
    return (anchor.x - r, anchor.y - r, anchor.x + r, anchor.y + r)


def _label_box(anchor: Anchor, place: LabelPosition, margin: float) -> Boxes:
    half_w, half_h = anchor.width / 2 + margin, anchor.height / 2 + margin
    return np.array([place.x - half_w, place.y - half_h, place.x + half_w, place.y + half_h])


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
    index: int, anchors: Sequence[Anchor], obstacles: Boxes, scene: Scene, clearance: float
) -> list[LabelPosition]:
    anchor = anchors[index]
    left, bottom, right, top = scene.frame
    window = _reach(anchor, clearance)
    obstacles = obstacles[_overlap(window, obstacles)]  # of ten thousand markers a few are near
    segments = scene.segments[_overlap(window, _bounds(scene.segments))]
    is_on_it = (  # a leader may start inside a larger marker that covers this one
        (obstacles[:, 0] <= anchor.x)
        & (obstacles[:, 2] >= anchor.x)
        & (obstacles[:, 1] <= anchor.y)
        & (obstacles[:, 3] >= anchor.y)
    )
    apart = obstacles[~is_on_it]
    free = []
    for place in _candidates(anchor, clearance):
        box = _label_box(anchor, place, clearance / 2)
        in_frame = box[0] > left and box[1] > bottom and box[2] < right and box[3] < top
        if not in_frame or touches(box, obstacles) or crosses(box, segments):
            continue
        if place.needs_leader:
            leader = np.array([[anchor.x, anchor.y, place.x, place.y]])
            if crosses(apart, leader):
                continue
        elif not _is_unambiguous(index, anchors, place):
            continue
        free.append(place)
    return free


def _is_unambiguous(index: int, anchors: Sequence[Anchor], place: LabelPosition) -> bool:
    """Whether the label's text is nearer to its own marker than to any other one."""
    own = _distance(anchors[index], anchors[index], place)
    return all(
        _distance(anchors[index], other, place) > own
        for at, other in enumerate(anchors)
        if at != index and (other.x, other.y) != (anchors[index].x, anchors[index].y)
    )


def _distance(label: Anchor, marker: Anchor, place: LabelPosition) -> float:
    dx = max(abs(marker.x - place.x) - label.width / 2, 0.0)
    dy = max(abs(marker.y - place.y) - label.height / 2, 0.0)
    return math.hypot(dx, dy)
