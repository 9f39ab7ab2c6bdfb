"""Whether a process is to be believed: by who else computed, by the canary, by its own samples.

The first of these that applies names a cell's status:

    disturbed   other programs left fewer samples that count than the plan needs
    suspect     the canary moved, or the samples contradict one another, the cold run or the
                fastest run of the same workload (`analysis.crosschecks`)
    unjudged    a canary ran beside other programs, or this machine's canaries scatter too much
    ok          none of these

Only canaries from quiet moments enter the history that later ones are held against: otherwise a
neighbour that computes from the start becomes part of what is usual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from paretobench.analysis.crosschecks import contradiction
from paretobench.domain.contention import Contention
from paretobench.domain.records import Cell, CellStatus
from paretobench.measure.canary import can_judge, verdict
from paretobench.measure.contention import (
    PROCESS_WAIT_LIMIT_S,
    SWEEP_WAIT_LIMIT_S,
    MachineProbe,
    Watch,
    neighbours,
)
from paretobench.planning.stopping import SamplingPlan

REFERENCE_CANARIES = 5
"""Canaries before the first cell, so that even it can be found throttled from start to end."""

DISTURBED_IN_A_ROW = 5
"""Disturbed processes after which a sweep stops: what follows would be disturbed as well."""


@dataclass
class Judge:
    """What one sweep has seen of its machine.

    Attributes:
        canaries_s: canaries from quiet moments, in order.
        waited_s: seconds spent waiting for a quiet machine.
        disturbed: statuses of the last processes that were disturbed, without one between them.
    """

    canaries_s: list[float] = field(default_factory=list)
    waited_s: float = 0.0
    disturbed: list[Contention] = field(default_factory=list)

    def take_reference(self, canary: Callable[[], float]) -> None:
        """The first canaries; none where the machine is not quiet within the time to wait."""
        watch = Watch(MachineProbe(), self.wait_limit_s, name_neighbours=neighbours)
        for _ in range(REFERENCE_CANARIES):
            seconds, look = watch.around(canary)
            if look.is_quiet:
                self.canaries_s.append(seconds)
        self.waited_s += watch.waited_s

    @property
    def wait_limit_s(self) -> float:
        """How long the next process may wait."""
        return max(0.0, min(PROCESS_WAIT_LIMIT_S, SWEEP_WAIT_LIMIT_S - self.waited_s))

    def judge(
        self, cell: Cell, plan: SamplingPlan, fastest_s: float | None
    ) -> tuple[CellStatus, str]:
        """A new cell's status and why; its canaries join the history.

        Args:
            cell: as it came, its status not yet known.
            plan: how it sampled.
            fastest_s: the fastest counted run of its workload in earlier cells.
        """
        seen = cell.contention
        status, why = self._judged(cell, plan, fastest_s)
        for which, seconds in enumerate((cell.canary_before_s, cell.canary_after_s)):
            if seconds is not None and (seen is None or seen.is_quiet_canary(which)):
                self.canaries_s.append(seconds)
        self.waited_s += 0.0 if seen is None else seen.waited_s
        if status == "disturbed" and seen is not None:
            self.disturbed.append(seen)
        else:
            self.disturbed.clear()
        return status, why

    def _judged(
        self, cell: Cell, plan: SamplingPlan, fastest_s: float | None
    ) -> tuple[CellStatus, str]:
        seen = cell.contention
        if seen is not None:
            counted = seen.counted(cell.samples_s)
            least = plan.least(cell.counted_s)
            if len(counted) < min(least, len(cell.samples_s)):
                return "disturbed", f"{len(counted)} of {len(cell.samples_s)} samples count"
        before_s, after_s = cell.canary_before_s, cell.canary_after_s
        is_quiet = seen is None or (seen.is_quiet_canary(0) and seen.is_quiet_canary(1))
        is_judged = is_quiet and can_judge(self.canaries_s)
        if is_judged and before_s is not None and after_s is not None:
            why = verdict(before_s, after_s, self.canaries_s)
            if why is not None:
                return "suspect", why
        counts_everything = seen is not None and seen.allowed >= 1.0
        why = contradiction(cell.counted_s, cell.first_run_s, fastest_s)
        if why is not None and not counts_everything:
            return "suspect", why
        if not is_judged:
            reason = "scatter too much" if is_quiet else "ran beside other programs"
            return "unjudged", f"this cell's canaries {reason} to judge by"
        return "ok", ""

    @property
    def is_hopeless(self) -> bool:
        """Whether so many processes in a row were disturbed that a sweep should stop."""
        return len(self.disturbed) >= DISTURBED_IN_A_ROW

    def why_hopeless(self) -> str:
        """Who disturbs this machine and by how much, and what to do."""
        shares = sorted(share for seen in self.disturbed for share in seen.foreign)
        middle = shares[len(shares) // 2] if shares else 0.0
        named = next((seen.disturbers() for seen in self.disturbed if seen.neighbours), "")
        who = f", most of it by {named}" if named else ""
        return (
            f"{len(self.disturbed)} processes in a row were disturbed: others took "
            f"{middle:.0%} of the cores{who}.\n"
            "End what is running and give the same command again: it goes on from here."
        )
