"""Planning leaves no trace: a file appears when there is something to put into it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from paretobench.api.sweeps import results_so_far
from paretobench.cli.preparation import warn_of_neighbours, warn_of_noise
from paretobench.measure import contention, quiet
from paretobench.store import Store
from tests.cli.test_devices import RUN_ON, SWEEP, machine, run, write_lab
from tests.cli.test_sweep import HUGE
from tests.remote.places import put_fake_ssh_on_path, write_own_inventory

ALONE = "device=bench"
NOWHERE = {"limits": {"memory_gib": 0.001}}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with models and machines of its own, in which nothing was run yet."""
    put_fake_ssh_on_path(tmp_path, monkeypatch)
    write_lab(tmp_path)
    (tmp_path / "sweeps" / "llm" / "huge.yaml").write_text(HUGE)
    small = {name: machine(tmp_path, name) | NOWHERE for name in ("drawer", "pocket")}
    off = {name: machine(tmp_path, name, host="refused") for name in ("attic", "cellar")}
    both = {name: machine(tmp_path, name) for name in ("bench", "shelf")}
    write_own_inventory(tmp_path, both | small | off)
    return tmp_path


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ([ALONE, "encoder=nosuch"], "unknown encoder 'nosuch'"),
        ([ALONE, "fidelity=sloppy"], "sloppy"),
        (["device=nosuch"], "unknown device 'nosuch'"),
        (["device=attic"], "it cannot be reached"),
        (["device=attic,cellar"], "none of the devices can be used"),
        ([ALONE, "llm=huge"], "no point can run on device bench: tiny@32 + huge: Small in fp32"),
        (["device=drawer,pocket"], "no point can run on device drawer or pocket"),
    ],
)
def test_a_sweep_that_is_refused_leaves_no_file_behind(
    lab: Path, overrides: list[str], reason: str
) -> None:
    before = files(lab)
    refused = run(lab, "sweep", *SWEEP, *overrides)
    assert refused.returncode != 0
    assert reason in refused.stderr
    assert files(lab) == before


@pytest.mark.parametrize("device", [ALONE, "device=bench,shelf"])
def test_a_dry_run_without_a_database_plans_everything_and_makes_none(
    lab: Path, device: str
) -> None:
    before = files(lab)
    planned = run(lab, "sweep", *SWEEP, device, "dry_run=true", "--json")
    assert planned.returncode == 0, planned.stderr
    plans = json.loads(planned.stdout)
    first = plans.get("bench", plans)
    assert {one["state"] for one in first["workloads"]} == {"pending"}
    assert files(lab) == before


def test_a_dry_run_of_which_a_device_is_left_out_says_so_by_its_status(lab: Path) -> None:
    before = files(lab)
    planned = run(lab, "sweep", *SWEEP, RUN_ON, "dry_run=true")
    assert planned.returncode == 1
    assert "left out: attic" in planned.stderr
    assert files(lab) == before


@pytest.mark.parametrize("device", [ALONE, "device=bench,shelf"])
def test_a_plan_without_a_point_ends_as_the_sweep_would(lab: Path, device: str) -> None:
    planned = run(lab, "plan", *SWEEP, device, "llm=huge", "--json")
    assert planned.returncode == 2
    assert planned.stdout == ""
    assert "no point can run on device bench" in planned.stderr


def test_looking_opens_a_database_for_reading_and_makes_none(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    with results_so_far(str(path), only_looks=True) as nothing:
        assert nothing is None
    Store.open(path).close()
    with results_so_far(str(path), only_looks=False) as store:
        assert store is not None and not store.is_read_only
    with results_so_far(str(path), only_looks=True) as store:
        assert store is not None and store.is_read_only


def test_a_database_in_the_home_folder_is_found_by_its_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Store.open(tmp_path / "x.db").close()
    with results_so_far("~/x.db", only_looks=True) as store:
        assert store is not None


@pytest.mark.parametrize(
    ("executors", "said"),
    [
        (["local"], "warning: it is loud\n"),
        (["local", "ssh"], "warning: this machine: it is loud\n"),
        (["ssh", "ssh"], ""),
    ],
)
def test_noise_is_warned_of_where_this_machine_is_to_measure(
    executors: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(quiet, "findings", lambda: ["it is loud"])
    plan = SimpleNamespace(pending=["something"])
    devices = [SimpleNamespace(asked=SimpleNamespace(executor=e), plan=plan) for e in executors]
    warn_of_noise(devices)  # type: ignore[arg-type]
    assert capsys.readouterr().err == said


def test_a_plan_of_ten_thousand_points_is_a_screen_of_text(tmp_path):
    sizes = "resolution=range(32,1025,32)"
    shown = subprocess.run(
        [sys.executable, "-m", "paretobench", "plan", "encoder=glob(*)", "llm=glob(*)", sizes],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (shown.stderr + shown.stdout).splitlines()
    assert len(lines) <= 40
    assert "points refused" in shown.stderr and "more models" in shown.stderr + shown.stdout


@pytest.mark.parametrize(
    ("noise", "said"),
    [("", ""), ("make takes all", "warning: make takes all; what is measured meanwhile does not")],
)
def test_a_plan_names_who_computes_beside_it(
    noise: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(contention, "noise_now", lambda: noise)
    plan = SimpleNamespace(pending=["something"])
    warn_of_neighbours([SimpleNamespace(asked=SimpleNamespace(executor="local"), plan=plan)])  # type: ignore[list-item]
    assert capsys.readouterr().err.startswith(said) and bool(noise) == bool(said)
