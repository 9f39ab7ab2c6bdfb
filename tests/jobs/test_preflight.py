"""An executor checked before anything is submitted: each failure names value, limit and remedy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from paretobench.cli import group
from paretobench.errors import ConfigError, ExecutorError
from paretobench.jobs import preflight as readiness
from paretobench.jobs.ray import RayEngine
from paretobench.measure.quiet import Finding
from paretobench.version import __version__
from tests import json_schemas
from tests.jobs import ray_cluster, slurm

pytest.importorskip("submitit")

SINFO = """#!/bin/sh
case "$1" in
--version) echo "slurm 24.05" ;;
*) printf '%s' 'low*|up|1:00:00|3|(null)
gpu|up|2-00:00:00|2|gpu:a100:4(S:0-1)
gpu|up|2-00:00:00|1|gpu:8
broken|inact|infinite|1|gpu:8
' ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's programs on the path, with answers of a made-up cluster."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in readiness.PROGRAMS:
        (folder / name).write_text(SINFO)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


def found(tmp_path: Path, **settings: Any) -> dict[str, Finding]:
    whole = {"name": "submitit", "folder": str(tmp_path / "units"), **settings}
    return {each.what: each for each in readiness.check(whole, "conversion")}


def test_a_cluster_that_has_what_is_asked_for_is_fine(programs: Path, tmp_path: Path) -> None:
    all_fine = found(tmp_path, partition="gpu", gpus=8)
    assert all(each.is_fine for each in all_fine.values()), list(map(str, all_fine.values()))
    assert all_fine["Slurm"].value == "slurm 24.05"
    assert all_fine["partition"].value == "gpu up, nodes: 3"
    assert all_fine["GPUs of a node of gpu"].value == "8"
    assert all_fine["shared folder"].value == str(tmp_path / "units")
    assert not (tmp_path / "units").exists(), "a check leaves nothing behind"


@pytest.mark.parametrize(
    ("settings", "what", "value", "allowed", "advice"),
    [
        ({"partition": "gpuu"}, "partition", "gpuu", "low, gpu, broken", "partition=NAME"),
        ({"partition": "gpu,no"}, "partition", "no", "one of low", "partition=NAME"),
        ({"partition": "broken"}, "partition", "broken inact", "up", "choose another"),
        ({"minutes": 720}, "time limit of low", "60 min", "at least 720", "minutes=60 or less"),
        ({"gpus": 1}, "GPUs of a node of low", "0", "at least 1", "lower executor.conversion.gpus"),
        ({"partition": "gpu", "gpus": 16}, "GPUs of a node of gpu", "8", "16", "lower"),
    ],
)
def test_what_the_cluster_does_not_grant_is_named(
    programs: Path, tmp_path: Path, settings: Mapping[str, Any], what: str, value: str,
    allowed: str, advice: str,
) -> None:  # fmt: skip
    each = found(tmp_path, **{"minutes": 30, **settings})[what]
    assert not each.is_fine
    assert value in each.value and allowed in each.allowed and advice in each.advice


def test_a_cluster_without_a_default_partition_wants_one_named(
    programs: Path, tmp_path: Path
) -> None:
    (programs / "sinfo").write_text(SINFO.replace("low*", "low"))
    each = found(tmp_path)["partition"]
    assert not each.is_fine and each.value == "no default"


def test_a_controller_that_does_not_answer_is_said_in_its_words(
    programs: Path, tmp_path: Path
) -> None:
    (programs / "sinfo").write_text("#!/bin/sh\necho 'Unable to contact controller' >&2\nexit 1\n")
    each = found(tmp_path)["Slurm"]
    assert not each.is_fine
    assert "Unable to contact" in each.value and "SLURM_CONF" in each.advice


def test_missing_programs_are_named(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))
    (programs / "srun").unlink()
    each = found(tmp_path, python=sys.executable)["Slurm's programs"]
    assert each.value == "no srun" and "login node" in each.advice


def test_a_missing_submitit_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    each = found(tmp_path, cluster="local")["submitit"]
    assert not each.is_fine and "[slurm]'" in each.advice


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    each = found(tmp_path, cluster="local", folder=str(tmp_path / "file"))["shared folder"]
    assert not each.is_fine
    assert str(tmp_path / "file") in each.value and "executor.conversion.folder" in each.advice


def interpreter(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo No module named paretobench >&2; exit 1", "No module named paretobench"),
        ("exit 3", "ended with status 3"),
        ("echo hello", "ended with status 0"),
        ('echo \'{"python": "3.11", "paretobench": "0.0.1"}\'', "paretobench 0.0.1"),
    ],
)
def test_an_interpreter_that_cannot_work_is_named(tmp_path: Path, script: str, words: str) -> None:
    python = interpreter(tmp_path, script)
    each = found(tmp_path, cluster="local", python=python)[f"interpreter of the jobs, {python}"]
    assert not each.is_fine
    assert words in each.value and f"paretobench {__version__}" in each.allowed and each.advice


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    found_ = found(tmp_path, cluster="local", python="/no/python")
    each = found_["interpreter of the jobs, /no/python"]
    assert not each.is_fine and "does not start: No such file" in each.value


def test_an_interpreter_without_lmms_eval_is_told_how_to_get_it(tmp_path: Path) -> None:
    python = interpreter(tmp_path, "echo \"No module named 'lmms_eval'\" >&2; exit 1")
    (each,) = readiness.check({"name": "local"}, "accuracy", [python, python])
    assert not each.is_fine
    assert "lmms_eval" in each.value and "pip install" in each.advice and python in each.advice


def test_a_ray_that_is_not_there_is_said(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    each = found(tmp_path, name="ray", address="127.0.0.1:9")["Ray"]
    assert not each.is_fine
    assert "127.0.0.1:9" in each.value and "ray start" in each.advice


def test_what_no_node_of_ray_offers_is_set_against_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(RayEngine, "offers", lambda _: {"n1": {"CPU": 8.0}, "n2": {"GPU": 2.0}})
    each = found(tmp_path, name="ray", resources={"slot": 1})["most that a node offers"]
    assert not each.is_fine
    assert (each.value, each.allowed) == ("CPU 8, slot 0", "CPU 1, slot 1")
    assert found(tmp_path, name="ray")["most that a node offers"].is_fine
    apart = found(tmp_path, name="ray", gpus=1)["most that a node offers"]
    assert not apart.is_fine, "one node has the CPUs, another the GPUs"


def doctor(*words: str) -> Any:
    return CliRunner().invoke(group, ["doctor", *words], standalone_mode=False)


def test_doctor_checks_the_executor_that_a_sweep_would_take(tmp_path: Path) -> None:
    folder = f"executor.accuracy.folder={tmp_path / 'units'}"
    python = f"executor.accuracy.python={interpreter(tmp_path, 'exit 3')}"
    words = ["executor/accuracy=submitit", "executor.accuracy.cluster=local", folder, python]
    result = doctor(*words)
    assert result.return_value == 1
    assert "2 findings to act on" in result.stderr
    answer = doctor(*words, "--json")
    checked = json.loads(answer.stdout)
    json_schemas.check("doctor", checked)
    fine = {each["what"]: each["is_fine"] for each in checked["accuracy"]}
    assert fine["submitit"] and fine["shared folder"]
    assert sum(not one for one in fine.values()) == 2


def test_doctor_with_other_words_says_how_an_executor_is_named() -> None:
    with pytest.raises(ConfigError, match="names no executor"):
        CliRunner().invoke(group, ["doctor", "+grid=smoke"], catch_exceptions=False)


def test_doctor_with_a_wrong_setting_says_which(tmp_path: Path) -> None:
    with pytest.raises((ConfigError, ExecutorError), match="slurmm"):
        CliRunner().invoke(
            group,
            ["doctor", "executor/accuracy=submitit", "executor.accuracy.cluster=slurmm"],
            catch_exceptions=False,
        )


def run(variables: Mapping[str, str], folder: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "paretobench", "doctor", "--json", *words]
    done = subprocess.run(
        [*command, f"executor.accuracy.folder={folder / 'units'}"],
        capture_output=True, text=True, check=False, env={**os.environ, **variables}, cwd=folder,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return {each["what"]: each for each in json.loads(done.stdout)["accuracy"]}


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_real_slurm_is_fine_and_its_limits_are_read(tmp_path: Path) -> None:
    if reason := slurm.missing():
        pytest.skip(reason)
    words = ["executor/accuracy=submitit", "executor.accuracy.partition=low"]
    with slurm.cluster(tmp_path / "cluster") as variables:
        wanted = {name: variables[name] for name in ("SLURM_CONF", "PATH")}
        well = run(wanted, tmp_path, *words)
        assert well["Slurm"]["is_fine"] and well["partition"]["value"] == "low up, nodes: 1"
        gpus = run(wanted, tmp_path, *words, "executor.accuracy.gpus=1")
        assert not gpus["GPUs of a node of low"]["is_fine"]
        other = run(wanted, tmp_path, *words[:1], "executor.accuracy.partition=lo")
        assert other["partition"]["allowed"] == "one of low, high"
    gone = run(wanted, tmp_path, *words)
    assert not gone["Slurm"]["is_fine"]


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_real_ray_is_fine_with_the_resources_that_it_has(tmp_path: Path) -> None:
    if reason := ray_cluster.missing():
        pytest.skip(reason)
    with ray_cluster.cluster({"slot": 1}) as address:
        words = ["executor/accuracy=ray", f"executor.accuracy.address='{address}'"]
        well = run({}, tmp_path, *words, "+executor.accuracy.resources.slot=1")
        assert well["Ray"]["is_fine"] and well["most that a node offers"]["is_fine"]
        lacking = run({}, tmp_path, *words, "+executor.accuracy.resources.slot=2")
        assert lacking["most that a node offers"]["value"] == "CPU 2, slot 1"
        assert not lacking["most that a node offers"]["is_fine"]
