"""The notebooks run from top to bottom, and are kept with what they show."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from scripts import notebooks
from tests.docs.commands import ROOT

EXAMPLE = ROOT / "results" / "examples" / "qwen2_family_cpu.db"
NAMES = sorted(path.stem for path in notebooks.FOLDER.glob("*.ipynb"))


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(notebooks.FOLDER / f"{name}.ipynb", as_version=4)


def outputs(notebook: nbformat.NotebookNode) -> list[set[str]]:
    """What kinds of output each cell of code has; lines on stderr left out."""
    kinds = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "measures" not in cell.metadata.get("tags", ()):
            shown = [each for each in cell.outputs if each.get("name") != "stderr"]
            kinds.append({each.output_type for each in shown})
    return kinds


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_is_kept_with_its_outputs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = read(name)
    shutil.copy(EXAMPLE, tmp_path / "example.db")
    for cell in notebook.cells:
        if "measures" in cell.metadata.get("tags", ()):
            assert "pb.sweep(" in cell.source
            cell.source = 'results = pb.open("example.db")'
    notebooks.run(notebook, tmp_path)
    kept = outputs(read(name))
    assert kept == outputs(notebook) or (name == "own_sweep" and not any(kept))
    assert sum(map(bool, outputs(notebook))) >= 6


def test_only_one_notebook_measures() -> None:
    measuring = [
        name
        for name in NAMES
        if any("measures" in cell.metadata.get("tags", ()) for cell in read(name).cells)
    ]
    assert NAMES == ["own_sweep", "paper"] and measuring == ["own_sweep"]
