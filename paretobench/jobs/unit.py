"""The worker of one accuracy or conversion unit: `python -m paretobench.jobs.unit SPEC`.

It runs where a cluster put it, knows nothing of the engine that started it there and never
opens the database: orders come from the unit's folder (see `unit_folder`), the answer is one spool
file in it. Whatever the work keeps is in that folder too, so a job that was killed, preempted
or requeued goes on with what was finished.

What cannot succeed by trying again (a missing checkpoint, no lmms-eval) is an answer as well:
a result file that says so.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms import runner
from paretobench.accuracy.lmms.job import job_from_json
from paretobench.accuracy.lmms.runner import TaskFailure
from paretobench.domain import Workload
from paretobench.domain.records import Score, now
from paretobench.errors import ParetobenchError, is_out_of_memory
from paretobench.jobs.unit_folder import UnitFolder
from paretobench.store import spool
from paretobench.version import __version__


@dataclass(frozen=True)
class Done:
    """What the work gave, and facts about it."""

    scores: tuple[Score, ...] = ()
    failures: tuple[TaskFailure, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> int:
    """Do the unit whose specification is named; 0 if it left a result or another process has it.

    With `--until-stdin-closes` it dies with the process that started it.
    """
    if "--until-stdin-closes" in arguments:
        threading.Thread(target=_die_with_parent, name="lifeline", daemon=True).start()
    # Slurm announces preemption to every process of a job; submitit answers, not we.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    folder = UnitFolder(Path(arguments[0]).absolute().parent)
    with folder.held() as is_ours:
        if not is_ours:
            print("another process has this unit; nothing to do", flush=True)
            return 0
        if folder.result() is not None:
            print("this unit has its result already; nothing to do", flush=True)
            return 0
        started = {"host": socket.gethostname(), "pid": os.getpid(), "at": now()}
        folder.write("started", {**started, "restarts": _restarts(folder)})
        begun = time.monotonic()
        done = _work(folder)
        about = {
            "state": "failed" if done.failures else "done",
            "failures": [asdict(failure) for failure in done.failures],
            "facts": dict(done.facts),
            "wall_s": round(time.monotonic() - begun, 3),
            "paretobench": __version__,
            **started,
        }
        spool.write(folder.results, spool.Result(scores=done.scores, about=about))
    return 0


def _restarts(folder: UnitFolder) -> int:
    before = folder.read("started")
    return int(before["restarts"]) + 1 if before else 0


def _die_with_parent() -> None:
    # Not through sys.stdin: a thread that waits in its buffer aborts the interpreter's exit.
    while os.read(0, 4096):
        pass
    os._exit(1)


def _work(folder: UnitFolder) -> Done:
    """Do what the orders say; any failure is an answer."""
    try:
        unit = folder.unit()
        return _KINDS[unit.kind](unit.payload, folder)
    except ParetobenchError as error:
        return Done(failures=(TaskFailure("", "environment", str(error)),))
    except Exception as error:
        traceback.print_exc()
        kind = "out_of_memory" if is_out_of_memory(error) else "crashed"
        return Done(failures=(TaskFailure("", kind, f"{type(error).__name__}: {error}"),))


def _score(payload: Mapping[str, Any], folder: UnitFolder) -> Done:
    def announce(line: str) -> None:
        print(f"{now()} {line}", flush=True)

    outcome = runner.score(job_from_json(payload["job"]), folder.work, announce)
    facts = {
        "kept": list(outcome.kept),
        "checkpoint": outcome.checkpoint_hash,
        "runs": [asdict(run) for run in outcome.runs],
    }
    return Done(outcome.scores, outcome.failures, facts)


def _convert(payload: Mapping[str, Any], folder: UnitFolder) -> Done:
    from paretobench.measure.builds import build_artifacts

    root = Path(payload["artifacts"]) if payload.get("artifacts") else None
    workloads = [Workload.from_json(one) for one in payload["workloads"]]
    built = build_artifacts(workloads, root, timeout_s=float(payload["timeout_s"]))
    for one in built:
        print(f"{now()} {one.workload.label}: {one.state}", flush=True)
    failures = tuple(
        TaskFailure(one.workload.label, "crashed", one.reason)
        for one in built
        if one.state == "failed"
    )
    return Done(failures=failures, facts={"built": [one.to_json() for one in built]})


_KINDS: dict[str, Callable[[Mapping[str, Any], UnitFolder], Done]] = {
    "accuracy": _score,
    "convert": _convert,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
