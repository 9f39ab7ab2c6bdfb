"""Scoring jobs through an executor: submitted before the sweep measures, collected after it.

While this machine times workloads, jobs run elsewhere and nothing is polled here, since asking a
cluster every few seconds is work that a measurement would feel; results wait as files. Then each
is taken as it ends. Without `wait` the sweep takes what is there and leaves the rest, and the
same command later collects it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms import runner
from paretobench.accuracy.lmms.checkpoints import for_points, read_jobs
from paretobench.accuracy.lmms.job import Job, data_digest, job_to_json
from paretobench.domain import GridPoint
from paretobench.domain import checkpoint as checkpoints
from paretobench.domain.records import Score, TaskRun
from paretobench.errors import ExecutorError, ParetobenchError
from paretobench.jobs import FinishedUnit, Unit
from paretobench.jobs.engines import Chosen, choose
from paretobench.version import __version__


class Scoring:
    """The jobs of one sweep; what `checkpoints.score_points` takes as `carry`.

    Args:
        chosen: what carries them, and how they are waited for.
    """

    def __init__(self, chosen: Chosen) -> None:
        self.executor, self._chosen = chosen.executor, chosen
        self._units: list[tuple[Job, Unit]] = []

    def submit(self, jobs: Sequence[Job], on_event: runner.OnEvent) -> dict[str, Job]:
        """Hand the jobs over, if they are not already; returns them by their unit's key.

        Raises:
            ExecutorError: if the engine cannot be used.
        """
        units = {unit.key: (unit, job) for unit, job in map(self._unit, jobs)}
        for handle in self.executor.submit([unit for unit, _ in units.values()]):
            on_event(str(handle))
        return {key: job for key, (_, job) in units.items()}

    def _unit(self, job: Job) -> tuple[Unit, Job]:
        """A job with its unit; the checkpoint is hashed once."""
        for known, unit in self._units:
            if known == job:
                return unit, job
        self._units.append((job, unit_of(job)))
        return self._units[-1][1], job

    def __call__(
        self,
        jobs: Sequence[Job],
        on_event: runner.OnEvent,
        on_scores: Callable[[Sequence[Score]], object],
    ) -> list[tuple[Job, runner.ScoringOutcome | str]]:
        """Submit what is missing, take each result as it ends; see `checkpoints.score_points`."""
        try:
            by_key = self.submit(jobs, on_event)
        except ExecutorError as error:
            on_event(str(error))
            return [(job, str(error)) for job in jobs]
        done: list[tuple[Job, runner.ScoringOutcome | str]] = []
        with self._chosen.interruptible():
            for ended in self.executor.collect(wait=self._chosen.wait):
                outcome = self._taken(ended, on_event)
                done.append((by_key[ended.handle.unit.key], outcome))
                if isinstance(outcome, runner.ScoringOutcome):
                    on_scores(outcome.scores)
        if left := self.executor.under_way():
            on_event(f"{len(left)} scoring jobs are under way; the same command collects them")
        return done

    def _taken(self, ended: FinishedUnit, on_event: runner.OnEvent) -> runner.ScoringOutcome | str:
        label = ended.handle.unit.label
        on_event(f"{label}: {ended.state.value}" + (f": {ended.reason}" if ended.reason else ""))
        if ended.result is None:
            return ended.reason
        scores, about = ended.result.scores, ended.result.about
        failures = [runner.TaskFailure(**failure) for failure in about["failures"]]
        if failures and not scores and not failures[0].task:
            return ended.reason
        found, by = about["facts"], self.executor.engine.name
        runs = [TaskRun(**{**run, "executor": by}) for run in found.get("runs", ())]
        kept, digest = tuple(found["kept"]), found["checkpoint"]
        return runner.ScoringOutcome(scores, (), tuple(failures), kept, digest, tuple(runs))


def begin(
    points: Iterable[GridPoint],
    path: Path,
    settings: Mapping[str, Any],
    on_event: runner.OnEvent,
) -> Scoring | None:
    """Submit the scoring of a sweep's points; None where they are scored in this process.

    Jobs of this machine wait until it has measured: they are submitted on collecting, and so are
    those of an engine that cannot be used now, which is announced then.

    Raises:
        ConfigError: if the settings or the checkpoints file are wrong.
    """
    chosen = choose(settings, "accuracy")
    if chosen is None:
        return None
    scoring, (jobs, _) = Scoring(chosen), for_points(points, read_jobs(path))
    if not chosen.executor.engine.is_here:
        with contextlib.suppress(ExecutorError):
            scoring.submit(jobs, on_event)
    return scoring


def unit_of(job: Job) -> Unit:
    """The unit of a scoring job; its key follows the content of what is here to be read.

    A checkpoint or data set that only the cluster sees is identified by its name.
    """
    folder = Path(job.checkpoint).expanduser()
    digest = ""
    if folder.is_dir():
        try:
            digest = checkpoints.checkpoint_hash(folder)
        except ParetobenchError:
            digest = "unreadable"  # the worker says why, where it happens
    data = {task: data_digest(path) for task, path in job.data.items() if path.is_dir()}
    payload = {"job": job_to_json(job), "checkpoint": digest, "data": data, "by": __version__}
    names = ", ".join(job.benchmarks)
    return Unit("accuracy", f"{Path(job.checkpoint).name} ({job.place.recipe}; {names})", payload)
