"""What the scoring of a sweep will take, estimated before it starts: units, GPU hours, the wait.

Nothing is submitted and no engine is asked. What is left to do is read from where the scoring
itself would find it: the units' folders, and the folders of finished tasks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms import runner
from paretobench.accuracy.lmms.checkpoints import for_points, read_jobs
from paretobench.accuracy.lmms.effort import Held, PastRuns
from paretobench.accuracy.lmms.job import Job, Task, tasks_of
from paretobench.domain import GridPoint
from paretobench.domain import checkpoint as checkpoints
from paretobench.domain.records import TaskRun
from paretobench.errors import DataError
from paretobench.jobs.engines import choose
from paretobench.jobs.scoring import unit_of
from paretobench.jobs.unit_folder import UnitFolder
from paretobench.store import spool
from paretobench.units import counted, duration, significant

RESULTS = "run_results.json"
"""The file of a finished task's folder that says what was run; `accuracy.lmms.child` writes it."""


@dataclass(frozen=True)
class UnitEffort:
    """One checkpoint with the tasks that are still to be scored.

    Attributes:
        seconds: of the known tasks, loading included.
        unknown: tasks that were never scored, so that their time is not known.
        gpus: held all the while; 0 where none is asked for.
        processes: of one unit, for the hours where it has no GPU.
    """

    label: str
    tasks: tuple[str, ...]
    seconds: float
    unknown: tuple[str, ...]
    gpus: float
    processes: int


@dataclass(frozen=True)
class ScoringEffort:
    """All units of a sweep on one executor.

    Attributes:
        executor: the engine's name, or `local`.
        units: those with tasks to score.
        finished: checkpoints of which nothing is left to score.
        without: points that have no checkpoint.
        at_once: units that run at a time; None where the engine alone knows.
        held: how well such estimates would have predicted past runs.
        source: engines whose runs are used where this one has run nothing yet.
    """

    executor: str
    units: tuple[UnitEffort, ...]
    finished: int
    without: int
    at_once: int | None
    held: Held
    source: tuple[str, ...] = ()

    @property
    def gpu_hours(self) -> float:
        """Of the units that ask for GPUs."""
        return sum(unit.seconds * unit.gpus for unit in self.units) / 3600

    @property
    def process_hours(self) -> float:
        """Of the units that ask for none."""
        return sum(unit.seconds * unit.processes for unit in self.units if not unit.gpus) / 3600

    @property
    def unknown(self) -> tuple[str, ...]:
        """Tasks without a time, each once."""
        return tuple(dict.fromkeys(task for unit in self.units for task in unit.unknown))

    @property
    def wall_s(self) -> float | None:
        """Seconds until the last unit ends, if none waits in a queue; None if it is not known."""
        if self.at_once is None or not self.units:
            return None
        each = [unit.seconds for unit in self.units]
        return max(max(each), sum(each) / self.at_once)

    def to_json(self) -> dict[str, Any]:
        """Every field and total; hours and seconds are of the tasks whose time is known."""
        return {
            "executor": self.executor,
            "units": [asdict(unit) for unit in self.units],
            "finished": self.finished,
            "points_without_checkpoint": self.without,
            "at_once": self.at_once,
            "gpu_hours": self.gpu_hours,
            "process_hours": self.process_hours,
            "wall_s": self.wall_s,
            "unknown_tasks": list(self.unknown),
            "past_ratios": list(self.held.ratios),
            "estimated_from": list(self.source),
        }

    def lines(self) -> list[str]:
        """For people: what is left and what it takes, then how well that held."""
        done = f", {self.finished} scored already" if self.finished else ""
        if not self.units:
            return [f"accuracy by {self.executor}: nothing to score{done}"]
        tasks = counted(sum(len(unit.tasks) for unit in self.units), "task")
        first = f"accuracy by {self.executor}: {counted(len(self.units), 'checkpoint')} to score"
        lines = [f"{first} ({tasks}){done}{self._time()}"]
        if self.unknown:
            lines.append(f"  time unknown, never scored: {', '.join(self.unknown)}")
        if self._is_known:
            lines.append(f"  {self.held}")
        if self._is_known and self.source:
            lines.append(f"  nothing was scored there yet; judged by {', '.join(self.source)}")
        return lines

    @property
    def _is_known(self) -> bool:
        return any(unit.seconds for unit in self.units)

    def _time(self) -> str:
        if not self._is_known:
            return ""
        parts = ((self.gpu_hours, "GPU hours"), (self.process_hours, "process hours"))
        words = " and ".join(f"{significant(hours, 2)} {what}" for hours, what in parts if hours)
        wait = ""
        if self.wall_s is not None and self.at_once is not None:
            wait = f", {duration(self.wall_s)} with {min(self.at_once, len(self.units))} at a time"
        rest = " besides the unknown" if self.unknown else ""
        return f": about {words}{wait}{rest}"


def effort_of(
    points: Iterable[GridPoint], path: Path, settings: Mapping[str, Any], past: Sequence[TaskRun]
) -> ScoringEffort:
    """What scoring points by a checkpoints file will take on the executor that is asked for.

    Args:
        settings: of `executor/accuracy`.
        past: what the store knows of scored tasks.

    Raises:
        ConfigError: if the settings or the checkpoints file are wrong.
    """
    jobs, without = for_points(points, read_jobs(path))
    chosen = choose(settings, "accuracy")
    engine = None if chosen is None else chosen.executor.engine
    name = "local" if engine is None else engine.name
    known = PastRuns.of(past, name)
    units = []
    for job in jobs:
        done = _done_here(job) if chosen is None else _done_there(job, chosen.executor.root)
        left = [task for task in tasks_of(job) if task.name not in done]
        if left:
            units.append(_unit(job, left, known, 0.0 if engine is None else engine.gpus))
    return ScoringEffort(
        executor=name,
        units=tuple(units),
        finished=len(jobs) - len(units),
        without=len(without),
        at_once=1 if engine is None else engine.most_at_once,
        held=known.held(),
        source=known.elsewhere,
    )


def _unit(job: Job, left: Sequence[Task], past: PastRuns, gpus: float) -> UnitEffort:
    times = {task.name: past.seconds(task, job) for task in left}
    known = [seconds for seconds in times.values() if seconds is not None]
    return UnitEffort(
        label=Path(job.checkpoint).name,
        tasks=tuple(times),
        seconds=sum(known) + past.load_s(job) if known else 0.0,
        unknown=tuple(name for name, seconds in times.items() if seconds is None),
        gpus=gpus or (job.processes if job.device.startswith("cuda") else 0),
        processes=job.processes,
    )


def _done_there(job: Job, root: Path) -> set[str]:
    """Finished tasks of a unit, by its folder; all of them if it ended well."""
    folder = UnitFolder.of(unit_of(job), root)
    if (result := folder.result()) is not None:
        try:
            if not spool.read(result).about.get("failures"):
                return {task.name for task in tasks_of(job)}
        except DataError:
            return set()
    return {task.name for task in tasks_of(job) if _folders(folder.work, task)}


def _done_here(job: Job) -> set[str]:
    """Finished tasks that scoring in this process would keep, as far as their files show.

    lmms-eval need not be here for a plan, so its version is not compared.
    """
    wanted: dict[str, Any] = {"limit": job.limit, "items": list(job.items) if job.items else None}
    if not checkpoints.is_local(job.checkpoint):
        wanted["checkpoint_name"] = job.checkpoint
    else:
        try:
            folder = Path(job.checkpoint).expanduser()
            wanted["checkpoint"] = checkpoints.checkpoint_hash(folder)
        except DataError:
            return set()  # scoring reports it itself
    done = set()
    for task in tasks_of(job):
        same = {**wanted, "ocr_in_prompt": task.ocr, "where": dict(task.where) or None}
        found = map(_own, _folders(runner.DEFAULT_FOLDER, task))
        if any(all(own.get(k) == v for k, v in same.items()) for own in found if own):
            done.add(task.name)
    return done


def _folders(root: Path, task: Task) -> list[Path]:
    """The folders of a finished task; its name, a dash and a key."""
    found = root.glob(f"{task.name}-*") if root.is_dir() else ()
    return [path for path in found if "." not in path.name.removeprefix(task.name)]


def _own(folder: Path) -> Mapping[str, Any]:
    try:
        data = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    own = data.get("paretobench") if isinstance(data, dict) else None
    return own if isinstance(own, dict) else {}
