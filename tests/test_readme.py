"""README.md names only what exists, and all of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from paretobench.cli import VERBS
from paretobench.config import expand

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GRIDS = sorted((ROOT / "sweeps" / "grid").glob("*.yaml"))
EXAMPLE = ROOT / "results" / "examples" / "qwen2_family_cpu.db"
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_exists(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_every_verb_is_in_the_readme() -> None:
    assert [verb for verb in VERBS if f"`{verb}" not in README and f" {verb}" not in README] == []


def test_every_grid_is_in_the_readme_with_its_points() -> None:
    grids = {path.stem: expand([f"+grid={path.stem}"]) for path in GRIDS}
    listed = dict(re.findall(r"`(\w+)` \((\d+)[ ,)]", README))
    assert listed == {name: str(len(request.points)) for name, request in grids.items()}


def test_every_command_in_the_readme_is_a_verb() -> None:
    assert set(re.findall(r"^paretobench (\w+)", README, flags=re.M)) <= set(VERBS)


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "python.md"])
def test_the_lines_of_python_on_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib
    import matplotlib.figure

    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    (tmp_path / "results").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "results" / "paretobench.db")
    given = {"ax": matplotlib.figure.Figure().subplots()}
    for block in python_blocks(page):
        exec(compile(block, str(page), "exec"), given)


def test_the_answer_of_the_readme_takes_at_most_five_lines_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = python_blocks(ROOT / "README.md")
    lines = [line for line in block.splitlines() if line]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "results" / "paretobench.db")
    exec("\n".join(lines[:3]), {})
    printed = capsys.readouterr().out.strip()
    assert len(lines) <= 5 and printed.startswith("recipe llava-1.5 on ") and printed in README
