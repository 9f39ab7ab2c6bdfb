"""The Mac tester's script, on the stand-in for Apple's binding."""

import importlib.util
import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("coremltools")
pytest.importorskip("torch")

from tests.backends import coreml_stand_in

SCRIPT = Path(__file__).parents[2] / "scripts" / "mac_tester.py"


@pytest.fixture(scope="module")
def tester():
    specification = importlib.util.spec_from_file_location("mac_tester", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules["mac_tester"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path):
    return shutil.copytree(coreml_stand_in.converted(), tmp_path / "copied")


def test_elsewhere_than_on_a_mac_it_says_so_and_writes_nothing(tester, tmp_path, capsys):
    assert tester.main(["--out", str(tmp_path / "x.zip")]) == 2
    assert "this wants a Mac" in capsys.readouterr().err
    assert not (tmp_path / "x.zip").exists()


def test_each_core_ml_call_is_made_and_its_answer_recorded(tester, root, monkeypatch):
    coreml_stand_in.install(monkeypatch)
    record = tester.Record()
    given = coreml_stand_in.tiny(compute_units="cpu_and_ne")
    record.step("calls", lambda: tester.core_ml_calls(given, root))
    record.step("session", lambda: tester.timed(given, root, runs=3))
    calls, session = (step["result"] for step in record.steps)
    assert calls["outputs"] == {"visual_tokens": [[1, 4, 64], "float32"]}
    assert calls["error_db"] > 55
    assert all(calls[name] > 0 for name in ("compile_s", "first_load_s", "later_load_s"))
    assert calls["placement"]["operations"] > 0 and calls["no_placement"] is None
    assert len(session["seconds"]) == len(session["facts"]["core_ml_predictions_s"]) == 3


def test_a_wrong_output_is_a_failed_step(tester, root, monkeypatch):
    binding = coreml_stand_in.install(monkeypatch)
    record, given = tester.Record(), coreml_stand_in.tiny(compute_units="all")
    tester.get("coreml").prepare(given, root)
    binding.spoils_outputs = True
    record.step("calls", lambda: tester.core_ml_calls(given, root))
    assert not record.steps[0]["ok"]
    assert "dB from the encoder's" in record.steps[0]["error"]


def test_a_failed_step_stops_no_other_and_all_are_in_the_file(tester, tmp_path):
    record = tester.Record()
    folder = tmp_path / "work"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "artifacts" / "large").write_text("weights")
    (folder / "mac.db").write_text("database")
    record.step("fails", lambda: 1 / 0)
    record.step("passes", lambda: 7)
    tester.pack(record, folder, tmp_path / "x.zip")
    assert tester.summary(record.steps) == "1 of 2 steps failed: fails"
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert sorted(archive.namelist()) == ["mac.db", "record.json"]
        steps = json.loads(archive.read("record.json"))
    assert steps[0]["error"].startswith("ZeroDivisionError") and steps[1]["result"] == 7
