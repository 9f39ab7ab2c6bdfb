"""Do the intervals hold what they promise, and what does that cost?

Simulated processes with known true latency run through the project's own warm-up, sampling,
canary, stopping and estimating code; only the clock is simulated. For each kind of noise:
how often the 95 % interval contains the truth, how often a label warns, and the device time
against a fixed design of 20 processes x 20 samples. Then the same for intervals that borrow
their spread from other workloads (`pooled`), with equal and with unequal spreads.

    python benchmarks/coverage.py [--runs 1000] [--seed 0]

Exit status 1 if a coverage that is not labelled leaves 93 to 98 %, or if the stopping rule
saves less than a factor of 2.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pairing

from paretobench.analysis import pooling, stats
from paretobench.domain.records import Cell, Estimate
from paretobench.measure.canary import verdict
from paretobench.measure.timing import Repetition, sample, warm_up
from paretobench.planning.stopping import CellPlan, cell_plan

TRUE_S = 0.5
"""Latency that every simulated workload has when nothing disturbs it: about the median of the
40 workloads of the `qwen2_family` grid on two server cores."""

OVERHEAD_S = 3.0
"""Seconds that a simulated process takes to start and load: importing torch takes as long."""

WARMING_S = 0.3
"""Time constant of the 10 % by which a process is slow after its first run, which costs half
as much again."""

CANARY_S, CANARY_SD = 0.02, 0.002
FIXED_CELLS = FIXED_SAMPLES = 20
LOW, HIGH = 0.93, 0.98
SAVING = 2.0
"""Least factor by which the rule's device time must undercut the fixed design's. A fixed design
is chosen before the noise is known, so it costs what it costs where it ends up narrower."""


@dataclass
class World:
    """The machine's state over simulated time: what all processes share."""

    rng: np.random.Generator
    now: float = 0.0
    drift_per_s: float = 0.0
    throttle_chance: float = 0.0

    def speed(self) -> float:
        """How much slower than at the beginning the machine is by now."""
        return 1.0 + self.drift_per_s * self.now


@dataclass
class Process:
    """One simulated process: its own bias, its samples' noise, its clock."""

    world: World
    noise: Noise
    true_s: float = TRUE_S
    _state: float = 0.0
    _ran_s: float = 0.0
    factor: float = field(init=False, default=1.0)
    throttled: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        rng = self.world.rng
        self.factor = math.exp(rng.normal(0.0, self.noise.process_sd))
        if rng.random() < self.noise.slow_mode_chance:
            self.factor *= 1.0 + self.noise.slow_mode
        if rng.random() < self.world.throttle_chance:
            self.throttled = rng.uniform(1.03, 1.12)

    def clock(self) -> float:
        """Simulated monotonic seconds."""
        return self.world.now

    def run(self) -> None:
        """One repetition: moves the clock by its noisy duration."""
        noise = self.noise
        innovation = self.world.rng.normal(0.0, noise.sample_sd)
        keep = noise.correlation
        self._state = keep * self._state + math.sqrt(1.0 - keep**2) * innovation
        warming = 1.5 if self._ran_s == 0.0 else 1.0 + 0.1 * math.exp(-self._ran_s / WARMING_S)
        slow = self.factor * self.throttled * self.world.speed() * warming
        took = self.true_s * slow * math.exp(self._state)
        self._ran_s += took
        self.world.now += took

    def canary(self) -> float:
        """The canary: sees throttling and drift, not the workload's own noise."""
        wobble = math.exp(self.world.rng.normal(0.0, CANARY_SD))
        return float(CANARY_S * self.throttled * self.world.speed() * wobble)


@dataclass(frozen=True)
class Noise:
    """One kind of disturbance. Standard deviations are of logarithms."""

    name: str
    sample_sd: float = 0.02
    correlation: float = 0.0
    process_sd: float = 0.0
    slow_mode: float = 0.0
    slow_mode_chance: float = 0.0
    drift_per_s: float = 0.0
    throttle_chance: float = 0.0
    labelled: str = ""

    def truth(self) -> float:
        """The value an estimate aims at: the geometric mean over processes."""
        return float(TRUE_S * (1.0 + self.slow_mode) ** self.slow_mode_chance)


NOISES = (
    Noise("independent", process_sd=0.003),
    Noise("AR(1) 0.9 within processes", correlation=0.9),
    Noise("process bias 1.5 %", process_sd=0.015),
    Noise("bias 1.5 % and AR(1) 0.9", process_sd=0.015, correlation=0.9),
    Noise("throttled cells (15 %)", process_sd=0.005, throttle_chance=0.15),
    Noise(
        "bimodal processes (30 % are 5 % slower)",
        process_sd=0.003,
        slow_mode=0.05,
        slow_mode_chance=0.3,
        labelled="bimodal between processes",
    ),
)

DRIFT = Noise("drift 3 % over 300 s", process_sd=0.005, drift_per_s=1e-4)


def simulate_cell(
    world: World, noise: Noise, plan: CellPlan, index: int, seen: list[float], true_s: float
) -> Cell:
    """One process through the project's warm-up, sampling and canary code."""
    began = world.now
    process = Process(world, noise, true_s)
    before_s = process.canary()
    world.now += OVERHEAD_S
    repeat = Repetition(process.run, lambda: None, process.clock)
    first_run_s, warmup_s = warm_up(repeat, plan.sampling)
    samples_s = sample(repeat, plan.sampling, OVERHEAD_S, first_run_s + sum(warmup_s))
    after_s = process.canary()
    moved = verdict(before_s, after_s, seen)
    seen += [before_s, after_s]
    return Cell(
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
        wall_s=world.now - began,
        peak_memory_bytes=None,
        status="ok" if moved is None else "suspect",
    )


def measure(
    world: World, noise: Noise, plan: CellPlan, workloads: Sequence[float] = (TRUE_S,)
) -> dict[float, list[Cell]]:
    """Rounds over the workloads until none wants another process, as the harness does."""
    seen = [CANARY_S * math.exp(world.rng.normal(0.0, CANARY_SD)) for _ in range(5)]
    cells: dict[float, list[Cell]] = {true_s: [] for true_s in workloads}

    def wants_more(true_s: float) -> bool:
        medians = [stats.cell_median(cell) for cell in stats.replicates(cells[true_s])]
        return plan.decide(medians, sum(cell.wall_s for cell in cells[true_s])).wants_more

    index = 0
    while active := [true_s for true_s in workloads if wants_more(true_s)]:
        again = []
        for true_s in active if index % 2 == 0 else active[::-1]:
            cells[true_s].append(simulate_cell(world, noise, plan, index, seen, true_s))
            if cells[true_s][-1].status == "suspect":
                again.append(true_s)
        for true_s in again:
            cells[true_s].append(simulate_cell(world, noise, plan, index, seen, true_s))
        index += 1
    return cells


@dataclass
class Tally:
    """Coverage, widths, costs and labels over many simulated measurements."""

    covered: int = 0
    total: int = 0
    labelled: int = 0
    widths: list[float] = field(default_factory=list)
    device_s: list[float] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)

    def add(self, found: Estimate, truth: float, device_s: float = 0.0, label: str = "") -> None:
        """Count one estimate against the truth."""
        assert found.low is not None and found.high is not None
        self.total += 1
        self.covered += found.low <= truth <= found.high
        self.labelled += bool(label) and label in found.labels
        self.widths.append(math.log(found.high / found.low) / 2.0)
        self.device_s.append(device_s)
        self.processes.append(found.n)

    @property
    def coverage(self) -> float:
        """Share of intervals that contain the truth."""
        return self.covered / self.total

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the coverage."""
        return math.sqrt(self.coverage * (1.0 - self.coverage) / self.total)


def fixed_design(world: World, noise: Noise) -> tuple[Estimate, float]:
    """20 processes x 20 samples after the same warm-up: the estimate and its device time."""
    plan, medians, began = cell_plan("rigorous"), [], world.now
    for _ in range(FIXED_CELLS):
        process = Process(world, noise)
        world.now += OVERHEAD_S
        repeat = Repetition(process.run, lambda: None, process.clock)
        warm_up(repeat, plan.sampling)
        medians.append(float(np.median([repeat() for _ in range(FIXED_SAMPLES)])))
    return stats.estimate(medians), world.now - began


def rigorous_section(runs: int, seed: int) -> list[str]:
    """Coverage and cost of the stopping rule; returns what failed."""
    print("Stopping rule (fidelity=rigorous, goal 1 %), 95 % intervals on one latency")
    print("(width: median half-width; 20x20: a fixed design of 20 processes x 20 samples)")
    columns = f"{'n':>5} {'width':>7} {'time':>7} {'20x20':>7} {'time':>7} {'saves':>6}"
    print(f"{'noise':42} {'coverage':>9} {columns}")
    failed = []
    plan, spent_s, fixed_s = cell_plan("rigorous"), 0.0, 0.0
    for noise in NOISES:
        tally, fixed = Tally(), Tally()
        rng = np.random.default_rng(seed)
        for _ in range(runs):
            world = World(rng, throttle_chance=noise.throttle_chance)
            cells = measure(world, noise, plan)[TRUE_S]
            found = stats.measurement(cells).latency
            tally.add(found, noise.truth(), sum(c.wall_s for c in cells), noise.labelled)
        for _ in range(max(runs // 10, 20)):
            found, device_s = fixed_design(World(rng), noise)
            fixed.add(found, noise.truth(), device_s)
        spent_s += float(np.mean(tally.device_s))
        fixed_s += float(np.mean(fixed.device_s))
        print(
            f"{noise.name:42} {tally.coverage:8.1%}  {np.mean(tally.processes):5.1f}"
            f" {np.median(tally.widths):7.2%} {np.mean(tally.device_s):6.0f}s"
            f" {np.median(fixed.widths):7.2%} {np.mean(fixed.device_s):6.0f}s"
            f" {np.mean(fixed.device_s) / np.mean(tally.device_s):5.1f}x"
            + (f"  labelled in {tally.labelled / tally.total:.0%}" if noise.labelled else "")
        )
        if not noise.labelled and not LOW <= tally.coverage <= HIGH:
            failed.append(f"{noise.name}: coverage {tally.coverage:.1%}")
    print(f"{'device time, all together':42} {'':31}{'':24} {fixed_s / spent_s:5.1f}x")
    if fixed_s < SAVING * spent_s:
        failed.append(f"device time: {fixed_s / spent_s:.1f} times less than 20 x 20")
    return failed


def drift_section(runs: int, seed: int) -> list[str]:
    """Ratios of two workloads while the machine warms up: in rounds, and one after the other."""
    print("\nRatio of two workloads under drift (3 % over 300 s), true ratio 2")
    plan = cell_plan("rigorous")
    rng = np.random.default_rng(seed)
    paired, errors, naive = Tally(), [], []
    for _ in range(runs):
        cells = measure(World(rng, drift_per_s=1e-4), DRIFT, plan, (2 * TRUE_S, TRUE_S))
        found = pairing.paired_ratio(*(pairing.by_round(cells[w]) for w in (2 * TRUE_S, TRUE_S)))
        assert found is not None
        paired.add(found, 2.0)
        errors.append(abs(found.value / 2.0 - 1.0))
        world = World(rng, drift_per_s=1e-4)
        first, second = (measure(world, DRIFT, plan, (w,))[w] for w in (2 * TRUE_S, TRUE_S))
        one, other = stats.measurement(first).latency, stats.measurement(second).latency
        naive.append(abs(one.value / other.value / 2.0 - 1.0))
    print(
        f"  in mirrored rounds, paired: coverage {paired.coverage:.1%}, error {np.mean(errors):.2%}"
    )
    print(f"  one after the other:        error {np.mean(naive):.2%}")
    ok = LOW <= paired.coverage <= 0.99
    return [] if ok else [f"paired ratio under drift: coverage {paired.coverage:.1%}"]


@dataclass(frozen=True)
class Spread:
    """How the true between-process spreads of a set of workloads differ."""

    name: str
    draw: Callable[[np.random.Generator, int], np.ndarray]


SPREADS = (
    Spread("equal spreads", lambda rng, n: np.full(n, 0.01)),
    Spread("spreads within a factor of 1.4", lambda rng, n: 0.01 * rng.lognormal(0, 0.35, n)),
    Spread("spreads within a factor of 2", lambda rng, n: 0.01 * rng.lognormal(0, 0.7, n)),
    Spread(
        "one in five is 5 times noisier", lambda rng, n: 0.005 * rng.choice([1, 5], n, p=[0.8, 0.2])
    ),
)


def pooled_section(runs: int, seed: int) -> list[str]:
    """Coverage of pooled intervals with one to three processes per workload."""
    print("\nPooled intervals (fidelity=standard): spread borrowed from the other workloads")
    print("(noisiest: coverage of the third with the largest true spread; t alone: half-width")
    print(" of a t interval from the workload's own K processes)")
    columns = f"{'groups':>6} {'K':>3} {'coverage':>9} {'noisiest':>9} {'width':>7} {'t alone':>8}"
    print(f"{'true spreads':34} {columns}")
    failed = []
    rng = np.random.default_rng(seed)
    for spread in SPREADS:
        for groups, k in ((6, 2), (8, 2), (16, 2), (24, 2), (16, 1), (16, 3)):
            tally, noisiest, alone = pooled_runs(spread, groups, k, max(runs // 2, 100), rng)
            print(
                f"{spread.name:34} {groups:6} {k:3} {tally.coverage:8.1%}  "
                f"{noisiest.coverage:8.1%} {np.median(tally.widths):7.2%} {alone:8.2%}"
            )
            if not LOW <= tally.coverage <= 0.985:
                failed.append(f"pooled, {spread.name}, {groups} x {k}: {tally.coverage:.1%}")
    return failed


def pooled_runs(
    spread: Spread, groups: int, k: int, runs: int, rng: np.random.Generator
) -> tuple[Tally, Tally, float]:
    """All workloads, the noisiest third of them, and the median width of plain t intervals."""
    tally, noisiest, alone = Tally(), Tally(), []
    for _ in range(runs):
        sds = spread.draw(rng, groups)
        counts = [2] * groups if k == 1 else [k] * groups
        if k == 1:  # some expensive workloads with one process among others with two
            counts[: groups // 4] = [1] * (groups // 4)
        medians = [list(np.exp(rng.normal(0.0, sd, n))) for sd, n in zip(sds, counts, strict=True)]
        pool = pooling.fit(medians)
        if pool is None:
            continue
        limit = np.quantile(sds, 2 / 3)
        for sd, group in zip(sds, medians, strict=True):
            if len(group) != k:
                continue
            found = stats.estimate(group, pool)
            tally.add(found, 1.0)
            if sd >= limit:
                noisiest.add(found, 1.0)
            if k > 1:
                alone.append(stats.half_width(group))
    return tally, noisiest, float(np.median(alone)) if alone else float("nan")


def main() -> int:
    """Print every table; returns 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    failed = rigorous_section(given.runs, given.seed)
    failed += drift_section(max(given.runs // 4, 50), given.seed)
    failed += pooled_section(given.runs, given.seed)
    for text in failed:
        print(f"does not hold: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
