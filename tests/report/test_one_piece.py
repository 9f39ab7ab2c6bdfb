"""A point timed in one piece against the sum of its parts: the ratio, its causes, the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from paretobench.analysis.pooling import Pool
from paretobench.api.answers import answer
from paretobench.domain.records import Cell, Estimate
from paretobench.report.view.one_piece import TimedCells, contradiction, in_one_piece
from paretobench.report.view.rows import OnePiece
from tests.report.grids import estimate, row, view

POOL = Pool(0.01, 12.0, 8)


def cell(name: str, seconds: float, at: int, **more: Any) -> Cell:
    """An undisturbed process of a workload in round `at`."""
    samples = (seconds * 0.999, seconds, seconds * 1.001)
    fields: dict[str, Any] = {"facts": {}, **more}
    return Cell(
        name, "here", f"2026-01-01T00:00:{at:02d}", "standard", at, 1.0, seconds, (seconds,),
        samples, 0.02, 0.02, 9.0, None, sweep_key="s", **fields,
    )  # fmt: skip


def timed(name: str, seconds: Sequence[tuple[float, int]], passes: float = 1.0) -> TimedCells:
    return TimedCells(name, [cell(name, s, at) for s, at in seconds], passes, POOL)


def test_only_rounds_that_all_share_are_compared_so_drift_cancels() -> None:
    drifted = [(0.1, 0), (0.1, 1), (0.12, 5), (0.13, 6)]
    parts = [timed("encode", drifted), timed("prefill", drifted)]
    found = in_one_piece(timed("end_to_end", [(0.24, 5), (0.26, 6)]), parts)
    assert found is not None and found.rounds == 2
    assert found.ratio.value == pytest.approx(1.0, abs=1e-6)


def test_without_a_shared_round_all_cells_count() -> None:
    parts = [timed("encode", [(0.1, 0)], passes=2), timed("prefill", [(0.1, 0)])]
    found = in_one_piece(timed("end_to_end", [(0.33, 5)]), parts)
    assert found is not None and found.rounds == 0
    assert found.ratio.value == pytest.approx(1.1)


def test_what_a_check_wrote_down_of_itself_is_the_cause_of_a_difference() -> None:
    facts = {
        "parts": ["preprocess", "encode", "project", "prefill"],
        "parts_s": [[9.0, 9.0, 9.0, 9.0], *[[0.02, 0.11, 0.01, 0.2]] * 3],
    }
    whole = TimedCells("end_to_end", [cell("end_to_end", 0.34, 0, facts=facts)], pool=POOL)
    parts = [timed("encode", [(0.1, 0)]), timed("prefill", [(0.2, 0)])]
    found = in_one_piece(whole, parts)
    assert found is not None
    assert dict(found.beside) == pytest.approx({"preprocess": 0.02, "project": 0.01})
    assert dict(found.halves) == pytest.approx({"encode": 1.1, "prefill": 1.0})


def test_a_part_that_is_not_measured_leaves_nothing_to_compare() -> None:
    assert in_one_piece(timed("end_to_end", [(1.0, 0)]), [timed("encode", [])]) is None


@pytest.mark.parametrize(
    ("low", "high", "is_told"),
    [(1.06, 1.2, True), (1.04, 1.2, False), (0.8, 0.94, True), (0.8, 0.96, False)],
)
def test_a_caution_needs_the_whole_interval_beyond_five_percent(
    low: float, high: float, is_told: bool
) -> None:
    ratio = Estimate((low * high) ** 0.5, low, high, 2, "unpaired")
    assert bool(contradiction(estimate(1.0), estimate(1.1), OnePiece(ratio))) == is_told


def contradicted(whole_s: float) -> Any:
    ratio = estimate(whole_s / 0.19, 0.001)
    made = row("slow", 0.19, 0.7, end_to_end=estimate(whole_s), one_piece=OnePiece(ratio))
    return replace(made, cautions=contradiction(made.ttft, made.end_to_end, made.one_piece))


def test_an_answer_goes_by_the_larger_of_the_two() -> None:
    plain = row("fast", 0.1, 0.5)
    (within,) = answer(view(plain, contradicted(0.25)), under_s=0.2)
    assert within.point is not None and within.point.encoder == "fast"
    (beyond,) = answer(view(plain, contradicted(0.25)), under_s=0.3)
    assert beyond.point is not None and beyond.point.encoder == "slow"
    assert beyond.to_json()["best"]["ttft_s"] == pytest.approx(0.25)
    assert "in one piece" in str(beyond)


def test_a_whole_that_is_faster_than_its_sum_leaves_the_sum() -> None:
    assert contradicted(0.15).as_judged().ttft.value == pytest.approx(0.19)
    assert contradicted(0.15).cautions
