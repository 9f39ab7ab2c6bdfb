"""Does a second sweep say the same as the first, as often as the intervals promise?

    python benchmarks/repeats.py [+grid=smoke] [--repeats 3] [--fidelity standard]

Sweeps a grid several times, each into a database of its own, and compares the ratios between
every two workloads, paired by round, across the sweeps. For two sweeps with log-ratios a, b and
half-widths g, h of their 95 % intervals, |a - b| <= sqrt(g^2 + h^2) should hold in about 95 %
of the cases if the intervals are what they say. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pairing

from paretobench.analysis import stats
from paretobench.config import expand
from paretobench.domain.records import Estimate, Fidelity
from paretobench.measure import events, harness, terms
from paretobench.resources import cache_folder
from paretobench.store import Store
from paretobench.sweeping import prepare as planning

Ratios = Mapping[tuple[str, str], Estimate]
STATED = 0.95


def swept(grid: Sequence[str], fidelity: Fidelity, seed: int) -> Ratios:
    """One sweep in a database of its own; the ratio of every two workloads."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "db") as store:
        request = expand([*grid, f"fidelity={fidelity}", "check=0"])
        (plan,), _ = planning.prepare(request, None)
        workloads = [one.workload for one in plan.plan.workloads]
        account = harness.run(
            workloads,
            store=store,
            environment=plan.environment,
            options=terms.Options(cache_folder(), fidelity=fidelity, seed=seed),
            listen=_dot,
        )
        if account.failures:
            raise SystemExit(f"{account.failures[0].reason}; a repeat needs every workload")
        print(f" {account.device_s:.0f} s, {len(account.cells)} processes", file=sys.stderr)
    rounds: dict[str, dict[stats.RoundKey, float]] = {}
    for workload in workloads:
        cells = [cell for cell in account.cells if cell.workload_key == workload.key]
        medians = {c.round_index: stats.cell_median(c) for c in stats.replicates(cells)}
        rounds[workload.label] = {(None, index): median for index, median in medians.items()}
    found = {
        (a, b): pairing.paired_ratio(rounds[a], rounds[b])
        for a, b in itertools.combinations(rounds, 2)
    }
    return {pair: ratio for pair, ratio in found.items() if ratio is not None}


def _dot(event: events.Event) -> None:
    if isinstance(event, events.CellFinished):
        print(".", end="", file=sys.stderr, flush=True)


def half_width(ratio: Estimate) -> float:
    """Of the 95 % interval, on the logarithm."""
    assert ratio.low is not None and ratio.high is not None
    return math.log(ratio.high / ratio.low) / 2


def agree(a: Estimate, b: Estimate) -> bool:
    """Whether two ratios differ by no more than their intervals allow together."""
    return abs(math.log(a.value / b.value)) <= math.hypot(half_width(a), half_width(b))


def main() -> int:
    """Sweep, compare, print; 1 if the ratios agree less often than stated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overrides", nargs="*", default=["+grid=smoke"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--fidelity", choices=("standard", "rigorous"), default="standard")
    given = parser.parse_args()
    runs = [swept(given.overrides, given.fidelity, seed) for seed in range(given.repeats)]
    pairs = set.intersection(*(set(run) for run in runs))
    print(f"{'ratio of':52} n  ratio in each sweep (half-width of its interval)")
    for pair in sorted(pairs):
        shown = [f"{run[pair].value:.3f} ({half_width(run[pair]):.1%})" for run in runs]
        print(f"{' : '.join(pair):52} {runs[0][pair].n}  {'  '.join(shown)}")
    both = itertools.product(itertools.combinations(runs, 2), sorted(pairs))
    held = [agree(a[pair], b[pair]) for (a, b), pair in both]
    if not held:
        raise SystemExit("no two workloads shared two rounds; more processes are needed")
    rate = sum(held) / len(held)
    print(f"{given.repeats} sweeps, {len(pairs)} ratios: {rate:.0%} of {len(held)} comparisons")
    print(f"are within their intervals (stated: {STATED:.0%})")
    return 0 if rate >= STATED else 1


if __name__ == "__main__":
    raise SystemExit(main())
