"""A simulated machine for the other benchmarks: its clock, its noise, its neighbours.

Processes of known true latency run through the project's own warm-up, sampling, contention,
canary, judging and stopping code; only time is simulated. The machine has two cores; a neighbour
takes one of them in bursts, which slows what runs on both by `slowed` and shows in the counters as
it would in `/proc/stat` and `/proc/pressure/cpu`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from paretobench.analysis import stats
from paretobench.domain.records import Cell
from paretobench.measure.canary import SETTLE_S
from paretobench.measure.contention import Reading, Watch
from paretobench.measure.judging import Judge
from paretobench.measure.timing import Repetition, sample, warm_up
from paretobench.planning.stopping import CellPlan

OVERHEAD_S = 3.0
"""Seconds that a simulated process takes to start and load: importing torch takes as long."""

WARMING_S = 0.3
"""Time constant of the 10 % by which a process is slow after its first run, which costs half
as much again."""

CANARY_S, CANARY_SD = 0.02, 0.002

CORES = 2

DRIFT_S = 300.0
"""Seconds after which a machine that warms up is warm."""

DISTURBED_AT_MOST = 4
"""As `measure.harness.DISTURBED_AT_MOST`."""


@dataclass(frozen=True)
class Noise:
    """One kind of disturbance. Standard deviations are of logarithms.

    Attributes:
        tail_chance, tail: so many samples take longer by an exponential with this mean.
        burst_share: share of the time in which a neighbour takes a core.
        burst_s: mean length of such a burst.
        slowed: how many times longer work takes meanwhile (2 to 6 for eager torch).
        labelled: part of a label that says so where an interval cannot hold.
    """

    name: str
    sample_sd: float = 0.02
    correlation: float = 0.0
    process_sd: float = 0.0
    slow_mode: float = 0.0
    slow_mode_chance: float = 0.0
    drift_per_s: float = 0.0
    throttle_chance: float = 0.0
    tail_chance: float = 0.0
    tail: float = 0.0
    burst_share: float = 0.0
    burst_s: float = 2.0
    slowed: float = 3.0
    labelled: str = ""

    def factor(self) -> float:
        """What an estimate aims at, over the true latency: the geometric mean over processes."""
        return float((1.0 + self.slow_mode) ** self.slow_mode_chance)


@dataclass
class World:
    """The machine over simulated time: what all processes share, and its counters."""

    rng: np.random.Generator
    noise: Noise = field(default_factory=lambda: Noise("none"))
    now: float = 0.0
    idle_s: float = 0.0
    own_s: float = 0.0
    stalled_s: float = 0.0
    cores: int = CORES
    _is_burst: bool = False
    _until: float = 0.0

    def __post_init__(self) -> None:
        self._is_burst = bool(self.rng.random() < self.noise.burst_share)
        self._until = self._length()

    def speed(self) -> float:
        """How much slower than at the beginning the machine is by now."""
        return 1.0 + self.noise.drift_per_s * min(self.now, DRIFT_S)

    def mean_speed(self) -> float:
        """The same, on average over the time so far."""
        lasted = min(self.now, DRIFT_S)
        drifted = self.noise.drift_per_s * (lasted**2 / 2 + (self.now - lasted) * DRIFT_S)
        return 1.0 + drifted / max(self.now, 1e-9)

    def read(self) -> Reading:
        """The counters, as `measure.contention.MachineProbe` reads them."""
        idle_s = math.floor(self.idle_s * 100) / 100  # in ticks
        return Reading(self.now, idle_s, self.own_s, 0.0, self.stalled_s, None, 0)

    def work(self, seconds: float) -> None:
        """Work that would take so long alone, on all cores."""
        left = seconds
        while left > 0:
            slower = self.noise.slowed if self._is_burst else 1.0
            step = min(left * slower, self._until - self.now)
            left -= step / slower
            others = 1.0 if self._is_burst else 0.0
            self._pass(step, CORES - others)

    def sleep(self, seconds: float) -> None:
        """Time in which this process does nothing."""
        end = self.now + seconds
        while self.now < end - 1e-12:
            self._pass(min(end, self._until) - self.now, 0.0)

    def _pass(self, seconds: float, own_cores: float) -> None:
        others = 1.0 if self._is_burst else 0.0
        self.own_s += own_cores * seconds
        self.idle_s += (CORES - own_cores - others) * seconds
        self.stalled_s += seconds if others and own_cores else 0.0
        self.now += seconds
        if self.now >= self._until - 1e-12:
            if 0.0 < self.noise.burst_share < 1.0:
                self._is_burst = not self._is_burst
            self._until = self.now + self._length()

    def _length(self) -> float:
        share, mean_s = self.noise.burst_share, self.noise.burst_s
        if not 0.0 < share < 1.0:
            return math.inf
        return float(self.rng.exponential(mean_s if self._is_burst else mean_s * (1 / share - 1)))


@dataclass
class Process:
    """One simulated process: its own bias and its samples' noise."""

    world: World
    true_s: float
    _state: float = 0.0
    _ran_s: float = 0.0
    factor: float = field(init=False, default=1.0)
    throttled: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        rng, noise = self.world.rng, self.world.noise
        self.factor = math.exp(rng.normal(0.0, noise.process_sd))
        if rng.random() < noise.slow_mode_chance:
            self.factor *= 1.0 + noise.slow_mode
        if rng.random() < noise.throttle_chance:
            self.throttled = rng.uniform(1.03, 1.12)

    def clock(self) -> float:
        """Simulated monotonic seconds."""
        return self.world.now

    def run(self) -> None:
        """One repetition: moves the clock by its noisy duration."""
        rng, noise = self.world.rng, self.world.noise
        keep = noise.correlation
        self._state = keep * self._state + math.sqrt(1.0 - keep**2) * rng.normal(
            0.0, noise.sample_sd
        )
        warming = 1.5 if self._ran_s == 0.0 else 1.0 + 0.1 * math.exp(-self._ran_s / WARMING_S)
        took = self.true_s * self.factor * self.throttled * self.world.speed() * warming
        took *= math.exp(self._state)
        if rng.random() < noise.tail_chance:
            took *= 1.0 + rng.exponential(noise.tail)
        before = self.world.now
        self.world.work(took)
        self._ran_s += self.world.now - before

    def canary(self) -> float:
        """The canary: sees throttling, drift and neighbours, not the workload's own noise."""
        wobble = math.exp(self.world.rng.normal(0.0, CANARY_SD))
        before = self.world.now
        for _ in range(10):
            self.world.work(CANARY_S * self.throttled * self.world.speed() * wobble)
        return (self.world.now - before) / 10


def simulate_cell(
    world: World, plan: CellPlan, judge: Judge, index: int, true_s: float, fastest_s: float | None
) -> Cell:
    """One process as `measure.cell` and `measure.harness` carry it out."""
    began, process = world.now, Process(world, true_s)
    watch = Watch(world, judge.wait_limit_s, world.sleep, allowed=0.03)
    before_s, before = watch.around(process.canary)
    world.work(OVERHEAD_S / 2)
    world.sleep(OVERHEAD_S / 2)
    repeat = Repetition(process.run, lambda: None, process.clock)
    first_run_s, warmup_s = warm_up(repeat, plan.sampling)
    samples_s = sample(repeat, plan.sampling, OVERHEAD_S, first_run_s + sum(warmup_s), watch)
    world.sleep(SETTLE_S)
    after_s, after = watch.around(process.canary)
    cell = Cell(
        workload_key=str(true_s),
        environment_key="simulated",
        started_at=f"{began:020.6f}",
        fidelity=plan.fidelity,
        round_index=index,
        load_s=OVERHEAD_S,
        first_run_s=first_run_s,
        warmup_s=tuple(warmup_s),
        samples_s=tuple(samples_s),
        canary_before_s=before_s,
        canary_after_s=after_s,
        wall_s=world.now - began - watch.waited_s,
        peak_memory_bytes=None,
        contention=watch.record((before.share, after.share)),
    )
    status, _ = judge.judge(cell, plan.sampling, fastest_s)
    return replace(cell, status=status)


def measure(
    world: World, plan: CellPlan, workloads: tuple[float, ...], cheapest: tuple[float, ...] = ()
) -> dict[float, list[Cell]]:
    """Rounds over the workloads until none wants another process, as the harness does."""
    judge = Judge()
    process, watch = Process(world, 1.0), Watch(world, 30.0, world.sleep, allowed=0.03)
    for _ in range(5):
        seconds, look = watch.around(process.canary)
        if look.is_quiet:
            judge.canaries_s.append(seconds / process.throttled)
    judge.waited_s += watch.waited_s
    cells: dict[float, list[Cell]] = {true_s: [] for true_s in workloads}

    def needs_more(true_s: float) -> bool:
        mine = cells[true_s]
        if sum(cell.status == "disturbed" for cell in mine) >= DISTURBED_AT_MOST:
            return False
        counted = [c for c in stats.replicates(mine) if c.status != "disturbed"]
        medians = [stats.cell_median(cell) for cell in counted]
        spent_s = sum(cell.wall_s for cell in counted)
        return plan.decide(medians, spent_s, true_s in cheapest).needs_more

    def visit(true_s: float, index: int) -> Cell:
        mine = [c for c in cells[true_s] if c.status != "disturbed"]
        fastest_s = min((s for c in mine for s in c.counted_s), default=None)
        cells[true_s].append(simulate_cell(world, plan, judge, index, true_s, fastest_s))
        return cells[true_s][-1]

    index = 0
    while (active := [w for w in workloads if needs_more(w)]) and not judge.is_hopeless:
        again = [
            w
            for w in (active if index % 2 == 0 else active[::-1])
            if not judge.is_hopeless and visit(w, index).status in ("suspect", "disturbed")
        ]
        for true_s in again:
            if not judge.is_hopeless:
                visit(true_s, index)
        index += 1
    return cells
