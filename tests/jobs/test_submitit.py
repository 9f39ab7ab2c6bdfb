"""Accuracy units as submitit's local jobs: real processes, a stand-in for lmms-eval."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from paretobench.accuracy.lmms.runner import ScoringOutcome
from paretobench.config import load_catalogue
from paretobench.domain import GridPoint
from paretobench.errors import ConfigError, ExecutorError
from paretobench.jobs import State, Unit, submitit
from paretobench.jobs.command import UnitCommand
from paretobench.jobs.engines import choose
from paretobench.jobs.scoring import Scoring, begin, unit_of
from paretobench.jobs.submitit import job_progress
from paretobench.jobs.unit_folder import UnitFolder
from paretobench.store import Store
from tests.remote.coordinator import TASKS, jobs_of
from tests.remote.fake_child import behave, log, write_checkpoint, write_interpreter

pytest.importorskip("submitit")

PATIENCE_S = 280.0


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder whose processes are ended with the test."""
    yield tmp_path
    end_jobs(tmp_path)


def end_jobs(root: Path) -> None:
    """Kill every process of a job below a folder."""
    for process in jobs_in(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def jobs_in(root: Path, word: str = "") -> list[psutil.Process]:
    """Living processes of jobs below a folder whose command line has a word."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            words = process.cmdline()
            if any(str(root) in one for one in words) and any(word in one for one in words):
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def carrier(root: Path, **more: Any) -> Scoring:
    settings = {"name": "submitit", "cluster": "local", "folder": str(root / "units")}
    chosen = choose({**settings, "poll_s": 0.1, "at_once": 2, **more}, "accuracy")
    assert chosen is not None
    return Scoring(chosen)


def score(root: Path, checkpoints: list[Path], **more: Any) -> tuple[dict[str, Any], list, list]:
    """Outcomes by checkpoint, the scores as they came, and what was said."""
    interpreter = root / "interpreter"
    if not interpreter.exists():
        write_interpreter(root)
    scores: list = []
    said: list[str] = []
    done = carrier(root, **more)(jobs_of(checkpoints, interpreter), said.append, scores.extend)
    return {Path(job.checkpoint).name: outcome for job, outcome in done}, scores, said


def until(happened: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := happened():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in {PATIENCE_S:g} s")


def test_each_checkpoint_is_a_job_and_its_scores_come_back(root: Path) -> None:
    done, scores, said = score(root, [write_checkpoint(root, "a"), write_checkpoint(root, "b")])
    assert all(
        isinstance(outcome, ScoringOutcome) and not outcome.failures for outcome in done.values()
    )
    assert {s.benchmark for s in scores} >= {"gqa", "textvqa", "docvqa", "avg5"}
    assert {s.resolution_px for s in scores} == {64, 65}
    assert sum("done" in line for line in said) == 2


def test_the_same_jobs_again_collect_the_same_files_and_run_nothing(root: Path) -> None:
    checkpoint = write_checkpoint(root, "a")
    _, first, _ = score(root, [checkpoint])
    ran = log(checkpoint)
    _, again, _ = score(root, [checkpoint])
    assert log(checkpoint) == ran
    assert [one.key for one in again] == [one.key for one in first]


def test_other_weights_are_another_unit(root: Path) -> None:
    checkpoint = write_checkpoint(root, "a")
    (job,) = jobs_of([checkpoint], root / "interpreter")
    before = unit_of(job).key
    assert unit_of(job).key == before
    (checkpoint / "model.safetensors").write_bytes(b"trained on")
    assert unit_of(job).key != before


def test_a_failure_keeps_what_was_finished_and_the_next_command_tries_again(
    root: Path,
) -> None:
    checkpoint = write_checkpoint(root, "a", textvqa_val="die")
    done, scores, _ = score(root, [checkpoint])
    failure, after = done["a"].failures
    assert (failure.task, after.task) == ("textvqa_val", "docvqa_val")
    assert "fell off the bus" in failure.message
    assert {s.benchmark for s in scores} >= {"gqa"}
    behave(checkpoint)
    done, scores, _ = score(root, [checkpoint])
    assert not done["a"].failures
    assert log(checkpoint).count("start:gqa") == 1, "a finished task ran again"


def test_a_killed_job_costs_its_unit_alone_and_resumes_task_by_task(root: Path) -> None:
    slow = write_checkpoint(root, "slow", docvqa_val="hang")
    fine = write_checkpoint(root, "fine")
    write_interpreter(root)
    carry = carrier(root)
    said: list[str] = []
    jobs = jobs_of([slow, fine], root / "interpreter")
    carry.submit(jobs, said.append)
    until(lambda: "start:docvqa_val" in log(slow), "the last task's start")
    folder = UnitFolder.of(unit_of(jobs[0]), root / "units")
    os.kill(folder.read("started")["pid"], signal.SIGKILL)
    done = {Path(job.checkpoint).name: end for job, end in carry(jobs, said.append, keep_not)}
    assert "its worker was killed by signal 9" in done["slow"]
    assert str(folder.log) in done["slow"]
    assert isinstance(done["fine"], ScoringOutcome)
    behave(slow)
    again, _, _ = score(root, [slow, fine])
    assert isinstance(again["slow"], ScoringOutcome) and not again["slow"].failures
    assert again["slow"].kept == ("gqa", "textvqa_val")


def keep_not(scores: Any) -> None:
    """Scores that the test does not look at."""


def coordinator(root: Path, checkpoints: list[Path], **more: Any) -> subprocess.Popen[str]:
    spec = root / "coordinator.json"
    settings = {"name": "submitit", "cluster": "local", "folder": str(root / "units")}
    spec.write_text(json.dumps({
        "checkpoints": [str(path) for path in checkpoints],
        "interpreter": str(write_interpreter(root)),
        "database": str(root / "scores.db"),
        "executor": more or {**settings, "poll_s": 0.1, "at_once": 2},
    }))  # fmt: skip
    command = [sys.executable, "-m", "tests.remote.coordinator", str(spec)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def stored(root: Path) -> list:
    with Store.open(root / "scores.db") as store:
        return list(store.scores())


def test_a_coordinator_that_was_killed_finds_its_jobs_and_submits_nothing_twice(
    root: Path,
) -> None:
    checkpoint = write_checkpoint(root, "a", textvqa_val=4)
    first = coordinator(root, [checkpoint])
    until(lambda: "start:textvqa_val" in log(checkpoint), "the second task's start")
    first.kill()
    first.wait()
    second = coordinator(root, [checkpoint])
    out, _ = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0, out
    assert log(checkpoint) == [f"{w}:{t}" for t in ("gqa", "textvqa_val", "docvqa_val")
                               for w in ("start", "done")]  # fmt: skip
    assert {one.benchmark for one in stored(root)} == {*TASKS, "avg5"}


def test_without_wait_jobs_are_left_and_the_same_command_collects_them(root: Path) -> None:
    checkpoint = write_checkpoint(root, "a", gqa=2)
    done, scores, said = score(root, [checkpoint], wait=False)
    assert done == {} and scores == []
    assert said[-1] == "1 scoring jobs are under way; the same command collects them"
    until(lambda: list((root / "units").glob("*/result/*.json")), "the result")
    done, _, _ = score(root, [checkpoint], wait=False)
    assert isinstance(done["a"], ScoringOutcome)
    assert log(checkpoint).count("start:gqa") == 1


def test_a_cancelled_unit_ends_as_cancelled_and_can_be_submitted_again(root: Path) -> None:
    checkpoint = write_checkpoint(root, "a", gqa="hang")
    (job,) = jobs_of([checkpoint], write_interpreter(root))
    carry = carrier(root)
    carry.submit([job], keep_not)
    executor = carry.executor
    until(lambda: "start:gqa" in log(checkpoint), "the start")
    (handle,) = executor.under_way()
    assert executor.engine.progress_of([handle.job])[handle.job].state is State.RUNNING
    executor.cancel(handle)
    executor.cancel(handle)
    (ended,) = executor.collect()
    assert ended.state is State.CANCELLED and "it was cancelled" in ended.reason
    until(lambda: not jobs_in(root, "fake_child"), "the end of the work")
    behave(checkpoint)
    done, _, _ = score(root, [checkpoint])
    assert isinstance(done["a"], ScoringOutcome)


def test_a_unit_that_waits_for_its_turn_is_cancelled_before_it_begins(root: Path) -> None:
    first, second = write_checkpoint(root, "a", gqa="hang"), write_checkpoint(root, "b")
    carry = carrier(root, at_once=1)
    carry.submit(jobs_of([first, second], write_interpreter(root)), keep_not)
    running, waiting = carry.executor.under_way()
    assert running.job and not waiting.job
    for handle in (waiting, running):
        carry.executor.cancel(handle)
    ended = {e.handle.unit.key: e for e in carry.executor.collect()}
    assert "cancelled before it began" in ended[waiting.unit.key].reason
    assert log(second) == []


def test_a_checkpoint_that_is_not_there_is_an_answer_and_not_a_crash(root: Path) -> None:
    done, _, _ = score(root, [root / "nowhere"])
    assert "no checkpoint at" in done["nowhere"]


def test_a_worker_refuses_orders_of_another_format(root: Path) -> None:
    unit = Unit("accuracy", "x", {})
    folder = UnitFolder.of(unit, root)
    folder.write_spec(unit)
    folder.write("spec", {**folder.read("spec"), "format": 2})
    command = [sys.executable, "-m", "paretobench.jobs.unit", str(folder.spec)]
    assert subprocess.run(command, check=False).returncode == 0
    (path,) = folder.results.iterdir()
    assert "Use one version of paretobench" in path.read_text()


def test_a_worker_with_a_parent_ends_well_and_leaves_no_note_of_its_end(root: Path) -> None:
    checkpoint = write_checkpoint(root, "a")
    (job,) = jobs_of([checkpoint], write_interpreter(root))
    folder = UnitFolder.of(unit_of(job), root)
    folder.write_spec(unit_of(job))
    assert UnitCommand(str(folder.path), sys.executable)() == 0
    assert folder.read("ended") == {} and "Fatal" not in folder.log.read_text()


def test_two_workers_of_one_unit_work_once(root: Path) -> None:
    checkpoint = write_checkpoint(root, "a", gqa=2)
    (job,) = jobs_of([checkpoint], write_interpreter(root))
    folder = UnitFolder.of(unit_of(job), root)
    folder.write_spec(unit_of(job))
    command = [sys.executable, "-m", "paretobench.jobs.unit", str(folder.spec)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [one.communicate(timeout=PATIENCE_S)[0] for one in both]
    assert log(checkpoint).count("start:gqa") == 1
    assert sum("nothing to do" in text for text in printed) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "slurm"}, "unknown accuracy executor 'slurm'"),
        ({"name": "submitit", "partitoin": "gpu"}, "did you mean 'partition'"),
        ({"name": "submitit", "cluster": "pbs"}, "unknown cluster of executor/accuracy=submitit"),
        ({"name": "submitit", "minutes": "long"}, "minutes='long' must be a number"),
        ({"name": "submitit", "sbatch": "x"}, "sbatch='x' must be {name: value}"),
        ({"name": "ray", "partition": "x"}, "setting of executor/accuracy=ray"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_known(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        choose(settings, "accuracy")
    assert words in str(caught.value)


def test_scoring_here_needs_no_carrier() -> None:
    assert choose({"name": "local"}, "accuracy") is None and choose({}, "accuracy") is None


def test_slurm_that_is_not_here_is_said_before_anything_is_submitted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(root))
    engine = submitit.SlurmEngine(root, submitit.SlurmResources(), sys.executable)
    with pytest.raises(ExecutorError, match="sbatch is not on this machine's PATH"):
        engine.check()
    said: list[str] = []
    carry = carrier(root, cluster="slurm", at_once=1)
    jobs = jobs_of([write_checkpoint(root, "a")], root)
    ((_, reason),) = carry(jobs, said.append, keep_not)
    assert "run the sweep on a login node" in str(reason)
    assert not list((root / "units").glob("*/handle.json"))


def test_a_missing_submitit_is_named_with_its_extra(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ExecutorError, match=r"pip install '.*\[slurm\]'"):
        submitit.LocalEngine(root, submitit.SlurmResources(), 1).check()


@pytest.mark.parametrize(
    ("word", "state", "reason"),
    [
        ("PENDING", State.QUEUED, "Resources"),
        ("REQUEUED", State.QUEUED, "Resources"),
        ("COMPLETING", State.RUNNING, ""),
        ("COMPLETED", State.FAILED, "ended without a result"),
        ("CANCELLED", State.CANCELLED, "cancelled in Slurm"),
        ("TIMEOUT", State.FAILED, "raise minutes or max_requeues"),
        ("OUT_OF_MEMORY", State.FAILED, "raise memory_gb"),
        ("NODE_FAIL", State.FAILED, "its node n7 failed"),
        ("BOOT_FAIL", State.FAILED, "Slurm calls it BOOT_FAIL"),
    ],
)
def test_slurms_words_are_states_with_reasons(word: str, state: State, reason: str) -> None:
    found = job_progress(word, "Resources", "n7")
    assert found.state is state and reason in found.reason


@pytest.mark.parametrize(("is_here", "submitted"), [(True, 0), (False, 1)])
def test_jobs_of_the_measuring_machine_wait_until_it_has_measured(
    root: Path, monkeypatch: pytest.MonkeyPatch, is_here: bool, submitted: int
) -> None:
    monkeypatch.setattr(submitit.LocalEngine, "is_here", is_here)
    write_checkpoint(root, "a")
    path = root / "checkpoints.yaml"
    place = "encoder: fastvithd, resolution_px: 1024, llm: qwen2_0_5b"
    path.write_text(f"checkpoints: [{{checkpoint: a, {place}, interpreter: {sys.executable}}}]")
    catalogue = load_catalogue()
    point = GridPoint(catalogue.encoders["fastvithd"], 1024, catalogue.llms["qwen2_0_5b"])
    settings = {"name": "submitit", "cluster": "local", "folder": str(root / "units")}
    assert begin([point], path, settings, keep_not) is not None
    assert len(list((root / "units").glob("*/handle.json"))) == submitted
    assert begin([point], path, {"name": "local"}, keep_not) is None
