"""Scoring many configurations in stages, and only the promising ones to the end.

The rule by which a configuration leaves is `analysis.racing`; this is who answers what when.
A stage scores a configuration on its share of each benchmark's items, the same for all; each stage
is kept on disk like any other scoring, so a race that was killed goes on where it was.
Configurations that reach the end have answered everything, once, and their scores are complete;
those that left, or for which time ended, have scores marked partial.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from paretobench.accuracy import suites
from paretobench.accuracy.lmms import items, runner, scoring
from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.results import TaskResult, by_task
from paretobench.accuracy.lmms.runner import ScoringOutcome, TaskFailure
from paretobench.analysis.items import f1, mean_error
from paretobench.analysis.racing import STAGES, Drop, RaceCost, gains, stage_edges, to_drop
from paretobench.domain import content_key
from paretobench.domain.records import Score, TaskRun
from paretobench.errors import ConfigError, DataError
from paretobench.units import counted, percent

Scorer = Callable[[Job], ScoringOutcome]
OnScores = Callable[[Sequence[Score]], object]


@dataclass(frozen=True)
class Race:
    """How a race went.

    Attributes:
        scores: of every configuration; partial for those that left early or had no more time.
        drops: who left, when, and because of whom.
        saving: answers generated, against all of everybody's.
        failures: by configuration; it left the race without being judged.
        unfinished: the part of the items that those have answered for which time ended.
        runs: what each task took.
    """

    scores: Mapping[str, tuple[Score, ...]]
    drops: tuple[Drop, ...]
    saving: RaceCost
    failures: Mapping[str, tuple[TaskFailure, ...]]
    unfinished: Mapping[str, float] = field(default_factory=dict)
    runs: tuple[TaskRun, ...] = ()

    def report(self) -> list[str]:
        """What was saved, what was dropped when and what had no more time, one line each."""
        spent = f"{self.saving.answered} of {self.saving.exhaustive} answers generated"
        lines = [f"racing: {spent} ({percent(self.saving.fraction, 0)} %)"]
        lines += [str(drop) for drop in self.drops]
        if self.unfinished:
            shares = (f"{name} {percent(done, 0)} %" for name, done in self.unfinished.items())
            one = counted(len(self.unfinished), "configuration")
            lines.append(
                f"no time to score {one} on every item, so their scores are partial and on no "
                f"front: {', '.join(shares)}"
            )
        return lines


@dataclass
class _Entry:
    """One configuration on its way through the stages.

    Attributes:
        scored, images: benchmark to item to its score so far, and to its image where it is named.
        stage: the next one; the number of stages once it has answered all.
        has_left: whether it was dropped, failed or had no more time.
    """

    job: Job
    results: list[TaskResult] = field(default_factory=list)
    runs: list[TaskRun] = field(default_factory=list)
    scored: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    images: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    stage: int = 0
    has_left: bool = False

    def take(self, outcome: ScoringOutcome) -> tuple[TaskFailure, ...]:
        """Add what a stage gave; one with a failure is the last. Returns the failures, among
        them tasks whose answers cannot be compared item by item."""
        failures = list(outcome.failures)
        for result in outcome.results:
            try:
                self._add_items(result)
            except DataError as error:
                failures.append(TaskFailure(result.task, "data", str(error)))
        self.results += outcome.results
        self.runs += outcome.runs
        self.has_left = bool(failures)
        self.stage += not failures
        return tuple(failures)

    def _add_items(self, result: TaskResult) -> None:
        for benchmark in _benchmarks(result.task, self.job):
            of_items = items.item_scores(result, benchmark, self.job.protocol)
            self.scored[benchmark] |= of_items
            self.images[benchmark] |= {s.item: s.image for s in result.samples if s.image}

    def seconds(self, edges: Sequence[tuple[float, float]]) -> float | None:
        """Expected for the next stage, by what the earlier ones took; None if they do not say."""
        if not self.runs:
            return None
        start, end = edges[self.stage]
        load_s = max(run.load_s or 0.0 for run in self.runs)
        return load_s + sum(run.wall_s for run in self.runs) * (end - start) / start


def race(
    jobs: Mapping[str, Job],
    latency_s: Mapping[str, float],
    scorer: Scorer,
    stages: Sequence[float] = STAGES,
    ends_at: float = math.inf,
    on_event: runner.OnEvent = lambda line: None,
    on_scores: OnScores = lambda scores: None,
) -> Race:
    """Score configurations in stages, dropping those that a faster one surely beats.

    Args:
        jobs: by configuration; all with the same benchmarks and protocol, without a limit.
        latency_s: TTFT of each configuration in seconds.
        scorer: scores one job, as `runner.score` does; it ends by `ends_at` itself.
        ends_at: by `time.monotonic`. All answer a first stage; then the next one goes to whom it
            makes the front surest for each second (`analysis.racing.gains`).
        on_event: called with one line per event.
        on_scores: given a configuration's scores once it has answered all or has left.

    Raises:
        ConfigError: if the jobs differ in benchmarks or protocol, or have a limit.
        ValueError: if a configuration has no latency, or the stages do not rise to 1.
    """
    check_race(jobs.values())
    edges = stage_edges(stages)
    entries = {name: _Entry(job) for name, job in jobs.items()}
    scores: dict[str, tuple[Score, ...]] = {}
    drops: list[Drop] = []
    failures: dict[str, tuple[TaskFailure, ...]] = {}

    def end(name: str) -> None:
        entry = entries[name]
        if entry.results:
            scores[name] = _merged_scores(entry.results, entry.job, entry.stage == len(edges))
            on_scores(scores[name])

    while (name := _next(entries, edges, ends_at)) is not None:
        entry = entries[name]
        outcome = scorer(replace(entry.job, items=edges[entry.stage]))
        found = entry.take(outcome)
        if any(failure.kind != runner.NO_TIME for failure in found):
            failures[name] = found
        for drop in _dropped(name, entries, latency_s, len(edges)):
            entries[drop.name].has_left = True
            drops.append(drop)
            on_event(str(drop))
            end(drop.name)
        if name not in scores and (entry.has_left or entry.stage == len(edges)):
            end(name)
    gone = {drop.name for drop in drops} | failures.keys()
    unfinished = {
        name: edges[entry.stage][0]
        for name, entry in entries.items()
        if entry.stage < len(edges) and name not in gone
    }
    for name in [each for each in unfinished if each not in scores]:
        end(name)
    runs = tuple(run for entry in entries.values() for run in entry.runs)
    return Race(scores, tuple(drops), _saving(entries, edges), failures, unfinished, runs)


def by_place(jobs: Iterable[Job]) -> dict[str, Job]:
    """Jobs by the names of their places, as a race takes them.

    Raises:
        ConfigError: if two checkpoints have the same place.
    """
    found: dict[str, Job] = {}
    for job in jobs:
        other = found.setdefault(str(job.place), job)
        if other is not job:
            raise ConfigError(
                f"{job.checkpoint} and {other.checkpoint} are both {job.place}; a race needs a "
                "recipe of its own for each"
            )
    return found


def _next(
    entries: Mapping[str, _Entry], edges: Sequence[tuple[float, float]], ends_at: float
) -> str | None:
    """Who is scored next; None if nobody is left, or no stage fits into the time.

    Without an end everybody takes a stage before anybody takes the next.
    """
    ahead = {
        name: entry
        for name, entry in entries.items()
        if not entry.has_left and entry.stage < len(edges)
    }
    left_s = ends_at - monotonic()
    if left_s <= 0:
        return None
    first = min(ahead, key=lambda name: ahead[name].stage, default=None)
    if first is None or ends_at == math.inf or ahead[first].stage == 0:
        return first
    seconds = {name: entry.seconds(edges) or left_s for name, entry in ahead.items()}
    gained = _gains(entries, ahead, edges)
    fitting = [name for name in ahead if seconds[name] <= left_s]
    return max(fitting, key=lambda name: gained[name] / seconds[name], default=None)


def _gains(
    entries: Mapping[str, _Entry],
    ahead: Mapping[str, _Entry],
    edges: Sequence[tuple[float, float]],
) -> dict[str, float]:
    """What a next stage of each is worth; recipes share no front."""
    found: dict[str, float] = {}
    for recipe in {entry.job.place.recipe for entry in ahead.values()}:
        group = _group(recipe, entries, len(edges))
        shares = {name: edges[ahead[name].stage] for name in group if name in ahead}
        images = entries[next(iter(group))].images
        found |= gains({name: entry.scored for name, entry in group.items()}, shares, images)
    return found


def _group(recipe: str, entries: Mapping[str, _Entry], stages: int) -> dict[str, _Entry]:
    """Those of a recipe that are still in the race or have answered all."""
    return {
        name: entry
        for name, entry in entries.items()
        if entry.job.place.recipe == recipe and (not entry.has_left or entry.stage == stages)
    }


def _dropped(
    name: str, entries: Mapping[str, _Entry], latency_s: Mapping[str, float], stages: int
) -> list[Drop]:
    """Who leaves now that one configuration has answered more: this one, or rivals that it beats.

    Recipes share no front, so only rivals of one recipe count. Who has answered all stays.
    """
    entry = entries[name]
    group = _group(entry.job.place.recipe, entries, stages)
    if name not in group:
        return []
    scored = {each: one.scored for each, one in group.items()}
    finished = {each for each, one in group.items() if one.stage == stages}
    others = group.keys() - {name}
    drops = to_drop(scored, latency_s, 0, protected=finished | others, images=entry.images)
    for other in sorted(others - finished):
        pair = {each: scored[each] for each in (name, other)}
        drops += to_drop(pair, latency_s, 0, protected=(name,), images=entry.images)
    return [replace(drop, stage=entries[drop.name].stage - 1) for drop in drops]


def check_race(jobs: Iterable[Job]) -> None:
    """Refuse jobs that cannot be compared item by item.

    Raises:
        ConfigError: if they differ in benchmarks or protocol, or have a limit.
    """
    jobs = list(jobs)
    if len({(job.benchmarks, job.protocol) for job in jobs}) > 1:
        raise ConfigError("all configurations of a race need the same benchmarks and protocol")
    if any(job.limit is not None for job in jobs):
        raise ConfigError("a race chooses its own items: leave the limit out")


def _benchmarks(task: str, job: Job) -> list[str]:
    rows = [row.name for row in suites.of_task(task)]
    wanted = {member for name in job.benchmarks for member in suites.members_of(name)}
    return [name for name in rows if name in wanted] or rows[:1] or [task]


def _saving(entries: Mapping[str, _Entry], edges: Sequence[tuple[float, float]]) -> RaceCost:
    answers = {name: sum(r.n or 0 for r in one.results) for name, one in entries.items()}
    of_all = [answers[name] for name, one in entries.items() if one.stage == len(edges)]
    expected = [
        round(answers[name] / edges[one.stage - 1][1]) for name, one in entries.items() if one.stage
    ]
    return RaceCost(sum(answers.values()), max(of_all or expected, default=0) * len(answers))


def _merged_scores(results: Sequence[TaskResult], job: Job, is_complete: bool) -> tuple[Score, ...]:
    """The scores over all stages: parts put together, then scored as one result."""
    merged = [_merge(parts, is_complete) for parts in by_task(results).values()]
    values = scoring.values(merged, job.protocol)
    values += scoring.suite_values(values)
    digest = str(results[0].own.get("checkpoint", ""))
    return tuple(scoring.to_scores(values, job.place, "measured", digest))


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
    for row in suites.of_task(first.task):
        if first.metric(row.metric) is not None:
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
