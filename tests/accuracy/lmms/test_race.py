"""A race gives the front that scoring everyone on everything gives, for less."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.race import race
from paretobench.accuracy.lmms.results import read_results
from paretobench.accuracy.lmms.runner import ScoringOutcome, TaskFailure
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
    found = race(_jobs(list(skill)), latency_s, scorer=oracle.score)
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
    found = race(_jobs(list(skill)), latency_s, scorer=Oracle(tmp_path, skill).score)
    dropped = {drop.name for drop in found.drops}
    assert dropped
    assert all(found.scores[name][0].is_partial for name in dropped)
    first, *lines = found.report()
    assert "answers generated" in first and len(lines) == len(dropped)


def test_a_broken_configuration_leaves_and_the_race_goes_on(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path, {"good": 0.6})
    found = race(_jobs(["good", "broken"]), {"good": 0.1, "broken": 0.2}, scorer=oracle.score)
    assert set(found.failures) == {"broken"} and set(found.scores) == {"good"}
    assert found.scores["good"][0].n == ITEMS


def test_recipes_do_not_race_each_other(tmp_path: Path) -> None:
    oracle = Oracle(tmp_path, {"good": 0.9, "bad": 0.2})
    jobs = _jobs(["good", "bad"])
    jobs["bad"] = Job(
        checkpoint="bad", place=ScorePoint("e", 1, "l", recipe="x"), benchmarks=("gqa",)
    )
    assert not race(jobs, {"good": 0.1, "bad": 0.2}, scorer=oracle.score).drops


def test_a_race_needs_equal_terms(tmp_path: Path) -> None:
    jobs = _jobs(["a", "b"])
    place = ScorePoint("e", 1, "l")
    unequal = jobs | {"b": Job(checkpoint="b", place=place, benchmarks=("pope",))}
    with pytest.raises(ConfigError, match="same benchmarks and protocol"):
        race(unequal, {"a": 1, "b": 1}, scorer=Oracle(tmp_path, {}).score)
    limited = {"a": Job(checkpoint="a", place=place, limit=5)}
    with pytest.raises(ConfigError, match="leave the limit out"):
        race(limited, {"a": 1}, scorer=Oracle(tmp_path, {}).score)
