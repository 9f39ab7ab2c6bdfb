"""Do the intervals hold what they promise, and what does that cost?

Processes with known true latency run on a simulated machine (`simulated.py`) through the
project's own code. For each kind of noise, neighbours in bursts and constant load among them:
how often the 95 % interval contains the truth, how often a label warns or the row says that it is
not known, and the device time against a fixed design of 20 processes x 20 samples. Then the same
for whole sweeps at `quick` and `standard`, with how often a front is wrongly called sure; and for
intervals that borrow their spread from other workloads (`pooled`), with unequal spreads; and for
audits, whose sittings differ.

    python benchmarks/coverage.py [--runs 1000] [--seed 0] [--only rigorous sweeps ...]

Exit status 1 if a coverage that is not labelled leaves 93 to 98 %, or if the stopping rule
saves less than a factor of 2.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pairing
from simulated import OVERHEAD_S, Noise, Process, World, measure

from paretobench.analysis import levels, pooling, stats
from paretobench.analysis.front import front_mask
from paretobench.analysis.noise import latency_noise
from paretobench.analysis.points import Contender, LatencyNoise
from paretobench.analysis.probability import memberships
from paretobench.domain.records import Cell, Estimate
from paretobench.measure.timing import Repetition, warm_up
from paretobench.planning.stopping import CellPlan, cell_plan

TRUE_S = 0.5
"""Latency that every simulated workload has when nothing disturbs it: about the median of the
40 workloads of the `qwen2_family` grid on two server cores."""

WORKLOADS = tuple(0.05 * 1.55**i for i in range(10))
"""True latencies of a simulated sweep, 50 ms to 2.6 s: one runtime and kind of the same grid."""

FIXED_CELLS = FIXED_SAMPLES = 20
LOW, HIGH = 0.93, 0.98
FALSE_CERTAINTY = 0.05
"""Largest share of points that may be called on or off the front although they are not."""

SAVING = 2.0
"""Least factor by which the rule's device time must undercut the fixed design's. A fixed design
is chosen before the noise is known, so it costs what it costs where it ends up narrower."""


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

NEIGHBOURS = (
    Noise("a neighbour a third of the time", process_sd=0.005, burst_share=1 / 3),
    Noise(
        "short bursts (0.1 s) a tenth of the time", process_sd=0.005, burst_share=0.1, burst_s=0.1
    ),
    Noise(
        "bias 1.5 %, AR(1) 0.9 and a neighbour", process_sd=0.015, correlation=0.9, burst_share=0.2
    ),
    Noise("heavy tails (5 % of samples, mean +50 %)", process_sd=0.005, tail_chance=0.05, tail=0.5),
    Noise("drift 3 % over 300 s", process_sd=0.005, drift_per_s=1e-4),
)
"""Further kinds, for sweeps at all levels."""

CONSTANT = Noise("a neighbour all the time", process_sd=0.005, burst_share=1.0)

DRIFT = Noise("drift 3 % over 300 s", process_sd=0.005, drift_per_s=1e-4)


@dataclass
class Tally:
    """Coverage, widths, costs and labels over many simulated measurements.

    Attributes:
        unknown: rows that say that their machine was never quiet; they are not covered or missed.
    """

    covered: int = 0
    unknown: int = 0
    total: int = 0
    labelled: int = 0
    widths: list[float] = field(default_factory=list)
    device_s: list[float] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)

    def add(self, found: Estimate, truth: float, device_s: float = 0.0, label: str = "") -> None:
        """Count one estimate against the truth."""
        if not found.is_known:
            self.unknown += 1
            return
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
        return self.covered / self.total if self.total else math.nan

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the coverage."""
        return math.sqrt(self.coverage * (1.0 - self.coverage) / self.total)


def fixed_design(world: World) -> tuple[Estimate, float]:
    """20 processes x 20 samples after the same warm-up: the estimate and its device time."""
    plan, medians, began = cell_plan("rigorous"), [], world.now
    for _ in range(FIXED_CELLS):
        process = Process(world, TRUE_S)
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
            cells = measure(World(rng, noise), plan, (TRUE_S,))[TRUE_S]
            found = stats.measurement(cells).latency
            truth = TRUE_S * noise.factor()
            tally.add(found, truth, sum(c.wall_s for c in cells), noise.labelled)
        for _ in range(max(runs // 10, 20)):
            found, device_s = fixed_design(World(rng, replace(noise, throttle_chance=0.0)))
            fixed.add(found, TRUE_S * noise.factor(), device_s)
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


def sweep_section(runs: int, seed: int) -> list[str]:
    """Whole sweeps at every level under every kind of noise; returns what failed."""
    print("\nSweeps of ten workloads: 95 % intervals, rows that say unknown, fronts called sure")
    print("(value: median absolute error; falsely sure: points called on or off and are not)")
    columns = f"{'coverage':>9} {'unknown':>8} {'value':>7} {'width':>7} {'falsely sure':>13}"
    print(f"{'level':9} {'noise':42} {columns}")
    failed = []
    for fidelity in ("quick", "standard", "rigorous"):
        for noise in (*NOISES, *NEIGHBOURS, CONSTANT):
            line, wrong = sweep_runs(cell_plan(fidelity), noise, runs, seed)
            print(f"{fidelity:9} {noise.name:42} {line}", flush=True)
            failed += [f"{fidelity}, {noise.name}: {text}" for text in wrong]
    return failed


def sweep_runs(plan: CellPlan, noise: Noise, runs: int, seed: int) -> tuple[str, list[str]]:
    """One line of `sweep_section`, and what does not hold in it."""
    rng, tally, errors = np.random.default_rng(seed), Tally(), []
    sure = wrongly_sure = 0
    for _ in range(runs):
        world = World(rng, noise)
        cells = measure(world, plan, WORKLOADS, WORKLOADS[:5])
        factor = noise.factor() * world.mean_speed()
        pool = pooling.fit(_undisturbed(cells[w]) for w in WORKLOADS)
        found = {w: stats.measurement(cells[w], pool).latency for w in WORKLOADS if cells[w]}
        for true_s, latency in found.items():
            tally.add(latency, true_s * factor, 0.0, noise.labelled)
            if latency.is_known:
                errors.append(abs(latency.value / true_s / factor - 1.0))
        tally.unknown += len(WORKLOADS) - len(found)
        said, wrong = front_certainty(found, factor, rng)
        sure, wrongly_sure = sure + said, wrongly_sure + wrong
    total = tally.total + tally.unknown
    rate = wrongly_sure / sure if sure else 0.0
    line = (
        f"{tally.coverage:8.1%}  {tally.unknown / total:7.1%} "
        f"{np.median(errors) if errors else math.nan:7.2%} "
        f"{np.median(tally.widths) if tally.widths else math.nan:7.2%} {rate:12.1%}"
    )
    if noise.labelled:
        line += f"  labelled in {tally.labelled / max(tally.total, 1):.0%}"
    wrong_text = []
    if tally.total and not noise.labelled and tally.coverage < LOW:
        wrong_text.append(f"coverage {tally.coverage:.1%}")
    if rate > FALSE_CERTAINTY:
        wrong_text.append(f"{rate:.1%} of the points called sure are not")
    return line, wrong_text


def _undisturbed(cells: Sequence[Cell]) -> list[float]:
    counted = [cell for cell in stats.replicates(cells) if cell.status != "disturbed"]
    return [stats.cell_median(cell) for cell in counted]


def front_certainty(
    found: Mapping[float, Estimate], factor: float, rng: np.random.Generator
) -> tuple[int, int]:
    """How many points are called on or off a front for sure, and how many of them wrongly.

    Each workload meets rivals 1 to 8 % faster or slower than itself with nearly its accuracy, so
    that the front is close.
    """
    names, values, truths = [], [], []
    for true_s, latency in found.items():
        rival_s = true_s * factor * float(np.exp(rng.normal(0.0, 0.04)))
        accuracy = 0.4 + 0.05 * math.log(true_s / WORKLOADS[0])
        for name, seconds, noise, height in (
            (f"{true_s}", latency.value, latency_noise(latency), accuracy),
            (f"rival of {true_s}", rival_s, LatencyNoise(0.002), accuracy + 0.0005),
        ):
            names.append(name)
            values.append(Contender(name, seconds, height, ttft_noise=noise, accuracy_se=1e-4))
        truths += [(true_s * factor, accuracy), (rival_s, accuracy + 0.0005)]
    if not values:
        return 0, 0
    on_front = front_mask(np.array(truths))
    said = wrong = 0
    for contender, result, truth in zip(
        values, memberships(values, rng, 400), on_front, strict=True
    ):
        if contender.name.startswith("rival") or result.verdict not in ("on", "off"):
            continue
        said += 1
        wrong += (result.verdict == "on") != bool(truth)
    return said, wrong


def drift_section(runs: int, seed: int) -> list[str]:
    """Ratios of two workloads while the machine warms up: in rounds, and one after the other."""
    print("\nRatio of two workloads under drift (3 % over 300 s), true ratio 2")
    plan = cell_plan("rigorous")
    rng = np.random.default_rng(seed)
    paired, errors, naive = Tally(), [], []
    for _ in range(runs):
        cells = measure(World(rng, DRIFT), plan, (2 * TRUE_S, TRUE_S))
        found = pairing.paired_ratio(*(pairing.by_round(cells[w]) for w in (2 * TRUE_S, TRUE_S)))
        assert found is not None
        paired.add(found, 2.0)
        errors.append(abs(found.value / 2.0 - 1.0))
        world = World(rng, DRIFT)
        first, second = (measure(world, plan, (w,))[w] for w in (2 * TRUE_S, TRUE_S))
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


SESSIONS = ((0.0, 0.01), (0.002, 0.01), (0.005, 0.01), (0.01, 0.01), (0.03, 0.01), (0.03, 0.0))
"""Standard deviations of sessions and of the processes in them, for audits."""


def audit_section(runs: int, seed: int) -> list[str]:
    """Coverage of the interval over three sittings of five processes, and over more of them."""
    print("\nLevels (fidelity=audit): sittings of five processes; the truth is of all sittings")
    print(
        f"{'session sd':>10} {'process sd':>10} {'sittings':>8} {'coverage':>9} {'processes':>10}"
    )
    print("(processes: the coverage if every process counted alone)")
    failed = []
    rng = np.random.default_rng(seed)
    for session_sd, process_sd in SESSIONS:
        for n in (3, 6):
            tally, alone = Tally(), Tally()
            for _ in range(runs):
                cells = sittings(rng, n, session_sd, process_sd)
                tally.add(levels.measurement(cells).latency, 1.0)
                alone.add(stats.measurement(cells).latency, 1.0)
            print(
                f"{session_sd:10.1%} {process_sd:10.1%} {n:8} {tally.coverage:8.1%} "
                f"{alone.coverage:10.1%}"
            )
            if tally.coverage < LOW - 2 * tally.error:
                failed.append(f"audit, {session_sd:.1%} and {process_sd:.1%}: {tally.coverage:.1%}")
    return failed


def sittings(rng: np.random.Generator, n: int, session_sd: float, process_sd: float) -> list[Cell]:
    """Audited cells of `n` sittings of five processes on days of their own."""
    found = []
    for session in range(n):
        shift = rng.normal(0.0, session_sd)
        for index in range(5):
            median = math.exp(shift + rng.normal(0.0, process_sd))
            found.append(
                Cell(
                    "w", "e", f"2026-01-01T{4 * session:02d}:{index:02d}:00+00:00", "audit", index,
                    1.0, median, (), (median,) * 2, 0.02, 0.02, 20.0, None,
                    sweep_key=str(session),
                )
            )  # fmt: skip
    return found


SECTIONS = ("rigorous", "sweeps", "drift", "pooled", "audit")


def main() -> int:
    """Print the tables; returns 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    given = parser.parse_args()
    runs, seed = given.runs, given.seed
    sections: dict[str, Callable[[], list[str]]] = {
        "rigorous": lambda: rigorous_section(runs, seed),
        "sweeps": lambda: sweep_section(max(runs // 10, 5), seed),
        "drift": lambda: drift_section(max(runs // 4, 50), seed),
        "pooled": lambda: pooled_section(runs, seed),
        "audit": lambda: audit_section(runs, seed),
    }
    failed = [text for name in given.only for text in sections[name]()]
    for text in failed:
        print(f"does not hold: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
