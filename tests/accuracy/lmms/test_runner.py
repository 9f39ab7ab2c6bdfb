"""The parent of a scoring run: what it keeps, what it says when things go wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paretobench.accuracy.lmms import process
from paretobench.accuracy.lmms.job import Job, tasks_of
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.runner import ScoringOutcome, score
from paretobench.domain.records import Score
from paretobench.errors import BackendMissingError, ConfigError, DataError

STAND_IN = Path(__file__).with_name("stand_in.py")
TASKS = ("gqa", "textvqa", "docvqa")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CHILD", STAND_IN)


def _checkpoint(folder: Path, **behaviour: Any) -> Job:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    log = str(folder.parent / "ran.log")
    (folder / "behaviour.json").write_text(json.dumps({"log": log, **behaviour}))
    return Job(checkpoint=str(folder), place=ScorePoint("e", 64, "l"), benchmarks=TASKS)


def _repair(folder: Path) -> None:
    """Behave from now on, without becoming other weights."""
    behaviour = folder / "behaviour.json"
    content = json.loads(behaviour.read_text())
    behaviour.write_text(json.dumps({"log": content["log"]}))


@pytest.fixture(autouse=True)
def _behaviour_is_no_content(monkeypatch: pytest.MonkeyPatch) -> None:
    from paretobench.domain import checkpoint

    monkeypatch.setattr(checkpoint, "SUFFIXES", (".safetensors",))


def _ran(tmp_path: Path) -> list[str]:
    return (tmp_path / "ran.log").read_text().split()


@pytest.mark.usefixtures("stand_in")
def test_scores_come_task_by_task_and_the_suite_at_the_end(tmp_path: Path) -> None:
    job = replace(_checkpoint(tmp_path / "m"), benchmarks=(*TASKS,))
    seen: list[list[str]] = []

    def note(scores: Any) -> None:
        seen.append([score.benchmark for score in scores])

    lines: list[str] = []
    outcome = score(job, tmp_path / "out", lines.append, note)
    assert seen == [["gqa"], ["textvqa"], ["docvqa"]]
    assert [s.benchmark for s in outcome.scores] == ["gqa", "textvqa", "docvqa", "avg5"]
    suite = outcome.scores[-1]
    assert suite.is_partial and "without pope, seedbench_image" in suite.source.note
    assert {s.checkpoint for s in outcome.scores} == {outcome.checkpoint_hash}
    assert lines[:2] == ["gqa: started", "gqa: finished"]


@pytest.mark.usefixtures("stand_in")
def test_finished_tasks_are_kept_and_the_rest_runs(tmp_path: Path) -> None:
    job = _checkpoint(tmp_path / "m", docvqa_val="die")
    first = score(job, tmp_path / "out")
    assert [f.task for f in first.failures] == ["docvqa_val"]
    _repair(tmp_path / "m")
    second = score(job, tmp_path / "out")
    assert second.kept == ("gqa", "textvqa_val") and not second.failures
    assert _ran(tmp_path) == ["gqa", "textvqa_val", "docvqa_val", "docvqa_val"]
    assert {s.key for s in first.scores if not s.is_partial} <= {s.key for s in second.scores}


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float16"},
        {"max_new_tokens": 5},
        {"gen_kwargs": "num_beams=2"},
        {"tile_px": 32},
        {"limit": 3},
        {"model_args": {"attn_implementation": "eager"}},
    ],
)
def test_what_decides_a_result_is_part_of_its_name(tmp_path: Path, change: dict[str, Any]) -> None:
    job = replace(_checkpoint(tmp_path / "m"), benchmarks=("gqa",))
    score(job, tmp_path / "out")
    assert score(replace(job, **change), tmp_path / "out").kept == ()
    assert score(replace(job, batch_size=7, device="cpu"), tmp_path / "out").kept == ("gqa",)


@pytest.mark.usefixtures("stand_in")
def test_other_weights_are_scored_anew(tmp_path: Path) -> None:
    job = replace(_checkpoint(tmp_path / "m"), benchmarks=("gqa",))
    before = score(job, tmp_path / "out")
    (tmp_path / "m" / "model.safetensors").write_bytes(b"other weights")
    after = score(job, tmp_path / "out")
    assert after.kept == () and after.checkpoint_hash != before.checkpoint_hash


@pytest.mark.usefixtures("stand_in")
def test_the_protocol_only_reruns_what_it_prompts_differently(tmp_path: Path) -> None:
    job = _checkpoint(tmp_path / "m")
    score(job, tmp_path / "out")
    # The stand-in logs no samples, so that llava's rules cannot be applied afterwards.
    with pytest.raises(DataError, match="has no samples"):
        score(replace(job, protocol="llava", benchmarks=("gqa",)), tmp_path / "out")
    assert [task.ocr for task in tasks_of(replace(job, protocol="llava"))] == [False, True, False]


def _only_failure(outcome: ScoringOutcome) -> Any:
    assert outcome.scores == ()
    (failure,) = outcome.failures
    return failure


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        ({"checkpoint": 1}, "checkpoint", "cannot load it: ValueError: torn"),
        ({"gqa": "oom"}, "out_of_memory", r"lower the batch size \(now 4\)"),
        ({"gqa": "killed"}, "out_of_memory", "killed by signal 9, as the kernel does"),
        ({"gqa": "die"}, "crashed", "status 17: Segmentation fault"),
        ({"gqa": "data"}, "data", "reason of data"),
        ({"gqa": "silent"}, "no_answers", "reason of silent"),
    ],
)
def test_a_failure_is_said_plainly_and_stores_no_score(
    tmp_path: Path, behaviour: dict[str, Any], kind: str, words: str
) -> None:
    job = replace(_checkpoint(tmp_path / "m", **behaviour), benchmarks=("gqa",), batch_size=4)
    stored: list[Score] = []
    outcome = score(job, tmp_path / "out", on_scores=stored.extend)
    failure = _only_failure(outcome)
    assert failure.kind == kind and stored == []
    assert re.search(words, str(failure))


@pytest.mark.usefixtures("stand_in")
def test_one_failed_task_does_not_cost_the_others(tmp_path: Path) -> None:
    outcome = score(_checkpoint(tmp_path / "m", textvqa_val="data"), tmp_path / "out")
    assert [f.task for f in outcome.failures] == ["textvqa_val"]
    assert [s.benchmark for s in outcome.scores] == ["gqa", "docvqa", "avg5"]


@pytest.mark.usefixtures("stand_in")
def test_a_task_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    job = replace(_checkpoint(tmp_path / "m", textvqa_val="hang"), timeout_s=2)
    outcome = score(job, tmp_path / "out")
    assert [(f.task, f.kind) for f in outcome.failures] == [
        ("textvqa_val", "timed_out"),
        ("docvqa_val", "timed_out"),
    ]
    assert "no result after 2 s; raise the limit" in str(outcome.failures[0])
    assert not list((tmp_path / "out").glob("*unfinished*"))
    assert not list((tmp_path / "out").glob("spec-*"))


@pytest.mark.usefixtures("stand_in")
def test_progress_passes_through(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    score(replace(_checkpoint(tmp_path / "m"), benchmarks=("gqa",)), tmp_path / "out")
    captured = capfd.readouterr()
    assert "progress of gqa" in captured.err and captured.out == ""


_PARENT = """
import sys
from pathlib import Path
from paretobench.domain import checkpoint
from paretobench.accuracy.lmms import process
from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.runner import score
process.CHILD = Path(sys.argv[1])
checkpoint.SUFFIXES = (".safetensors",)
tasks = ("gqa", "textvqa", "docvqa")
job = Job(checkpoint=sys.argv[2], place=ScorePoint("e", 64, "l"), benchmarks=tasks)
score(job, Path(sys.argv[3]), lambda line: print(line, flush=True))
"""


@pytest.mark.usefixtures("stand_in")
def test_killed_in_the_third_task_two_are_kept_and_no_child_is_left(tmp_path: Path) -> None:
    job = _checkpoint(tmp_path / "m", docvqa_val="hang", obeys=True)
    command = [sys.executable, "-c", _PARENT, str(STAND_IN), job.checkpoint, str(tmp_path / "out")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    while parent.stdout.readline() != "docvqa_val: started\n":
        assert parent.poll() is None
    child = tmp_path / "ran.log.pid"
    _wait_for(lambda: child.exists() and child.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    pid = int(child.read_text())
    _wait_for(lambda: not _is_running(pid))
    _repair(tmp_path / "m")
    outcome = score(job, tmp_path / "out")
    assert outcome.kept == ("gqa", "textvqa_val")
    assert _ran(tmp_path) == ["gqa", "textvqa_val", "docvqa_val", "docvqa_val"]
    assert not list((tmp_path / "out").glob("*unfinished*"))


def _wait_for(condition: Any, timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0]
    except FileNotFoundError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc").is_dir()
    return state != "Z"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot start the interpreter .*No such file"),
        ("#!/bin/sh\necho hello\n", "failed"),
        ("#!/bin/sh\necho '{}'\n", "does not answer like a Python"),
        ("#!/bin/sh\necho oops >&2; exit 3\n", "failed: oops"),
        ('#!/bin/sh\nexec {python} -S "$@"\n', "has no lmms-eval, torch, transformers; install"),
    ],
)
def test_a_wrong_interpreter_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    interpreter = tmp_path / "python"
    if content is not None:
        interpreter.write_text(content.replace("{python}", sys.executable))
        interpreter.chmod(0o755)
    job = replace(_checkpoint(tmp_path / "m"), interpreter=str(interpreter))
    with pytest.raises(BackendMissingError, match=words):
        score(job, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("stand_in")
def test_a_job_that_cannot_be_is_refused(tmp_path: Path) -> None:
    job = _checkpoint(tmp_path / "m")
    with pytest.raises(ConfigError, match="no task 'unheard'"):
        score(replace(job, benchmarks=("unheard",)), tmp_path / "out")
    with pytest.raises(ConfigError, match="no task for CV-Bench 2D; import its score"):
        score(replace(job, benchmarks=("cvbench_2d",)), tmp_path / "out")
    with pytest.raises(ConfigError, match="no benchmark to score"):
        score(replace(job, benchmarks=()), tmp_path / "out")
    with pytest.raises(ConfigError, match="unknown protocol 'x'"):
        score(replace(job, protocol="x"), tmp_path / "out")
    with pytest.raises(DataError, match=r"no data set at .*gone; download it"):
        score(replace(job, data={"gqa": tmp_path / "gone"}), tmp_path / "out")
    with pytest.raises(DataError, match=r"no checkpoint at .*absent"):
        score(replace(job, checkpoint=str(tmp_path / "absent")), tmp_path / "out")
    with pytest.raises(DataError, match="cannot get the checkpoint 'nobody/nothing' from the hub"):
        score(replace(job, checkpoint="nobody/nothing"), tmp_path / "out")


def test_a_folder_without_safetensors_is_no_checkpoint(tmp_path: Path) -> None:
    from paretobench.domain.checkpoint import checkpoint_hash

    with pytest.raises(DataError, match="no such folder"):
        checkpoint_hash(tmp_path / "absent")
    with pytest.raises(DataError, match=r"no config\.json"):
        checkpoint_hash(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(DataError, match=r"pytorch_model\.bin is pickled.*save_pretrained"):
        checkpoint_hash(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    first = checkpoint_hash(tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.json").write_text("{}")
    assert checkpoint_hash(tmp_path) == first


def test_a_suite_is_its_members_tasks_and_each_task_runs_once() -> None:
    job = Job(
        checkpoint="m", place=ScorePoint("e", 1, "l"), benchmarks=("avg5", "gqa", "mmbench_cn")
    )
    assert [task.name for task in tasks_of(job)] == [
        "gqa", "textvqa_val", "pope", "docvqa_val", "seedbench", "mmbench_cn",
    ]  # fmt: skip
    images = {task.name: dict(task.where) for task in tasks_of(job)}["seedbench"]
    assert images == {"data_type": "image"}
    both = replace(job, benchmarks=("seedbench_image", "seedbench_all"))
    assert [dict(task.where) for task in tasks_of(both)] == [{}]
