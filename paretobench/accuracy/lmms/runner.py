"""Scoring a checkpoint: a child process runs lmms-eval, finished tasks are kept.

Each task leaves a folder named by everything that decides its result: the checkpoint's
content, the task's files, the protocol, lmms-eval's version, the generation settings, the
input's resolution, the data. The same job again finds the folder and does not run; a killed
run keeps every task that was complete. What a folder says is read by `results` and weighed by
`scoring`, exactly as for files from elsewhere.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from paretobench.accuracy.lmms import process, scoring
from paretobench.accuracy.lmms.effort import runs_of
from paretobench.accuracy.lmms.job import Job, child_spec, result_key, tasks_of
from paretobench.accuracy.lmms.results import TaskResult, read_results
from paretobench.domain import checkpoint as checkpoints
from paretobench.domain.records import Score, TaskRun
from paretobench.errors import ConfigError, DataError

DEFAULT_FOLDER = Path("results/accuracy")

NO_TIME = "no_time"
"""Kind of what was not scored because its time ended: no fault of the task."""


@dataclass(frozen=True)
class TaskFailure:
    """Why a task has no result. `kind`: out_of_memory, checkpoint, data, no_answers, timed_out,
    no_time, environment or crashed. `task` is empty if nothing could start at all."""

    task: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.task or 'scoring'} failed ({self.kind.replace('_', ' ')}): {self.message}"


@dataclass(frozen=True)
class ScoringOutcome:
    """What a job gave.

    Attributes:
        scores: placed and ready to store, suites included; empty if no task succeeded.
        results: the task results behind them, with their samples.
        failures: tasks without a result.
        kept: tasks that an earlier run had finished.
        checkpoint_hash: shared with the latency side.
        runs: what each task took, in this run or an earlier one.
    """

    scores: tuple[Score, ...]
    results: tuple[TaskResult, ...]
    failures: tuple[TaskFailure, ...]
    kept: tuple[str, ...]
    checkpoint_hash: str
    runs: tuple[TaskRun, ...] = ()


OnEvent = Callable[[str], None]


def score(
    job: Job,
    folder: Path = DEFAULT_FOLDER,
    on_event: OnEvent = lambda line: None,
    on_scores: Callable[[Sequence[Score]], object] = lambda scores: None,
    ends_at: float = math.inf,
) -> ScoringOutcome:
    """Score a checkpoint on a job's benchmarks.

    Args:
        folder: where task folders are kept.
        on_event: called with one line when a task starts, ends, is kept or fails.
        on_scores: given the scores of each task the moment it is finished (suites come with
            the outcome), so that a store loses nothing if we are killed.
        ends_at: by `time.monotonic`; tasks that have no result then fail with `NO_TIME`.

    Raises:
        ConfigError: if a benchmark or protocol is unknown, or has no task of lmms-eval.
        BackendMissingError: if the interpreter lacks lmms-eval or is none.
        DataError: if the checkpoint is missing or has no safetensors.
    """
    scoring.check_protocol(job.protocol)
    tasks = tasks_of(job)
    found = process.probe(job.python, [task.name for task in tasks])
    unknown = [name for name, digest in found["tasks"].items() if digest is None]
    if unknown:
        version = found["versions"]["lmms_eval"]
        raise ConfigError(f"lmms-eval {version} has no task {', '.join(map(repr, unknown))}")
    local = locate(job)
    digest = checkpoints.checkpoint_hash(local)
    folders = {task.name: folder / result_key(job, task, digest, found) for task in tasks}
    kept = [name for name, path in folders.items() if path.is_dir()]
    for name in kept:
        on_event(f"{name}: kept from an earlier run")
        on_scores(_scores(read_results(folders[name]), job, digest))
    pending = [task for task in tasks if task.name not in kept]
    failures: list[TaskFailure] = []
    if pending:
        spec = child_spec(job, pending, folders, local, digest)
        for name in _run(job, spec, folder, on_event, failures, ends_at):
            on_scores(_scores(read_results(folders[name]), job, digest))
    done = [result for path in folders.values() if path.is_dir() for result in read_results(path)]
    return ScoringOutcome(
        scores=tuple(_scores(done, job, digest, with_suites=True)),
        results=tuple(done),
        failures=tuple(failures),
        kept=tuple(kept),
        checkpoint_hash=digest,
        runs=runs_of(done, job, digest),
    )


def locate(job: Job) -> Path:
    """The checkpoint's folder; a hub name is downloaded by the interpreter that will load it.

    Raises:
        DataError: if it is neither a folder here nor on the hub.
    """
    if checkpoints.is_local(job.checkpoint):
        folder = Path(job.checkpoint).expanduser()
        if not folder.is_dir():
            raise DataError(f"no checkpoint at {folder}: no such folder")
        return folder.resolve()
    return process.fetch(job.python, job.checkpoint, job.revision)


def _run(
    job: Job,
    spec: Mapping[str, Any],
    folder: Path,
    on_event: OnEvent,
    failures: list[TaskFailure],
    ends_at: float,
) -> Iterator[str]:
    """Run the child; yields the name of each finished task, appends what failed."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    path = folder / f"spec-{os.getpid()}.json"
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    command = process.command(job.python, path, job.processes)
    run = process.ChildRun(command, environment, job.timeout_s, ends_at)
    current = ""
    settled: set[str] = set()
    try:
        for event in run.events():
            current = event.get("task") or ""
            if event["event"] == "started":
                on_event(f"{current}: started")
            elif event["event"] == "finished":
                settled.add(current)
                on_event(f"{current}: finished")
                yield current
            else:
                settled.add(current)
                failures.append(TaskFailure(current, event["kind"], _advise(event, job)))
                on_event(str(failures[-1]))
    finally:
        run.kill()
        path.unlink(missing_ok=True)
        remove_leftovers(folder)
    if "" in settled:
        return
    for entry in spec["tasks"]:
        if entry["name"] not in settled:
            failures.append(_death(run, entry["name"], entry["name"] == current, job))
            on_event(str(failures[-1]))


def remove_leftovers(folder: Path) -> None:
    """Delete what runs that no longer live left half done."""
    for path in folder.glob("*.unfinished-*"):
        number = path.name.rsplit("-", 1)[1]
        is_ours = number == str(os.getpid())
        if is_ours or not (number.isdigit() and psutil.pid_exists(int(number))):
            shutil.rmtree(path, ignore_errors=True)


def _advise(event: Mapping[str, str], job: Job) -> str:
    if event["kind"] == "out_of_memory":
        return (
            f"{event['message']}; lower the batch size (now {job.batch_size}), or choose a "
            f"smaller dtype (now {job.dtype}) or another device (now {job.device})"
        )
    return event["message"]


def _death(run: process.ChildRun, task: str, was_current: bool, job: Job) -> TaskFailure:
    if run.is_out_of_time:
        return TaskFailure(task, NO_TIME, "not scored: the time for scoring was over")
    if run.timed_out:
        limit = f"{job.timeout_s:g} s" if job.timeout_s else "its limit"
        reason = f"no result after {limit}" if was_current else "not started: another timed out"
        return TaskFailure(task, "timed_out", f"{reason}; raise the limit (--timeout)")
    status = run.status
    if status == -9:
        return TaskFailure(
            task,
            "out_of_memory",
            f"the process was killed by signal 9, as the kernel does when memory runs out; lower "
            f"the batch size (now {job.batch_size})",
        )
    return TaskFailure(
        task, "crashed", f"the process ended with status {status}: {run.last_lines()}"
    )


def _scores(
    results: Sequence[TaskResult], job: Job, digest: str, with_suites: bool = False
) -> list[Score]:
    if not results:
        return []
    found = scoring.values(results, job.protocol)
    suite = scoring.suite_values(found) if with_suites else []
    return scoring.to_scores([*found, *suite], job.place, "measured", digest)
