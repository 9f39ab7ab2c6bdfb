"""Are the probabilities true? P(on front) and the BD-TTFT interval against a known truth.

Many worlds are made up, each a family of configurations with true latencies and accuracies.
Each is observed once, through noise, and the analysis sees the observation only. If P is
calibrated, then of all points given about 0.3, three in ten are on the true front. In every
bin that holds enough points, the mean P must lie within 5 points of the share that truly is.

Worlds are judged under three kinds of noise:
    independent     each point has an error of its own, of known size
    shared          points are sums of shared encode and prefill workloads
    few processes   shared, and the size of the error is itself estimated from 5 processes
A fourth, not judged, shows the limit of the method: in a crowded world, where configurations
scatter by little more than the accuracy's error, re-drawing rivals that already look better
than they are makes P up to 9 points too low between 0.05 and 0.95. It errs towards `ambiguous`.

The BD-TTFT interval is judged by how often it covers the true ratio of two families.

    python benchmarks/front_calibration.py [--worlds 400]
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable

import numpy as np

from paretobench.analysis.bjontegaard import bd_ttft
from paretobench.analysis.front import front_mask
from paretobench.analysis.noise import draw
from paretobench.analysis.points import Contender, LatencyNoise, Part, objectives
from paretobench.analysis.probability import memberships

LOG_SE = 0.005
"""Relative standard error of a latency: what five processes on a quiet machine leave."""
ACCURACY_SE = 0.0025
"""Standard error of a five-task average, as a fraction."""
SCATTER, CROWDED_SCATTER = 0.01, 0.004
"""How far a configuration's true accuracy lies from the trend of its encoder, as a fraction."""
ENCODERS, RESOLUTIONS, LLMS = 3, 6, 3
DRAWS = 500
PROCESSES = 5
EDGES = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])
ENOUGH = 400
"""Points in a bin from which on it is judged: its own standard error is then 2.5 points."""
TOLERANCE = 0.05

Observe = Callable[[list[Contender], np.random.Generator], list[Contender]]


def true_world(rng: np.random.Generator, scatter: float) -> list[Contender]:
    """54 configurations: three encoders at six resolutions with three LLMs, without noise."""
    points = []
    for encoder in range(ENCODERS):
        speed, quality = rng.uniform(0.7, 1.4), rng.normal(0, 0.01)
        for step, llm in itertools.product(range(RESOLUTIONS), range(LLMS)):
            encode = Part(f"e{encoder}/{step}", 1, 0.01 * speed * 1.7**step)
            prefill = Part(f"l{llm}/{step}", 1, 0.02 * 2.5**llm * 1.4**step)
            trend = 0.45 + 0.04 * llm + 0.03 * math.log1p(step) + quality
            points.append(
                Contender(
                    f"{encoder}/{step}/{llm}",
                    encode.seconds + prefill.seconds,
                    trend + rng.normal(0, scatter),
                    parts=(encode, prefill),
                )
            )
    return points


def observed_accuracy(point: Contender, rng: np.random.Generator) -> float:
    """One accuracy as an evaluation would give it."""
    return point.accuracy + rng.normal(0, ACCURACY_SE)


def independent(truth: list[Contender], rng: np.random.Generator) -> list[Contender]:
    """Every total with an error of its own, of known size."""
    return [
        Contender(
            point.name, point.ttft_s * math.exp(rng.normal(0, LOG_SE)),
            observed_accuracy(point, rng), ttft_noise=LatencyNoise(LOG_SE),
            accuracy_se=ACCURACY_SE,
        )
        for point in truth
    ]  # fmt: skip


def composed(
    truth: list[Contender],
    rng: np.random.Generator,
    measure: Callable[[float], tuple[float, LatencyNoise]],
) -> list[Contender]:
    """Every workload measured once, every total the sum of its workloads."""
    measured = {
        part.workload: measure(part.seconds)
        for part in sorted({part for point in truth for part in point.parts}, key=str)
    }
    points = []
    for point in truth:
        parts = tuple(Part(part.workload, 1, *measured[part.workload]) for part in point.parts)
        total = sum(part.seconds for part in parts)
        accuracy = observed_accuracy(point, rng)
        points.append(Contender(point.name, total, accuracy, parts=parts, accuracy_se=ACCURACY_SE))
    return points


def shared(truth: list[Contender], rng: np.random.Generator) -> list[Contender]:
    """Workload errors of known size."""
    return composed(
        truth, rng, lambda s: (s * math.exp(rng.normal(0, LOG_SE)), LatencyNoise(LOG_SE))
    )


def few_processes(truth: list[Contender], rng: np.random.Generator) -> list[Contender]:
    """Workload errors whose size is estimated from the spread of a few processes."""

    def measure(seconds: float) -> tuple[float, LatencyNoise]:
        logs = math.log(seconds) + rng.normal(0, LOG_SE * math.sqrt(PROCESSES), PROCESSES)
        error = float(logs.std(ddof=1)) / math.sqrt(PROCESSES)
        return math.exp(logs.mean()), LatencyNoise(error, PROCESSES - 1)

    return composed(truth, rng, measure)


def calibrate(
    observe: Observe, scatter: float, worlds: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Print predicted against true per bin.

    Returns:
        The largest difference of a bin with enough points, and the share of worlds whose
        observed front is exactly the true one.
    """
    predicted, is_true, exact = [], [], 0
    for _ in range(worlds):
        truth = true_world(rng, scatter)
        on_front = front_mask(objectives(truth))
        found = memberships(observe(truth, rng), rng, DRAWS)
        predicted += [each.probability for each in found]
        is_true += on_front.tolist()
        exact += [each.is_on_front for each in found] == on_front.tolist()
    shares, truths = np.array(predicted), np.array(is_true, dtype=float)
    bins = np.clip(np.digitize(shares, EDGES, right=True), 1, len(EDGES) - 1)
    worst = 0.0
    for i in range(1, len(EDGES)):
        inside = bins == i
        mean, true = (float(values[inside].mean()) for values in (shares, truths))
        worst = max(worst, abs(mean - true)) if inside.sum() >= ENOUGH else worst
        print(f"  ({EDGES[i - 1]:.2f}, {EDGES[i]:.2f}] {inside.sum():7d} {mean:9.3f} {true:7.3f}")
    return worst, exact / worlds


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
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    failed = False
    for name, observe, scatter in (
        ("independent", independent, SCATTER),
        ("shared", shared, SCATTER),
        ("few processes", few_processes, SCATTER),
        ("crowded (not judged)", independent, CROWDED_SCATTER),
    ):
        print(f"{name}: P(on front) in bin, points, mean P, truly on the front")
        worst, exact = calibrate(observe, scatter, options.worlds, rng)
        print(f"  largest difference {worst:.3f}; observed front exactly right in {exact:.0%}")
        failed |= worst > TOLERANCE and scatter == SCATTER
    share, mean = coverage(options.worlds // 2, rng)
    print(f"BD-TTFT of a true 2.00: mean {mean:.3f}, 95 % interval covers it in {share:.1%}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
