"""Are the probabilities true? P(on front) and the BD-TTFT interval against a known truth.

Many worlds are made up, each a set of configurations with true latencies and accuracies. Each
is observed once, through noise, and the analysis sees the observation only. P is true if, of
all points of all worlds that are given about 0.3, three in ten are on their world's true
front. In every bin that holds enough points, the mean P must lie within 5 points of the share
that truly is; and the Brier score (the mean squared difference between P and the truth, 0 or
1) must not be worse than the plain bootstrap's, or vagueness would pass for honesty.

Three kinds of noise:
    independent     each point has an error of its own, of known size
    shared          points are sums of shared encode and prefill workloads
    few processes   shared, and the size of the error is itself estimated from 5 processes
Five kinds of world:
    spread out      true accuracies scatter by four times their error about a trend
    crowded         they scatter by one and a half times their error: rivals everywhere
    tight           by less than their error, and each encoder gains by resolution in its own way
    published       the paper's points: its configurations and latencies
    example         the measured example database: its configurations, latencies and errors
In the last two each world draws its truth anew: latencies moved by a third, accuracies a
trend plus scatter, resampled from what the real scores scatter about theirs. One fixed truth
would not do: of a close call that is decided one way, no P but 0 or 1 is right on average.

The BD-TTFT interval is judged by how often it covers the true ratio of two families.

    python benchmarks/front_calibration.py [--worlds 1000]
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from paretobench.analysis.bjontegaard import bd_ttft
from paretobench.analysis.front import front_mask
from paretobench.analysis.noise import draw
from paretobench.analysis.points import Contender, LatencyNoise, Part, objectives
from paretobench.analysis.probability import front_probability, memberships
from paretobench.report.view.front_membership import contenders
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import View
from paretobench.report.view.stored import stored_view
from paretobench.store import Store

EXAMPLE = Path(__file__).parents[1] / "results" / "examples" / "qwen2_family_cpu.db"
LOG_SE = 0.005
"""Relative standard error of a latency: what five processes on a quiet machine leave."""
ACCURACY_SE = 0.0025
"""Standard error of a five-task average, as a fraction."""
SPREAD_OUT, CROWDED, TIGHT = 0.01, 0.004, 0.0015
"""How far a configuration's true accuracy lies from the trend of its encoder, as a fraction."""
OWN_GAIN = 0.006
"""In the tight world: how much encoders differ in what a step of log resolution gains them."""
ENCODERS, RESOLUTIONS, LLMS = 3, 6, 3
FEWEST, MOVED = 8, 0.3
"""Points of a real panel from which on it is a world, and how far its latencies are moved."""
DRAWS = 500
PROCESSES = 5
EDGES = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])
ENOUGH = 400
"""Points in a bin from which on it is judged: its own standard error is then 2.5 points."""
TOLERANCE = 0.05
SLACK = 1.01
"""Two runs of the same bootstrap differ by up to 1 % in their Brier score."""

Points = list[Contender]
Make = Callable[[np.random.Generator], list[Points]]
Observe = Callable[[Points, np.random.Generator], Points]


def true_world(rng: np.random.Generator, scatter: float, own_gain: float = 0.0) -> Points:
    """54 configurations: three encoders at six resolutions with three LLMs, without noise."""
    points = []
    for encoder in range(ENCODERS):
        speed, quality = rng.uniform(0.7, 1.4), rng.normal(0, 0.01)
        gain = 0.03 + rng.normal(0, own_gain)
        for step, llm in itertools.product(range(RESOLUTIONS), range(LLMS)):
            encode = Part(f"e{encoder}/{step}", 1, 0.01 * speed * 1.7**step)
            prefill = Part(f"l{llm}/{step}", 1, 0.02 * 2.5**llm * 1.4**step)
            trend = 0.45 + 0.04 * llm + gain * math.log1p(step) + quality
            points.append(
                Contender(
                    f"{encoder}/{step}/{llm}",
                    encode.seconds + prefill.seconds,
                    trend + rng.normal(0, scatter),
                    parts=(encode, prefill),
                    accuracy_se=ACCURACY_SE,
                    traits=(f"e{encoder}", f"l{llm}"),
                )
            )
    return points


def made_up(scatter: float, own_gain: float = 0.0) -> Make:
    """A new world each time, of one set of points."""
    return lambda rng: [true_world(rng, scatter, own_gain)]


def like(view: View) -> Make:
    """Worlds laid out as a view's panels: the same points, their truths drawn anew."""
    panels = [contenders([row for row in panel.rows if row.is_scored]) for panel in view.panels()]
    large = [panel for panel in panels if len(panel) >= FEWEST]
    trends = [real_trend(panel) for panel in large]

    def make(rng: np.random.Generator) -> list[Points]:
        worlds = []
        for panel, (trend, scatter) in zip(large, trends, strict=True):
            moved = composed(panel, lambda part: moved_part(part, rng))
            heights = trend + rng.choice(scatter, len(panel))
            worlds.append(
                [replace(p, accuracy=float(a)) for p, a in zip(moved, heights, strict=True)]
            )
        return worlds

    return make


def real_trend(panel: Points) -> tuple[np.ndarray, np.ndarray]:
    """Each score as a level per LLM and one slope of log TTFT say it; the scatter about that."""
    values = objectives(panel)
    llms = [point.traits[1] for point in panel]
    levels = [[llm == name for llm in llms] for name in sorted(set(llms))]
    columns = np.column_stack([np.log(values[:, 0]), *levels])
    trend = columns @ np.linalg.lstsq(columns, values[:, 1])[0]
    n, k = columns.shape
    return trend, (values[:, 1] - trend) * math.sqrt(n / (n - k))


def moved_part(part: Part, rng: np.random.Generator) -> tuple[float, LatencyNoise]:
    """Another latency that a workload like this one could have, with the same noise."""
    return part.seconds * math.exp(rng.normal(0, MOVED)), part.noise or LatencyNoise(LOG_SE)


def composed(truth: Points, measure: Callable[[Part], tuple[float, LatencyNoise]]) -> Points:
    """Every workload measured once, every total the sum of its workloads."""
    parts = [
        point.parts or (Part(point.name, 1, point.ttft_s, point.ttft_noise),) for point in truth
    ]
    distinct = {part.workload: part for own in parts for part in own}
    measured = {name: measure(part) for name, part in distinct.items()}
    points = []
    for point, own in zip(truth, parts, strict=True):
        found = tuple(Part(part.workload, 1, *measured[part.workload]) for part in own)
        points.append(replace(point, ttft_s=sum(part.seconds for part in found), parts=found))
    return points


def scored(points: Points, rng: np.random.Generator) -> Points:
    """Every accuracy as an evaluation would give it."""
    return [
        replace(point, accuracy=point.accuracy + rng.normal(0, point.accuracy_se or ACCURACY_SE))
        for point in points
    ]


def independent(truth: Points, rng: np.random.Generator) -> Points:
    """Every total with an error of its own, of known size."""
    noise = LatencyNoise(LOG_SE)
    timed = [
        replace(
            point,
            ttft_s=point.ttft_s * math.exp(rng.normal(0, LOG_SE)),
            parts=(),
            ttft_noise=noise,
        )
        for point in truth
    ]
    return scored(timed, rng)


def shared(truth: Points, rng: np.random.Generator) -> Points:
    """Workload errors of known size: each part's own, or the usual one."""

    def measure(part: Part) -> tuple[float, LatencyNoise]:
        noise = part.noise or LatencyNoise(LOG_SE)
        return part.seconds * math.exp(rng.normal(0, noise.log_se)), noise

    return scored(composed(truth, measure), rng)


def few_processes(truth: Points, rng: np.random.Generator) -> Points:
    """Workload errors whose size is estimated from the spread of a few processes."""

    def measure(part: Part) -> tuple[float, LatencyNoise]:
        logs = math.log(part.seconds) + rng.normal(0, LOG_SE * math.sqrt(PROCESSES), PROCESSES)
        error = float(logs.std(ddof=1)) / math.sqrt(PROCESSES)
        return math.exp(logs.mean()), LatencyNoise(error, PROCESSES - 1)

    return scored(composed(truth, measure), rng)


@dataclass(frozen=True)
class Calibration:
    """How true probabilities are: the bins' largest and mean error, and the Brier score."""

    largest: float
    mean: float
    brier: float

    def __str__(self) -> str:
        return f"largest {self.largest:.3f}, mean {self.mean:.3f}, Brier {self.brier:.4f}"


def calibration(predicted: np.ndarray, truths: np.ndarray, is_shown: bool = False) -> Calibration:
    """Compare predicted with true shares, in the bins that hold enough points."""
    bins = np.clip(np.digitize(predicted, EDGES, right=True), 1, len(EDGES) - 1)
    errors = []
    for i in range(1, len(EDGES)):
        inside = bins == i
        if not inside.any():
            continue
        mean, true = (float(values[inside].mean()) for values in (predicted, truths))
        if inside.sum() >= ENOUGH:
            errors.append(abs(mean - true))
        if is_shown:
            bounds = f"({EDGES[i - 1]:.2f}, {EDGES[i]:.2f}]"
            print(f"  {bounds} {inside.sum():7d} {mean:9.3f} {true:7.3f}")
    if not errors:  # too few worlds to judge: no number, and so not passed
        errors = [math.nan]
    return Calibration(
        max(errors), float(np.mean(errors)), float(((predicted - truths) ** 2).mean())
    )


def judge(make: Make, observe: Observe, worlds: int, seed: int) -> bool:
    """Print predicted against true per bin, and the plain bootstrap beside it.

    Returns:
        Whether every bin is within the tolerance, and the Brier score no worse.
    """
    rng = np.random.default_rng(seed)
    ours, plain, is_true = [], [], []
    for _ in range(worlds):
        for truth in make(rng):
            observed = observe(truth, rng)
            ours += [each.probability for each in memberships(observed, rng, DRAWS)]
            plain += front_probability(draw(observed, rng, DRAWS)).tolist()
            is_true += front_mask(objectives(truth)).tolist()
    truths = np.array(is_true, dtype=float)
    found = calibration(np.array(ours), truths, is_shown=True)
    before = calibration(np.array(plain), truths)
    print(f"  error: {found}\n  plain bootstrap: {before}")
    return found.largest <= TOLERANCE and found.brier <= SLACK * before.brier


def example() -> View:
    """The view of the measured example database."""
    with Store.open(EXAMPLE, read_only=True) as store:
        return stored_view(store)


def coverage(worlds: int, rng: np.random.Generator) -> tuple[float, float]:
    """Share of worlds whose BD-TTFT interval covers the true ratio of 2, and the mean BD-TTFT."""
    hits, values = 0, []
    levels = np.linspace(0.50, 0.64, 7)
    for _ in range(worlds):
        sides = []
        for factor, shift in ((1.0, 0.0), (2.0, 0.005)):
            truth = [
                Contender(f"{a:.4f}", factor * 0.05 * math.exp(40 * (a - 0.45) ** 1.5), float(a))
                for a in levels + shift
            ]
            sides.append(independent(truth, rng))
        drawn = draw(sides[0] + sides[1], rng, DRAWS)
        found = bd_ttft(sides[0], sides[1], drawn)
        values.append(found.value)
        hits += found.low is not None and found.high is not None and found.low <= 2.0 <= found.high
    return hits / worlds, float(np.mean(values))


def main() -> int:
    """Print the calibration of each kind of noise; 0 if all are within the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    worlds: Sequence[tuple[str, Make, Observe]] = (
        ("spread out, independent", made_up(SPREAD_OUT), independent),
        ("spread out, shared", made_up(SPREAD_OUT), shared),
        ("spread out, few processes", made_up(SPREAD_OUT), few_processes),
        ("crowded, independent", made_up(CROWDED), independent),
        ("crowded, shared", made_up(CROWDED), shared),
        ("crowded, few processes", made_up(CROWDED), few_processes),
        ("tight, shared", made_up(TIGHT, OWN_GAIN), shared),
        ("published", like(published_view()), shared),
        ("example", like(example()), shared),
    )
    failed = False
    for name, make, observe in worlds:
        print(f"{name}: P(on front) in bin, points, mean P, truly on the front", flush=True)
        failed |= not judge(make, observe, options.worlds, options.seed)
    rng = np.random.default_rng(options.seed)
    share, mean = coverage(options.worlds // 2, rng)
    print(f"BD-TTFT of a true 2.00: mean {mean:.3f}, 95 % interval covers it in {share:.1%}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
