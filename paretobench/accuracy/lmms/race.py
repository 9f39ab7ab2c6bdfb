"""Scoring many configurations in stages, and only the promising ones to the end.

The rule by which a configuration leaves is `analysis.racing`; this is who answers what when.
A stage scores every configuration that is left on its share of each benchmark's items, the
same for all; each stage is kept on disk like any other scoring, so a race that was killed
goes on where it was. Configurations that reach the end have answered everything, once, and
their scores are complete; those that left have scores marked partial.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paretobench.accuracy import suites
from paretobench.accuracy.lmms import items, runner, scoring
from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.accuracy.lmms.runner import ScoringOutcome, TaskFailure
from paretobench.analysis.items import f1, mean_error
from paretobench.analysis.racing import STAGES, Z_TO_DROP, Drop, RaceCost, stage_edges, to_drop
from paretobench.domain import content_key
from paretobench.domain.records import Score
from paretobench.errors import ConfigError

Scorer = Callable[[Job], ScoringOutcome]


@dataclass(frozen=True)
class Race:
    """How a race went.

    Attributes:
        scores: of every configuration; partial for those that left early.
        drops: who left, when, and because of whom.
        saving: answers generated, against all of everybody's.
        failures: by configuration; it left the race without being judged.
    """

    scores: Mapping[str, tuple[Score, ...]]
    drops: tuple[Drop, ...]
    saving: RaceCost
    failures: Mapping[str, tuple[TaskFailure, ...]]

    def report(self) -> list[str]:
        """What was saved and what was dropped when, one line each."""
        spent = f"{self.saving.answered} of {self.saving.exhaustive} answers generated"
        first = f"racing: {spent} ({100 * self.saving.fraction:.0f} %)"
        return [first, *(str(drop) for drop in self.drops)]


def race(
    jobs: Mapping[str, Job],
    latency_s: Mapping[str, float],
    folder: Path = runner.DEFAULT_FOLDER,
    stages: Sequence[float] = STAGES,
    z_to_drop: float = Z_TO_DROP,
    scorer: Scorer | None = None,
    on_event: runner.OnEvent = lambda line: None,
) -> Race:
    """Score configurations in stages, dropping those that a faster one surely beats.

    Args:
        jobs: by configuration; all with the same benchmarks and protocol, without a limit.
        latency_s: TTFT of each configuration in seconds.
        folder: where task folders are kept.
        scorer: scores one job; `runner.score` if not given.
        on_event: called with one line per event.

    Raises:
        ConfigError: if the jobs differ in benchmarks or protocol, or have a limit.
        ValueError: if a configuration has no latency, or the stages do not rise to 1.
    """
    _check(jobs)
    run = scorer or (lambda job: runner.score(job, folder, on_event))
    found: dict[str, list[TaskResult]] = {name: [] for name in jobs}
    left = list(jobs)
    drops: list[Drop] = []
    failures: dict[str, tuple[TaskFailure, ...]] = {}
    edges = stage_edges(stages)
    for stage, edge in enumerate(edges):
        for name in list(left):
            outcome = run(replace(jobs[name], items=edge))
            found[name] += outcome.results
            if outcome.failures:
                failures[name] = outcome.failures
                left.remove(name)
        if stage + 1 < len(edges):
            for drop in _dropped(found, left, jobs, latency_s, stage, z_to_drop):
                left.remove(drop.name)
                drops.append(drop)
                on_event(str(drop))
    scores = {
        name: tuple(_merged_scores(results, jobs[name], name in left))
        for name, results in found.items()
        if results
    }
    return Race(scores, tuple(drops), _saving(found, left), failures)


def _dropped(
    found: Mapping[str, Sequence[TaskResult]],
    left: Sequence[str],
    jobs: Mapping[str, Job],
    latency_s: Mapping[str, float],
    stage: int,
    z_to_drop: float,
) -> list[Drop]:
    """Who leaves after a stage. Recipes share no front, so only rivals of one recipe count."""
    drops: list[Drop] = []
    for recipe in sorted({jobs[name].place.recipe for name in left}):
        group = [name for name in left if jobs[name].place.recipe == recipe]
        scored = {name: _items(found[name], jobs[name]) for name in group}
        images = _images([r for name in group for r in found[name]], jobs[group[0]])
        drops += to_drop(scored, latency_s, stage, z_to_drop, images=images)
    return drops


def _check(jobs: Mapping[str, Job]) -> None:
    settings = {(job.benchmarks, job.protocol) for job in jobs.values()}
    if len(settings) > 1:
        raise ConfigError("all configurations of a race need the same benchmarks and protocol")
    if any(job.limit is not None for job in jobs.values()):
        raise ConfigError("a race chooses its own items: leave the limit out")


def _benchmarks(task: str, job: Job) -> list[str]:
    rows = [row.name for row in suites.BENCHMARKS.values() if row.task == task]
    wanted = {m for name in job.benchmarks for m in _members(name)}
    return [name for name in rows if name in wanted] or rows[:1] or [task]


def _members(name: str) -> tuple[str, ...]:
    return suites.SUITES[name].members if name in suites.SUITES else (name,)


def _items(results: Sequence[TaskResult], job: Job) -> dict[str, dict[str, float]]:
    """Benchmark to item to score, over all stages so far."""
    scored: dict[str, dict[str, float]] = defaultdict(dict)
    for result in results:
        for benchmark in _benchmarks(result.task, job):
            scored[benchmark] |= items.item_scores(result, benchmark, job.protocol)
    return scored


def _images(results: Iterable[TaskResult], job: Job) -> dict[str, dict[str, str]]:
    """Benchmark to item to its image, as far as the logs name them."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for result in results:
        for benchmark in _benchmarks(result.task, job):
            found[benchmark] |= {s.item: s.image for s in result.samples if s.image}
    return found


def _saving(found: Mapping[str, Sequence[TaskResult]], left: Sequence[str]) -> RaceCost:
    answers = {name: sum(r.n or 0 for r in results) for name, results in found.items()}
    complete = max((answers[name] for name in left), default=max(answers.values(), default=0))
    return RaceCost(sum(answers.values()), complete * len(answers))


def _merged_scores(results: Sequence[TaskResult], job: Job, is_complete: bool) -> list[Score]:
    """The scores over all stages: parts put together, then scored as one result."""
    by_task: dict[str, list[TaskResult]] = defaultdict(list)
    for result in results:
        by_task[result.task].append(result)
    merged = [_merge(parts, is_complete) for parts in by_task.values()]
    values = scoring.values(merged, job.protocol)
    values += scoring.suite_values(values)
    digest = str(results[0].own.get("checkpoint", ""))
    return scoring.to_scores(values, job.place, "measured", digest)


def _merge(parts: Sequence[TaskResult], is_complete: bool) -> TaskResult:
    """Several stages of one task as one result, its metrics computed from all items."""
    first = parts[0]
    if len(parts) == 1:
        return replace(first, is_limited=not is_complete)
    counts = [part.n or 0 for part in parts]
    merged = replace(
        first,
        metrics={},
        errors={},
        n=sum(counts),
        is_limited=not is_complete,
        sha256=content_key([part.sha256 for part in parts]),
        parts=tuple(parts),
        own={**first.own, "facts": _facts(parts)},
    )
    metrics = {
        key: math.fsum(part.metrics[key] * n for part, n in zip(parts, counts, strict=True))
        / max(1, merged.n or 1)
        for key in first.metrics
        if all(key in part.metrics for part in parts)
    }
    for row in suites.BENCHMARKS.values():
        if row.task == first.task and first.metric(row.metric) is not None:
            metrics[row.metric] = _metric(merged, row)
    return replace(merged, metrics=metrics)


def _metric(merged: TaskResult, row: suites.Benchmark) -> float:
    if row.name == "pope":
        return f1(items.pope_confusions([merged], "lmms")["all"]) * row.task_scale
    scored = items.item_scores(merged, row.name, "lmms").values()
    return mean_error(list(scored))[0] * row.task_scale


def _facts(parts: Sequence[TaskResult]) -> dict[str, Any]:
    facts: dict[str, Any] = dict(parts[0].own.get("facts") or {})
    for key in ("answers", "empty_answers"):
        if key in facts:
            facts[key] = sum(part.own["facts"][key] for part in parts)
    return facts
