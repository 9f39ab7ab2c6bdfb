"""Make artifacts before anything is timed: `python -m paretobench.measure.prepare`.

One process prepares many workloads of one backend, since importing the backend costs more
than most of them. Each outcome is a file of its own, written when it is known; if the process
dies, the harness sees which workload it was in and starts another for the rest.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.domain import Workload
from paretobench.measure import child


def orders(workloads: Sequence[Workload], artifacts: Path, folder: Path) -> dict[str, Any]:
    """What a preparing process is sent: answers go to `folder/<index>.json`, in this order."""
    return {
        "workloads": [workload.to_json() for workload in workloads],
        "artifacts": str(artifacts),
        "folder": str(folder),
    }


def prepare_one(workload: Workload, artifacts: Path) -> dict[str, Any]:
    """Prepare one workload; returns the answer, an error record included."""
    start = time.perf_counter()
    try:
        prepared = backends.get(workload.runtime.backend).prepare(workload, artifacts)
    except Exception as error:
        return child.error_record(error)
    return {
        "status": "ok",
        "path": None if prepared.path is None else str(prepared.path),
        "facts": dict(prepared.facts),
        "prepare_s": time.perf_counter() - start,
        "peak_memory_bytes": child.peak_memory_bytes(),
    }


def main() -> int:
    """Read orders, prepare one workload after the other."""
    given = child.read_orders()
    artifacts, folder = Path(given["artifacts"]), Path(given["folder"])
    for index, data in enumerate(given["workloads"]):
        answer = prepare_one(Workload.from_json(data), artifacts)
        child.write_answer(folder / f"{index}.json", answer)
        gc.collect()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
