"""Comparing two sides: only what was scored by the same rules, unless asked otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.api import comparison
from paretobench.api.results import Results
from paretobench.errors import DataError
from paretobench.report.view.rows import View
from tests.report import grids


def scored_by(protocol: str) -> View:
    row = grids.row()
    assert row.score is not None
    return grids.view(replace(row, score=replace(row.score, protocol=protocol)))


def results_of(view: View) -> Results:
    """Results that have this view already."""
    results = Results()
    results.__dict__["view"] = view
    return results


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"ours": scored_by("lmms"), "theirs": scored_by("mixed")}
    monkeypatch.setattr(comparison, "_side", lambda _, side: results_of(found[side]))


@pytest.mark.usefixtures("views")
def test_sides_that_were_scored_by_different_protocols_are_refused() -> None:
    with pytest.raises(DataError, match=r"avg5: lmms and mixed.*\n.*--mix-protocols"):
        Results().compare("ours", "theirs")


@pytest.mark.usefixtures("views")
def test_asked_for_they_are_compared_and_marked() -> None:
    (found,) = Results(mix_protocols=True).compare("ours", "theirs")
    assert "mixed scoring protocols (avg5: lmms and mixed)" in found.title
    assert found.rows


@pytest.mark.usefixtures("views")
def test_one_protocol_needs_no_mark() -> None:
    (found,) = Results().compare("ours", "ours")
    assert found.title == "recipe llava-1.5"
