"""Artifacts made as units of an executor."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paretobench.backends.artifacts import ArtifactStore
from paretobench.domain import Runtime
from paretobench.errors import ConfigError
from paretobench.jobs.conversions import build_elsewhere, unit_of
from paretobench.jobs.engines import Chosen, choose
from paretobench.jobs.unit_folder import UnitFolder
from paretobench.measure.preparation import by_artifact
from tests.jobs.test_submitit import root, until
from tests.measure.test_builds import workload

__all__ = ["root"]

pytest.importorskip("submitit")


def chosen(folder: Path, **more: Any) -> Chosen:
    settings = {"name": "submitit", "cluster": "local", "folder": str(folder / "units")}
    made = choose({**settings, "poll_s": 0.1, "at_once": 2, **more}, "conversion")
    assert made is not None
    return made


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_conversion_is_a_job_and_one_that_fails_costs_itself(root: Path) -> None:
    store = root / "artifacts"
    broken = replace(workload(), runtime=Runtime("nothing", "fp16"), label="broken")
    said: list[str] = []
    made, failed = build_elsewhere([workload(), broken], chosen(root), store, said.append)
    assert made.state == "made" and made.path is not None and made.path.exists()
    assert len(list(ArtifactStore(store))) == 1
    assert failed.state == "failed" and "nothing" in failed.reason
    assert "artifact of tiny@64: done" in said and "artifact of broken: failed" in said
    again, _ = build_elsewhere([workload(), broken], chosen(root), store)
    assert again == made, "a finished unit is collected again, not done again"
    shutil.rmtree(store)
    anew, _ = build_elsewhere([workload(), broken], chosen(root), store)
    assert anew.state == "made" and made.path.exists(), "what was removed is made again"


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_killed_job_costs_its_artifact_alone_and_is_made_by_the_next_command(
    root: Path,
) -> None:
    store, both = root / "artifacts", [workload(64), workload(96)]
    folders = [UnitFolder.of(unit_of([one], store), root / "units") for one in both]
    command = [sys.executable, "-c", BUILD, str(root), str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        started = until(lambda: folders[1].read("started"), "the second job's start")
        os.kill(started["pid"], signal.SIGKILL)
        out, _ = process.communicate(timeout=300)
    first, second = json.loads(out)
    assert first["state"] == "made"
    assert second["state"] == "failed" and "was killed by signal 9" in second["reason"]
    found = build_elsewhere(both, chosen(root), store)
    assert [one.state for one in found] == ["made", "made"]
    assert len(list(ArtifactStore(store))) == 2


BUILD = """
import json, sys
from pathlib import Path
from tests.jobs.test_conversions import build_elsewhere, chosen, workload
root, store = map(Path, sys.argv[1:])
found = build_elsewhere([workload(64), workload(96)], chosen(root), store)
print(json.dumps([one.to_json() for one in found]))
"""


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_what_is_under_way_is_left_and_collected_by_the_same_command(root: Path) -> None:
    store, said = root / "artifacts", []
    assert build_elsewhere([workload()], chosen(root, wait=False), store, said.append) == []
    assert said[-1] == "conversions under way: 1; the same command collects them"
    deadline = time.monotonic() + 300
    while not (found := build_elsewhere([workload()], chosen(root, wait=False), store)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert [one.state for one in found] == ["made"]


def test_workloads_that_one_artifact_serves_are_one_unit() -> None:
    llm = replace(workload(), kind="prefill", subject={"llm": {"name": "l"}, "n_tokens": 16})
    longer = replace(llm, subject={**llm.subject, "n_tokens": 64})
    slow = workload(compute_units="cpu_only")
    groups = by_artifact([workload(64), llm, slow, longer, workload(96)])
    assert groups == [[workload(64), slow], [llm, longer], [workload(96)]]


def test_another_artifact_store_is_another_unit(tmp_path: Path) -> None:
    one = [workload()]
    assert unit_of(one, tmp_path).key == unit_of(one, tmp_path).key
    assert unit_of(one, tmp_path).key != unit_of(one, tmp_path / "other").key


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "slurm"}, "unknown conversion executor 'slurm'"),
        ({"name": "submitit", "gpu": 1}, "setting of executor/conversion=submitit"),
        ({"name": "submitit", "minutes": "long"}, "executor.conversion.minutes='long'"),
    ],
)
def test_wrong_settings_name_this_executor(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose(settings, "conversion")
    assert words in str(caught.value)


def test_conversions_here_need_no_executor() -> None:
    assert choose({"name": "local"}, "conversion") is None
