"""The real lmms-eval, offline, on tiny checkpoints whose scores are known.

One run of all five tasks is in the ordinary suite; what repeats it is marked heavy.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paretobench.accuracy import finding
from paretobench.accuracy.lmms.importer import import_results
from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.race import race
from paretobench.accuracy.lmms.results import result_files
from paretobench.accuracy.lmms.runner import ScoringOutcome, score

try:
    importlib.metadata.version("lmms_eval")
except importlib.metadata.PackageNotFoundError:
    pytest.skip("lmms-eval is not installed", allow_module_level=True)

REPOSITORY = Path(__file__).resolve().parents[3]
TASKS = ("gqa", "textvqa_val", "pope", "docvqa_val", "seedbench")

KNOWN = {
    "gqa": 4 / 12,
    "textvqa": (0 + 0.3 + 0.6 + 0.9 + 1 + 1) / 6,
    "pope": 2 / 3,
    "docvqa": 9 / 12,
    "seedbench_image": 3 / 9,
}
"""Scores of a model that says yes to everything, by the data sets' construction."""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    command = [sys.executable, "-m", "tests.accuracy.lmms.tiny", str(root)]
    subprocess.run(command, check=True, cwd=REPOSITORY, capture_output=True)
    return root


@pytest.fixture(scope="session")
def fast_vlm(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ScoringOutcome, Path]:
    folder, current = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("current")
    with contextlib.chdir(current):
        outcome = score(_job(tiny, "fast_vlm"), folder)
    assert not any(current.iterdir()), "scoring left files in the current folder"
    return outcome, folder


def _job(tiny: Path, name: str, sets: str = "data", **changes: Any) -> Job:
    side, tokens = (64, 1) if name == "fast_vlm" else (28, 4)
    job = Job(
        checkpoint=str(tiny / name),
        place=ScorePoint("tiny", side, "tiny"),
        device="cpu",
        batch_size=5,
        tile_px=side,
        passes=1,
        visual_tokens=tokens,
        data={task: tiny / sets / task for task in TASKS},
        timeout_s=280,
    )
    return replace(job, **changes)


def _values(outcome: ScoringOutcome) -> Mapping[str, float]:
    assert not outcome.failures, outcome.failures
    return {s.benchmark: s.value for s in outcome.scores}


def _expected() -> dict[str, Any]:
    return {n: pytest.approx(v) for n, v in (KNOWN | {"avg5": sum(KNOWN.values()) / 5}).items()}


def test_a_fast_vlm_that_says_yes_has_the_known_scores(
    fast_vlm: tuple[ScoringOutcome, Path],
) -> None:
    outcome, _ = fast_vlm
    assert _values(outcome) == _expected()
    assert all(s.standard_error and s.standard_error > 0 for s in outcome.scores)
    assert {s.protocol for s in outcome.scores} == {"lmms"}
    facts = outcome.results[0].own["facts"]
    assert facts["architecture"] == "FastVlmForConditionalGeneration"
    assert facts["input"] == {"tile_px": [64, 64], "passes": 1, "visual_tokens": 1}
    assert (facts["answers"], facts["empty_answers"]) == (12, 0)
    assert "64 x 64 px; 1 pass; 1 visual token" in outcome.scores[0].source.note


def test_its_kept_folder_imports_to_the_same_scores(fast_vlm: tuple[ScoringOutcome, Path]) -> None:
    outcome, folder = fast_vlm
    flags = {"encoder": "tiny", "resolution_px": 64, "llm": "tiny"}
    imported = import_results(list(result_files(folder)), flags=flags).found
    assert {placed.score.key for placed in imported} == {s.key for s in outcome.scores}


@pytest.mark.heavy
def test_a_folder_of_lmms_eval_itself_imports_by_file_folder_and_parent(
    tiny: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.accuracy.lmms.lmms_itself", str(tiny / "llava")]
    command += [str(tiny / "data"), str(tmp_path / "runs")]
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    folder = tmp_path / "work"  # lmms-eval leaves its submissions where it runs
    folder.mkdir()
    environment = os.environ | offline
    subprocess.run(command, check=True, cwd=folder, capture_output=True, env=environment)
    (file,) = (tmp_path / "runs").rglob("*_results.json")
    assert len(list(file.parent.glob("*_samples_*.jsonl"))) == 3
    flags = {"encoder": "tiny", "resolution_px": 28, "llm": "tiny"}
    found = []
    for path in (file, file.parent, tmp_path / "runs"):
        kinds = {each.path: finding.kind_of(each.path) for each in finding.walk([path])}
        files = [each for each, kind in kinds.items() if kind == "lmms-eval results"]
        scores = [placed.score for placed in import_results(files, flags).found]
        found.append({s.key: (s.benchmark, s.value) for s in scores})
    assert found[0] == found[1] == found[2]
    values = dict(found[0].values())
    assert values["docvqa"] == pytest.approx(KNOWN["docvqa"])
    assert values["pope"] == pytest.approx(KNOWN["pope"])


@pytest.mark.heavy
def test_torn_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    job = _job(tiny, "torn", benchmarks=("gqa",))
    (failure,) = score(job, tmp_path).failures
    assert failure.kind == "checkpoint" and "cannot load" in failure.message


@pytest.mark.heavy
def test_a_llava_and_a_constant_model_score_alike_on_all_five(tiny: Path, tmp_path: Path) -> None:
    llava = score(_job(tiny, "llava"), tmp_path)
    constant = _job(tiny, "llava", model="dummy", model_args={"response": "yes"}, tile_px=None)
    assert _values(llava) == _expected()
    assert _values(score(constant, tmp_path)) == _values(llava)


@pytest.mark.heavy
def test_the_llava_protocol_prompts_with_ocr_tokens(
    tiny: Path, fast_vlm: tuple[ScoringOutcome, Path]
) -> None:
    _, folder = fast_vlm
    outcome = score(_job(tiny, "fast_vlm", protocol="llava"), folder)
    assert _values(outcome) == _expected()  # who says yes to everything says it under both
    assert set(outcome.kept) == {"gqa", "pope", "docvqa_val", "seedbench"}
    protocols = {s.benchmark: s.protocol for s in outcome.scores}
    assert protocols == {
        "gqa": "llava", "textvqa": "llava", "pope": "llava", "docvqa": "lmms",
        "seedbench_image": "lmms", "avg5": "mixed",
    }  # fmt: skip
    (result,) = (r for r in outcome.results if r.task == "textvqa_val")
    assert result.samples[0].prompt == (
        "What is this?\nReference OCR token: STOP, EXIT\n"
        "Answer the question using a single word or phrase."
    )


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "changes", "kind", "words"),
    [
        ("mute", {}, "no_answers", "answered nothing to all 12 questions"),
        ("untold", {}, "checkpoint", "has no chat template"),
        ("llava", {"tile_px": 42, "visual_tokens": 9}, "crashed", "42"),
        ("fast_vlm", {"visual_tokens": 4}, "checkpoint", "visual tokens per image"),
        ("fast_vlm", {"passes": 5}, "checkpoint", "passes per image: the point states 5"),
        ("llava", {"trust_remote_code": "other"}, "checkpoint", "repeat the checkpoint's name"),
    ],
)
def test_a_checkpoint_that_is_not_what_it_should_be_is_refused(
    tiny: Path, tmp_path: Path, name: str, changes: dict[str, Any], kind: str, words: str
) -> None:
    outcome = score(_job(tiny, name, benchmarks=("gqa",), **changes), tmp_path)
    (failure,) = outcome.failures
    assert outcome.scores == () and failure.kind == kind and words in failure.message


@pytest.mark.heavy
def test_a_folder_without_data_is_refused_and_the_other_task_scored(
    tiny: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    data = {"gqa": tmp_path / "empty", "pope": tiny / "data" / "pope"}
    outcome = score(_job(tiny, "llava", benchmarks=("gqa", "pope"), data=data), tmp_path / "out")
    (failure,) = outcome.failures
    assert (failure.task, failure.kind) == ("gqa", "data")
    assert [s.benchmark for s in outcome.scores] == ["pope"]


_PARENT = """
import sys
from pathlib import Path
from paretobench.accuracy.lmms.runner import score
from tests.accuracy.lmms.test_real_runs import _job
job = _job(Path(sys.argv[1]), "fast_vlm", "long")
score(job, Path(sys.argv[2]), lambda line: print(line, flush=True))
"""


@pytest.mark.heavy
def test_killed_in_the_third_task_the_real_run_goes_on(tiny: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tiny), str(tmp_path)]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPOSITORY
    )
    assert parent.stdout is not None
    while parent.stdout.readline() != "pope: started\n":
        assert parent.poll() is None
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    outcome = score(_job(tiny, "fast_vlm", "long"), tmp_path)
    assert outcome.kept == ("gqa", "textvqa_val")
    assert _values(outcome).keys() == KNOWN.keys() | {"avg5"}


@pytest.mark.heavy
def test_a_race_of_real_checkpoints_adds_up_to_the_whole(tiny: Path, tmp_path: Path) -> None:
    jobs = {n: _job(tiny, n, "long", benchmarks=("pope",)) for n in ("fast_vlm", "llava")}
    found = race(
        jobs,
        {"fast_vlm": 0.1, "llava": 0.2},
        lambda job: score(job, tmp_path),
        stages=(0.25, 1.0),
    )
    assert not found.failures and not found.drops
    whole = score(replace(jobs["llava"], items=None), tmp_path)
    (raced,) = found.scores["llava"]
    assert (raced.value, raced.n) == (pytest.approx(_values(whole)["pope"]), 360)
    assert not raced.is_partial and found.saving.fraction == 1.0


@pytest.mark.heavy
def test_two_processes_share_the_questions_and_count_each_once(tiny: Path, tmp_path: Path) -> None:
    benchmarks = ("pope", "seedbench_image")
    outcome = score(_job(tiny, "llava", processes=2, benchmarks=benchmarks), tmp_path)
    values = _values(outcome)
    assert (values["pope"], values["seedbench_image"]) == (
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
    )
    assert [r.n for r in outcome.results] == [12, 9]
    assert [r.own["facts"]["answers"] for r in outcome.results] == [12, 9]


@pytest.mark.heavy
def test_lmms_eval_itself_finds_the_model_by_its_entry_point() -> None:
    code = (
        "from paretobench.backends.models.timm_import import repair_torchvision as r; r();"
        "from lmms_eval.models import get_model; print(get_model('paretobench').__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("ImageTextModel")
