"""One sweep whose checkpoints are scored elsewhere: the real lmms-eval on tiny weights.

The same command for every engine: submitit's local jobs, a Slurm and a Ray on this machine.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from paretobench.measure.lock import FOLDER_VARIABLE
from paretobench.store import spool
from tests.accuracy.lmms import two_checkpoints
from tests.accuracy.lmms.two_checkpoints import POINTS, YES, write_two_checkpoints
from tests.jobs import ray_cluster, slurm

pytest.importorskip("torch")
pytest.importorskip("submitit")
for name in ("lmms_eval",):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("lmms-eval is not installed", allow_module_level=True)

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

SWEEP = (
    *two_checkpoints.SWEEP, "check=0", "name=elsewhere", "executor.accuracy.poll_s=0.5",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny checkpoints and their data, and the user's own files that name them."""
    folder = tmp_path_factory.mktemp("elsewhere")
    write_two_checkpoints(folder)
    return folder


def run(folder: Path, variables: Mapping[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paretobench", *args]
    environment = {
        **os.environ,
        **variables,
        FOLDER_VARIABLE: str(folder / "locks"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


@contextlib.contextmanager
def engine(name: str, folder: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """An engine while inside: the variables and overrides that reach it."""
    if name == "local":
        yield {}, ["executor/accuracy=submitit", "executor.accuracy.cluster=local"]
    elif name == "slurm":
        if reason := slurm.missing():
            pytest.skip(reason)
        with slurm.cluster(folder / "cluster") as variables:
            wanted = {name: variables[name] for name in ("SLURM_CONF", "PATH")}
            yield wanted, ["executor/accuracy=submitit", "executor.accuracy.partition=low"]
    else:
        if reason := ray_cluster.missing():
            pytest.skip(reason)
        with ray_cluster.cluster({"slot": 1}) as address:
            overrides = ["executor/accuracy=ray", f"executor.accuracy.address='{address}'"]
            yield {}, [*overrides, "+executor.accuracy.resources.slot=1"]


@pytest.mark.parametrize("name", ["local", "slurm", "ray"])
def test_a_sweep_measures_here_and_scores_elsewhere(made: Path, tmp_path: Path, name: str) -> None:
    with engine(name, tmp_path) as (variables, overrides):
        words = [*SWEEP, f"executor.accuracy.folder={tmp_path / 'units'}", *overrides]
        first = run(made, variables, *words)
        assert first.returncode == 0, first.stderr
        results = sorted((tmp_path / "units").glob("*/result/*.json"))
        again = run(made, variables, *words)
        assert again.returncode == 0, again.stderr
        assert "nothing had to be measured" in again.stderr
        assert sorted((tmp_path / "units").glob("*/result/*.json")) == results
    scores = [score for path in results for score in spool.read(path).scores]
    suites = {score.encoder: score.value for score in scores if score.benchmark == "avg5"}
    assert suites == pytest.approx({"little_fastvit": YES, "little_clip": YES})
    for point in POINTS:
        (row,) = json.loads(run(made, {}, "show", point, "--json").stdout)
        assert row["ttft_s"] > 0 and row["score_fraction"] == pytest.approx(YES)
