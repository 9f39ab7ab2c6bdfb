"""What a plan says of the scoring that a sweep will hand over: before anything, and after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from paretobench.store import Store
from tests import json_schemas
from tests.cli.test_devices import run, write_lab
from tests.remote.fake_child import write_checkpoint, write_interpreter
from tests.remote.places import put_fake_ssh_on_path

pytest.importorskip("submitit")

SWEEP = ("encoder=tiny", "llm=small", "resolution=32,64", "fidelity=quick", "name=lab", "check=0",
         "accuracy=lmms_eval", "executor/accuracy=submitit", "executor.accuracy.cluster=local",
         "executor.accuracy.poll_s=0.2")  # fmt: skip
ALONE = "device=bench"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretended devices, and a checkpoint for the first of two points."""
    put_fake_ssh_on_path(tmp_path, monkeypatch)
    write_lab(tmp_path)
    write_interpreter(tmp_path)
    describe(tmp_path, 32)
    return tmp_path


def describe(folder: Path, *sides_px: int) -> None:
    """A checkpoints file with one for each resolution."""
    entries = [
        {"checkpoint": write_checkpoint(folder, f"at_{px}", gqa=0.2).name, "resolution_px": px}
        for px in sides_px
    ]
    place = {"encoder": "tiny", "llm": "small", "recipe": "tiny", "benchmarks": ["gqa"]}
    defaults = {**place, "interpreter": str(folder / "interpreter")}
    whole = {"defaults": defaults, "checkpoints": entries}
    (folder / "checkpoints.yaml").write_text(yaml.safe_dump(whole))


def scoring(folder: Path, *words: str) -> dict[str, Any]:
    done = run(folder, "plan", *SWEEP, *words, "--json")
    assert done.returncode == 0, done.stderr
    planned = json.loads(done.stdout)
    json_schemas.check("plan", planned)
    found: dict[str, Any] = planned["scoring"]
    return found


def test_a_plan_tells_the_scoring_and_learns_from_what_was_scored(lab: Path) -> None:
    before = scoring(lab, ALONE)
    assert [unit["tasks"] for unit in before["units"]] == [["gqa"]]
    assert (before["process_hours"], before["unknown_tasks"]) == (0, ["gqa"])
    assert before["points_without_checkpoint"] == 1
    assert not (lab / "results").exists()
    done = run(lab, "sweep", *SWEEP, ALONE)
    assert done.returncode == 0, done.stderr
    assert "accuracy by submitit local: 1 checkpoint to score (1 task)" in done.stderr
    with Store.open(lab / "results" / "paretobench.db") as store:
        (one,) = store.task_runs()
    assert (one.executor, one.task, one.n, one.resolution_px) == ("submitit local", "gqa", 100, 32)
    assert one.wall_s >= 0.2
    describe(lab, 32, 64)
    after = scoring(lab, ALONE)
    assert after["finished"] == 1 and after["unknown_tasks"] == []
    assert after["process_hours"] == pytest.approx((one.wall_s + (one.load_s or 0)) / 3600)
    text = run(lab, "sweep", *SWEEP, ALONE, "dry_run=true").stderr
    assert "1 checkpoint to score (1 task), 1 scored already: about" in text
    assert "process hours" in text and "no second run of a task yet" in text


def test_devices_share_one_scoring(lab: Path) -> None:
    found = scoring(lab, "device=bench,shelf")
    assert len(found["units"]) == 1
    said = run(lab, "plan", *SWEEP, "device=bench,shelf").stderr
    assert said.count("accuracy by submitit local") == 1


def test_a_wrong_checkpoints_file_is_told_by_the_plan(lab: Path) -> None:
    (lab / "checkpoints.yaml").unlink()
    for verb in (["plan"], ["sweep"]):
        for devices in (ALONE, "device=bench,shelf"):
            refused = run(lab, *verb, *SWEEP, devices)
            assert refused.returncode == 2
            assert "cannot read the checkpoints file" in refused.stderr
    assert not (lab / "results").exists()


def test_a_sweep_that_scores_nothing_says_nothing_of_it(lab: Path) -> None:
    done = run(lab, "plan", *SWEEP, ALONE, "accuracy=none", "--json")
    assert "scoring" not in json.loads(done.stdout) and "accuracy by" not in done.stderr


HERE = tuple(word for word in SWEEP if "executor" not in word)


def test_a_budget_scores_in_stages_until_its_time_and_says_what_it_keeps(lab: Path) -> None:
    describe(lab, 32, 64)
    done = run(lab, "sweep", *HERE, ALONE, "budget=40s")
    assert done.returncode == 0, done.stderr
    assert "budget=40s keeps 20 s for it" in done.stderr
    assert "racing: " in done.stderr and "0 to 5 % of the items" in done.stderr
    with Store.open(lab / "results" / "paretobench.db") as store:
        scores = [score for score in store.scores() if score.recipe == "tiny"]
        runs = store.task_runs()
    assert {score.resolution_px for score in scores} == {32, 64}
    assert len(runs) > len(scores)


@pytest.mark.heavy
def test_what_hangs_ends_with_the_budgets_scoring_and_is_no_failure(lab: Path) -> None:
    write_checkpoint(lab, "at_32", gqa="hang")
    done = run(lab, "sweep", *HERE, ALONE, "budget=30s")
    assert done.returncode == 0, done.stderr
    assert "the time for scoring was over" in done.stderr
    assert "no time to score 1 configuration" in done.stderr


def test_scoring_elsewhere_has_no_budget_and_what_decides_needs_scores_first(lab: Path) -> None:
    refused = run(lab, "plan", *SWEEP, ALONE, "budget=1min")
    assert refused.returncode == 2 and "scores elsewhere" in refused.stderr
    refused = run(lab, "plan", *HERE, ALONE, "until=front")
    assert refused.returncode == 2 and "score first" in refused.stderr
