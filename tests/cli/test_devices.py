"""One sweep over several devices: three pretended machines, one of which is off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paretobench.store import Store
from tests import json_schemas
from tests.cli.test_sweep import ENCODER, LLM
from tests.remote.places import COMMAND, put_fake_ssh_on_path, write_own_inventory

HALF = "{backend: pretend, precision: fp32, options: {}}"
PROFILE = f"name: pretended\nencode: {HALF}\nprefill: {HALF}\n"
SWEEP = ["encoder=tiny", "llm=small", "fidelity=quick", "name=lab", "check=0", "resolution=32"]
RUN_ON = "device=bench,shelf,attic"


def machine(folder: Path, name: str, host: str = "fine") -> dict[str, object]:
    return {
        "host": host,
        "kind": "pretended",
        "profile": "pretended",
        "command": COMMAND,
        "environment": {"PRETEND_CHIP": name, "PARETOBENCH_LOCKS": str(folder / "locks" / name)},
    }


def write_lab(folder: Path) -> None:
    """A folder with models, a profile and an inventory of its own."""
    for group, text in (
        ("encoder/tiny", ENCODER),
        ("llm/small", LLM),
        ("device/pretended", PROFILE),
    ):
        path = folder / "sweeps" / f"{group}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    inventory = {
        "bench": machine(folder, "bench"),
        "shelf": machine(folder, "shelf"),
        "attic": machine(folder, "attic", host="refused"),
    }
    write_own_inventory(folder, inventory)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, "-m", "paretobench", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root), "XDG_CONFIG_HOME": str(folder / "config")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder after one sweep; what it printed is beside it."""
    folder = tmp_path_factory.mktemp("lab")
    write_lab(folder)
    with pytest.MonkeyPatch.context() as patch:
        put_fake_ssh_on_path(folder, patch)
        done = run(folder, "sweep", *SWEEP, RUN_ON)
    (folder / "stderr").write_text(done.stderr)
    (folder / "status").write_text(str(done.returncode))
    return folder


@pytest.fixture(autouse=True)
def ssh(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_fake_ssh_on_path(lab, monkeypatch)


def test_a_machine_that_is_off_is_said_and_costs_the_others_nothing(lab: Path) -> None:
    said = (lab / "stderr").read_text()
    assert "left out: attic: it cannot be reached" in said
    assert "2 devices at the same time" in said
    assert (lab / "status").read_text() == "1"


def test_each_device_has_its_own_environment_sweep_and_cells(lab: Path) -> None:
    with Store.open(lab / "results" / "paretobench.db") as store:
        sweeps = store.sweeps()
        counts = {key: len(store.cells(key)) for key in {s.environment_key for s in sweeps}}
    assert {sweep.settings["device"]["name"] for sweep in sweeps} == {"bench", "shelf"}
    assert all(sweep.finished_at for sweep in sweeps)
    assert list(counts.values()) == [4, 4]


def test_one_report_has_a_front_for_each_device_and_both_side_by_side(lab: Path) -> None:
    folder = lab / "reports" / "lab"
    assert {"devices.png", "devices.csv"} <= {path.name for path in folder.iterdir()}
    for device in ("bench", "shelf"):
        assert (folder / device / "table.csv").is_file()


def test_nothing_waits_in_the_spool_after(lab: Path) -> None:
    assert not (lab / "results" / "paretobench.db.spool").exists()


def test_the_plan_of_each_device_says_how_past_estimates_held(lab: Path) -> None:
    words = [word for word in SWEEP if not word.startswith("resolution")]
    planned = run(lab, "plan", *words, "device=bench,shelf", "--json")
    plans = json.loads(planned.stdout)
    json_schemas.check("plan", plans)
    assert set(plans) == {"bench", "shelf"}
    assert "1 past sweep here took" in planned.stderr
    assert "of device time in all" in planned.stderr


def test_doctor_says_of_each_machine_whether_it_can_take_part(lab: Path) -> None:
    answered = run(lab, "doctor", "--devices", "--json")
    machines = json.loads(answered.stdout)
    json_schemas.check("doctor", machines)
    found = {each["name"]: each for each in machines}
    assert answered.returncode == 1
    assert "cannot be reached" in found["attic"]["problem"]
    assert found["bench"]["problem"] == ""
    assert found["bench"]["runtimes"] == "encode pretend fp32, prefill pretend fp32"
    table = run(lab, "doctor", "--devices")
    assert "2 of 3 devices can take part" in table.stderr
    assert "ssh refused: no" in table.stdout


def test_doctor_without_an_inventory_says_how_to_write_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    answered = run(tmp_path, "doctor", "--devices")
    assert answered.returncode == 2
    assert "write one as ./devices.yaml" in answered.stderr


def test_when_no_device_can_be_used_each_reason_is_given(lab: Path) -> None:
    answered = run(lab, "sweep", *SWEEP, "device=attic,cellar")
    assert "unknown device 'cellar'" in answered.stderr
    answered = run(lab, "sweep", *SWEEP, "device=attic")
    assert answered.returncode == 1
    assert answered.stderr.startswith("paretobench: attic: it cannot be reached")
