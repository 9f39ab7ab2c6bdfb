from __future__ import annotations

import gc
from pathlib import Path

import pytest

from paretobench.report import render
from paretobench.report.gc_pause import passed_over, paused
from tests.report.grids import row, view


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_is_left_as_it_was(is_on: bool) -> None:
    (gc.enable if is_on else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError), paused():
            assert not gc.isenabled()
            1 / 0  # noqa: B018
        assert gc.isenabled() is is_on
    finally:
        gc.enable()


def test_what_is_made_inside_is_still_collected() -> None:
    with passed_over():
        circle: list[object] = []
        circle.append(circle)
        del circle
        assert gc.collect() >= 1
    assert gc.get_freeze_count() == 0


def test_somebody_elses_frozen_objects_stay_frozen() -> None:
    gc.freeze()
    try:
        with passed_over():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_report_leaves_nothing_frozen(tmp_path: Path) -> None:
    render(view(row("a")), tmp_path, formats=("svg",))
    assert gc.isenabled() and gc.get_freeze_count() == 0
