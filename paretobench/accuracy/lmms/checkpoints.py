"""Which checkpoint belongs to which grid point: the file a sweep scores by.

A YAML file with what holds for all and a list of checkpoints:

    defaults: {device: cuda, batch_size: 16, protocol: llava, data: datasets}
    checkpoints:
      - checkpoint: checkpoints/fastvlm-0.5b-stage3
        encoder: fastvithd
        resolution_px: 1024
        llm: qwen2_0_5b
        recipe: stage3

Each entry has the fields of a place and of a job (see `job.Job`). `data` is a folder that
holds one folder per task, or a mapping from task to folder. Relative paths start at the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from paretobench.accuracy.lmms import job as jobs_
from paretobench.accuracy.lmms import placing, runner
from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.race import OnScores, Race, by_place, race
from paretobench.accuracy.lmms.runner import ScoringOutcome, TaskFailure
from paretobench.domain import GridPoint
from paretobench.domain.checkpoint import Checkpoint
from paretobench.errors import ConfigError, DataError
from paretobench.units import percent

JOB_FIELDS = tuple(field.name for field in fields(Job) if field.name not in ("place", "items"))
"""What an entry may say about the scoring itself."""

Carry = Callable[[Sequence[Job], runner.OnEvent, OnScores], list[tuple[Job, ScoringOutcome | str]]]
"""What scores jobs elsewhere; see `jobs.scoring`."""


def read_jobs(path: Path) -> list[Job]:
    """The jobs of a checkpoints file.

    Raises:
        ConfigError: if it cannot be read, or an entry lacks a field or has an unknown one.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the checkpoints file {path}: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("checkpoints"), list):
        raise ConfigError(f"{path} needs a list 'checkpoints'; docs/accuracy.md shows one")
    defaults = data.get("defaults") or {}
    return [
        _job({**defaults, **entry}, f"entry {number} of {path}", path.parent)
        for number, entry in enumerate(data["checkpoints"], start=1)
    ]


def _job(entry: Mapping[str, Any], where: str, root: Path) -> Job:
    allowed = (*placing.FIELDS, *JOB_FIELDS)
    unknown = sorted(set(entry) - set(allowed))
    if unknown:
        raise ConfigError(f"{where}: unknown field {unknown[0]!r}; allowed: {', '.join(allowed)}")
    needed = ("checkpoint", "encoder", "resolution_px", "llm")
    missing = [name for name in needed if not entry.get(name)]
    if missing:
        raise ConfigError(f"{where} lacks {', '.join(missing)}")
    place = ScorePoint(**{name: entry[name] for name in placing.FIELDS if name in entry})
    settings = {name: entry[name] for name in JOB_FIELDS if name in entry}
    if isinstance(settings.get("benchmarks"), str):
        settings["benchmarks"] = [settings["benchmarks"]]
    if "benchmarks" in settings:
        settings["benchmarks"] = tuple(settings["benchmarks"])
    local = root / str(entry["checkpoint"])
    settings["checkpoint"] = str(local) if local.is_dir() else str(entry["checkpoint"])
    if "data" in settings:
        settings["data"] = _data(settings["data"], root)
    if settings.get("chat_template"):
        settings["chat_template"] = root / settings["chat_template"]
    return Job(place=place, **settings)


def _data(given: Any, root: Path) -> dict[str, Path]:
    if isinstance(given, Mapping):
        return {str(task): root / str(folder) for task, folder in given.items()}
    return jobs_.data_below(root / str(given))


def for_points(
    points: Iterable[GridPoint], jobs: Sequence[Job]
) -> tuple[list[Job], list[GridPoint]]:
    """The jobs whose place is one of the points, and the points without a checkpoint.

    A job that says nothing about its input is given what the point demands of every image.
    """
    chosen: list[Job] = []
    without: list[GridPoint] = []
    for point in points:
        names = point.identity()
        of_point = [
            job for job in jobs if all(getattr(job.place, name) == names[name] for name in names)
        ]
        if not of_point:
            without.append(point)
        chosen += [_with_input(job, point) for job in of_point]
    return chosen, without


def _with_input(job: Job, point: GridPoint) -> Job:
    if job.tile_px is not None or job.model != jobs_.OWN_MODEL:
        return job
    shape = jobs_.expected_input(point.encoder, point.resolution_px, point.tiling)
    said = {name: getattr(job, name) for name in shape if getattr(job, name) is not None}
    return replace(job, **{**shape, **said})


def timed(points: Iterable[GridPoint], path: Path) -> dict[str, Checkpoint]:
    """The checkpoints that are timed with their own weights, by the points' keys.

    A hub name is downloaded, as for scoring.

    Raises:
        ConfigError: if the file is wrong, or names two checkpoints for one point.
        DataError: if a checkpoint is missing or has no safetensors.
    """
    jobs = read_jobs(path)
    found: dict[str, Checkpoint] = {}
    hashed: dict[str, Checkpoint] = {}
    for point in points:
        of_point, _ = for_points([point], jobs)
        names = list(dict.fromkeys(job.checkpoint for job in of_point))
        if len(names) > 1:
            raise ConfigError(
                f"{path.name} names {len(names)} checkpoints for {point}, and a point has one "
                f"latency;\ntime them in sweeps of their own, or leave out weights=checkpoint"
            )
        for job in of_point[:1]:
            if job.checkpoint not in hashed:
                folder = runner.locate(job)
                name = Path(job.checkpoint.rstrip("/")).name
                hashed[job.checkpoint] = Checkpoint.at(folder, name)
            found[point.key] = hashed[job.checkpoint]
    return found


def score_points(
    points: Iterable[GridPoint],
    path: Path,
    on_event: runner.OnEvent = lambda line: None,
    on_scores: OnScores = lambda scores: None,
    carry: Carry | None = None,
) -> list[tuple[Job, ScoringOutcome | str]]:
    """Score every point that has a checkpoint; one that fails does not cost the others.

    Args:
        points: of the sweep.
        path: the checkpoints file.
        on_event, on_scores: as for `runner.score`.
        carry: what scores the jobs; None for this process, one after the other.

    Returns:
        Each job with its outcome, or with the reason why nothing could be scored at all; a job
        that `carry` left under way is not among them.

    Raises:
        ConfigError: if the checkpoints file is wrong.
    """
    jobs = _jobs_at(points, path, on_event)
    if carry is not None:
        return carry(jobs, on_event, on_scores)
    done: list[tuple[Job, ScoringOutcome | str]] = []
    for job in jobs:
        on_event(f"scoring {Path(job.checkpoint).name} ({job.place.recipe})")
        try:
            outcome = runner.score(job, on_event=on_event, on_scores=on_scores)
        except (DataError, ConfigError) as error:
            on_event(str(error))
            done.append((job, str(error)))
            continue
        on_scores(outcome.scores)
        done.append((job, outcome))
    return done


def _jobs_at(points: Iterable[GridPoint], path: Path, on_event: runner.OnEvent) -> list[Job]:
    """The jobs of points; a point without a checkpoint is named."""
    jobs, without = for_points(points, read_jobs(path))
    for point in without:
        on_event(f"{point}: no checkpoint in {path.name}, no score")
    return jobs


def race_points(
    points: Iterable[GridPoint],
    path: Path,
    ttft_s: Mapping[tuple[str, int, str, str], float],
    ends_at: float,
    on_event: runner.OnEvent = lambda line: None,
    on_scores: OnScores = lambda scores: None,
) -> Race:
    """Score the checkpoints of points until time ends, where it makes the front surest first.

    Args:
        ttft_s: by a point's four names; a checkpoint without one is not scored, and said to fail.
        ends_at: by `time.monotonic`.

    Raises:
        ConfigError: if the checkpoints file is wrong, or its checkpoints cannot race.
    """
    named = by_place(_jobs_at(points, path, on_event))
    latency_s = {n: ttft_s[j.place.names] for n, j in named.items() if j.place.names in ttft_s}

    def scorer(job: Job) -> ScoringOutcome:
        start, end = job.items or (0.0, 1.0)
        on_event(f"scoring {job.place}, {percent(start, 0)} to {percent(end, 0)} % of the items")
        try:
            return runner.score(job, on_event=on_event, ends_at=ends_at)
        except (DataError, ConfigError) as error:
            return ScoringOutcome((), (), (_not_scored(str(error)),), (), "")

    found = race(
        {name: named[name] for name in latency_s},
        latency_s,
        scorer,
        ends_at=ends_at,
        on_event=on_event,
        on_scores=on_scores,
    )
    lacking = {
        name: (_not_scored("its point has no latency, measured or predicted, to race by"),)
        for name in named.keys() - latency_s.keys()
    }
    return replace(found, failures={**found.failures, **lacking})


def _not_scored(reason: str) -> TaskFailure:
    return TaskFailure("", "environment", reason)
