"""A user's own script type-checks strictly against the package."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import paretobench as pb

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "every_public_name.py"


def check(script: Path) -> subprocess.CompletedProcess[str]:
    """Mypy on one file, with nothing of this project's own settings."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    command += ["--config-file", os.devnull, "--cache-dir", str(script.parent / ".mypy_cache")]
    return subprocess.run(
        [*command, str(script)],
        cwd=script.parent, env=os.environ | {"MYPYPATH": str(HERE.parents[1])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_script_uses_every_public_name() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "pb"
    }
    assert used == set(pb.__all__)
    assert (HERE.parents[1] / "paretobench" / "py.typed").exists()


@pytest.mark.heavy
def test_every_public_name_is_typed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    checked = check(script)
    assert checked.returncode == 0, checked.stdout
    wrong = script.read_text(encoding="utf-8") + "\n\nwrong: int = pb.published()\npb.nothing\n"
    script.write_text(wrong, encoding="utf-8")
    found = check(script).stdout
    assert "Incompatible types in assignment" in found
    assert 'Module has no attribute "nothing"' in found
