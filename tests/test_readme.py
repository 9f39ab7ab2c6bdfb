"""README.md names only what exists, and all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paretobench.cli import VERBS
from paretobench.config import expand

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GRIDS = sorted((ROOT / "sweeps" / "grid").glob("*.yaml"))
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
