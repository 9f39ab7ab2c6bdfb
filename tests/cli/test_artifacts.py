"""`paretobench artifacts`: convert here, list, check; what a Mac's profile says elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paretobench.backends import hardware
from paretobench.backends.artifacts import ArtifactStore
from paretobench.cli import group
from paretobench.config import load_devices
from paretobench.errors import BackendMissingError, ParetobenchError
from tests import json_schemas

pytest.importorskip("coremltools")
pytest.importorskip("torch")

ENCODER = """\
label: Tiny
family: Tiny
architecture: test_convnext
token_stride_px: 32
token_rounding: floor
parameters: 270000
output_channels: 48
resolutions: {multiple_px: 32, min_px: 32, max_px: 512, why: four halvings}
sweep_resolutions_px: [64]
"""
BUILD = ("artifacts", "build", "encoder=tiny", "llm=qwen2_0_5b", "resolution=64")
MAC_PROFILES = [each.name for each in load_devices() if each.encode["backend"] == "coreml"]

pytestmark = pytest.mark.skipif(
    hardware.detect().is_apple_silicon, reason="a Mac can do what is refused here"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder of its own, and its package made by a real command."""
    folder = tmp_path_factory.mktemp("artifacts")
    path = folder / "sweeps" / "encoder" / "tiny.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(ENCODER)
    result = run(folder, *BUILD, "device=apple", "--json")
    assert result.returncode == 0, result.stderr
    json_schemas.check("artifacts-build", json.loads(result.stdout))
    (folder / "built.json").write_text(result.stdout)
    (folder / "said.txt").write_text(result.stderr)
    return folder


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a verb in that folder, in this process."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PARETOBENCH_CACHE", str(folder / "cache"))

    def invoke(*args: str) -> Result:
        return CliRunner().invoke(group, args, prog_name="paretobench", standalone_mode=False)

    return invoke


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "paretobench", *args],
        cwd=folder,
        env={**os.environ, "PARETOBENCH_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def weights(folder: Path) -> Path:
    (found,) = (folder / "cache").glob("coreml/*/encoder.mlpackage/**/weight.bin")
    return found


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_each_artifact_is_a_job_where_an_executor_is_named(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    shutil.copytree(folder / "sweeps", tmp_path / "sweeps")
    words = ("executor/conversion=submitit", "executor.conversion.cluster=local",
             "executor.conversion.poll_s=0.2", "device=apple", "--json")  # fmt: skip
    result = run(tmp_path, *BUILD, *words)
    assert result.returncode == 0, result.stderr
    (built,) = json.loads(result.stdout)
    assert built["state"] == "made"
    assert Path(built["path"]).is_relative_to(tmp_path / "cache") and Path(built["path"]).is_dir()
    assert "artifact of Tiny@64: done" in result.stderr
    assert len(list((tmp_path / "results" / "conversions" / "units").glob("*/result/*.json"))) == 1


def test_a_package_for_a_mac_is_built_here_and_nothing_is_measured(folder: Path) -> None:
    (built,) = json.loads((folder / "built.json").read_text())
    assert (built["workload"], built["state"]) == ("Tiny@64", "made")
    assert Path(built["path"]).name == "encoder.mlpackage" and Path(built["path"]).is_dir()
    assert not (folder / "results").exists()


def test_a_build_says_what_to_do_next(folder: Path) -> None:
    said = (folder / "said.txt").read_text()
    assert "Tiny@64 (coreml fp16), 1 of 1" in said
    assert f"next: copy {folder / 'cache'} to ~/.cache/paretobench on a Mac, and there: " in said
    assert "paretobench sweep encoder=tiny llm=qwen2_0_5b resolution=64 device=apple" in said


def test_building_again_finds_what_is_there_for_every_profile_that_shares_it(cli) -> None:
    for profile in ("apple", "apple_gpu", "m1_max_paper"):
        result = cli(*BUILD, f"device={profile}")
        assert result.return_value == 0, result.output
        assert "found" in result.stdout and "made" not in result.stdout


def test_artifacts_are_listed_with_what_they_are(cli) -> None:
    result = cli("artifacts", "list")
    assert "coreml" in result.stdout and "test_convnext 64 px fp16" in result.stdout
    assert "1 artifact in" in result.stderr
    (listed,) = json.loads(cli("artifacts", "list", "--json").stdout)
    json_schemas.check("artifacts-list", [listed])
    assert listed["size_bytes"] > 400_000 and "coremltools" in listed["facts"]["made_with"]


def test_a_damaged_artifact_is_named_and_built_again(cli, folder: Path) -> None:
    assert cli("artifacts", "verify").return_value == 0
    path = weights(folder)
    good, times = path.read_bytes(), path.stat()
    path.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    result = cli("artifacts", "verify")
    assert result.return_value == 1
    assert "1 artifact checked, 1 damaged" in result.stderr
    assert "weight.bin)" in result.stderr
    verified = json.loads(cli("artifacts", "verify", "--json").stdout)
    json_schemas.check("artifacts-verify", verified)
    assert verified["damaged"]
    assert "made" in cli(*BUILD, "device=apple").stdout
    assert cli("artifacts", "verify").return_value == 0
    assert weights(folder).read_bytes() == good


def test_an_artifact_whose_manifest_is_torn_is_named(cli, folder: Path) -> None:
    (artifact,) = ArtifactStore(folder / "cache")
    manifest = artifact.path / "manifest.json"
    good = manifest.read_text()
    manifest.write_text(good[:100])
    result = cli("artifacts", "verify")
    manifest.write_text(good)
    assert result.return_value == 1 and "is damaged (manifest.json)" in result.stderr


def test_a_conversion_that_fails_is_named_and_the_status_says_so(cli, monkeypatch) -> None:
    from paretobench.measure import builds

    def fail(workloads, **_):
        return [builds.Built(one, "failed", 0.0, reason="it is full") for one in workloads]

    monkeypatch.setattr(builds, "build_artifacts", fail)
    result = cli(*BUILD, "device=apple")
    assert result.return_value == 1
    assert "warning: Tiny@64 was not built: it is full" in result.stderr
    assert "next:" not in result.stderr


def test_what_core_ml_does_not_run_is_refused_before_anything_is_built(cli) -> None:
    result = cli(*BUILD, "device=apple", "device.encode.precision=bf16")
    assert "not bf16" in result.stderr and "made" not in result.stdout


@pytest.mark.parametrize("profile", MAC_PROFILES)
def test_a_sweep_for_a_mac_fails_in_one_line_that_names_the_command(cli, profile: str) -> None:
    result = cli("sweep", "+grid=smoke", f"device={profile}")
    assert isinstance(result.exception, BackendMissingError)
    message = str(result.exception)
    assert len(message.splitlines()) == 1
    assert f"paretobench artifacts build +grid=NAME device={profile}'" in message
    assert f"paretobench sweep +grid=NAME device={profile}'" in message


def test_a_sweep_for_a_mac_builds_nothing_and_says_so_on_stderr_alone(tmp_path: Path) -> None:
    result = run(tmp_path, "sweep", "+grid=smoke", "device=apple")
    assert result.returncode != 0 and result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert "artifacts build +grid=NAME device=apple" in result.stderr
    assert [each for each in (tmp_path / "cache").glob("*") if each.is_dir()] == []
    assert not (tmp_path / "reports").exists()


def test_the_command_that_the_message_names_is_one_that_exists(cli) -> None:
    message = str(cli("sweep", "+grid=smoke", "device=apple").exception)
    command = message.split("'")[1].split()
    assert command[:3] == ["paretobench", "artifacts", "build"]
    result = cli(*command[1:3], "--help")
    assert result.exception is None and "OVERRIDES" in result.stdout


def test_doctor_names_the_command_for_every_profile_of_a_mac(cli) -> None:
    report = json.loads(cli("doctor", "--json").stdout)
    said = {each["device"]: each["what"] for each in report["devices"]}
    for profile in MAC_PROFILES:
        assert f"artifacts build +grid=NAME device={profile}'" in said[profile]


def test_a_word_that_is_wrong_is_refused_as_in_a_sweep(cli) -> None:
    exception = cli("artifacts", "build", "+grid=smoke", "device=aple").exception
    assert isinstance(exception, ParetobenchError) and "apple" in str(exception)


def test_weights_of_checkpoints_have_nothing_to_build(cli) -> None:
    exception = cli(*BUILD, "device=apple", "weights=checkpoint").exception
    assert isinstance(exception, ParetobenchError)
    assert "weights=checkpoint has nothing to build" in str(exception)


def test_for_this_machine_what_a_sweep_would_make_is_made(cli, folder: Path, monkeypatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setenv("PARETOBENCH_CACHE", str(folder / "other"))
    words = (*BUILD, "device=cpu", "weights=shared", "--json")
    encode, prefill = json.loads(cli(*words).stdout)
    assert (encode["workload"], encode["state"]) == ("Tiny@64", "made")
    assert prefill["state"] == "nothing", "shared weights are made in memory"
