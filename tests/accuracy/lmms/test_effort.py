"""How long scoring will take, told from what the same tasks took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.accuracy.lmms.effort import Held, PastRuns
from paretobench.accuracy.lmms.job import Job, Task
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.domain.records import TaskRun

GQA = Task("gqa")
JOB = Job("checkpoint", ScorePoint("fastvithd", 1024, "qwen2_0_5b"))
RUN = TaskRun("c", "fastvithd", 512, "qwen2_0_5b", "none", "gqa", 100, 50.0, 8.0, executor="gpu")


def past(*runs: TaskRun, executor: str = "gpu") -> PastRuns:
    return PastRuns.of(runs, executor)


def test_a_task_that_was_never_scored_has_no_time() -> None:
    assert past().seconds(GQA, JOB) is None
    assert past(RUN).seconds(Task("pope"), JOB) is None


def test_the_same_checkpoint_at_another_resolution_tells_the_time() -> None:
    assert past(RUN).seconds(GQA, JOB) == pytest.approx(50.0)


def test_the_same_resolution_counts_before_another() -> None:
    same = replace(RUN, resolution_px=1024, wall_s=90.0)
    assert past(RUN, same).seconds(GQA, JOB) == pytest.approx(90.0)


def test_other_checkpoints_stand_in_by_their_median() -> None:
    others = [replace(RUN, llm=f"l{i}", wall_s=wall_s) for i, wall_s in enumerate((10, 20, 90))]
    assert past(*others).seconds(GQA, JOB) == pytest.approx(20.0)


def test_the_same_executor_counts_before_the_same_model() -> None:
    elsewhere = replace(RUN, executor="local", wall_s=5000.0)
    other_model = replace(RUN, llm="other", wall_s=40.0)
    assert past(elsewhere, other_model).seconds(GQA, JOB) == pytest.approx(40.0)
    assert past(elsewhere).elsewhere == ("local",)
    assert past(elsewhere, other_model).elsewhere == ()


def test_time_follows_the_items_and_is_shared_by_processes() -> None:
    known = past(RUN, replace(RUN, n=10, wall_s=5.0, is_partial=True))
    assert known.seconds(GQA, replace(JOB, limit=20)) == pytest.approx(10.0)
    assert known.seconds(GQA, replace(JOB, limit=0.5)) == pytest.approx(25.0)
    assert known.seconds(GQA, replace(JOB, limit=1000)) == pytest.approx(50.0)
    assert known.seconds(GQA, replace(JOB, processes=4)) == pytest.approx(12.5)
    assert known.seconds(GQA, replace(JOB, items=(0.0, 0.25))) == pytest.approx(12.5)
    four = past(replace(RUN, processes=4))
    assert four.seconds(GQA, JOB) == pytest.approx(200.0)


def test_partial_runs_alone_leave_the_number_of_items_to_the_data_sets_paper() -> None:
    known = past(replace(RUN, is_partial=True))
    assert known.items(GQA, JOB) == 12578
    assert known.items(Task("seedbench"), JOB) == 17990
    assert known.items(Task("seedbench", where={"data_type": "image"}), JOB) == 14233
    assert known.items(Task("my_task"), JOB) is None
    unknown = replace(RUN, task="my_task", is_partial=True)
    assert past(unknown).seconds(Task("my_task"), JOB) is None
    assert past(unknown).seconds(Task("my_task"), replace(JOB, limit=8)) == pytest.approx(4.0)


def test_loading_is_that_of_the_model_or_of_any() -> None:
    other = replace(RUN, llm="vicuna_7b", load_s=60.0)
    assert past(RUN, other).load_s(JOB) == 8.0
    assert past(other).load_s(JOB) == 60.0
    assert past(replace(RUN, load_s=None)).load_s(JOB) == 0.0


def test_each_past_run_is_judged_by_the_others() -> None:
    runs = [replace(RUN, resolution_px=px, wall_s=s) for px, s in ((256, 40), (512, 50), (768, 60))]
    assert past(*runs).held().ratios == pytest.approx((40 / 55, 50 / 50, 60 / 45))
    assert past(RUN).held() == Held()
    assert "no second run" in str(past(RUN).held())


def test_runs_of_other_executors_are_judged_only_where_this_one_has_none() -> None:
    local = [replace(RUN, executor="local", wall_s=s) for s in (400.0, 500.0)]
    assert past(RUN, *local).held().ratios == pytest.approx((50 / 450,))
    assert past(*local).held().ratios == pytest.approx((0.8, 1.25))
