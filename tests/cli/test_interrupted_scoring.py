"""Ctrl-C while a sweep waits for its scoring jobs: they go on, or are cancelled where asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paretobench.store import Store
from tests.cli.test_devices import run
from tests.cli.test_scoring_ahead import ALONE, SWEEP, lab
from tests.jobs.test_submitit import PATIENCE_S, end_jobs, jobs_in, until
from tests.remote.fake_child import behave, log

__all__ = ["lab"]

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]
WORKER, TASK = "jobs.unit", "fake_child"


@pytest.fixture
def none_left(lab: Path) -> Iterator[Path]:
    """The lab, whose jobs are ended with the test."""
    yield lab
    end_jobs(lab)


def interrupt(folder: Path, *words: str) -> str:
    """What a sweep says that is interrupted while its job scores, as at a terminal.

    All processes of its group hear it. It leaves at once, and its output ends with it.
    """
    sweep = subprocess.Popen(
        [sys.executable, "-m", "paretobench", "sweep", *SWEEP, ALONE, *words],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder / "config")}, start_new_session=True,
    )  # fmt: skip
    until(lambda: "start:gqa" in log(folder / "at_32"), "the start of the task")
    os.killpg(sweep.pid, signal.SIGINT)
    _, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 130, said
    return said


def test_jobs_outlive_an_interrupted_sweep_and_the_same_command_collects_them(
    none_left: Path,
) -> None:
    checkpoint = none_left / "at_32"
    behave(checkpoint, gqa=10)
    assert "the same command continues" in interrupt(none_left)
    assert jobs_in(none_left, WORKER), "the job was to go on"
    until(lambda: "done:gqa" in log(checkpoint), "the end of the task")
    again = run(none_left, "sweep", *SWEEP, ALONE)
    assert again.returncode == 0, again.stderr
    assert log(checkpoint).count("start:gqa") == 1
    assert benchmarks(none_left) == {"gqa"}


def test_jobs_of_an_interrupted_sweep_are_cancelled_where_that_is_asked_for(
    none_left: Path,
) -> None:
    checkpoint = none_left / "at_32"
    behave(checkpoint, gqa="hang")
    interrupt(none_left, "executor.accuracy.cancel_on_interrupt=true")
    for word in (WORKER, TASK):
        until(lambda word=word: not jobs_in(none_left, word), f"the end of {word}")
    assert benchmarks(none_left) == set()
    behave(checkpoint)
    told = run(none_left, "sweep", *SWEEP, ALONE)
    assert told.returncode == 1 and "was cancelled" in told.stderr
    again = run(none_left, "sweep", *SWEEP, ALONE)
    assert again.returncode == 0, again.stderr
    assert benchmarks(none_left) == {"gqa"}


def benchmarks(folder: Path) -> set[str]:
    with Store.open(folder / "results" / "paretobench.db") as store:
        return {score.benchmark for score in store.scores() if score.recipe == "tiny"}
