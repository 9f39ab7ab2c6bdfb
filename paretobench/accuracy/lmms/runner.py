"""Scoring a checkpoint: a child process runs lmms-eval, finished tasks are kept.

Each task leaves a folder named by everything that decides its result: the checkpoint's
content, the task's files, the protocol, lmms-eval's version, the generation settings, the
input's resolution, the data. The same job again finds the folder and does not run; a killed
run keeps every task that was complete. What a folder says is read by `results` and weighed by
`scoring`, exactly as for files that somebody else made.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretobench import checkpoint as checkpoints
from paretobench.accuracy import suites
from paretobench.accuracy.lmms import process, scoring
from paretobench.accuracy.lmms.placing import Place
from paretobench.accuracy.lmms.results import TaskResult, read_results
from paretobench.domain import content_key
from paretobench.errors import ConfigError, DataError
from paretobench.records import Score

OWN_MODEL = "paretobench"
DEFAULT_FOLDER = Path("results/accuracy")

_EDGE_BYTES = 1 << 16
"""Bytes read from each end of a data file: a parquet footer holds the columns' statistics."""


@dataclass(frozen=True)
class Job:
    """What to score, how, and where the scores belong.

    Attributes:
        checkpoint: folder or hub name; the weights must be safetensors.
        place: the grid point and recipe that the scores are stored under.
        benchmarks: names of benchmarks, suites such as `avg5`, or tasks of lmms-eval.
        protocol: `lmms` or `llava`.
        revision: of a hub name.
        interpreter: a Python that has lmms-eval; empty for this one.
        model: `paretobench`, or one of lmms-eval's model names for a checkpoint that only its
            own wrapper loads (resolution and tiling are then taken on trust).
        model_args: further arguments of the model, passed on as they are.
        device: `auto`, `cpu`, `mps`, `cuda`, `cuda:1`.
        dtype: `auto`, `float32`, `bfloat16`, `float16`.
        batch_size: prompts at once.
        processes: one per GPU; each holds the whole model.
        tile_px, passes, visual_tokens: what each image must become; None where unknown.
        data: task to a folder with its data set, for machines without a network.
        limit: score the first so many items, or that fraction; marked partial.
        items: a stage of a race, as part of the shared order; marked partial.
        gen_kwargs: overrides of the task's generation settings, as lmms-eval writes them.
        max_new_tokens: overrides the tasks' limits.
        trust_remote_code: the checkpoint's name, repeated, if its own code may run.
        chat_template: a Jinja file for a checkpoint that brings none.
        timeout_s: for one task.
    """

    checkpoint: str
    place: Place
    benchmarks: tuple[str, ...] = ("avg5",)
    protocol: str = "lmms"
    revision: str = ""
    interpreter: str = ""
    model: str = OWN_MODEL
    model_args: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 1
    processes: int = 1
    tile_px: int | None = None
    passes: int | None = None
    visual_tokens: int | None = None
    data: Mapping[str, Path] = field(default_factory=dict)
    limit: float | None = None
    items: tuple[float, float] | None = None
    gen_kwargs: str = ""
    max_new_tokens: int | None = None
    trust_remote_code: str = ""
    chat_template: Path | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class TaskFailure:
    """Why a task has no result. `kind`: out_of_memory, checkpoint, data, no_answers, timed_out,
    environment or crashed. `task` is empty if nothing could start at all."""

    task: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.task or 'scoring'} failed ({self.kind.replace('_', ' ')}): {self.message}"


@dataclass(frozen=True)
class Outcome:
    """What a job gave.

    Attributes:
        scores: placed and ready to store, suites included; empty if no task succeeded.
        results: the task results behind them, with their samples.
        failures: tasks without a result.
        kept: tasks that an earlier run had finished.
        checkpoint_hash: shared with the latency side.
    """

    scores: tuple[Score, ...]
    results: tuple[TaskResult, ...]
    failures: tuple[TaskFailure, ...]
    kept: tuple[str, ...]
    checkpoint_hash: str


@dataclass(frozen=True)
class Task:
    """One lmms-eval task of a job, with our changes to it."""

    name: str
    ocr: bool = False
    where: Mapping[str, str] = field(default_factory=dict)


OnEvent = Callable[[str], None]


def score(
    job: Job,
    folder: Path = DEFAULT_FOLDER,
    on_event: OnEvent = lambda line: None,
    on_scores: Callable[[Sequence[Score]], None] = lambda scores: None,
) -> Outcome:
    """Score a checkpoint on a job's benchmarks.

    Args:
        folder: where task folders are kept.
        on_event: told one line when a task starts, ends, is kept or fails.
        on_scores: given the scores of each task the moment it is finished (suites come with
            the outcome), so that a store loses nothing if we are killed.

    Raises:
        ConfigError: if a benchmark or protocol is unknown, or has no task of lmms-eval.
        BackendMissingError: if the interpreter lacks lmms-eval or is none.
        DataError: if the checkpoint is missing or has no safetensors.
    """
    scoring.check_protocol(job.protocol)
    tasks = tasks_of(job)
    interpreter = job.interpreter or sys.executable
    found = process.probe(interpreter, [task.name for task in tasks])
    unknown = [name for name, digest in found["tasks"].items() if digest is None]
    if unknown:
        version = found["versions"]["lmms_eval"]
        raise ConfigError(f"lmms-eval {version} has no task {', '.join(map(repr, unknown))}")
    local = locate(job, interpreter)
    digest = checkpoints.checkpoint_hash(local)
    folders = {task.name: folder / _key(job, task, digest, found) for task in tasks}
    kept = [name for name, path in folders.items() if path.is_dir()]
    for name in kept:
        on_event(f"{name}: kept from an earlier run")
        on_scores(_scores(read_results(folders[name]), job, digest))
    pending = [task for task in tasks if task.name not in kept]
    failures: list[TaskFailure] = []
    if pending:
        spec = _spec(job, pending, folders, local, digest)
        for name in _run(job, spec, folder, interpreter, on_event, failures):
            on_scores(_scores(read_results(folders[name]), job, digest))
    done = [result for path in folders.values() if path.is_dir() for result in read_results(path)]
    return Outcome(
        scores=tuple(_scores(done, job, digest, with_suites=True)),
        results=tuple(done),
        failures=tuple(failures),
        kept=tuple(kept),
        checkpoint_hash=digest,
    )


def tasks_of(job: Job) -> list[Task]:
    """The tasks that a job's benchmarks need, each once.

    Raises:
        ConfigError: if a benchmark has no task of lmms-eval.
    """
    names: list[str] = []
    for name in job.benchmarks:
        names += suites.SUITES[name].members if name in suites.SUITES else [name]
    tasks: dict[str, Task] = {}
    for name in names:
        row = suites.BENCHMARKS.get(name)
        if row is not None and not row.task:
            raise ConfigError(f"lmms-eval has no task for {row.label}; import its score instead")
        task = row.task if row is not None else name
        is_image_only = name == "seedbench_image" and "seedbench_all" not in names
        tasks[task] = Task(
            name=task,
            ocr=job.protocol == "llava" and task == "textvqa_val",
            where={"data_type": "image"} if is_image_only else {},
        )
    if not tasks:
        raise ConfigError("no benchmark to score")
    return list(tasks.values())


def locate(job: Job, interpreter: str) -> Path:
    """The checkpoint's folder; a hub name is downloaded by the interpreter that will load it.

    Raises:
        DataError: if it is neither a folder here nor on the hub.
    """
    if checkpoints.is_local(job.checkpoint):
        folder = Path(job.checkpoint).expanduser()
        if not folder.is_dir():
            raise DataError(f"no checkpoint at {folder}: no such folder")
        return folder.resolve()
    return process.fetch(interpreter, job.checkpoint, job.revision)


def _key(job: Job, task: Task, digest: str, found: Mapping[str, Any]) -> str:
    """Everything that decides a task's result; batch size and device do not."""
    content = {
        "checkpoint": digest,
        "model": job.model,
        "model_args": {name: str(value) for name, value in job.model_args.items()},
        "task": task.name,
        "task_files": found["tasks"][task.name],
        "ocr": task.ocr,
        "where": dict(task.where),
        "lmms_eval": found["versions"]["lmms_eval"],
        "generation": [job.gen_kwargs, job.max_new_tokens, job.dtype],
        "chat_template": job.chat_template.read_text() if job.chat_template else "",
        "tile_px": job.tile_px,
        "limit": job.limit,
        "items": list(job.items) if job.items else None,
        "data": data_digest(job.data[task.name]) if task.name in job.data else "",
    }
    return f"{task.name}-{content_key(content)[:24]}"


def data_digest(folder: Path) -> str:
    """A data set's content, nearly: names, sizes, and both ends of each file.

    Raises:
        DataError: if there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(
            f"no data set at {folder}; download it there with `hf download --repo-type dataset`, "
            f"or leave it out to fetch it from the hub"
        )
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts):
            size = path.stat().st_size
            digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
            with path.open("rb") as file:
                digest.update(file.read(_EDGE_BYTES))
                file.seek(max(0, size - _EDGE_BYTES))
                digest.update(file.read(_EDGE_BYTES))
    return digest.hexdigest()


def _spec(
    job: Job, tasks: Sequence[Task], folders: Mapping[str, Path], local: Path, digest: str
) -> dict[str, Any]:
    arguments: dict[str, Any] = {"pretrained": str(local), **job.model_args}
    if job.model == OWN_MODEL:
        # Trust is given to the name that was asked for, and passed on for the folder it became.
        is_trusted = job.trust_remote_code.rstrip("/") == job.checkpoint.rstrip("/")
        arguments |= {
            "device": job.device,
            "dtype": job.dtype,
            "batch_size": job.batch_size,
            "trust_remote_code": str(local) if is_trusted else job.trust_remote_code,
            "chat_template": str(job.chat_template) if job.chat_template else None,
            "max_new_tokens": job.max_new_tokens,
            "resolution_px": job.tile_px,
            "passes": job.passes,
            "visual_tokens": job.visual_tokens,
        }
    elif job.trust_remote_code:
        arguments["trust_remote_code"] = True
    name = local.name if checkpoints.is_local(job.checkpoint) else job.checkpoint
    entries = [
        {
            "name": task.name,
            "folder": str(folders[task.name].resolve()),
            "ocr": task.ocr,
            "where": dict(task.where) or None,
            "data": str(job.data[task.name].resolve()) if task.name in job.data else None,
            "limit": job.limit,
            "items": list(job.items) if job.items else None,
        }
        for task in tasks
    ]
    return {
        "run": str(os.getpid()),
        "model": {"name": job.model, "args": arguments},
        "tasks": entries,
        "batch_size": job.batch_size,
        "device": None if job.device == "auto" else job.device,
        "gen_kwargs": job.gen_kwargs or None,
        "is_offline": all(task.name in job.data for task in tasks),
        "dies_with_parent": job.processes == 1,
        "provenance": {
            "checkpoint": digest,
            "checkpoint_name": name,
            "model_name": job.model,
        },
    }


def _run(
    job: Job,
    spec: Mapping[str, Any],
    folder: Path,
    interpreter: str,
    on_event: OnEvent,
    failures: list[TaskFailure],
) -> Iterator[str]:
    """Run the child; yields the name of each finished task, appends what failed."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    path = folder / f"spec-{os.getpid()}.json"
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    run = process.ChildRun(
        process.command(interpreter, path, job.processes), environment, job.timeout_s
    )
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
        if is_ours or not (number.isdigit() and _is_alive(int(number))):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _advise(event: Mapping[str, str], job: Job) -> str:
    if event["kind"] == "out_of_memory":
        return (
            f"{event['message']}; lower the batch size (now {job.batch_size}), or choose a "
            f"smaller dtype (now {job.dtype}) or another device (now {job.device})"
        )
    return event["message"]


def _death(run: process.ChildRun, task: str, was_current: bool, job: Job) -> TaskFailure:
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
