"""How long a large grid takes to plan, alone and against a store of many cells.

Three ratios, each against the plain way in the same process:

- expanding a grid takes one composition and one file per name (`paretobench.config`); Hydra's
  own sweeper composes a configuration for each point (timed on a sample, scaled to all);
- planning asks the store for the cells of this machine; the plain way reads those of all;
- it reads their medians; the plain way reads every sample, too.

Seconds are of the processor, so that a busy machine changes them little.

    python benchmarks/plan.py                             # 10,000 points, 20,000 cells
    python benchmarks/large.py large.db                   # once: 1,000,000 cells of 100 devices
    python benchmarks/plan.py --database large.db         # what docs/scale.md speaks of
    python benchmarks/large.py one.db --devices 1         # all of them of one device
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import large

from paretobench.config import composition
from paretobench.config.composer import Composer, hydra_session
from paretobench.config.groups import Groups
from paretobench.domain import GridPoint
from paretobench.store import Store
from paretobench.sweeping.prepare import prepare

SAMPLE = 20
"""Points that are composed in full."""


def spent_s(act: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of `act`, and what it returned."""
    start = time.process_time()
    result = act()
    return time.process_time() - start, result


def figures(database: Path, wanted: int) -> dict[str, float]:
    """All figures of one grid against one database."""
    expand_s, request = spent_s(lambda: large.grid(wanted))
    alone_s, _ = spent_s(lambda: prepare(request, None, must_run=False))
    with Store.open(database, read_only=True) as store:
        plan_s, ((prepared,), _) = spent_s(lambda: prepare(request, store, must_run=False))
        here = prepared.environment.key
        here_s, _ = spent_s(lambda: store.cell_summaries(here))
        samples_s, n_here = spent_s(lambda: len(store.cells(here)))
        all_s, _ = spent_s(store.cell_summaries)
        cells, plan = store.cell_count(), prepared.plan
    composed_s = full_composition_s(request.points[:: len(request.points) // SAMPLE])
    return {
        "points": len(plan.points),
        "workloads": len(plan.workloads),
        "measured_before": sum(one.state == "done" for one in plan.workloads),
        "cells_in_store": cells,
        "cells_of_this_machine": n_here,
        "expand_s": expand_s,
        "plan_without_store_s": alone_s,
        "plan_against_store_s": plan_s,
        "composing_each_point_over_expanding": composed_s * len(request.points) / expand_s,
        "plan_cell_us": max(0.0, plan_s - alone_s) / n_here * 1e6,
        "reading_all_cells_over_this_machine's": all_s / here_s,
        "reading_samples_over_medians": samples_s / here_s,
    }


def full_composition_s(points: Sequence[GridPoint]) -> float:
    """Seconds of one complete composition, mean over `points`."""
    with tempfile.TemporaryDirectory() as folder:
        sweeps = large.write_grid(Path(folder))
        with hydra_session(groups := Groups(sweeps)):
            composer = Composer(groups, composition.parse(["+grid=large"], groups))
            start = time.process_time()
            for point in points:
                tiling = point.tiling.name
                composer.full(encoder=point.encoder.name, llm=point.llm.name, tiling=tiling)
            return (time.process_time() - start) / len(points)


def main(arguments: Sequence[str]) -> int:
    """Print every figure as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--database", type=Path, help="a file that large.py made")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        database = options.database
        if database is None:
            database = Path(folder) / "small.db"
            made = ["--cells", "20000", "--devices", "2", "--points", str(options.points)]
            large.main([str(database), *made])
        found = figures(database, options.points)
    json.dump({name: round(value, 3) for name, value in found.items()}, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
