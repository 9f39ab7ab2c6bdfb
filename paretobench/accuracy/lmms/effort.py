"""How long scoring will take, from what the scoring of the same tasks took. Pure.

A task's time is proportional to its items. The seconds of one item come from the runs that are
most alike: of the same engine before others, of the same model before others, of the same
resolution before others; the median of those. A task that was never scored has no time, and
no number is made up for it. `PastRuns.held` gives how well this would have predicted each past run
from the others.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from paretobench.accuracy import suites
from paretobench.accuracy.lmms.job import Job, Task
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.domain.records import TaskRun
from paretobench.units import counted, significant

MOST_JUDGED = 200
"""Past runs that estimates are checked against; more add little, and each is compared with all."""


def runs_of(results: Iterable[TaskResult], job: Job, digest: str) -> tuple[TaskRun, ...]:
    """What the tasks of a job took, where our own result files say it."""
    return tuple(
        TaskRun(
            digest,
            *job.place.names,
            task=result.task,
            n=result.n,
            wall_s=float(result.own["wall_s"]),
            load_s=result.own.get("load_s"),
            processes=job.processes,
            is_partial=result.is_limited,
            sha256=result.sha256,
        )
        for result in results
        if result.n and result.own.get("wall_s")
    )


@dataclass(frozen=True)
class Held:
    """Past runs over what the others would have predicted for each: how well estimates hold.

    Attributes:
        ratios: time taken over time estimated, in rising order.
    """

    ratios: tuple[float, ...] = ()

    def __str__(self) -> str:
        """
        >>> print(Held((0.8, 1.0, 1.5)))
        3 past task runs took 0.80 to 1.5 times what the others predicted, 1.0 in the middle
        """
        if not self.ratios:
            return "no second run of a task yet to judge the estimate by"
        low, high, middle = self.ratios[0], self.ratios[-1], statistics.median(self.ratios)
        span = f"{significant(low, 2)} to {significant(high, 2)}"
        runs = counted(len(self.ratios), "past task run")
        median = significant(middle, 2)
        return f"{runs} took {span} times what the others predicted, {median} in the middle"


@dataclass
class PastRuns:
    """Past runs by task, to estimate others from.

    Attributes:
        executor: whose runs count first.
    """

    executor: str
    by_task: dict[str, list[TaskRun]] = field(default_factory=lambda: defaultdict(list))

    @staticmethod
    def of(runs: Iterable[TaskRun], executor: str) -> PastRuns:
        """Sort runs by their tasks."""
        past = PastRuns(executor)
        for run in runs:
            past.by_task[run.task].append(run)
        return past

    def seconds(self, task: Task, job: Job) -> float | None:
        """Expected seconds of one task of a job, without loading; None if nothing is known."""
        n = self.items(task, job)
        each_s = self._item_s(self.by_task.get(task.name, ()), job.place)
        return None if n is None or each_s is None else each_s * n / job.processes

    def items(self, task: Task, job: Job) -> int | None:
        """How many items a task of a job has; None if it is not known.

        What complete runs had counts before what the data set's paper says: data on disk may
        be a part.
        """
        known = [run.n for run in self.by_task.get(task.name, ()) if not run.is_partial]
        rows = suites.of_task(task.name)
        if task.where:
            rows = [row for row in rows if row.name == "seedbench_image"]
        whole = max(known, default=None) or max((r.n_items or 0 for r in rows), default=0) or None
        share = job.items[1] - job.items[0] if job.items else 1.0
        if job.limit is not None and job.limit >= 1:
            return min(int(job.limit), whole or int(job.limit))
        return None if whole is None else math.ceil(whole * share * (job.limit or 1.0))

    def load_s(self, job: Job) -> float:
        """Expected seconds of loading a job's model, once for all its tasks; 0 if not known."""
        known = [run for runs in self.by_task.values() for run in runs if run.load_s is not None]
        alike = [r for r in known if (r.encoder, r.llm) == (job.place.encoder, job.place.llm)]
        times = [run.load_s for run in alike or known if run.load_s is not None]
        return statistics.median(times) if times else 0.0

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The executors whose runs are used where this one has none."""
        names = {run.executor for runs in self.by_task.values() for run in runs}
        return () if self.executor in names else tuple(sorted(names))

    def held(self) -> Held:
        """Each past run of this executor (of any, where it has none) against the others."""
        ours = [
            (run, runs)
            for _, runs in sorted(self.by_task.items())
            for run in runs
            if self.elsewhere or run.executor == self.executor
        ]
        ratios = []
        for run, runs in ours[:MOST_JUDGED]:
            others = [other for other in runs if other is not run]
            if (each_s := self._item_s(others, run)) is not None:
                ratios.append(run.wall_s / (each_s * run.n / run.processes))
        return Held(tuple(sorted(ratios)))

    def _item_s(self, runs: Sequence[TaskRun], of: TaskRun | ScorePoint) -> float | None:
        """Process seconds of one item, by the runs that are most alike."""
        found = list(runs)
        for is_alike in (
            lambda run: run.executor == self.executor,
            lambda run: (run.encoder, run.llm, run.tiling) == (of.encoder, of.llm, of.tiling),
            lambda run: run.resolution_px == of.resolution_px,
        ):
            found = [run for run in found if is_alike(run)] or found
        times = [run.wall_s * run.processes / run.n for run in found]
        return statistics.median(times) if times else None
