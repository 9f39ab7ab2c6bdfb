"""Dominance at a million points: our `front_mask` against moocore, in the same run.

Four shapes of point set, since the number of points on the front and the number of ties decide
what there is to do. The two alternate, each result is the median of its runs, both masks must
be equal, and the exit status is 1 if we are slower than moocore at any shape of full size.

    python benchmarks/front.py [--points 1000000] [--runs 7]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import moocore
import numpy as np

from paretobench.analysis.front import front_mask


def point_sets(n: int) -> dict[str, np.ndarray]:
    """Point sets of shape [n, 2], both objectives to be minimised."""
    rng = np.random.default_rng(0)
    along = rng.random(n)
    return {
        "uniform": rng.random((n, 2)),
        "all on the front": np.column_stack([along, 1 - along]),
        "near the front": np.column_stack([along, 1 - along + 0.1 * rng.random(n)]),
        "many ties": rng.integers(0, 1000, (n, 2)).astype(float),
    }


def seconds(call: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """How long one call takes, and what it returns."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def race(points: np.ndarray, runs: int) -> tuple[float, float, int]:
    """Median seconds of ours and of moocore, and the size of the front."""
    ours, theirs = [], []
    down_up = points * (1.0, -1.0)
    for _ in range(runs):
        took, mask = seconds(lambda: front_mask(down_up))
        ours.append(took)
        took, reference = seconds(lambda: moocore.is_nondominated(points, keep_weakly=True))
        theirs.append(took)
        if not np.array_equal(mask, reference):
            raise SystemExit("front_mask and moocore disagree")
    return statistics.median(ours), statistics.median(theirs), int(mask.sum())


def main() -> int:
    """Print one line per shape; 0 if we are nowhere slower."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    print(f"{options.points:,} points, 2 objectives, moocore {moocore.__version__}")
    print(f"{'shape':18} {'front':>9} {'ours ms':>9} {'moocore ms':>11} {'ratio':>6}")
    slower = False
    for name, points in point_sets(options.points).items():
        ours, theirs, size = race(points, options.runs)
        slower |= ours > theirs
        ratio = ours / theirs
        print(f"{name:18} {size:9,} {ours * 1e3:9.1f} {theirs * 1e3:11.1f} {ratio:6.2f}")
    return int(slower)


if __name__ == "__main__":
    sys.exit(main())
