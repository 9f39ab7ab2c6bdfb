"""Comparing two sides: only what was scored by the same rules, unless asked otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.cli import compare
from paretobench.errors import DataError
from paretobench.report.view.rows import View
from tests.report import grids


def scored_by(protocol: str) -> View:
    row = grids.row()
    assert row.score is not None
    return grids.view(replace(row, score=replace(row.score, protocol=protocol)))


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"ours": scored_by("lmms"), "theirs": scored_by("mixed")}
    monkeypatch.setattr(compare, "_view_of", lambda side, chosen: found[side])


@pytest.mark.usefixtures("views")
def test_sides_that_were_scored_by_different_protocols_are_refused() -> None:
    with pytest.raises(DataError, match=r"avg5: lmms and mixed.*\n.*--mix-protocols"):
        list(compare.sides("ours", "theirs", {}))


@pytest.mark.usefixtures("views")
def test_asked_for_they_are_compared_and_marked() -> None:
    ((title, ours, theirs),) = compare.sides("ours", "theirs", {"mix_protocols": True})
    assert "mixed scoring protocols (avg5: lmms and mixed)" in title
    assert len(ours) == len(theirs) == 1


@pytest.mark.usefixtures("views")
def test_one_protocol_needs_no_mark() -> None:
    ((title, *_),) = compare.sides("ours", "ours", {})
    assert title == "recipe llava-1.5"
