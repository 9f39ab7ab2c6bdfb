"""What scoring will take, told before it starts: on what is on the disk and in the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from paretobench.accuracy.lmms.runner import ScoringOutcome
from paretobench.config import load_catalogue
from paretobench.domain import GridPoint
from paretobench.domain.records import TaskRun
from paretobench.jobs.scoring_cost import ScoringEffort, effort_of
from paretobench.store import Store
from tests.jobs.test_submitit import carrier, root
from tests.remote.fake_child import behave, write_checkpoint, write_interpreter

__all__ = ["root"]

pytest.importorskip("submitit")

RUN = TaskRun(
    "c", "vit_l14", 336, "vicuna_7b", "none", "gqa", 100, 3600.0, 36.0, executor="slurm:gpu"
)
SLURM = {"name": "submitit", "partition": "gpu", "gpus": 2, "array_parallelism": 4}
TASKS = ["gqa", "textvqa_val", "docvqa_val"]


@pytest.fixture
def two(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[GridPoint], Path]]:
    """Three points, two of them with a checkpoint, in a folder of their own."""
    monkeypatch.chdir(root)
    catalogue = load_catalogue()
    llm, tiling = catalogue.llms["vicuna_7b"], catalogue.tilings["none"]
    encoder = catalogue.encoders["vit_l14"]
    points = [GridPoint(encoder, px, llm, tiling) for px in (336, 672, 1008)]
    entries = [
        {"checkpoint": str(write_checkpoint(root, f"c{px}")), "resolution_px": px}
        for px in (336, 672)
    ]
    defaults = {
        "encoder": "vit_l14", "llm": "vicuna_7b", "benchmarks": ["gqa", "textvqa", "docvqa"],
        "interpreter": str(write_interpreter(root)),
    }  # fmt: skip
    path = root / "checkpoints.yaml"
    path.write_text(yaml.safe_dump({"defaults": defaults, "checkpoints": entries}))
    yield points, path


def told(two: tuple[list[GridPoint], Path], settings: Any, *past: TaskRun) -> ScoringEffort:
    return effort_of(*two, settings, past)


def test_nothing_known_is_said_and_no_number_is_made_up(two: Any) -> None:
    effort = told(two, SLURM)
    assert effort.lines() == [
        "accuracy by slurm:gpu: 2 checkpoints to score (6 tasks)",
        "  time unknown, never scored: gqa, textvqa_val, docvqa_val",
    ]
    assert (effort.gpu_hours, effort.process_hours, effort.without) == (0, 0, 1)
    assert effort.to_json()["unknown_tasks"] == TASKS


def test_gpu_hours_are_time_times_gpus_and_the_wait_is_shared(two: Any) -> None:
    runs = [replace(RUN, task=task, sha256=task) for task in TASKS]
    effort = told(two, SLURM, *runs)
    assert effort.gpu_hours == pytest.approx(2 * 2 * (3 * 3600 + 36) / 3600)
    assert effort.wall_s == pytest.approx(3 * 3600 + 36), "a unit is never split"
    assert effort.process_hours == 0
    assert effort.lines()[0] == (
        "accuracy by slurm:gpu: 2 checkpoints to score (6 tasks): about 12 GPU hours, "
        "3 h 0 min with 2 at a time"
    )
    one = told(two, {**SLURM, "array_parallelism": 1}, *runs)
    assert one.wall_s == pytest.approx(2 * (3 * 3600 + 36))


def test_what_is_known_in_part_is_told_in_part(two: Any) -> None:
    effort = told(two, SLURM, RUN, replace(RUN, wall_s=1800.0, resolution_px=672))
    first, second, third = effort.lines()
    assert first.endswith("about 3.0 GPU hours, 1 h 0 min with 2 at a time besides the unknown")
    assert second == "  time unknown, never scored: textvqa_val, docvqa_val"
    assert third.startswith("  2 past task runs took 0.50 to 2.0 times what the others predicted")
    assert effort.to_json()["past_ratios"] == [0.5, 2.0]


def test_without_gpus_hours_are_of_processes(two: Any) -> None:
    local = {"name": "submitit", "cluster": "local", "at_once": 1}
    effort = told(two, local, replace(RUN, executor="submitit local"))
    assert (effort.gpu_hours, effort.process_hours) == (0, pytest.approx(2.02))
    assert "about 2.0 process hours" in effort.lines()[0]


def test_times_of_another_executor_are_told_as_such(two: Any) -> None:
    lines = told(two, SLURM, replace(RUN, executor="ray auto")).lines()
    assert lines[-1] == "  nothing was scored there yet; judged by ray auto"


def test_ray_alone_knows_how_many_run_at_a_time(two: Any) -> None:
    effort = told(two, {"name": "ray", "gpus": 0.5}, RUN)
    assert effort.at_once is None and effort.wall_s is None
    assert effort.gpu_hours == pytest.approx(2 * 0.5 * 1.01)
    assert "at a time" not in effort.lines()[0]


def test_units_that_are_scored_count_no_more_and_their_times_are_known(
    two: Any, root: Path
) -> None:
    settings = {"name": "submitit", "cluster": "local", "folder": str(root / "units")}
    jobs = _jobs(two)
    behave(Path(jobs[1].checkpoint), docvqa_val="die")
    done = carrier(root)(jobs, _ignore, _ignore)
    runs = [
        run for _, outcome in done if isinstance(outcome, ScoringOutcome) for run in outcome.runs
    ]
    assert {run.executor for run in runs} == {"submitit local"}
    with Store.open(root / "scores.db") as store:
        assert store.add_task_runs(runs) == 5
        assert store.add_task_runs(runs) == 0
        effort = told(two, settings, *store.task_runs())
    assert effort.finished == 1
    assert [unit.tasks for unit in effort.units] == [("docvqa_val",)]
    assert effort.process_hours > 0 and effort.unknown == ()


def test_tasks_scored_in_this_process_count_no_more(two: Any) -> None:
    from paretobench.accuracy.lmms import runner

    jobs = _jobs(two)
    assert not runner.score(jobs[0]).failures
    effort = told(two, {"name": "local"})
    assert (effort.finished, len(effort.units)) == (1, 1)
    (Path(jobs[0].checkpoint) / "model.safetensors").write_bytes(b"trained on")
    assert told(two, {}).finished == 0, "other weights are another checkpoint"
    Path(jobs[0].checkpoint, "model.safetensors").unlink()
    assert told(two, {}).finished == 0


def test_nothing_left_is_said(two: Any) -> None:
    from paretobench.accuracy.lmms import runner

    for job in _jobs(two):
        runner.score(job)
    effort = told(two, {})
    assert effort.lines() == ["accuracy by local: nothing to score, 2 scored already"]
    assert effort.wall_s is None


def _jobs(two: Any) -> list[Any]:
    from paretobench.accuracy.lmms.checkpoints import for_points, read_jobs

    return for_points(two[0], read_jobs(two[1]))[0]


def _ignore(_: Any) -> None:
    """What the test does not look at."""
