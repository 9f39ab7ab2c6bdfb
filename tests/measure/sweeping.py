"""A real sweep of pretended workloads in a process of its own, for tests that kill it.

    python tests/measure/sweeping.py DATABASE ARTIFACTS WORKLOADS

Harness, children, store and lock are the real ones; only the repetitions are short.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from paretobench.domain.records import Environment
from paretobench.measure import harness, terms
from paretobench.measure.process import Children
from paretobench.planning.stopping import CellPlan, SamplingPlan
from paretobench.store import Store
from tests.measure import pretend

CELLS = 2
PLAN = CellPlan(
    "standard",
    SamplingPlan(sample_s=0.02, sample_limit_s=0.02, warmup_limit_s=0.02, max_samples=20),
    min_cells=CELLS,
    max_cells=CELLS,
)
HERE = Environment({"chip": "a machine for tests"})


def main(database: str, artifacts: str, count: str) -> None:
    """Measure `count` workloads, two processes each."""
    harness.canary = lambda: 0.02  # type: ignore[assignment]
    harness.cell_plan = lambda fidelity, goal: PLAN  # type: ignore[assignment, misc]
    workloads = [pretend.workload(f"w{index}", run_s=0.001) for index in range(int(count))]
    with Store.open(database) as store:
        harness.run(
            workloads,
            store=store,
            environment=HERE,
            options=terms.Options(Path(artifacts)),
            children=Children(launcher=pretend.HASTY_LAUNCHER),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
