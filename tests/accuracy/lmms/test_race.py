"""A race gives the front that scoring everyone on everything gives, for less."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.race import Race, by_place, race
from paretobench.accuracy.lmms.results import read_results
from paretobench.accuracy.lmms.runner import NO_TIME, ScoringOutcome, TaskFailure
from paretobench.domain.records import TaskRun
from paretobench.errors import ConfigError

ITEMS = 3000


class Oracle:
    """Answers generated from a skill and a difficulty per item, and counted."""

    def __init__(self, root: Path, skill: dict[str, float]) -> None:
        self.root, self.skill = root, skill
        generator = np.random.default_rng(3)
        self.difficulty = generator.random(ITEMS)
        self.order = generator.permutation(ITEMS)
        self.luck = {name: generator.normal(0, 0.08, ITEMS) for name in skill}
        self.answers = 0

    def is_right(self, name: str, item: int) -> bool:
        return bool(self.difficulty[item] + self.luck[name][item] < self.skill[name])

    def score(self, job: Job) -> ScoringOutcome:
        name = job.checkpoint
        if name == "broken":
            return ScoringOutcome((), (), (TaskFailure("gqa", "crashed", "it fell"),), (), "")
        start, end = (math.ceil(edge * ITEMS) for edge in job.items or (0.0, 1.0))
        chosen = self.order[start:end]
        self.answers += len(chosen)
        folder = self.root / f"{name}-{start}-{end}"
        folder.mkdir(parents=True)
        rows = [
            {"item": int(i), "doc_id": n, "filtered_resps": ["x"], "target": "x",
             "exact_match": float(self.is_right(name, i))}
            for n, i in enumerate(chosen)
        ]  # fmt: skip
        log = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "run_samples_gqa.jsonl").write_text(log)
        value = float(np.mean([row["exact_match"] for row in rows]))
        data = {
            "results": {"gqa": {"exact_match,none": value}},
            "n-samples": {"gqa": {"original": len(rows), "effective": len(rows)}},
            "paretobench": {"items": list(job.items or ()), "checkpoint": name,
                            "facts": {"answers": len(rows), "empty_answers": 0}},
        }  # fmt: skip
        (folder / "run_results.json").write_text(json.dumps(data))
        return ScoringOutcome((), tuple(read_results(folder)), (), (), name)


def _front(value: dict[str, float], latency_s: dict[str, float]) -> set[str]:
    return {
        name
        for name in value
        if not any(
            latency_s[other] <= latency_s[name] and value[other] > value[name]
            for other in value
            if other != name
        )
    }


def _jobs(names: list[str]) -> dict[str, Job]:
    place = ScorePoint("e", 1, "l")
    return {name: Job(checkpoint=name, place=place, benchmarks=("gqa",)) for name in names}


def _twelve() -> tuple[dict[str, float], dict[str, float]]:
    """Three families over four resolutions; one family wins everywhere, as in the paper."""
    skill, latency_s = {}, {}
    for family, (offset, slow) in {"a": (0.0, 1.0), "b": (-0.12, 2.5), "c": (-0.2, 4.0)}.items():
        for step in range(4):
            skill[f"{family}{step}"] = 0.45 + 0.09 * step + offset
            latency_s[f"{family}{step}"] = 0.05 * 2**step * slow
    return skill, latency_s


def test_racing_gives_the_exhaustive_front_for_at_most_half_the_answers(tmp_path: Path) -> None:
    skill, latency_s = _twelve()
    oracle = Oracle(tmp_path, skill)
    truth = {
        name: float(np.mean([oracle.is_right(name, i) for i in range(ITEMS)])) for name in skill
    }
    found = race(_jobs(list(skill)), latency_s, oracle.score)
    raced = {
        name: scores[0].value for name, scores in found.scores.items() if not scores[0].is_partial
    }
    assert _front(raced, latency_s) == _front(truth, latency_s)
    assert all(raced[name] == pytest.approx(truth[name]) for name in raced)
    assert oracle.answers == found.saving.answered <= 0.5 * ITEMS * len(skill)
    assert found.saving.exhaustive == ITEMS * len(skill)
    assert not {drop.name for drop in found.drops} & _front(truth, latency_s)


def test_who_left_early_is_marked_partial_and_the_report_says_when(tmp_path: Path) -> None:
    skill, latency_s = _twelve()
    found = race(_jobs(list(skill)), latency_s, Oracle(tmp_path, skill).score)
    dropped = {drop.name for drop in found.drops}
    assert dropped
    assert all(found.scores[name][0].is_partial for name in dropped)
    first, *lines = found.report()
    assert "answers generated" in first and len(lines) == len(dropped)


def test_a_broken_configuration_leaves_and_the_race_goes_on(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path, {"good": 0.6})
    found = race(_jobs(["good", "broken"]), {"good": 0.1, "broken": 0.2}, oracle.score)
    assert set(found.failures) == {"broken"} and set(found.scores) == {"good"}
    assert found.scores["good"][0].n == ITEMS


def test_answers_without_a_log_cannot_race_and_cost_no_other(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path, {"good": 0.6, "silent": 0.5})

    def scorer(job: Job) -> ScoringOutcome:
        found = oracle.score(job)
        if job.checkpoint == "good":
            return found
        folder = found.results[0].path.parent
        (folder / "run_samples_gqa.jsonl").unlink()
        return replace(found, results=tuple(read_results(folder)))

    found = race(_jobs(["good", "silent"]), {"good": 0.1, "silent": 0.2}, scorer)
    assert found.failures["silent"][0].kind == "data"
    assert not found.scores["good"][0].is_partial


def test_recipes_do_not_race_each_other(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path, {"good": 0.9, "bad": 0.2})
    jobs = _jobs(["good", "bad"])
    jobs["bad"] = Job(
        checkpoint="bad", place=ScorePoint("e", 1, "l", recipe="x"), benchmarks=("gqa",)
    )
    assert not race(jobs, {"good": 0.1, "bad": 0.2}, oracle.score).drops


def test_a_race_needs_equal_terms(tmp_path: Path) -> None:
    jobs = _jobs(["a", "b"])
    place = ScorePoint("e", 1, "l")
    unequal = jobs | {"b": Job(checkpoint="b", place=place, benchmarks=("pope",))}
    with pytest.raises(ConfigError, match="same benchmarks and protocol"):
        race(unequal, {"a": 1, "b": 1}, Oracle(tmp_path, {}).score)
    limited = {"a": Job(checkpoint="a", place=place, limit=5)}
    with pytest.raises(ConfigError, match="leave the limit out"):
        race(limited, {"a": 1}, Oracle(tmp_path, {}).score)


class Timed:
    """An oracle that takes time: a clock for `race`, and what its runs say they took."""

    def __init__(self, oracle: Oracle, item_s: dict[str, float]) -> None:
        self.oracle, self.item_s = oracle, item_s
        self.now = 0.0
        self.order: list[str] = []

    def score(self, job: Job) -> ScoringOutcome:
        found = self.oracle.score(job)
        n, name = sum(r.n or 0 for r in found.results), job.checkpoint
        self.now += LOAD_S + n * self.item_s[name]
        self.order.append(name)
        run = TaskRun(name, "e", 1, "l", "none", "gqa", n, n * self.item_s[name], LOAD_S)
        return replace(found, runs=(run,))


LOAD_S = 5.0


def _in_time(
    timed: Timed, latency_s: dict[str, float], ends_at: float, monkeypatch: pytest.MonkeyPatch
) -> Race:
    monkeypatch.setattr("paretobench.accuracy.lmms.race.monotonic", lambda: timed.now)
    return race(_jobs(list(latency_s)), latency_s, timed.score, ends_at=ends_at)


def test_within_a_time_everybody_answers_first_and_no_stage_starts_that_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill, latency_s = _twelve()
    timed = Timed(Oracle(tmp_path, skill), dict.fromkeys(skill, 0.1))
    found = _in_time(timed, latency_s, 1200.0, monkeypatch)
    assert set(timed.order[: len(skill)]) == set(skill)
    assert timed.now <= 1200.0 and found.unfinished
    assert all(found.scores[name][0].is_partial for name in found.unfinished)
    assert "no time to score" in found.report()[-1]


def test_close_rivals_are_scored_before_one_that_nobody_rivals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = {"fast": 0.20, "near": 0.60, "nearer": 0.605, "best": 0.90}
    latency_s = {"fast": 0.1, "nearer": 0.3, "near": 0.2, "best": 0.9}
    timed = Timed(Oracle(tmp_path, skill), dict.fromkeys(skill, 0.1))
    found = _in_time(timed, latency_s, 700.0, monkeypatch)
    after = timed.order[len(skill) :]
    assert after and set(after[:4]) == {"near", "nearer"}
    assert found.unfinished["fast"] == found.unfinished["best"] == 0.05


def test_of_equal_rivals_the_cheaper_answers_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = {"cheap": 0.6, "dear": 0.605}
    timed = Timed(Oracle(tmp_path, skill), {"cheap": 0.05, "dear": 0.5})
    _in_time(timed, {"cheap": 0.1, "dear": 0.2}, 1000.0, monkeypatch)
    assert timed.order[2] == "cheap"


def test_what_ends_with_the_time_is_no_failure(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path, {"good": 0.6})

    def out_of_time(job: Job) -> ScoringOutcome:
        if job.items and job.items[0] > 0:
            return ScoringOutcome((), (), (TaskFailure("gqa", NO_TIME, "over"),), (), "")
        return oracle.score(job)

    found = race(_jobs(["good"]), {"good": 0.1}, out_of_time)
    assert not found.failures and found.unfinished == {"good": 0.05}
    assert found.scores["good"][0].is_partial


def test_scores_are_handed_over_as_configurations_end(tmp_path: Path) -> None:
    skill, latency_s = _twelve()
    given: list[str] = []
    oracle = Oracle(tmp_path, skill)
    found = race(
        _jobs(list(skill)),
        latency_s,
        oracle.score,
        on_scores=lambda scores: given.append(f"{scores[0].checkpoint} {scores[0].is_partial}"),
    )
    dropped = {drop.name for drop in found.drops}
    assert given == list(dict.fromkeys(given))
    assert set(given) == {f"{name} {name in dropped}" for name in skill}


def test_two_checkpoints_at_one_place_are_refused() -> None:
    place = ScorePoint("e", 1, "l")
    with pytest.raises(ConfigError, match="recipe of its own"):
        by_place([Job(checkpoint="a", place=place), Job(checkpoint="b", place=place)])
