"""Collects real processes for `decide.py`: the same few parts in many fresh processes, in rounds.

Each process is one of `fidelity=quick`, as a sweep starts it: canary, load, warm-up, samples,
canary; those that others disturbed are repeated and do not count. Rounds go over all parts, so that
a drift of the machine meets all of them. Run it again, on another day or after a restart, and the
new sitting is added to the file.

    python benchmarks/collect_bank.py [--rounds 17] [--seconds 280] [--out FILE] [overrides]

Needs a machine that is otherwise quiet.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paretobench.analysis import stats
from paretobench.api.sweeps import plan
from paretobench.domain import Workload
from paretobench.durable import whole_file
from paretobench.measure import harness
from paretobench.measure.environment import fingerprint
from paretobench.measure.single import MemoryStore
from paretobench.measure.terms import Options
from paretobench.resources import cache_folder

OUT = Path(__file__).parent / "data" / "processes.json"
PARTS = ("encoder=fastvithd", "resolution=256,512", "llm=qwen2_0_5b")
"""The cheapest parts of the example: two encodes and two prefills."""


def planned(overrides: Sequence[str]) -> list[Workload]:
    """The distinct workloads of a grid, whatever a database holds of them."""
    with tempfile.TemporaryDirectory() as folder:
        plans = plan(*overrides, f"database={folder}/none.db")
    return [each.workload for one in plans.devices.values() for each in one.plan.workloads]


def sitting(workloads: list[Workload], rounds: int, limit_s: float) -> dict[str, list[float]]:
    """The medians of every part's processes that count, in order; stops after `limit_s`."""
    environment, began = fingerprint(), time.monotonic()
    found: dict[str, list[float]] = {workload.key: [] for workload in workloads}
    for index in range(rounds):
        store = MemoryStore()
        options = Options(artifacts=cache_folder(), fidelity="quick", seed=index)
        harness.run(workloads, store=store, environment=environment, options=options)
        for workload in workloads:
            counted = stats.replicates(store.cells(environment.key, [workload.key]), "quick")
            found[workload.key] += [
                stats.cell_median(cell) for cell in counted[:1] if cell.status != "disturbed"
            ]
        if time.monotonic() - began > limit_s:
            print(f"stopped after {index + 1} of {rounds} rounds: {limit_s:g} s are over")
            break
    return found


def added(data: dict[str, Any], workloads: list[Workload], found: dict[str, list[float]]) -> None:
    """The bank with another sitting."""
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes")
    data["sittings"].append({"at": when, "processes": sum(map(len, found.values()))})
    by_name = {part["part"]: part for part in data["parts"]}
    for workload in workloads:
        part = by_name.get(workload.label)
        if part is None:
            runtime = f"{workload.runtime.backend} {workload.runtime.precision}"
            part = {"part": workload.label, "kind": workload.kind, "runtime": runtime,
                    "medians_s": [], "sittings": []}  # fmt: skip
            data["parts"].append(part)
        medians_s = [float(f"{each:.6g}") for each in found[workload.key]]
        part["medians_s"] += medians_s
        part["sittings"] += [len(data["sittings"])] * len(medians_s)


def main() -> int:
    """Add a sitting to the file; 1 if a part has no process that counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=17)
    parser.add_argument("--seconds", type=float, default=280.0)
    parser.add_argument("--out", type=Path, default=OUT)
    options, overrides = parser.parse_known_args()
    workloads = planned(overrides or PARTS)
    where = fingerprint()
    data: dict[str, Any] = {"machine": where.label, "parts": [], "sittings": []}
    if options.out.exists():
        data = json.loads(options.out.read_text(encoding="utf-8"))
        if data["machine"] != where.label:
            print(
                f"{options.out} is of {data['machine']}, this is {where.label}: name another file"
            )
            return 1
    found = sitting(workloads, options.rounds, options.seconds)
    added(data, workloads, found)
    with whole_file(options.out) as path:
        path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for part in data["parts"]:
        print(f"{part['part']}: {len(part['medians_s'])} processes")
    return int(any(not each for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
