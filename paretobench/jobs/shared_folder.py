"""Units carried by an engine that takes jobs, with everything else in a shared folder.

What submitit's local jobs, Slurm and Ray have in common: a job is submitted under a name, can be
found by it, stands somehow, and can be cancelled. The rest is here, once: what was submitted is
written down before and after, so that a coordinator that is killed at any moment submits nothing
twice; whether a unit ended is decided by its result file, not by what the engine says of its job.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from paretobench.domain.records import now
from paretobench.errors import DataError
from paretobench.jobs import FinishedUnit, Handle, State, Unit
from paretobench.jobs.command import UnitCommand, status_text
from paretobench.jobs.unit_folder import UnitFolder
from paretobench.store import spool

MOST_IN_A_BATCH = 1000
"""Slurm's default MaxArraySize is 1001."""


@dataclass(frozen=True)
class JobProgress:
    """The state of a job as the engine reports it; `reason`, where it is final, is the engine's."""

    state: State
    reason: str = ""


class Engine(Protocol):
    """What takes jobs.

    Attributes:
        name: for people, such as `submitit slurm:gpu`.
        at_once: jobs that may be submitted and unfinished; None where the engine has a queue.
        settle_s: how long a result file may take to be seen here after its job has ended.
        is_here: whether jobs run on this machine, where they would disturb a measurement.
        gpus: that each job asks for; 0 for none, or where that is left to the cluster.
        most_at_once: jobs of one sweep that may run at a time; None if only the engine knows.
    """

    name: str
    gpus: float
    most_at_once: int | None
    is_here: bool
    at_once: int | None
    settle_s: float

    def check(self) -> None:
        """Raises ExecutorError if the engine cannot be used, or offers not what is demanded."""

    def start(self, batch: str, commands: Sequence[UnitCommand]) -> list[str]:
        """Submit commands under the name `batch`; returns each one's job.

        Raises:
            ExecutorError: if the engine refuses them.
        """

    def find(self, batch: str) -> dict[int, str]:
        """Jobs of a batch by position, for a coordinator that died before it wrote them down."""

    def progress_of(self, jobs: Sequence[str]) -> Mapping[str, JobProgress]:
        """The status of jobs; one that is not among them is not known any more."""

    def cancel(self, job: str) -> None:
        """Stop a job; again, or after its end, does nothing."""


class SharedFolderExecutor:
    """Units over an engine and a shared folder.

    Args:
        root: the shared folder; each unit has one of its own in it.
        python: the interpreter that has paretobench where jobs run.
        environment: variables that workers get; an empty value takes one away.
        poll_s: pause between two polls of the engine.
    """

    def __init__(
        self,
        engine: Engine,
        root: Path,
        python: str,
        environment: Mapping[str, str],
        poll_s: float,
    ) -> None:
        self.engine, self.root, self.python = engine, root.absolute(), python
        self._environment, self._poll_s = environment, poll_s
        self._handles: dict[str, Handle] = {}
        self._gone: dict[str, float] = {}
        self._cancelled: set[str] = set()

    def submit(self, units: Sequence[Unit]) -> list[Handle]:
        """Submit units; one that was submitted before is found again instead.

        A unit whose failure was collected is tried again, and goes on with what its work kept.

        Raises:
            ExecutorError: if the engine cannot be used, or offers not what is demanded.
        """
        fresh = [unit for unit in units if not self._found_again(unit)]
        if fresh:
            self.engine.check()
        for unit in fresh:
            self._folder(unit).renew()
            self._folder(unit).write_spec(unit)
        for unit in units:
            self._handles.setdefault(unit.key, Handle(unit, "", self.engine.name))
        self._fill()
        return [self._handles[unit.key] for unit in units]

    def forget(self, unit: Unit) -> None:
        """Mark a unit that ended for another run, because what it made is missing."""
        if self._folder(unit).result() is not None:
            self._folder(unit).renew()

    def result(self, unit: Unit) -> Path | None:
        """The result file of a unit that ended, by whichever coordinator it was submitted."""
        return self._folder(unit).result()

    def collect(self, wait: bool = True) -> Iterator[FinishedUnit]:
        """Each submitted unit once, as it ends; without `wait`, those that have ended.

        A failure counts as collected when the caller asks for what comes next. What is left goes
        on, and is found again when it is submitted again, by any coordinator.
        """
        left = dict(self._handles)
        while left:
            self._fill()
            found = self._progress_of([self._handles[key] for key in left])
            ended = [key for key in left if found[key].state.is_final]
            for key in ended:
                del left[key]
                end = self._ended(self._handles[key], found[key])
                yield end
                if end.state is not State.DONE:
                    self._note(end.handle.unit, told=True)
            if not ended:
                if not wait and not self._gone.keys() & left.keys():
                    return
                time.sleep(self._poll_s)

    def under_way(self) -> list[Handle]:
        """The units that have not ended."""
        handles = list(self._handles.values())
        found = self._progress_of(handles)
        return [handle for handle in handles if not found[handle.unit.key].state.is_final]

    def cancel(self, handle: Handle) -> None:
        """Stop a unit's job."""
        key = handle.unit.key
        if self._folder(handle.unit).result() is None and key not in self._cancelled:
            self._cancelled.add(key)
            self._note(handle.unit, cancelled=True)
            if job := self._job(handle.unit):
                self.engine.cancel(job)

    def _folder(self, unit: Unit) -> UnitFolder:
        return UnitFolder.of(unit, self.root)

    def _note(self, unit: Unit, **changes: Any) -> None:
        folder = self._folder(unit)
        folder.write("handle", {**folder.read("handle"), **changes})

    def _job(self, unit: Unit) -> str:
        return str(self._folder(unit).read("handle").get("job") or "")

    def _found_again(self, unit: Unit) -> bool:
        """Whether an earlier coordinator submitted this unit and none has collected its end."""
        folder = self._folder(unit)
        note = folder.read("handle")
        if note.get("told") or (not note.get("batch") and folder.result() is None):
            return False
        if folder.result() is None and not note.get("job"):
            job = self.engine.find(note["batch"]).get(note["index"], "")
            if not job and not folder.is_held() and not folder.read("started"):
                return False  # died before it submitted, or its job never began
            self._note(unit, job=job or f"unknown job of {note['batch']}")
        self._handles[unit.key] = Handle(unit, self._job(unit), self.engine.name)
        return True

    def _fill(self) -> None:
        """Submit what waits, as far as the engine takes it."""
        waiting = [
            handle.unit for handle in self._handles.values()
            if not self._folder(handle.unit).read("handle")
        ]  # fmt: skip
        if waiting and self.engine.at_once is not None:
            others = [h for key, h in self._handles.items() if h.unit not in waiting]
            found = self._progress_of(others)
            busy = sum(not found[handle.unit.key].state.is_final for handle in others)
            waiting = waiting[: max(0, self.engine.at_once - busy)]
        for start in range(0, len(waiting), MOST_IN_A_BATCH):
            self._start(waiting[start : start + MOST_IN_A_BATCH])

    def _start(self, units: Sequence[Unit]) -> None:
        """Write down that these units are being submitted, submit them, write down as what."""
        engine, batch = self.engine.name, f"paretobench-{uuid.uuid4().hex[:12]}"
        for index, unit in enumerate(units):
            note = {"engine": engine, "batch": batch, "index": index, "submitted_at": now()}
            self._folder(unit).write("handle", note)
        commands = [
            UnitCommand(str(self._folder(unit).path), self.python, self._environment)
            for unit in units
        ]
        for unit, job in zip(units, self.engine.start(batch, commands), strict=True):
            self._note(unit, job=job)
            self._handles[unit.key] = Handle(unit, job, self.engine.name)

    def _progress_of(self, handles: Sequence[Handle]) -> dict[str, JobProgress]:
        """By unit key: the result file first, then a living worker, then the engine's word."""
        found: dict[str, JobProgress] = {}
        asked: dict[str, str] = {}
        for handle in handles:
            folder = self._folder(handle.unit)
            if folder.result() is not None:
                found[handle.unit.key] = JobProgress(State.DONE)
            elif folder.is_held():
                found[handle.unit.key] = JobProgress(State.RUNNING)
            elif job := self._job(handle.unit):
                asked[handle.unit.key] = job
            elif folder.read("handle").get("cancelled"):
                found[handle.unit.key] = JobProgress(State.CANCELLED, "cancelled before it began")
            else:
                found[handle.unit.key] = JobProgress(State.QUEUED)
        known = self.engine.progress_of(sorted(set(asked.values()))) if asked else {}
        for key, job in asked.items():
            unit = self._handles[key].unit
            found[key] = self._settled(unit, known.get(job))
        return found

    def _settled(self, unit: Unit, said: JobProgress | None) -> JobProgress:
        """A job that is missing has failed only when its result had the time to be seen here."""
        if said is not None and not said.state.is_final:
            self._gone.pop(unit.key, None)
            return said
        since = self._gone.setdefault(unit.key, time.monotonic())
        if time.monotonic() - since < self.engine.settle_s:
            return JobProgress(State.RUNNING)
        if self._folder(unit).result() is not None:
            return JobProgress(State.DONE)
        if self._folder(unit).read("handle").get("cancelled"):
            return JobProgress(State.CANCELLED, "it was cancelled")
        is_cancelled = said is not None and said.state is State.CANCELLED
        state = State.CANCELLED if is_cancelled else State.FAILED
        return JobProgress(state, said.reason if said else "")

    def _ended(self, handle: Handle, progress: JobProgress) -> FinishedUnit:
        folder = self._folder(handle.unit)
        path = folder.result()
        if path is None:
            return FinishedUnit(handle, progress.state, self._reason(handle, progress))
        try:
            result = spool.read(path)
        except DataError as error:
            return FinishedUnit(handle, State.FAILED, str(error))
        failures = [_failure(failure) for failure in result.about.get("failures", [])]
        state = State.FAILED if failures else State.DONE
        return FinishedUnit(handle, state, "; ".join(failures), result)

    def _reason(self, handle: Handle, progress: JobProgress) -> str:
        folder = self._folder(handle.unit)
        said = progress.reason
        if not said:
            status = folder.read("ended").get("status")
            said = "its job ended and left no result"
            if isinstance(status, int):
                said = f"its worker {status_text(status)}"
            elif not folder.read("started"):
                said = "its job is missing and never began"
        ended = "was cancelled" if progress.state is State.CANCELLED else "failed"
        return (
            f"job {handle.job or 'unknown'} of {handle.where} {ended}: {said}; "
            f"last line of {folder.log}: {folder.log_tail()}"
        )


def _failure(failure: Mapping[str, str]) -> str:
    kind = failure["kind"].replace("_", " ")
    return f"{failure['task'] or 'the unit'} failed ({kind}): {failure['message']}"
