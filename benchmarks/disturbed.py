"""The same sweep twice, the second time beside a program that computes for half of it.

    python benchmarks/disturbed.py [--overrides encoder=fastvithd,fastvit resolution=256 ...]
                                   [--fidelity standard]

Each sweep has a database of its own. The disturber takes a core without a pause, from a quarter to
three quarters of the time that the first sweep took; a sweep that it stops is continued, as the
message says. For every workload, and for every two of them, the second sweep's value over the
first's should be 1 within the intervals of both, or the row should be marked (disturbed, suspect or
unjudged processes in what counts).

Exit status 1 if a ratio is neither. Needs a machine that is otherwise quiet.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import contention

from paretobench.analysis import pooling, stats
from paretobench.config import expand
from paretobench.domain.records import Cell, Estimate, Fidelity
from paretobench.measure import harness, terms
from paretobench.resources import cache_folder
from paretobench.store import Store
from paretobench.sweeping import prepare as planning

OVERRIDES = ("encoder=fastvithd,fastvit", "resolution=256,512", "llm=qwen2_0_5b")
ATTEMPTS = 10
"""Runs of a sweep that was stopped, after which this gives up."""


@dataclass(frozen=True)
class Swept:
    """What a sweep found: latencies by workload, marks of those that are not in order."""

    latency: Mapping[str, Estimate]
    marks: Mapping[str, str]
    elapsed_s: float


def swept(overrides: Sequence[str], fidelity: Fidelity, seed: int) -> Swept:
    """One sweep in a database of its own, continued as long as it is stopped."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "db") as store:
        request = expand([*overrides, f"fidelity={fidelity}", "check=0"])
        (planned,), _ = planning.prepare(request, None)
        workloads = [one.workload for one in planned.plan.workloads]
        options = terms.Options(
            cache_folder(),
            fidelity=fidelity,
            seed=seed,
            sweep_key=None,
            cheapest=sorted(planned.plan.cheapest),
        )
        for _ in range(ATTEMPTS):
            account = harness.run(
                workloads, store=store, environment=planned.environment, options=options
            )
            if not account.stopped:
                break
            print(f"stopped: {account.stopped.splitlines()[0]}", file=sys.stderr)
        cells: dict[str, list[Cell]] = {workload.label: [] for workload in workloads}
        labels = {workload.key: workload.label for workload in workloads}
        for cell in store.cells(planned.environment.key):
            cells[labels[cell.workload_key]].append(cell)
    return _found({name: each for name, each in cells.items() if each}, time.monotonic() - started)


def _found(cells: Mapping[str, Sequence[Cell]], elapsed_s: float) -> Swept:
    pool = pooling.fit([stats.cell_median(c) for c in stats.replicates(e)] for e in cells.values())
    marks = {}
    for name, each in cells.items():
        odd = {c.status for c in stats.replicates(each)} - {"ok"}
        repeated = sum(cell.status in ("suspect", "disturbed") for cell in each)
        marks[name] = ", ".join(sorted(odd)) or (f"({repeated} repeated)" if repeated else "")
    latency = {name: stats.measurement(each, pool).latency for name, each in cells.items()}
    return Swept(latency, marks, elapsed_s)


def disturb(after_s: float, for_s: float) -> threading.Thread:
    """Have a core taken from then on, for so long."""

    def act() -> None:
        time.sleep(after_s)
        with contention.disturber(1.0):
            time.sleep(for_s)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def holds(first: Estimate, second: Estimate) -> bool:
    """Whether the ratio of two estimates is 1 within the intervals of both."""
    found = stats.ratio(second, first)
    return found.low is not None and found.high is not None and found.low <= 1 <= found.high


def compared(quiet: Swept, disturbed: Swept) -> list[str]:
    """Print a line for each workload; returns what is neither within its interval nor marked."""
    names = [name for name in quiet.latency if name in disturbed.latency]
    failed = [f"{name}: not measured" for name in quiet.latency if name not in names]
    for name in names:
        first, second = quiet.latency[name], disturbed.latency[name]
        ratio = stats.ratio(second, first)
        is_marked = disturbed.marks[name] and not disturbed.marks[name].startswith("(")
        ends = f"[{ratio.low:.3f}, {ratio.high:.3f}]" if ratio.low and ratio.high else "[unknown]"
        print(
            f"{name:28} {first.value * 1e3:8.1f} ms {second.value * 1e3:8.1f} ms  "
            f"{ratio.value:.3f} {ends} {disturbed.marks[name]}"
        )
        if not holds(first, second) and not is_marked:
            failed.append(f"{name}: {ratio.value:.3f} {ends}")
    pairs = list(itertools.combinations(names, 2))
    within = 0
    for a, b in pairs:
        before = stats.ratio(quiet.latency[a], quiet.latency[b])
        after = stats.ratio(disturbed.latency[a], disturbed.latency[b])
        is_marked = any(m and not m.startswith("(") for m in (disturbed.marks[n] for n in (a, b)))
        if holds(before, after) or is_marked:
            within += 1
        else:
            failed.append(f"{a} : {b}: {before.value:.3f}, then {after.value:.3f}")
    print(f"{within} of {len(pairs)} ratios of two workloads within their intervals or marked")
    return failed


def main() -> int:
    """Sweep twice and compare; 1 if something differs that is not marked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--overrides", nargs="+", default=list(OVERRIDES))
    parser.add_argument("--fidelity", choices=("quick", "standard", "rigorous"), default="standard")
    given = parser.parse_args()
    quiet = swept(given.overrides, given.fidelity, 0)
    thread = disturb(quiet.elapsed_s / 4, quiet.elapsed_s / 2)
    try:
        disturbed = swept(given.overrides, given.fidelity, 1)
    finally:
        thread.join()
    print(f"quiet {quiet.elapsed_s:.0f} s, disturbed {disturbed.elapsed_s:.0f} s")
    failed = compared(quiet, disturbed)
    for text in failed:
        print(f"does not hold: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
