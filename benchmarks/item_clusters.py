"""Do errors hold when questions share images? Coverage with and without clustering, P(on front).

Benchmarks are made up: questions about images, right or wrong by a chance that varies from image to
image (beta-binomial: Skellam, 1948), so that two answers about one image have a given correlation.
Each is sampled many times over, images anew each time, and three errors are held against the spread
that there is:

    plain       sd / sqrt(n), as lmms-eval writes
    by image    clustered by image, as scores with sample logs have here
    assumed     binomial times the design effect at a correlation of 0.05, where only n is known

Then pairs of checkpoints that answer the same questions, both with what an image adds to both and
what it adds to one alone: how often the 95 % interval of their difference covers the truth, and how
often a race's z of 3.5 is passed by two checkpoints that are equally good.

At last crowded fronts: P(on front) of points whose scores come from such items, once with plain and
once with clustered errors, against how often they truly are on the front.

    python benchmarks/item_clusters.py [--worlds 300] [--samples 1000]
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from paretobench.accuracy import suites
from paretobench.analysis.front import front_mask
from paretobench.analysis.items import mean_error, paired_difference
from paretobench.analysis.points import Contender, LatencyNoise
from paretobench.analysis.probability import memberships

SHAPES = (("gqa", 398, 12578), ("pope", 500, 9000), ("textvqa", 3166, 5000), ("docvqa", 1286, 5349))
"""Benchmark, images, questions: of the data sets' own papers (see `accuracy.suites`)."""
CORRELATIONS = (0.0, 0.02, 0.05, 0.09)
SEED = 20261127
RACE_ITEMS = 629
"""The first stage of a race on GQA: 5 % of its questions, on as many of its images."""
BINS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)


def chances(rng: np.random.Generator, images: int, mean: float, correlation: float) -> np.ndarray:
    """The chance of a right answer about each image."""
    if correlation == 0:
        return np.full(images, mean)
    total = (1 - correlation) / correlation
    return rng.beta(mean * total, (1 - mean) * total, size=images)


def layout(images: int, questions: int) -> np.ndarray:
    """The image of each question, as even as it goes."""
    return np.sort(np.arange(questions) % images)


def errors(name: str, images: int, questions: int, rho: float, samples: int) -> dict[str, float]:
    """The true spread of a score, and how each kind of error compares and covers."""
    rng = np.random.default_rng(SEED)
    of, mean = layout(images, questions), 0.62
    labels = of.astype(str).tolist()
    values, plain = [], []
    clustered: list[float] = []
    for index in range(samples):
        right = (rng.random(questions) < chances(rng, images, mean, rho)[of]).astype(float)
        value = float(right.mean())
        values.append(value)
        plain.append(np.sqrt(value * (1 - value) / (questions - 1)))
        if index < max(50, samples // 5):
            error = mean_error(right.tolist(), labels)[1]
            assert error is not None, "many items have an error"
            clustered.append(error)
    found = np.array(values)
    spread, widening = float(found.std(ddof=1)), suites.BENCHMARKS[name].widening
    covered = {
        "plain": np.abs(found - mean) <= 1.96 * np.array(plain),
        "by_image": np.abs(found[: len(clustered)] - mean) <= 1.96 * np.array(clustered),
        "assumed": np.abs(found - mean) <= 1.96 * np.array(plain) * widening,
    }
    return {
        "spread": spread,
        "plain": float(np.mean(plain)) / spread,
        "by_image": float(np.mean(clustered)) / spread,
        "assumed": float(np.mean(plain)) * widening / spread,
        **{f"{kind}_covers": float(hit.mean()) for kind, hit in covered.items()},
    }


def pairs(
    images: int, questions: int, rho: float, gap: float, samples: int
) -> Iterator[tuple[float, float, bool, bool, float]]:
    """Differences of two checkpoints on the same questions: z and coverage, plain and by image.

    Half of what an image adds is shared by the two, half is each one's own.
    """
    rng = np.random.default_rng(SEED + 1)
    of = layout(images, questions)
    names = [str(i) for i in range(questions)]
    shared_by = {name: str(image) for name, image in zip(names, of, strict=True)}
    for _ in range(samples):
        common = chances(rng, images, 0.62, rho)
        own = [(common + chances(rng, images, 0.62, rho)) / 2 for _ in range(2)]
        a, b = (
            (rng.random(questions) < np.clip(each[of] + shift, 0, 1)).astype(float)
            for each, shift in zip(own, (0.0, gap), strict=True)
        )
        first, second = (dict(zip(names, each.tolist(), strict=True)) for each in (a, b))
        plain = paired_difference(first, second)
        by_image = paired_difference(first, second, shared_by)
        yield (
            plain.z,
            by_image.z,
            plain.low <= gap <= plain.high,
            by_image.low <= gap <= by_image.high,
            by_image.standard_error / plain.standard_error,
        )


def fronts(rho: float, worlds: int, is_clustered: bool) -> list[tuple[float, bool]]:
    """P(on front) of every point of many worlds, with whether it truly is on the front."""
    rng = np.random.default_rng(SEED + 2)
    images, questions = 398, 12578
    design = 1 + (questions / images - 1) * rho
    found = []
    for _ in range(worlds):
        seconds = np.exp(np.linspace(-3, 0, 12) + rng.normal(0, 0.05, 12))
        truth = 0.55 + 0.02 * np.log(seconds / seconds.min()) + rng.normal(0, 0.006, 12)
        plain = np.sqrt(truth * (1 - truth) / questions)
        observed = truth + rng.normal(0, plain * np.sqrt(design))
        stated = plain * (np.sqrt(design) if is_clustered else 1.0)
        points = [
            Contender(
                name=str(index),
                ttft_s=float(s),
                accuracy=float(value),
                ttft_noise=LatencyNoise(0.005),
                accuracy_se=float(error),
            )
            for index, (s, value, error) in enumerate(zip(seconds, observed, stated, strict=True))
        ]
        results = memberships(points, rng, 400)
        on = front_mask(np.column_stack([seconds, truth]))
        found += [(r.probability, bool(is_on)) for r, is_on in zip(results, on, strict=True)]
    return found


def calibration(found: Sequence[tuple[float, bool]]) -> tuple[float, float, float]:
    """Largest and mean distance of P from the share on the front over bins, and the Brier score."""
    given = np.array([p for p, _ in found])
    on = np.array([is_on for _, is_on in found], dtype=float)
    gaps = []
    for low, high in itertools.pairwise(BINS):
        inside = (given >= low) & ((given < high) | (high == 1.0))
        if inside.sum() >= 60:
            gaps.append(abs(float(given[inside].mean() - on[inside].mean())))
    return max(gaps), float(np.mean(gaps)), float(((given - on) ** 2).mean())


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args()
    print("Errors against the true spread (1 is right), and coverage of 95 % intervals")
    print(
        "| benchmark | correlation | plain | by image | assumed "
        "| covers: plain | by image | assumed |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, images, questions in SHAPES:
        for rho in CORRELATIONS:
            got = errors(name, images, questions, rho, options.samples)
            cells = [f"{got[k]:.2f}" for k in ("plain", "by_image", "assumed")]
            cells += [f"{got[f'{k}_covers']:.3f}" for k in ("plain", "by_image", "assumed")]
            print(f"| {name} | {rho} | {' | '.join(cells)} |", flush=True)
    print(
        "\nPairs on GQA's images: error by image / plain, coverage, share beyond z = 3.5 if equal"
    )
    print(
        "| questions | correlation | error | covers: plain | by image | beyond: plain | by image |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for questions in (RACE_ITEMS, 12578):
        for rho in CORRELATIONS:
            some = list(pairs(398, questions, rho, 0.0, options.samples // 2))
            z, by, covers, covers_by, ratio = (
                np.array(column) for column in zip(*some, strict=True)
            )
            cells = [f"{ratio.mean():.2f}", f"{covers.mean():.3f}", f"{covers_by.mean():.3f}"]
            cells += [f"{(np.abs(z) >= 3.5).mean():.4f}", f"{(np.abs(by) >= 3.5).mean():.4f}"]
            print(f"| {questions} | {rho} | {' | '.join(cells)} |", flush=True)
    print("\nP(on front), twelve points on GQA: largest and mean error of a bin, Brier score")
    print("| correlation | errors | largest | mean | Brier |")
    print("|---:|---|---:|---:|---:|")
    for rho in CORRELATIONS:
        for is_clustered in (False, True):
            largest, mean, brier = calibration(fronts(rho, options.worlds, is_clustered))
            kind = "clustered" if is_clustered else "plain"
            print(f"| {rho} | {kind} | {largest:.3f} | {mean:.3f} | {brier:.4f} |", flush=True)


if __name__ == "__main__":
    main()
