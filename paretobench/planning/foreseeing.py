"""What a budget or a question probably buys, before anything is measured. Pure.

The decider is asked again and again, and answered with what is predicted: each process takes what
it is expected to take and finds the latency that is predicted, half a percent off in turn. So the
result says how the time would be spent if predictions held, not what would come out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from paretobench.planning.choices import Stop
from paretobench.planning.deciding import Decider
from paretobench.planning.question import PartRecord

MOST_STEPS = 150
"""Processes that are foreseen; what a budget buys is clear long before."""

OFF = 0.005
"""How far each foreseen process is off, up and down in turn: what a quiet machine shows."""


@dataclass(frozen=True)
class Foresight:
    """How the time is probably spent.

    Attributes:
        processes: that are started.
        device_s: that they take, preparations included.
        points, of_points: candidates with every part measured, and all.
        scored, of_scored: the same of candidates with a score.
        stop: why it ends; None if that is further away than is foreseen.
    """

    processes: int
    device_s: float
    points: int
    of_points: int
    scored: int
    of_scored: int
    stop: Stop | None


def foresee(
    decider: Decider,
    known: Mapping[str, PartRecord],
    process_s: Mapping[str, float],
    preparation_s: Mapping[str, float],
    left_s: float | None = None,
    unavailable: Collection[str] = (),
) -> Foresight:
    """What a decider probably does.

    Args:
        known: records of what is measured already.
        process_s: expected seconds of a process of each part.
        left_s: seconds until processes have to have ended; None for no end.
    """
    records, left = dict(known), dict(preparation_s)
    total_s = math.inf if left_s is None else left_s
    latency_s = {part.key: part.latency_s for part in decider.inquiry.parts}
    spent_s, steps = 0.0, 0
    stop: Stop | None = None
    while steps < MOST_STEPS:
        choice = decider.decide(records, total_s - spent_s, unavailable, left)
        if isinstance(choice, Stop):
            stop = choice
            break
        key = choice.parts[0]
        before = records.get(key, PartRecord((), process_s[key]))
        centre_s = before.medians_s[0] if before.medians_s else latency_s[key]
        off = OFF if len(before.medians_s) % 2 else -OFF
        again = before.confirmations + (choice.phase == "confirming")
        medians_s = (*before.medians_s, centre_s * (1 + off))
        records[key] = PartRecord(medians_s, before.process_s, again)
        spent_s += before.process_s + left.pop(key, 0.0)
        steps += 1
    whole = [one for one in decider.inquiry.candidates if all(key in records for key in one.passes)]
    return Foresight(
        steps,
        spent_s,
        len(whole),
        len(decider.inquiry.candidates),
        sum(bool(one.accuracies) for one in whole),
        len(decider.scored),
        stop,
    )
