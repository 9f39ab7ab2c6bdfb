"""Whether a score and a latency are of the same model, and what to say if they are not.

A latency on random weights holds for every checkpoint of its architecture: nothing to say. A
latency of a checkpoint's own weights holds for that checkpoint alone, by content hash. And a
score whose source says how it was made (quantisation, side of the tile, passes, visual tokens)
has to agree with the point that it is shown at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from paretobench.domain import EncoderInput, Workload
from paretobench.report.view.rows import Accuracy, Caution
from paretobench.store import StoredPoint

OTHER_WEIGHTS = Caution("weights", "score and latency from different weights")
UNNAMED_WEIGHTS = Caution(
    "weights", "latency of a checkpoint, score of weights that its source does not name"
)
QUANTISED = Caution("weights", "score of quantised weights, latency of unquantised ones")
PRUNED = Caution("weights", "score of pruned weights, latency of whole ones")

_INTEGER = ("int8", "int4")


def cautions(
    score: Accuracy | None,
    parts: Sequence[Workload],
    point: StoredPoint,
    names_precision: bool = False,
) -> tuple[Caution, ...]:
    """Why a score and a latency are not of one model; empty if they may be.

    Args:
        parts: the workloads of the point's latency.
        names_precision: whether the score was given for weights of the point's own precision,
            as `qwen2_7b:int4`.
    """
    if score is None or not parts:
        return ()
    said = [] if names_precision else _quantised(score, parts)
    timed = {part.checkpoint for part in parts}
    if timed not in ({""}, {score.checkpoint}):
        said.append(OTHER_WEIGHTS if score.checkpoint else UNNAMED_WEIGHTS)
    said += other_weights(score, parts)
    return (*said, *_input(score.conditions, parts, point))


def _quantised(score: Accuracy, parts: Sequence[Workload]) -> list[Caution]:
    """What to say of a latency of 8- or 4-bit weights beside a score that names none."""
    timed = {part.runtime.precision for part in parts}.intersection(_INTEGER)
    own = {part.checkpoint for part in parts} == {score.checkpoint} and score.checkpoint
    if not timed or own or "quantised: " in score.conditions:
        return []
    text = f"score of unquantised weights, latency of {' and '.join(sorted(timed))}"
    return [Caution("weights", text)]


def other_weights(score: Accuracy | None, parts: Sequence[Workload]) -> list[Caution]:
    """Why a score of quantised or pruned weights cannot be joined with this latency; empty if it
    can.

    Args:
        parts: the workloads of the point's latency.
    """
    if score is None or not parts:
        return []
    timed = {part.runtime.precision for part in parts}
    weights = {part.checkpoint for part in parts}
    if score.checkpoint and weights == {score.checkpoint}:
        return []
    said = []
    if "quantised: " in score.conditions:
        named = [name for name in _INTEGER if f"quantised: {name}" in score.conditions]
        if not timed.intersection(named or _INTEGER):
            said.append(QUANTISED)
    if "pruned: " in score.conditions:
        said.append(PRUNED)
    return said


def _input(conditions: str, parts: Sequence[Workload], point: StoredPoint) -> list[Caution]:
    """Where the input of the scored model, as its source words it, is not the point's."""
    seen = {EncoderInput.of(part.subject) for part in parts if part.kind == "encode"}
    sides = {str(one.width_px) for one in seen if one.is_square}
    timed = {
        "px": sides.pop() if len(seen) == len(sides) == 1 else "",
        "passes": str(point.passes or ""),
        "visual tokens": str(point.visual_tokens or ""),
    }
    scored = {
        "px": _found(r"(\d+) x \1 px", conditions),
        "passes": _found(r"(\d+) pass(?:es)?\b", conditions),
        "visual tokens": _found(r"(\d+) visual tokens?\b", conditions),
    }
    return [
        Caution("input", f"scored with {scored[what]} {what}, timed with {timed[what]}")
        for what in timed
        if scored[what] and timed[what] and scored[what] != timed[what]
    ]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match.group(1) if match else ""
