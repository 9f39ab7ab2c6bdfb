"""The Dockerfile runs the README's two commands; it is built where a Docker engine answers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "Dockerfile"


def _engine_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def test_the_image_runs_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert {"sweep", "test"} <= set(re.findall(r"make\"?,? \"?([a-z-]+)", text)) & targets


def test_the_dockerfile_has_no_finding_of_hadolint() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    if not linter.exists():
        pytest.skip("hadolint has no wheel for this platform")
    # DL3008: Debian's exact versions leave its mirrors within weeks.
    found = subprocess.run(
        [linter, "--ignore", "DL3008", DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.heavy
@pytest.mark.skipif(not _engine_answers(), reason="no Docker engine answers here")
def test_the_image_builds() -> None:
    subprocess.run(["docker", "build", "-t", "paretobench-test", str(ROOT)], check=True)
