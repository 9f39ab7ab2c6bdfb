"""The verb score: from the command line to the database, with a stand-in for lmms-eval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paretobench.accuracy.lmms import process
from paretobench.cli.score import score_command
from paretobench.domain.records import Estimate
from paretobench.errors import ConfigError, DataError
from paretobench.report.view import stored
from paretobench.report.view.rows import Row, View
from paretobench.store import Store
from tests import json_schemas

STAND_IN = Path(__file__).parents[1] / "accuracy" / "lmms" / "stand_in.py"
PLACE = ["--encoder", "fastvithd", "--resolution", "512", "--llm", "qwen2_0_5b"]


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "CHILD", STAND_IN)
    monkeypatch.chdir(tmp_path)
    _checkpoint(Path("model"))


def _checkpoint(folder: Path, **behaviour: str) -> None:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    content = {"log": str(Path("ran.log").resolve()), **behaviour}
    (folder / "behaviour.json").write_text(json.dumps(content))


def _score(*arguments: str) -> Result:
    command = [*arguments, "--keep", "kept", "--database", "scores.db"]
    return CliRunner().invoke(score_command, command, standalone_mode=False)


def test_scores_are_stored_and_shown() -> None:
    result = _score("model", *PLACE, "--benchmark", "gqa", "--benchmark", "docvqa", "--json")
    assert result.return_value == 0, result.output
    shown = json.loads(result.stdout)
    json_schemas.check("score", shown)
    assert [(s["benchmark"], s["value"]) for s in shown[:2]] == [("gqa", 0.5), ("docvqa", 0.4)]
    with Store.open("scores.db") as store:
        stored = {s.benchmark: s for s in store.scores()}
    assert set(stored) == {"gqa", "docvqa", "avg5"}
    assert (stored["gqa"].encoder, stored["gqa"].resolution_px) == ("fastvithd", 512)
    assert len(stored["gqa"].checkpoint) == 64


def test_the_table_says_what_is_partial() -> None:
    result = _score("model", *PLACE, "--benchmark", "gqa", "--benchmark", "docvqa")
    assert "avg5 (partial)" in result.stdout and "lmms-eval 0.7.3" in result.stdout


def test_a_failed_task_is_said_and_counts() -> None:
    _checkpoint(Path("bad"), gqa="oom")
    result = _score("bad", *PLACE, "--benchmark", "gqa")
    assert result.return_value == 1
    assert "out of memory" in result.stderr and result.stdout == ""
    with Store.open("scores.db") as store:
        assert list(store.scores()) == []


def test_a_file_of_checkpoints_is_scored_and_one_failure_costs_no_other() -> None:
    entries = [
        {"checkpoint": name, "encoder": "fastvithd", "resolution_px": 512, "llm": "qwen2_0_5b",
         "benchmarks": "gqa"}
        for name in ("absent", "model")
    ]  # fmt: skip
    Path("all.yaml").write_text(json.dumps({"checkpoints": entries}))
    result = _score("--checkpoints", "all.yaml")
    assert result.return_value == 1
    assert "no checkpoint at absent" in result.stderr and "gqa" in result.stdout


def test_what_was_said_reaches_the_child() -> None:
    arguments = ["--batch-size", "7", "--dtype", "float16", "--model-arg", "revision=x"]
    _score("model", *PLACE, "--benchmark", "gqa", *arguments)
    again = _score("model", *PLACE, "--benchmark", "gqa", *arguments)
    assert "gqa: kept from an earlier run" in again.stderr
    other = _score("model", *PLACE, "--benchmark", "gqa")
    assert "kept" not in other.stderr


def _race(monkeypatch: pytest.MonkeyPatch, latencies: dict[str, float]) -> Result:
    entries = [
        {"checkpoint": "model", "encoder": name, "resolution_px": 512, "llm": "qwen2_0_5b",
         "benchmarks": "gqa"}
        for name in ("fastvithd", "fastvit")
    ]  # fmt: skip
    Path("all.yaml").write_text(json.dumps({"checkpoints": entries}))
    rows = [
        Row(name, name, name, 512, "qwen2_0_5b", "", "", ttft=Estimate(s, None, None, 1, ""))
        for name, s in latencies.items()
    ]
    monkeypatch.setattr(stored, "stored_view", lambda store: View(rows=tuple(rows)))
    return _score("--checkpoints", "all.yaml", "--race")


def test_a_race_goes_by_the_latencies_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _race(monkeypatch, {"fastvithd": 0.1, "fastvit": 0.2})
    assert result.return_value == 0, result.output
    assert "answers generated (100 %)" in result.stderr
    with Store.open("scores.db") as store:
        assert {s.encoder: s.value for s in store.scores()} == {"fastvithd": 0.5, "fastvit": 0.5}


def test_a_race_without_latencies_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _race(monkeypatch, {"fastvithd": 0.1})
    assert isinstance(result.exception, ConfigError)
    assert "has none for fastvit@512 + qwen2_0_5b" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ([], ConfigError, "name one CHECKPOINT, or a file"),
        (["model", "--checkpoints", "a.yaml"], ConfigError, "name one CHECKPOINT, or a file"),
        (["model"], DataError, "encoder, resolution_px, llm unknown"),
        (["absent/x/y", *PLACE], DataError, "no checkpoint at"),
        (["model", *PLACE, "--model-arg", "x"], ConfigError, "'x' is no KEY=VALUE"),
        (["model", *PLACE, "--data", "nowhere"], DataError, "no folder of data sets"),
        (["model", *PLACE, "--benchmark", "unheard"], ConfigError, "no task 'unheard'"),
        (["--checkpoints", "a.yaml", "--limit", "8"], ConfigError, "--limit would not be used"),
    ],
)
def test_wrong_words_are_refused(arguments: list[str], error: type[Exception], words: str) -> None:
    result = _score(*arguments)
    assert isinstance(result.exception, error) and words in str(result.exception)
