"""The `sweep` verb as a Hydra application, in real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from paretobench.config import run_hydra
from paretobench.errors import ParetobenchError

def action(request):
    print("points", len(request.points), request.overrides)
    return 7

try:
    sys.exit(run_hydra(sys.argv[1:], action))
except ParetobenchError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_status)
"""


def run(cwd, *words, program=PROGRAM, **env):
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_action_is_called_once_and_its_status_returned(tmp_path):
    done = run(tmp_path, "encoder=fastvithd,vit_l14", "resolution=336,512")
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines() == [
        "points 3 ('encoder=fastvithd,vit_l14', 'resolution=336,512')"
    ]


def test_nothing_is_left_in_the_users_folder(tmp_path):
    assert run(tmp_path, "+grid=smoke").returncode == 7
    assert list(tmp_path.iterdir()) == []


def test_composed_configuration_can_be_printed_without_running(tmp_path):
    done = run(tmp_path, "+grid=smoke", "--cfg", "job")
    assert done.returncode == 0 and "name: smoke" in done.stdout and "\npoints" not in done.stdout


def test_the_users_folder_is_on_the_search_path(tmp_path):
    (tmp_path / "sweeps").mkdir()
    done = run(tmp_path, "--info", "searchpath")
    assert done.returncode == 0 and f"file://{tmp_path}/sweeps" in done.stdout


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("encodr=3", "did you mean encoder"),
        ("encoder=fastvithdd", "did you mean 'fastvithd'"),
        ("grid=smoke", "write +grid=smoke"),
        ("seed=abc", "must be a whole number"),
        ("hydra/launcher=nothing", "unknown hydra/launcher 'nothing'"),
    ],
)
def test_mistakes_end_with_status_2_and_no_traceback(tmp_path, word, message):
    done = run(tmp_path, word)
    assert done.returncode == 2 and message in done.stderr
    assert len(done.stderr.splitlines()) <= 3


def test_broken_yaml_is_named_by_file_and_line(tmp_path):
    (tmp_path / "sweeps" / "encoder").mkdir(parents=True)
    (tmp_path / "sweeps" / "encoder" / "mine.yaml").write_text("name: [a\n")
    done = run(tmp_path, "encoder=mine")
    assert done.returncode == 2
    assert "sweeps/encoder/mine.yaml, line 2 is not valid YAML" in done.stderr


def test_a_user_who_asks_for_hydras_full_error_gets_it(tmp_path):
    done = run(tmp_path, "encoder.tokn=3", HYDRA_FULL_ERROR="1")
    assert done.returncode == 1 and "ConfigCompositionException" in done.stderr


LAUNCHER = """
import sys
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from paretobench.config import search_path

search_path.register()

class Cluster(Launcher):
    __module__ = search_path.PLUGIN_MODULE
    def setup(self, *, hydra_context, task_function, config):
        self.context, self.task, self.config = hydra_context, task_function, config
    def launch(self, job_overrides, initial_job_idx):
        print("jobs", len(job_overrides))
        jobs = [self.context.config_loader.load_sweep_config(self.config, list(words))
                for words in job_overrides]
        return [JobReturn(_return_value=self.task(job), status=plugin_status) for job in jobs]

from hydra.core.utils import JobStatus
plugin_status = JobStatus.COMPLETED
sys.modules[search_path.PLUGIN_MODULE].Cluster = Cluster
Plugins.instance().register(Cluster)
ConfigStore.instance().store(group="hydra/launcher", name="cluster",
                             node={"_target_": f"{search_path.PLUGIN_MODULE}.Cluster"})
"""


def test_another_launcher_gets_the_whole_sweep_as_one_job(tmp_path):
    words = ["hydra/launcher=cluster", "encoder=fastvithd,vit_l14", "resolution=336"]
    done = run(tmp_path, *words, program=LAUNCHER + PROGRAM)
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines() == [
        "jobs 1",
        "points 2 ('encoder=fastvithd,vit_l14', 'resolution=336')",
    ]
