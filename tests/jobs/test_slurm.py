"""Scoring jobs through a real Slurm: sbatch, scancel, requeue, preemption, a drained node."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paretobench.accuracy.lmms.runner import ScoringOutcome
from paretobench.errors import ExecutorError
from paretobench.jobs import Handle, State, submitit
from paretobench.jobs.engines import choose
from paretobench.jobs.scoring import Scoring, unit_of
from paretobench.jobs.unit_folder import UnitFolder
from tests.jobs import slurm
from tests.jobs.test_submitit import PATIENCE_S, coordinator, keep_not, stored, until
from tests.remote.coordinator import jobs_of
from tests.remote.fake_child import behave, log, write_checkpoint, write_interpreter

pytest.importorskip("submitit")
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing()),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with slurm.cluster(tmp_path_factory.mktemp("slurm")) as variables:
        yield variables


@pytest.fixture
def root(
    tmp_path: Path, cluster: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A shared folder, in an environment that talks to the cluster."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster[name])
    yield tmp_path
    subprocess.run(["scancel", "--me"], check=False)
    until(lambda: not said("squeue", "--noheader"), "an empty queue")


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def settings(root: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "submitit", "cluster": "slurm", "folder": str(root / "units"), "poll_s": 0.3,
        "cpus": 1, "minutes": 20, "partition": "low", **more,
    }  # fmt: skip


def carrier(root: Path, **more: Any) -> Scoring:
    chosen = choose(settings(root, **more), "accuracy")
    assert chosen is not None
    chosen.executor.engine.settle_s = 1.0  # one machine: a file is seen as soon as it is there
    return Scoring(chosen)


def job_number(root: Path, job: Any) -> str:
    return str(UnitFolder.of(unit_of(job), root / "units").read("handle")["job"])


def state_of(carry: Scoring, handle: Handle) -> State:
    return carry.executor.engine.progress_of([handle.job])[handle.job].state


def ends(carry: Scoring, jobs: list) -> dict[str, Any]:
    lines: list[str] = []
    return {Path(job.checkpoint).name: end for job, end in carry(jobs, lines.append, keep_not)}


def test_checkpoints_become_one_array_and_a_job_cancelled_in_the_middle_costs_itself(
    root: Path,
) -> None:
    checkpoints = [write_checkpoint(root, name) for name in ("a", "b", "c")]
    behave(checkpoints[1], textvqa_val="hang")
    jobs = jobs_of(checkpoints, write_interpreter(root))
    carry = carrier(root)
    carry.submit(jobs, keep_not)
    numbers = [job_number(root, job) for job in jobs]
    assert [number.partition("_")[2] for number in numbers] == ["0", "1", "2"]
    until(lambda: "start:textvqa_val" in log(checkpoints[1]), "the middle of b")
    said("scancel", numbers[1])
    done = ends(carry, jobs)
    assert isinstance(done["a"], ScoringOutcome) and isinstance(done["c"], ScoringOutcome)
    assert re.search(rf"job {numbers[1]} of slurm:low was cancelled: .*scancel", done["b"])
    behave(checkpoints[1])
    again = ends(carrier(root), jobs)
    assert again["b"].kept == ("gqa",) and not again["b"].failures
    assert log(checkpoints[0]).count("start:gqa") == 1


def test_a_drained_node_delays_jobs_and_loses_none(root: Path) -> None:
    node = socket.gethostname().split(".")[0]
    running, waiting = write_checkpoint(root, "a", gqa=3), write_checkpoint(root, "b")
    interpreter = write_interpreter(root)
    carry = carrier(root)
    jobs = jobs_of([running, waiting], interpreter)
    carry.submit(jobs[:1], keep_not)
    until(lambda: "start:gqa" in log(running), "the first job's start")
    said("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    try:
        carry.submit(jobs[1:], keep_not)
        until(lambda: "done:docvqa_val" in log(running), "the running job's own end")
        (handle,) = [h for h in carry.executor.under_way() if h.job == job_number(root, jobs[1])]
        assert state_of(carry, handle) is State.QUEUED
        assert log(waiting) == []
    finally:
        said("scontrol", "update", f"NodeName={node}", "State=RESUME")
    done = ends(carry, jobs)
    assert all(isinstance(end, ScoringOutcome) and not end.failures for end in done.values())


@pytest.mark.parametrize("how", ["requeue", "warning", "preemption"])
def test_a_job_that_is_sent_back_goes_on_with_its_finished_tasks(root: Path, how: str) -> None:
    checkpoint = write_checkpoint(root, "a", textvqa_val="hang")
    (job,) = jobs_of([checkpoint], write_interpreter(root))
    carry = carrier(root)
    carry.submit([job], keep_not)
    until(lambda: "start:textvqa_val" in log(checkpoint), "the middle")
    behave(checkpoint)
    number = job_number(root, job)
    if how == "requeue":
        said("scontrol", "requeue", number)
    elif how == "warning":  # what Slurm sends before the time limit
        said("scancel", "--signal=USR2", number)
    else:
        said("sbatch", "--partition=high", "--ntasks=2", "--output=/dev/null", "--wrap=sleep 3")
    done = ends(carry, [job])
    assert isinstance(done["a"], ScoringOutcome) and done["a"].kept == ("gqa",)
    assert log(checkpoint).count("start:gqa") == 1
    folder = UnitFolder.of(unit_of(job), root / "units")
    assert folder.read("started")["restarts"] == 1


def test_a_killed_coordinator_finds_its_slurm_jobs_by_number_and_by_name(root: Path) -> None:
    checkpoints = [write_checkpoint(root, name, gqa=5) for name in ("a", "b")]
    more = settings(root)
    first = coordinator(root, checkpoints, **more)
    until(lambda: all(log(path) for path in checkpoints), "the start of both")
    first.send_signal(signal.SIGKILL)
    first.wait()
    for path in (root / "units").glob("*/handle.json"):  # as if killed right after sbatch
        text = path.read_text()
        path.write_text(re.sub(r',\s*"job": "[^"]*"', "", text))
        assert '"job"' not in path.read_text()
    second = coordinator(root, checkpoints, **more)
    out, _ = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0, out
    assert [log(path).count("start:gqa") for path in checkpoints] == [1, 1]
    assert {score.resolution_px for score in stored(root)} == {64, 65}


def test_a_refused_job_says_what_sbatch_said(root: Path) -> None:
    carry = carrier(root, partition="nowhere")
    (job,) = jobs_of([write_checkpoint(root, "a")], write_interpreter(root))
    with pytest.raises(ExecutorError, match=r"sbatch refused the jobs: .*Invalid partition"):
        carry.submit([job], keep_not)
    assert isinstance(ends(carrier(root), [job])["a"], ScoringOutcome), (
        "the next command is free to try"
    )


def test_a_controller_that_does_not_answer_is_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = write_checkpoint(root, "a", gqa=3)
    (job,) = jobs_of([checkpoint], write_interpreter(root))
    carry = carrier(root)
    carry.submit([job], keep_not)
    (root / "bin").mkdir()
    for program in ("squeue", "sinfo"):
        path = root / "bin" / program
        path.write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2\nexit 1\n")
        path.chmod(0o755)
    with monkeypatch.context() as silent:
        silent.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
        (handle,) = carry.executor.under_way()
        assert state_of(carry, handle) is State.RUNNING
        with pytest.raises(ExecutorError, match="does not answer: Unable to contact"):
            submitit.SlurmEngine(root, submitit.SlurmResources(), sys.executable).check()
    assert isinstance(ends(carry, [job])["a"], ScoringOutcome)
