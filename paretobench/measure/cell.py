"""One fresh process that times one workload: `python -m paretobench.measure.cell`.

Orders come as JSON on stdin (see `orders`), the answer goes to the file they name. The order
of things is the protocol: canary, load, cold first run, warm-up, samples, close, canary.
Only the workload's own backend is imported.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.backends import PreparedArtifact, Session
from paretobench.domain import Workload
from paretobench.measure import child
from paretobench.measure.canary import SETTLE_S, canary
from paretobench.measure.energy import EnergyMeter
from paretobench.measure.timing import Repetition, sample, warm_up
from paretobench.planning.stopping import SamplingPlan

ENDING_S = 0.75
"""What a process takes after its last sample: freeing what it holds, the pause, the canary, the
interpreter's end. Measured: 0.6 to 0.9 s."""


def orders(
    workload: Workload,
    sampling: SamplingPlan,
    artifacts: Path,
    result: Path,
    prepared: PreparedArtifact | None = None,
) -> dict[str, Any]:
    """What a cell is sent.

    Args:
        workload: what to time.
        sampling: how long to warm up and sample.
        artifacts: the folder of prepared artifacts.
        result: where the answer goes.
        prepared: what `prepare` made; None makes the cell look for it or make it.
    """
    made = None if prepared is None else {"path": _text(prepared.path), "facts": prepared.facts}
    return {
        "workload": workload.to_json(),
        "sampling": sampling.to_json(),
        "artifacts": str(artifacts),
        "result": str(result),
        "prepared": made,
        "spawned_at": time.time(),
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def time_workload(given: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out the orders; returns the answer of a cell that ended well."""
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    plan = SamplingPlan(**given["sampling"])
    workload = Workload.from_json(given["workload"])
    before_s = canary()
    session, load_s, prepare_s = _load(workload, given)
    # A session on another device (a phone) brings that device's clock.
    clock = getattr(session, "clock", time.perf_counter)
    repeat = Repetition(session.run, session.renew_input, clock)
    overhead_s = time.time() - given.get("spawned_at", time.time()) - prepare_s + ENDING_S
    meter = EnergyMeter()
    first_run_s, warmup_s = warm_up(repeat, plan)
    meter.start()
    samples_s = sample(repeat, plan, overhead_s, first_run_s + sum(warmup_s))
    reading = meter.stop()
    peak = child.peak_memory_bytes()
    facts = dict(session.facts) | {"sampling": plan.to_json()}
    if reading is not None:
        facts["energy"] = vars(reading)
    session.close()
    time.sleep(SETTLE_S)
    return {
        "status": "ok",
        "started_at": started_at,
        "load_s": load_s,
        "prepare_s": prepare_s,
        "first_run_s": first_run_s,
        "warmup_s": warmup_s,
        "samples_s": samples_s,
        "runs": repeat.count - 1 - len(warmup_s),
        "canary_before_s": before_s,
        "canary_after_s": canary(),
        "peak_memory_bytes": peak,
        "energy_j": reading.joules / len(samples_s) if reading and reading.is_valid else None,
        "facts": facts,
    }


def _load(workload: Workload, given: Mapping[str, Any]) -> tuple[Session, float, float]:
    """A session, the seconds it took to load, and the seconds of making what was not made."""
    backend = backends.get(workload.runtime.backend)
    made, prepare_s = given.get("prepared"), 0.0
    if made is None:
        start = time.perf_counter()
        prepared = backend.prepare(workload, Path(given["artifacts"]))
        prepare_s = time.perf_counter() - start
    else:
        path = made["path"]
        prepared = PreparedArtifact(None if path is None else Path(path), made["facts"])
    start = time.perf_counter()
    session = backend.load(workload, prepared)
    return session, time.perf_counter() - start, prepare_s


def main() -> int:
    """Read orders, time, answer. The exit status is 1 after an error that was reported."""
    given = child.read_orders()
    try:
        answer = time_workload(given)
    except Exception as error:
        child.write_answer(given["result"], child.error_record(error))
        return 1
    child.write_answer(given["result"], answer)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
