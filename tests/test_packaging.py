"""The wheel in an environment of its own, with the core's dependencies and nothing else."""

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


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel and its core dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("paretobench_vlm-*.whl")
    venv.create(folder / "env", with_pip=True)
    binaries = folder / "env" / "bin"
    run(binaries / "python", "-m", "pip", "-q", "install", wheel, cwd=folder)
    return binaries


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
