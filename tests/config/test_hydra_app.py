"""Hydra behind `sweep` and `plan`, in real processes: its flags, its search path, its errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(cwd, *words, **env):
    return subprocess.run(
        [sys.executable, "-m", "paretobench", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_is_left_in_the_users_folder(tmp_path):
    assert run(tmp_path, "plan", "+grid=smoke").returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["plan", "sweep"])
def test_composed_configuration_is_printed_without_running(tmp_path, verb):
    done = run(tmp_path, verb, "+grid=smoke", "seed=3", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "name: smoke" in done.stdout and "seed: 3" in done.stdout
    assert "hydra:" not in done.stdout and "workload" not in done.stdout


@pytest.mark.parametrize("part", ["hydra", "all"])
def test_hydras_own_node_can_be_printed_with_the_grids_blocks(tmp_path, part):
    done = run(tmp_path, "plan", "+grid=smoke", "--cfg", part)
    assert "blocks:\n    - encoder:" in done.stdout
    assert ("name: smoke" in done.stdout) == (part == "all")


def test_of_a_list_the_first_choice_is_shown(tmp_path):
    done = run(tmp_path, "plan", "encoder=vit_l14,fastvit", "--cfg", "job")
    assert "label: ViT-L/14" in done.stdout


@pytest.mark.parametrize("name", ["sweeps", "wörter und, 'mehr'/sweeps"])
def test_the_users_folder_comes_first_on_the_search_path(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir(parents=True)
    done = run(folder.parent, "plan", "--info", "searchpath")
    assert done.returncode == 0, done.stderr
    places = done.stdout.splitlines()
    own = next(n for n, place in enumerate(places) if place.endswith(f"file://{folder}"))
    bundled = next(n for n, place in enumerate(places) if place.endswith(f"{ROOT}/sweeps"))
    assert own < bundled


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("encodr=3", "did you mean encoder"),
        ("encoder=fastvithdd", "did you mean 'fastvithd'"),
        ("grid=smoke", "write +grid=smoke"),
        ("seed=abc", "must be a whole number"),
        ("hydra/launcher=submitit_slurm", "would have no effect"),
        ("hydra.run.dir=x", "would have no effect"),
        ("executor/accuracy=slurm", "Known: local, ray, submitit"),
    ],
)
@pytest.mark.parametrize("verb", ["plan", "sweep"])
def test_mistakes_end_with_status_2_and_no_traceback(tmp_path, verb, word, message):
    done = run(tmp_path, verb, word)
    assert done.returncode == 2 and message in done.stderr
    assert len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize("verb", ["plan", "sweep"])
def test_a_flag_that_does_not_exist_is_named(tmp_path, verb):
    done = run(tmp_path, verb, "--nope")
    assert done.returncode == 2 and "--nope" in done.stderr and "hydra" not in done.stderr.lower()


def test_broken_yaml_is_named_by_file_and_line(tmp_path):
    (tmp_path / "sweeps" / "encoder").mkdir(parents=True)
    (tmp_path / "sweeps" / "encoder" / "mine.yaml").write_text("name: [a\n")
    done = run(tmp_path, "plan", "encoder=mine")
    assert done.returncode == 2
    assert "sweeps/encoder/mine.yaml, line 2 is not valid YAML" in done.stderr


def test_a_program_that_uses_hydra_itself_keeps_its_state(tmp_path, monkeypatch):
    from hydra import compose, initialize_config_dir

    from paretobench.config import expand

    (tmp_path / "config.yaml").write_text("mine: 3\n")
    arguments = list(sys.argv)
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        assert expand(["+grid=smoke"]).points
        assert compose("config").mine == 3
    assert sys.argv == arguments
