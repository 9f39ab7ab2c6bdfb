"""The wheel in an environment of its own, with the core's dependencies and nothing else.

A folder of wheels is made once; from then on nothing is downloaded: pip, uvx and pipx take all
from there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.heavy


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and those of the core's dependencies."""
    folder = tmp_path_factory.mktemp("house")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    run(*pip, "wheel", "--wheel-dir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(house: Path) -> Path:
    (path,) = house.glob("paretobench_vlm-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(house: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel and its core dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=True)
    binaries = folder / "env" / "bin"
    pip = (binaries / "python", "-m", "pip", "-q", "install", "--no-index", "--find-links", house)
    run(*pip, wheel, cwd=folder)
    return binaries


def own_folders(folder: Path) -> dict[str, str]:
    """Variables that keep what uv and pipx install and cache in a folder."""
    names = ("UV_CACHE_DIR", "UV_TOOL_DIR", "PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR")
    return {name: str(folder / name.lower()) for name in names} | {"UV_OFFLINE": "1"}


def test_uvx_runs_the_command_from_the_wheel(house: Path, wheel: Path, tmp_path: Path) -> None:
    uvx = (sys.executable, "-m", "uv", "tool", "run", "--no-index", "--find-links", house)
    python = ("--python", sys.executable, "--from", wheel)
    report = ("paretobench", "report", "--published", "--quiet", "--format", "png")
    run(*uvx, *python, *report, cwd=tmp_path, **own_folders(tmp_path))
    assert (tmp_path / "reports" / "published" / "index.html").stat().st_size > 50_000


def test_pipx_installs_the_command_from_the_wheel(house: Path, wheel: Path, tmp_path: Path) -> None:
    folders = own_folders(tmp_path)
    pipx = (sys.executable, "-m", "pipx", "install", "--backend", "pip")
    given = (f"--pip-args=--no-index --find-links {house}", "--python", sys.executable)
    run(*pipx, *given, wheel, cwd=tmp_path, **folders)
    command = Path(folders["PIPX_BIN_DIR"]) / "paretobench"
    best = run(command, "best", "--published", "--under", "200ms", cwd=tmp_path)
    assert "FastViTHD" in best.stdout


def test_the_core_brings_no_deep_learning_framework(installed: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u; "
        "print([n for n in ('torch', 'openvino', 'onnxruntime', 'mlx') if u.find_spec(n)])"
    )
    assert run(installed / "python", "-c", code, cwd=tmp_path).stdout.strip() == "[]"


def test_the_published_report_needs_the_core_alone(installed: Path, tmp_path: Path) -> None:
    run(installed / "paretobench", "--help", cwd=tmp_path)
    run(installed / "paretobench", "report", "--published", "--quiet", cwd=tmp_path)
    assert (tmp_path / "reports" / "published" / "pareto.png").stat().st_size > 10_000


def test_a_plan_needs_the_core_alone_and_finds_the_configs(installed: Path, tmp_path: Path) -> None:
    planned = run(
        installed / "paretobench",
        "plan",
        "+grid=qwen2_family",
        "horizon=none",
        "--json",
        cwd=tmp_path,
    )
    assert len(json.loads(planned.stdout)["points"]) == 48
    assert "pip install" in planned.stderr


def test_the_interface_in_python_needs_the_core_alone(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys, paretobench as pb; print(pb.published().best(under_s=0.2)); "
        "print(sorted({'torch', 'openvino', 'timm'} & set(sys.modules)))"
    )
    answered = run(installed / "python", "-c", code, cwd=tmp_path).stdout
    assert "FastViTHD" in answered and answered.strip().endswith("[]")


def test_the_wheel_brings_its_schemas_and_its_types(installed: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.resources import files; print("
        "(files('paretobench.cli') / 'schemas' / 'best.json').is_file(), "
        "(files('paretobench') / 'py.typed').is_file())"
    )
    assert run(installed / "python", "-c", code, cwd=tmp_path).stdout.split() == ["True"] * 2


def test_claims_and_answers_need_the_core_alone(installed: Path, tmp_path: Path) -> None:
    run(installed / "paretobench", "claims", "--json", cwd=tmp_path)
    best = run(installed / "paretobench", "best", "--published", "--under", "200ms", cwd=tmp_path)
    assert "FastViTHD" in best.stdout


def test_a_sweep_without_a_runtime_says_how_to_get_one(installed: Path, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [installed / "paretobench", "sweep", "+grid=smoke"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "pip install 'paretobench-vlm[cpu]'" in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 3
