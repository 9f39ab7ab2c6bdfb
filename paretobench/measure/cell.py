"""One fresh process that times one workload: `python -m paretobench.measure.cell`.

Orders come as JSON on stdin (see `orders`), the answer goes to the file they name. The order
of things is the protocol: canary, load, cold first run, warm-up, samples, close, canary. What
other programs do meanwhile is read beside every sample and both canaries (`contention`).
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
from paretobench.domain.contention import Contention
from paretobench.domain.records import Cell, Fidelity
from paretobench.measure import child
from paretobench.measure.canary import SETTLE_S, canary
from paretobench.measure.contention import PROCESS_WAIT_LIMIT_S, MachineProbe, Watch, neighbours
from paretobench.measure.energy import EnergyMeter
from paretobench.measure.timing import Repetition, sample, warm_up
from paretobench.planning.stopping import SamplingPlan

LAYOUT = ("environment_padding_bytes", "heap_padding_bytes")
"""Orders of an audited process that move its stack and heap."""

ENDING_S = 0.75
"""What a process takes after its last sample: freeing what it holds, the pause, the canary, the
interpreter's end. Measured: 0.6 to 0.9 s."""


def orders(
    workload: Workload,
    sampling: SamplingPlan,
    artifacts: Path,
    result: Path,
    prepared: PreparedArtifact | None = None,
    wait_limit_s: float = PROCESS_WAIT_LIMIT_S,
) -> dict[str, Any]:
    """What a cell is sent.

    Args:
        workload: what to time.
        sampling: how long to warm up and sample.
        artifacts: the folder of prepared artifacts.
        result: where the answer goes.
        prepared: what `prepare` made; None makes the cell find it or make it.
        wait_limit_s: how long it may wait for a quiet machine, in all.
    """
    made = None if prepared is None else {"path": _text(prepared.path), "facts": prepared.facts}
    return {
        "workload": workload.to_json(),
        "sampling": sampling.to_json(),
        "artifacts": str(artifacts),
        "result": str(result),
        "prepared": made,
        "spawned_at": time.time(),
        "wait_limit_s": wait_limit_s,
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def cell_of(
    answer: Mapping[str, Any],
    workload_key: str,
    environment_key: str,
    fidelity: Fidelity,
    round_index: int,
    wall_s: float,
    sweep_key: str | None = None,
) -> Cell:
    """The cell that a process's answer makes, not yet judged.

    Args:
        answer: of `time_workload`, its samples checked.
        wall_s: from spawn to exit; what it waited for a quiet machine is taken off.
    """
    recorded = answer.get("contention")
    seen = None if recorded is None else Contention.from_json(recorded)
    return Cell(
        workload_key=workload_key,
        environment_key=environment_key,
        started_at=answer["started_at"],
        fidelity=fidelity,
        round_index=round_index,
        load_s=answer["load_s"],
        first_run_s=answer["first_run_s"],
        warmup_s=tuple(answer["warmup_s"]),
        samples_s=tuple(answer["samples_s"]),
        canary_before_s=answer["canary_before_s"],
        canary_after_s=answer["canary_after_s"],
        wall_s=wall_s - (0.0 if seen is None else seen.waited_s),
        peak_memory_bytes=answer["peak_memory_bytes"],
        energy_j=answer["energy_j"],
        sweep_key=sweep_key,
        facts=dict(answer["facts"]),
        contention=seen,
    )


def time_workload(given: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out the orders; returns the answer of a cell that ended well."""
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    plan = SamplingPlan(**given["sampling"])
    workload = Workload.from_json(given["workload"])
    padding = bytearray(int(given.get("heap_padding_bytes", 0)))  # before anything is loaded
    limit_s = given.get("wait_limit_s", PROCESS_WAIT_LIMIT_S)
    watch = Watch(MachineProbe(), limit_s, name_neighbours=neighbours)
    before_s, before = watch.around(canary)
    session, load_s, prepare_s = load(workload, given)
    since_spawn_s = time.time() - given.get("spawned_at", time.time())
    overhead_s = since_spawn_s - prepare_s - watch.waited_s + ENDING_S
    timed = time_session(session, plan, overhead_s, watch)
    facts = dict(session.facts) | {"sampling": plan.to_json()} | timed.pop("facts")
    if padding:
        facts["layout"] = {name: given[name] for name in LAYOUT}
    session.close()
    time.sleep(SETTLE_S)
    after_s, after = watch.around(canary)
    return {
        "status": "ok",
        "started_at": started_at,
        "load_s": load_s,
        "prepare_s": prepare_s,
        **timed,
        "canary_before_s": before_s,
        "canary_after_s": after_s,
        "facts": facts,
        "contention": watch.record((round(before.share, 4), round(after.share, 4))).to_json(),
    }


def time_session(
    session: Session, plan: SamplingPlan, overhead_s: float, watch: Watch
) -> dict[str, Any]:
    """The cold run, the warm-up and the samples, with memory and energy, as part of the answer."""
    # A session on another device (a phone) has that device's clock, and this machine's other
    # programs do not disturb it.
    clock = getattr(session, "clock", None)
    repeat = Repetition(session.run, session.renew_input, clock or time.perf_counter)
    meter, waited_s = EnergyMeter(), watch.waited_s
    first_run_s, warmup_s = warm_up(repeat, plan)
    meter.start()
    worked_s = first_run_s + sum(warmup_s)
    samples_s = sample(repeat, plan, overhead_s, worked_s, None if clock else watch)
    reading = meter.stop()
    is_valid = reading is not None and reading.is_valid and watch.waited_s == waited_s
    return {
        "first_run_s": first_run_s,
        "warmup_s": warmup_s,
        "samples_s": samples_s,
        "runs": repeat.count - 1 - len(warmup_s),
        "peak_memory_bytes": child.peak_memory_bytes(),
        "energy_j": reading.joules / len(samples_s) if reading and is_valid else None,
        "facts": {} if reading is None else {"energy": vars(reading)},
    }


def load(workload: Workload, given: Mapping[str, Any]) -> tuple[Session, float, float]:
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
