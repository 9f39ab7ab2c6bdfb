"""Another machine, for tests: `paretobench measure -` whose models take no time.

    python tests/remote/pretend_device.py measure -

The session, the harness and its child processes are the real ones; only the backend pretends.
Variables say what is wrong with this machine: `PRETEND_CHIP` its name, `PRETEND_VERSION` what
it runs, `PRETEND_CLOCK_S` how far its clock is off, `PRETEND_RUN_S` how long a run takes,
`PRETEND_LABEL_KILLED` a workload whose process is killed.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from paretobench import backends
from paretobench.backends import Availability, PreparedArtifact
from paretobench.domain import Workload

NAME = "pretend"
CHILD = "--child"


class Session:
    """Sleeps a little."""

    facts: Mapping[str, Any] = {"threads": 1}

    def __init__(self) -> None:
        self.run_s = float(os.environ.get("PRETEND_RUN_S", "0.001"))

    def renew_input(self) -> None:
        """Nothing to renew."""

    def run(self) -> None:
        """Sleep, with the little variance that the harness wants to see."""
        time.sleep(self.run_s)

    def close(self) -> None:
        """Nothing to free."""


class Backend:
    """Runs anything."""

    name = NAME

    def available(self) -> Availability:
        """Always."""
        return Availability(True)

    def refuses(self, workload: Workload) -> str | None:
        """What `PRETEND_REFUSES` names."""
        refused = os.environ.get("PRETEND_REFUSES")
        return "this device cannot" if refused and refused in workload.label else None

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Nothing to make."""
        return PreparedArtifact(None, {})

    def load(self, workload: Workload, prepared: PreparedArtifact) -> Session:
        """Loads at once; kills itself where it is told to."""
        if os.environ.get("PRETEND_LABEL_KILLED") == workload.label:
            os.kill(os.getpid(), 9)
        return Session()


def pretend() -> None:
    """Make this process believe in the backend, and in what the variables say."""
    from paretobench.measure import canary, environment, harness
    from paretobench.planning import stopping

    module = types.ModuleType(f"paretobench.backends.{NAME}")
    module.Backend = Backend  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    backends.NAMES = (*backends.NAMES, NAME)
    backends.CLASSES[NAME] = "Backend"
    canary.canary = harness.canary = lambda: 0.02  # type: ignore[attr-defined]
    canary.SETTLE_S = 0.0  # type: ignore[misc]
    chip = os.environ.get("PRETEND_CHIP", "pretend")
    environment.fingerprint = lambda: environment.Environment(  # type: ignore[assignment]
        {"chip": chip}, {"memory_bytes": 16 << 30, "gflops": 100.0}
    )
    short = stopping.SamplingPlan(
        sample_s=0.01, sample_limit_s=0.01, warmup_limit_s=0.01, max_samples=10
    )
    plan = stopping.CellPlan("quick", short, min_cells=2, max_cells=2)
    harness.cell_plan = lambda fidelity, goal=0.01: plan  # type: ignore[assignment]


def be_another_machine() -> None:
    """What the session says of itself."""
    from paretobench.measure import session
    from paretobench.measure.process import Children

    session.__version__ = os.environ.get("PRETEND_VERSION", session.__version__)  # type: ignore[misc]
    offset = float(os.environ.get("PRETEND_CLOCK_S", "0"))
    if offset:
        session.time = types.SimpleNamespace(  # type: ignore[assignment]
            time=lambda: time.time() + offset, monotonic=time.monotonic, sleep=time.sleep
        )
    session.Children = lambda: Children(launcher=(sys.executable, __file__, CHILD))  # type: ignore[misc, assignment]


if __name__ == "__main__":
    pretend()
    if sys.argv[1] == CHILD:
        runpy.run_module(sys.argv[-1], run_name="__main__")
    else:
        be_another_machine()
        from paretobench.cli import main

        main(sys.argv[1:])
