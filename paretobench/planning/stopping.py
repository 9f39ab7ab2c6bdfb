"""When to stop: warming up, sampling, and adding processes. Pure.

Three nested questions, each answered by one function over what has been seen so far:
is the process warm (`is_warm`), has it enough samples (`SamplingPlan.needs_sample`), has the
workload enough processes (`CellPlan.decide`). Repetitions are timed in `measure.timing`, and
processes are started by `measure.harness`.

References:
    Two-window warm-up: the steady-state test of Georges, Buytaert and Eeckhout (OOPSLA 2007),
    on medians in place of the coefficient of variation, so that one hiccup does not prolong it.
    Stopping rule for processes: simulated in benchmarks/coverage.py.
"""

from __future__ import annotations

import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from paretobench.analysis.shape import is_settled
from paretobench.domain.records import Fidelity
from paretobench.units import counted

ADAPTIVE_CELLS = 8
"""Processes that a rule without a time budget takes: 20 over the 2.3 to 2.6 times that
stopping at 1 % saved in simulation."""

COLD_RUN = 1.7
"""The first run of a process over a later one: median of 40 workloads, measured."""

WARMUP_RUNS = 7
"""Runs until a process counts as warm, where the time limit does not come first: median of 40
workloads, measured; two windows of three are the least."""


@dataclass(frozen=True)
class SamplingPlan:
    """How one process warms up and samples.

    Attributes:
        window: runs in each of the two warm-up windows.
        tolerance: the newer window may be this much faster than the older one, as a fraction,
            and the process still counts as warm.
        warmup_limit_s: time after which it counts as warm anyway.
        slow_run_s: when the cold first run takes this long it is the whole warm-up: runs of
            seconds amortise what shorter ones must warm up for.
        sample_s: time to sample for.
        share: fraction of the process's time that its runs should reach (first, warm-up and
            samples); `sample_s` is raised to it, at most to `sample_limit_s`, so that starting
            and loading do not dominate.
        sample_limit_s: see `share`.
        min_samples, max_samples: bounds on the number of samples; `min_slow_samples` replaces
            the lower one for slow runs.
        disturbed_limit_s: time that samples which other programs disturbed may take before no
            more of them are replaced; one is replaced however long it takes.
        settle_limit_s: sampling goes on, at most for so long, until the samples have settled
            (`shape.is_settled`): what is slow at first or heats up is then past it.
    """

    window: int = 3
    tolerance: float = 0.02
    warmup_limit_s: float = 3.0
    slow_run_s: float = 2.0
    sample_s: float = 2.0
    share: float = 0.7
    sample_limit_s: float = 4.0
    min_samples: int = 5
    max_samples: int = 1000
    min_slow_samples: int = 2
    disturbed_limit_s: float = 10.0
    settle_limit_s: float = 0.0

    def target_s(self, overhead_s: float, worked_s: float = 0.0) -> float:
        """How long to sample, given the seconds already spent.

        Args:
            overhead_s: on starting and loading.
            worked_s: on the first run and the warm-up.

        >>> plan = SamplingPlan(sample_s=1, share=0.7, sample_limit_s=4)
        >>> plan.target_s(0.9), plan.target_s(0.9, 0.6), plan.target_s(0.9, 5.0)
        (2.1, 1.5, 1)
        """
        balanced = self.share / (1.0 - self.share) * overhead_s - worked_s
        return round(min(max(self.sample_s, balanced), self.sample_limit_s), 9)

    def needs_sample(self, samples_s: Sequence[float], elapsed_s: float, target_s: float) -> bool:
        """Whether to take one more sample.

        Args:
            samples_s: samples so far that count.
            elapsed_s: time since sampling began, making inputs included, waiting left out.
            target_s: from `target_s`.
        """
        n = len(samples_s)
        if n >= self.max_samples:
            return False
        if n < self.least(samples_s) or elapsed_s < target_s:
            return True
        return elapsed_s < self.settle_limit_s and not is_settled(samples_s)

    def replaces(self, samples_s: Sequence[float], counted_s: Sequence[float]) -> bool:
        """Whether samples that other programs disturbed are still replaced by further ones.

        Args:
            samples_s: all samples so far.
            counted_s: those of them that nobody disturbed.

        >>> SamplingPlan().replaces([40.0], []), SamplingPlan().replaces([40.0, 41.0], [])
        (True, False)
        """
        disturbed_s = sum(samples_s) - sum(counted_s)
        longest_s = max(samples_s, default=0.0)
        return disturbed_s <= max(self.disturbed_limit_s, longest_s)

    def least(self, samples_s: Sequence[float]) -> int:
        """How many samples a process needs at least, by how slow those so far are."""
        if samples_s and statistics.median(samples_s) >= self.slow_run_s:
            return self.min_slow_samples
        return self.min_samples

    def is_slow(self, first_run_s: float) -> bool:
        """Whether the cold first run is the whole warm-up."""
        return first_run_s >= self.slow_run_s

    def expected_s(self, latency_s: float, overhead_s: float) -> float:
        """Seconds that one process will probably take.

        Args:
            latency_s: of one run.
            overhead_s: on starting and loading.

        >>> plan = cell_plan("standard").sampling
        >>> plan.expected_s(0.01, 2.0), plan.expected_s(10.0, 30.0)
        (4.587, 67.0)
        """
        first_s = COLD_RUN * latency_s
        warmup_s = 0.0
        if not self.is_slow(first_s):
            warmup_s = min(WARMUP_RUNS * latency_s, self.warmup_limit_s + latency_s)
        least_s = self.least([latency_s]) * latency_s
        sampling_s = max(self.target_s(overhead_s, first_s + warmup_s), least_s)
        return round(overhead_s + first_s + warmup_s + sampling_s, 9)

    def to_json(self) -> dict[str, Any]:
        """What a cell is sent and its facts record."""
        return asdict(self)


def is_warm(runs_s: Sequence[float], plan: SamplingPlan) -> bool:
    """Whether the last window of runs is no longer faster than the one before it.

    One-sided on purpose: warming up makes runs faster; a process that gets slower is being
    throttled, and waiting does not help.

    >>> plan = SamplingPlan(window=2, tolerance=0.02)
    >>> is_warm([3.0, 2.0, 1.0, 1.0], plan), is_warm([1.0, 1.0, 0.99, 1.0], plan)
    (False, True)
    """
    w = plan.window
    if len(runs_s) < 2 * w:
        return False
    before = statistics.median(runs_s[-2 * w : -w])
    return statistics.median(runs_s[-w:]) >= before * (1.0 - plan.tolerance)


@dataclass(frozen=True)
class Decision:
    """Whether a workload needs another process, and the reason in a few words."""

    needs_more: bool
    why: str


@dataclass(frozen=True)
class CellPlan:
    """How many processes a workload gets.

    Attributes:
        fidelity: the level of this plan.
        sampling: how each process samples.
        min_cells: processes that are started whatever they cost, unless `budget_limit_s` says no.
        max_cells: the cap.
        budget_s: once `min_cells` are there, another one must fit into this many seconds.
        budget_limit_s: the second and later of `min_cells` must fit into this many seconds.
        precision_goal: half-width of the interval to stop at, as a fraction; None if the
            budget alone decides.
        sessions: sittings, an hour apart, that each take this many processes.
    """

    fidelity: Fidelity
    sampling: SamplingPlan
    min_cells: int
    max_cells: int
    budget_s: float = float("inf")
    budget_limit_s: float = float("inf")
    precision_goal: float | None = None
    sessions: int = 1

    def decide(
        self, medians_s: Sequence[float], spent_s: float, is_cheapest: bool = False
    ) -> Decision:
        """Whether to start another process.

        Args:
            medians_s: one median per process that counts so far.
            spent_s: wall seconds of these processes; repeats are not charged to a workload.
            is_cheapest: whether it gets `min_cells` whatever the budget (see `cheapest`).

        >>> cell_plan('quick').decide([], 0.0).needs_more, cell_plan('quick').decide([1.0], 3.0)
        (True, Decision(needs_more=False, why='1 process, the most that quick takes'))
        """
        n = len(medians_s)
        if n == 0:
            return Decision(True, "not measured yet")
        if n >= self.max_cells:
            made = counted(n, "process", "processes")
            sitting = " in one sitting" if self.sessions > 1 else ""
            return Decision(False, f"{made}, the most that {self.fidelity} takes{sitting}")
        if is_cheapest and n < self.min_cells:
            return Decision(True, f"{n} of at least {self.min_cells} processes, for the pool")
        budget_s = self.budget_limit_s if n < self.min_cells else self.budget_s
        if spent_s + spent_s / n > budget_s:
            return Decision(False, f"another process would exceed {budget_s:g} s for this workload")
        if n < self.min_cells:
            return Decision(True, f"{n} of at least {self.min_cells} processes")
        return self._by_precision(medians_s)

    def expected_cells(
        self,
        medians_s: Sequence[float],
        spent_s: float,
        cell_s: float,
        is_cheapest: bool = False,
    ) -> int:
        """How many processes are probably still to come, for an estimate of the time left.

        Args:
            medians_s, spent_s, is_cheapest: as for `decide`.
            cell_s: wall seconds that one process of this workload takes.

        >>> cell_plan('standard').expected_cells([], 0.0, 8.0)
        2
        """
        if medians_s and not self.decide(medians_s, spent_s, is_cheapest).needs_more:
            return 0
        n = len(medians_s)
        if self.precision_goal is None:
            affordable = int(min(self.budget_s / cell_s, self.max_cells))
            least = int(min(self.budget_limit_s / cell_s, self.min_cells))
            least = self.min_cells if is_cheapest else least
            return max(1, max(affordable, least) - n)
        wanted = max(self.min_cells, ADAPTIVE_CELLS)
        if n >= 2:
            off = _half_width(medians_s) / self.precision_goal
            wanted = max(self.min_cells, round(n * off**2))
        return max(1, min(wanted, self.max_cells) - n)

    def expected_s(self, cell_s: float, is_cheapest: bool = False) -> float:
        """Wall seconds of all processes of one workload, before the first.

        >>> cell_plan("standard").expected_s(10.0), cell_plan("rigorous").expected_s(10.0)
        (20.0, 80.0)
        """
        return cell_s * self.expected_cells([], 0.0, cell_s, is_cheapest)

    def _by_precision(self, medians_s: Sequence[float]) -> Decision:
        if self.precision_goal is None:
            return Decision(True, "within the budget")
        reached = _half_width(medians_s)
        sign = "<=" if reached <= self.precision_goal else ">"
        why = f"half-width {reached:.2%} {sign} {self.precision_goal:.2%}"
        return Decision(reached > self.precision_goal, why)


def _half_width(medians_s: Sequence[float]) -> float:
    from paretobench.analysis.stats import SEQUENTIAL_CONFIDENCE, half_width

    return half_width(medians_s, SEQUENTIAL_CONFIDENCE)


def check_fidelity(fidelity: Fidelity) -> Fidelity:
    """The level at which sums are checked: `standard` at most. How well a sum holds is read in
    percents, and each process of a check loads both models.

    >>> check_fidelity("quick"), check_fidelity("rigorous")
    ('quick', 'standard')
    """
    return "quick" if fidelity == "quick" else "standard"


POOL_NEEDS = 5
"""Workloads of one backend and kind that get a second process whatever the budget: as many as a
pool needs (`analysis.pooling.MIN_GROUPS`). On a machine where a second process of most workloads
exceeded the budget, 21 of 22 scored rows had no interval; with this rule none, for a tenth more
time."""


def cheapest(cell_s: Mapping[str, float], group_of: Mapping[str, Hashable]) -> frozenset[str]:
    """The keys of the `POOL_NEEDS` workloads of each group whose processes cost least.

    Args:
        cell_s: what one process costs by workload key; only the order matters.
        group_of: backend and kind by workload key.

    >>> sorted(cheapest(dict(zip("abcdef", range(6))), dict.fromkeys("abcdef", "encode")))
    ['a', 'b', 'c', 'd', 'e']
    """
    groups: dict[Hashable, list[str]] = {}
    for key in sorted(cell_s, key=lambda key: (cell_s[key], key)):
        groups.setdefault(group_of[key], []).append(key)
    return frozenset(key for keys in groups.values() for key in keys[:POOL_NEEDS])


def cell_plan(fidelity: Fidelity, precision_goal: float = 0.01) -> CellPlan:
    """The plan of a fidelity level; `docs/methodology.md` says where each number comes from.

    Raises:
        ValueError: if the level does not exist or the goal is not above zero.
    """
    if not precision_goal > 0:
        raise ValueError(f"a precision goal is a fraction above 0, got {precision_goal!r}")
    if fidelity == "quick":
        quick = SamplingPlan(
            sample_s=1.0, sample_limit_s=1.0, warmup_limit_s=1.0, min_samples=3, min_slow_samples=1
        )
        return CellPlan("quick", quick, min_cells=1, max_cells=1)
    if fidelity == "standard":
        standard = SamplingPlan(sample_s=1.5, sample_limit_s=2.5, warmup_limit_s=2.0)
        return CellPlan(
            "standard", standard, min_cells=2, max_cells=5, budget_s=20.0, budget_limit_s=30.0
        )
    if fidelity == "rigorous":
        rigorous = SamplingPlan(share=0.72, sample_limit_s=10.0)
        return CellPlan(
            "rigorous", rigorous, min_cells=5, max_cells=20, precision_goal=precision_goal
        )
    if fidelity == "audit":
        audit = SamplingPlan(
            sample_s=20.0, sample_limit_s=20.0, settle_limit_s=120.0, min_samples=20,
            max_samples=5000, min_slow_samples=8,
        )  # fmt: skip
        return CellPlan("audit", audit, min_cells=5, max_cells=5, sessions=3)
    raise ValueError(f"fidelity is quick, standard, rigorous or audit, not {fidelity!r}")
