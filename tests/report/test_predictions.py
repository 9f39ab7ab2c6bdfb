"""Points without a measurement carry a prediction, everywhere marked as one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paretobench.api.answers import answer
from paretobench.api.results import open_results
from paretobench.config.catalogue import load_catalogue
from paretobench.domain import (
    GridPoint,
    Runtime,
    TilePlan,
    encode_workload,
    prefill_workload,
)
from paretobench.domain.records import Environment, Failure, Score, Source
from paretobench.planning.plan import Refusal
from paretobench.report.summary import headline_sentences
from paretobench.report.tables import csv_text, json_text, markdown_text, records
from paretobench.report.view.rows import Row, View
from paretobench.report.view.stored import stored_view
from paretobench.store import Link, Store, StoredPoint
from tests.report.test_stored import cell

CATALOGUE = load_catalogue()
ENCODER, LLM = CATALOGUE.encoders["fastvithd"], CATALOGUE.llms["qwen2_0_5b"]
TORCH = Runtime("torch", "fp32")
HERE = Environment({"chip": "A chip", "os": "Linux"}, {"gflops": 100.0})
SIDES = (256, 512, 768, 1024)
TOO_LARGE = "FastViTHD@1024 needs 99 GiB"


class Grid:
    """A store with an encoder at four sizes and one LLM; nothing is measured yet.

    The 1024 px are refused for want of memory, and 100 px cannot be.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.store = path, Store.open(path)
        here = self.store.add_environment(HERE)
        refused = [
            Refusal("fastvithd", 1024, "qwen2_0_5b", "none", TOO_LARGE),
            Refusal("fastvithd", 100, "qwen2_0_5b", "none", "100 px is no multiple of 64"),
        ]
        self.key = self.store.add_sweep(
            "demo", "paretobench sweep", {"refused": [one.to_json() for one in refused]}, 0,
            here, "2026-11-27T10:00:00Z",
        )  # fmt: skip
        self.encodes = {side: encode_workload(ENCODER, side, TORCH) for side in SIDES}
        self.prefills = {side: prefill_workload(LLM, (side // 64) ** 2, TORCH) for side in SIDES}
        self.store.add_workloads([*self.encodes.values(), *self.prefills.values()])
        self.store.add_points(self.key, [self.point(side) for side in SIDES])

    def point(self, side: int) -> StoredPoint:
        links = [
            Link("encode", self.encodes[side].key),
            Link("prefill", self.prefills[side].key),
        ]
        tiles = TilePlan(side, 1, (side // 64) ** 2)
        return StoredPoint.of(GridPoint(ENCODER, side, LLM), tiles, links)

    def measure(self, *sides: int, environment: Environment = HERE) -> None:
        self.store.add_environment(environment)
        for side in sides:
            for workload, seconds in (
                (self.encodes[side], 0.01 + side**2 / 1e7),
                (self.prefills[side], 0.02 + side**2 / 1e6),
            ):
                for index in range(2):
                    found = cell(workload, seconds * (1 + index / 100), index, environment)
                    self.store.add_cell(found)

    def view(self, **options: object) -> View:
        scores = [score(side, side / 2000) for side in SIDES]
        return stored_view(self.store, "demo", scores=scores, **options)  # type: ignore[arg-type]

    def row(self, side: int, **options: object) -> Row:
        return next(row for row in self.view(**options).rows if row.resolution_px == side)


def score(side: int, value: float) -> Score:
    source = Source("published", "A paper", "v1", "Table 1", provenance="printed")
    return Score("fastvithd", side, "qwen2_0_5b", "none", "r", "avg5", value, source)


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    found = Grid(tmp_path / "demo.db")
    found.measure(256, 512)
    return found


def test_a_point_that_is_not_measured_carries_a_prediction_with_its_interval(grid: Grid) -> None:
    row = grid.row(768)
    assert row.ttft is None and row.predicted is not None
    assert (row.latency_source, row.predicted.basis) == ("predicted", "model")
    true_s = 0.03 + 768**2 / 1e7 + 768**2 / 1e6
    assert row.predicted.latency_s == pytest.approx(true_s, rel=0.1)
    assert row.predicted.low_s < row.predicted.latency_s < row.predicted.high_s
    assert row.reason.endswith("not measured yet")


def test_a_measured_part_keeps_its_own_value_in_the_sum(grid: Grid) -> None:
    before = grid.row(768).predicted
    grid.store.add_cell(cell(grid.prefills[768], 5.0, 0, HERE))
    after = grid.row(768).predicted
    assert before is not None and after is not None and after.latency_s > 5.0 > before.latency_s


def test_a_refused_point_that_could_exist_is_predicted_an_impossible_one_is_not(grid: Grid) -> None:
    refused, impossible = grid.row(1024), grid.row(100)
    assert refused.predicted is not None and refused.reason == f"refused: {TOO_LARGE}"
    assert refused.score is not None
    assert impossible.predicted is None and impossible.latency_source == ""
    assert impossible.reason.startswith("refused: 100 px")


def test_a_failed_point_is_predicted_and_still_says_how_it_failed(grid: Grid) -> None:
    grid.store.add_failure(
        Failure(grid.encodes[768].key, HERE.key, "out_of_memory", "9 GiB", "2026-11-27T10:00:00Z")
    )
    row = grid.row(768)
    assert row.predicted is not None and "out of memory" in row.reason


def test_a_prediction_is_on_no_front_and_answers_nothing(grid: Grid) -> None:
    view = grid.view()
    guessed = [row for row in view.rows if row.predicted]
    assert {row.resolution_px for row in guessed} == {768, 1024} and view.predicted == tuple(
        guessed
    )
    assert all(not row.front.is_on and row.front.probability is None for row in guessed)
    assert not set(map(id, guessed)) & {id(row) for panel in view.panels() for row in panel.rows}
    (best,) = answer(view, under_s=100.0)
    assert best.point is not None and best.point.resolution_px == 512


def test_an_answer_names_what_would_beat_it_if_the_prediction_were_right(grid: Grid) -> None:
    view = grid.view()
    (best,) = answer(view, under_s=100.0)
    assert [row.resolution_px for row in best.promising] == [1024, 768]
    assert "worth measuring: FastViTHD@1024 + Qwen2-0.5B: TTFT ~" in str(best)
    named = best.to_json()["worth_measuring"]
    assert [one["resolution_px"] for one in named] == [1024, 768]
    (fast,) = answer(view, under_s=0.4)
    assert fast.promising == () and "worth measuring" not in str(fast)
    (none,) = answer(view, at_least=0.5)
    assert none.point is None and [row.resolution_px for row in none.promising] == [1024]


def test_another_machine_teaches_nothing(grid: Grid) -> None:
    there = Environment({"chip": "B chip", "os": "Linux"})
    grid.store.add_environment(there)
    rows = stored_view(grid.store, None, there.key, scores=()).rows
    assert rows and all(row.predicted is None for row in rows)


def test_where_nothing_is_measured_the_plan_s_estimate_says_so(tmp_path: Path) -> None:
    row = Grid(tmp_path / "empty.db").row(256)
    assert row.predicted is not None and row.predicted.basis == "computed"
    assert row.predicted.high_s > 2 * row.predicted.latency_s


def test_a_later_report_of_the_whole_database_shows_what_was_refused(grid: Grid) -> None:
    rows = {row.resolution_px: row for row in stored_view(grid.store, scores=()).rows}
    assert rows[1024].predicted and rows[1024].reason == f"refused: {TOO_LARGE}"
    assert rows[100].reason.startswith("refused")


def test_what_was_refused_once_and_measured_since_is_missing_no_more(grid: Grid) -> None:
    grid.measure(1024)
    view = stored_view(grid.store, scores=())
    row = next(row for row in view.rows if row.resolution_px == 1024)
    assert row.ttft is not None and row.predicted is None and row.reason == ""
    assert [item.what for item in view.refusals] == ["FastViTHD@100 + Qwen2-0.5B"]


def test_reuse_is_counted_without_what_was_refused(grid: Grid) -> None:
    statistics = grid.view().statistics
    assert statistics is not None and statistics.points == 3


def test_tables_mark_a_prediction_and_programs_find_it_in_columns_of_its_own(grid: Grid) -> None:
    view = grid.view()
    lines = [line for line in markdown_text(view).splitlines() if "| 768 |" in line]
    assert len(lines) == 1 and "| ~" in lines[0] and "[90%: " in lines[0]
    assert "predicted from the same model at other sizes" in lines[0]
    by_side = {one["resolution_px"]: one for one in records(view)}
    assert by_side[768]["latency_source"] == "predicted" and by_side[768]["ttft_s"] is None
    assert by_side[768]["predicted_ttft_s"] == grid.row(768).predicted.latency_s  # type: ignore[union-attr]
    assert by_side[512]["latency_source"] == "measured"
    assert by_side[512]["predicted_ttft_s"] is None and by_side[512]["predicted_from"] is None
    assert "predicted_ttft_low_s" in csv_text(view).splitlines()[0]
    assert (
        sum(row["latency_source"] == "predicted" for row in json.loads(json_text(view))["rows"])
        == 2
    )


def test_the_first_sentence_counts_predictions_apart(grid: Grid) -> None:
    said = headline_sentences(grid.view())
    assert "5 points: 2 with a latency" in said[0] and "2 with a predicted one" in said[0]
    assert any(one.startswith("Predicted latency for FastViTHD@1024") for one in said)


def test_results_as_a_frame_say_which_latencies_are_predicted(grid: Grid) -> None:
    frame = open_results(grid.path).points()
    predicted = frame[frame.latency_source == "predicted"]
    assert set(predicted.resolution_px) == {768, 1024}
    assert predicted.ttft_s.isna().all() and (predicted.predicted_ttft_s > 0).all()
