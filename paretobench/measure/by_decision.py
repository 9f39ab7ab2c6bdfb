"""Measure what a question decides, one process after the other.

`planning.deciding` chooses; here its choice is carried out by the harness's own steps: what a part
needs is made shortly before its first process, so that the first parts are measured before
everything is converted, and a suspect process is repeated at once. All that a choice rests on is
read from the sweep's cells, so a sweep that was killed goes on with the same choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from paretobench.analysis.stats import cell_median, undisturbed
from paretobench.domain.records import Cell, Fidelity, Process
from paretobench.planning.choices import Start, Stop
from paretobench.planning.deciding import Decider
from paretobench.planning.estimate import artifact_name
from paretobench.planning.question import Inquiry, PartRecord

if TYPE_CHECKING:
    from paretobench.measure.harness import Measuring

PREPARED_AT_ONCE_S = 20.0
"""Artifacts that are expected to take so long together are made by one process: starting one costs
some seconds, and the first figure should not wait for the last conversion."""

SET_ASIDE_AFTER = 2
"""Disturbed processes of one part in one sweep after which it is left, so that others get theirs.
With a budget the end comes anyway, so a machine that is never quiet stops nothing."""


def measure_by_decision(sweep: Measuring, inquiry: Inquiry) -> str:
    """Start what is chosen until nothing is; returns why it ended."""
    decider = Decider(inquiry, sweep.plan, sweep.options.cheapest)
    while True:
        choice, round_index = _next(sweep, decider)
        if isinstance(choice, Stop):
            return choice.why
        key = choice.parts[0]
        if key not in sweep.prepared:
            sweep.prepare([sweep.workloads[each] for each in batch(sweep, choice.parts)])
        if key in sweep.prepared:
            sweep.start(sweep.workloads[key], round_index, choice.phase)
        elif key not in sweep.failed:
            return "the time was up while artifacts were made"


def _next(sweep: Measuring, decider: Decider) -> tuple[Start | Stop, int]:
    """What to start next and in which round: a repeat before anything new."""
    if (repeated := to_repeat(sweep)) is not None:
        return Start((repeated,), "repeat"), last_round(sweep, repeated)
    choice = decider.decide(
        records(sweep.cells, sweep.plan.fidelity),
        sweep.deadline.left_s,
        unavailable(sweep),
        preparations_left(sweep),
    )
    if isinstance(choice, Stop):
        return choice, -1
    # What was disturbed waits until the others had their turn; the order stays among equals.
    parts = sorted(choice.parts, key=lambda key: len(disturbed(sweep, key)))
    return Start(tuple(parts), choice.phase), last_round(sweep, parts[0]) + 1


def records(cells_of: Mapping[str, Sequence[Process]], fidelity: Fidelity) -> dict[str, PartRecord]:
    """What is known of each part, by its undisturbed processes at the plan's fidelity.

    Args:
        cells_of: processes of one environment, by workload, in the order of their starts.
    """
    found = {}
    for key, cells in cells_of.items():
        quiet = undisturbed(cells, fidelity)
        if quiet:
            again = sum(cell.phase == "confirming" for cell in quiet)
            mean_s = sum(cell.wall_s for cell in quiet) / len(quiet)
            found[key] = PartRecord(tuple(map(cell_median, quiet)), mean_s, again)
    return found


def unavailable(sweep: Measuring) -> set[str]:
    """Parts that failed, or that other programs disturbed too often."""
    often = {key for key in sweep.cells if len(disturbed(sweep, key)) >= SET_ASIDE_AFTER}
    return often | set(sweep.failed)


def disturbed(sweep: Measuring, key: str) -> list[Cell]:
    """A part's cells of this sweep that other programs disturbed."""
    return [cell for cell in sweep.of_sweep(key) if cell.status == "disturbed"]


def last_round(sweep: Measuring, key: str) -> int:
    """The highest round of a part in this sweep; -1 before its first."""
    return max((cell.round_index for cell in sweep.of_sweep(key)), default=-1)


def to_repeat(sweep: Measuring) -> str | None:
    """A part whose last process was suspect and not yet repeated, if that fits."""
    for key in sweep.workloads:
        latest = [c for c in sweep.of_sweep(key) if c.round_index == last_round(sweep, key)]
        is_alone = len(latest) == 1 and latest[0].status == "suspect"
        if is_alone and key not in sweep.failed and sweep.deadline.fits(latest[0].wall_s):
            return key
    return None


def preparations_left(sweep: Measuring) -> Mapping[str, float]:
    """Seconds of what must still be made for a part, by its key."""
    made = {artifact_name(sweep.workloads[key]) for key in sweep.prepared}
    return {
        key: seconds
        for key, seconds in sweep.options.preparation_s.items()
        if key in sweep.workloads and artifact_name(sweep.workloads[key]) not in made
    }


def batch(sweep: Measuring, keys: Sequence[str]) -> list[str]:
    """Which of the next parts are made ready by one process: those of the first one's backend,
    while making them takes no longer than `PREPARED_AT_ONCE_S` together."""
    backend = sweep.workloads[keys[0]].runtime.backend
    left = preparations_left(sweep)
    artifacts: set[str] = set()
    chosen: list[str] = []
    spent_s = 0.0
    for key in keys:
        workload = sweep.workloads[key]
        if workload.runtime.backend != backend or key in sweep.prepared:
            continue
        name = artifact_name(workload)
        seconds = 0.0 if name in artifacts else left.get(key, 0.0)
        if not chosen or spent_s + seconds <= PREPARED_AT_ONCE_S:
            chosen.append(key)
            artifacts.add(name)
            spent_s += seconds
    return chosen
