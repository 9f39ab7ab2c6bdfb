"""The view of a database, on cells made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.analysis import stats
from paretobench.api.answers import answer
from paretobench.domain import (
    Device,
    Encoder,
    GridPoint,
    LanguageModel,
    Resolutions,
    Runtime,
    TilePlan,
    Workload,
    encode_workload,
    end_to_end_workload,
    prefill_workload,
)
from paretobench.domain.contention import Contention, Neighbour
from paretobench.domain.records import Cell, Environment, Failure, Score, Source
from paretobench.errors import DataError, StoreError
from paretobench.planning.plan import Refusal
from paretobench.report import render
from paretobench.report.view.evidence import pools_of
from paretobench.report.view.rows import View
from paretobench.report.view.stored import stored_view
from paretobench.store import Link, Store, StoredPoint

ENCODER = Encoder(
    "tiny", "Tiny", "Tiny", "resnet", 32, "ceil", 1_000_000, 64, Resolutions(), (64, 128)
)
LLM = LanguageModel("small", "Small-1B", "Small", "1B", "llama", 64, 2, 2, 2, 128, 100, 512, 10**9)
TORCH = Runtime("torch", "fp32")
SHARED = Runtime("torch", "fp32", {"weights": "shared"})
ENVIRONMENT = Environment({"chip": "A chip", "os": "Linux 6.1", "cores": 2, "memory_gib": 7.8})


def cell(workload: Workload, seconds: float, at: int, environment: Environment) -> Cell:
    return Cell(
        workload_key=workload.key,
        environment_key=environment.key,
        started_at=f"2026-11-20T10:00:{at:02d}Z",
        fidelity="standard",
        round_index=at,
        load_s=1.0,
        first_run_s=seconds * 2,
        warmup_s=(seconds,),
        samples_s=(seconds * 0.99, seconds, seconds * 1.01),
        canary_before_s=0.01,
        canary_after_s=0.01,
        wall_s=2.0,
        peak_memory_bytes=1000 + at,
    )


class Sweep:
    """A store with points of one encoder at 64 and 128 px, each with one LLM."""

    def __init__(self, store: Store, llm_runtime: Runtime = TORCH) -> None:
        self.store = store
        self.environment_key = store.add_environment(ENVIRONMENT)
        self.key = store.add_sweep(
            "demo", "paretobench sweep +grid=demo", {"protocol": "paper"}, 0,
            self.environment_key, "2026-11-20T10:00:00Z",
        )  # fmt: skip
        self.prefill = prefill_workload(LLM, 16, llm_runtime)
        self.encodes = {side: encode_workload(ENCODER, side, TORCH) for side in (64, 128)}
        store.add_workloads([self.prefill, *self.encodes.values()])
        store.add_points(self.key, [self.point(side) for side in (64, 128)])

    def point(self, side: int) -> StoredPoint:
        links = [Link("encode", self.encodes[side].key, 2), Link("prefill", self.prefill.key)]
        tiles = TilePlan(side, 2, 16)
        return StoredPoint.of(GridPoint(ENCODER, side, LLM), tiles, links)

    def measure(self, workload: Workload, seconds: float, cells: int = 3) -> None:
        for index in range(cells):
            self.store.add_cell(cell(workload, seconds * (1 + index / 500), index, ENVIRONMENT))

    def shown(self, **options: object) -> View:
        return stored_view(self.store, "demo", scores=options.pop("scores", ()), **options)  # type: ignore[arg-type]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(Store.open(tmp_path / "demo.db"))


def score(value: float, recipe: str = "r", benchmark: str = "avg5", **fields: object) -> Score:
    source = Source("published", "A paper", "v1", "Table 1", provenance="printed")
    return Score("tiny", 64, "small", "none", recipe, benchmark, value, source, **fields)  # type: ignore[arg-type]


def test_ttft_is_the_passes_times_the_encoder_plus_the_prefill(sweep: Sweep) -> None:
    sweep.measure(sweep.encodes[64], 0.1)
    sweep.measure(sweep.prefill, 0.3)
    row = sweep.shown().rows[0]
    assert row.ttft and row.encode and row.encode_total and row.prefill
    assert row.encode.value == pytest.approx(0.1, rel=0.01)
    assert row.encode_total.value == pytest.approx(2 * row.encode.value)
    assert row.ttft.value == pytest.approx(row.encode_total.value + row.prefill.value)
    assert row.ttft.low is not None and row.ttft.low < row.ttft.value
    assert (row.ttft.n, row.environment, row.fidelity) == (3, "A chip, Linux 6.1", "standard")
    assert row.peak_memory_bytes == 1002


def test_a_point_without_a_part_says_which_part_and_why(sweep: Sweep) -> None:
    sweep.measure(sweep.prefill, 0.3)
    sweep.store.add_failure(
        Failure(sweep.encodes[64].key, sweep.environment_key, "out_of_memory",
                "needs 9 GiB, 8 are there", "2026-11-20T10:00:00Z")
    )  # fmt: skip
    first, second = sweep.shown().rows
    assert (first.ttft, first.reason) == (
        None, "Tiny@64 out of memory: needs 9 GiB, 8 are there"
    )  # fmt: skip
    assert second.reason == "Tiny@128 not measured yet"
    assert sweep.shown().failures[0].what == "Tiny@64"


def test_a_refused_point_is_a_row_with_its_reason(sweep: Sweep) -> None:
    refusal = Refusal("fastvithd", 100, "qwen2_7b", "none", "100 px is no multiple of 16")
    row = next(r for r in sweep.shown(refusals=[refusal]).rows if r.encoder == "fastvithd")
    assert row.reason == "refused: 100 px is no multiple of 16"
    assert row.encoder_label == "FastViTHD"


def test_each_recipe_of_a_point_is_a_row(sweep: Sweep) -> None:
    sweep.measure(sweep.encodes[64], 0.1)
    sweep.measure(sweep.prefill, 0.3)
    rows = sweep.shown(scores=[score(0.5, "one"), score(0.6, "two")]).rows
    assert [(r.recipe, r.score and r.score.value) for r in rows if r.resolution_px == 64] == [
        ("one", 0.5), ("two", 0.6)
    ]  # fmt: skip


def test_a_point_without_a_score_says_what_would_supply_one(sweep: Sweep) -> None:
    row = sweep.shown().rows[0]
    assert (
        row.score is None and "paretobench import" in row.hint and "paretobench score" in row.hint
    )


def test_a_suite_s_mean_is_made_from_its_members_and_says_so(sweep: Sweep) -> None:
    names = ("gqa", "textvqa", "pope", "docvqa", "seedbench_image")
    members = [score(0.1 * i, benchmark=name) for i, name in enumerate(names, start=3)]
    row = sweep.shown(scores=members).rows[0]
    assert row.score is not None
    assert row.score.value == pytest.approx(0.5)
    assert row.score.provenance == "derived" and "mean of 5 tasks" in row.score.source
    assert row.score.is_error_assumed and row.score.standard_error
    assert {task.benchmark for task in row.task_scores} == set(names)


def test_a_stated_error_is_kept_and_a_missing_one_assumed(sweep: Sweep) -> None:
    stated = sweep.shown(scores=[score(0.5, standard_error=0.01)]).rows[0].score
    assumed = sweep.shown(scores=[score(0.5)]).rows[0].score
    assert stated and stated.standard_error == 0.01 and not stated.is_error_assumed
    assert assumed and assumed.standard_error and assumed.is_error_assumed


def test_a_score_of_a_part_of_the_items_stands_for_nothing(sweep: Sweep) -> None:
    assert sweep.shown(scores=[score(0.5, is_partial=True)]).rows[0].score is None


def test_a_score_of_int4_weights_does_not_stand_for_a_latency_of_others(sweep: Sweep) -> None:
    sweep.measure(sweep.encodes[64], 0.1)
    sweep.measure(sweep.prefill, 0.3)
    row = sweep.shown(scores=[score(0.5, checkpoint="some/model-int4")]).rows[0]
    assert row.score is None
    assert row.hint == "score of quantised weights, latency of unquantised ones"
    assert row.hint in map(str, row.cautions)


def test_shared_weights_are_said_aloud(tmp_path: Path) -> None:
    sweep = Sweep(Store.open(tmp_path / "shared.db"), SHARED)
    sweep.measure(sweep.encodes[64], 0.1)
    sweep.measure(sweep.prefill, 0.3)
    assert "shared layer weights" in sweep.shown().rows[0].labels


def test_the_statistics_count_parts_workloads_and_processes(sweep: Sweep) -> None:
    for workload in (*sweep.encodes.values(), sweep.prefill):
        sweep.measure(workload, 0.1)
    found = sweep.shown().statistics
    assert found is not None
    assert (found.points, found.parts, found.workloads, found.cells) == (2, 4, 3, 9)
    assert (found.measuring_s, found.product_s) == (18.0, 24.0)


def test_a_sweep_that_is_not_there_is_named_with_those_that_are(sweep: Sweep) -> None:
    with pytest.raises(StoreError, match=r"holds no sweep 'other'; it holds: demo"):
        stored_view(sweep.store, "other")


def test_an_empty_database_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"holds no measurement.\n'paretobench sweep"):
        stored_view(Store.open(tmp_path / "empty.db"))


def test_the_whole_database_can_be_shown_without_naming_a_sweep(sweep: Sweep) -> None:
    assert stored_view(sweep.store, scores=()).points == 2


def test_a_measured_view_renders(sweep: Sweep, tmp_path: Path) -> None:
    for workload in (*sweep.encodes.values(), sweep.prefill):
        sweep.measure(workload, 0.1)
    shown = sweep.shown(scores=[score(0.5)])
    assert shown.environment == "A chip, Linux 6.1, 2 cores, 7.8 GiB"
    assert shown.date == "2026-11-20"
    written = render(shown, tmp_path / "report", formats=("svg",))
    assert "A chip, Linux 6.1" in (tmp_path / "report" / "README.md").read_text()
    assert {"pareto.svg", "latency.svg", "table.csv"} <= {path.name for path in written}


@pytest.mark.parametrize("loud", [(64,), (64, 128)])
def test_what_was_never_quiet_is_on_no_front_answers_nothing_and_is_named(
    sweep: Sweep, tmp_path: Path, loud: tuple[int, ...]
) -> None:
    sweep.measure(sweep.prefill, 0.3)
    seen = Contention(2, (0.5,) * 3, (0, 1, 2), neighbours=(Neighbour("make", 0.98),))
    for at, (side, workload) in enumerate(sweep.encodes.items()):
        timed = cell(workload, 0.01 * side, at, ENVIRONMENT)
        if side in loud:
            timed = replace(timed, status="disturbed", contention=seen)
        sweep.store.add_cell(timed)
    scores = [score(0.5), replace(score(0.6), resolution_px=128)]
    shown = sweep.shown(scores=scores)
    classes = {row.resolution_px: (row.front.verdict == "unknown") for row in shown.rows}
    assert classes == {64: 64 in loud, 128: 128 in loud}
    assert not any(row.front.is_on for row in shown.rows if row.resolution_px in loud)
    assert any("make (0.98 cores)" in note for note in shown.notes)
    render(shown, tmp_path / "report", formats=("svg",))
    table = (tmp_path / "report" / "table.md").read_text()
    assert "unknown" in table and "never quiet: others took 50% of the cores" in table
    if len(loud) == 2:
        with pytest.raises(DataError, match="undisturbed"):
            answer(shown, under_s=10.0)
    else:
        (found,) = answer(shown, under_s=10.0)
        assert found.point is not None and found.point.resolution_px == 128


@pytest.mark.parametrize("unjudged", [1, 3])
def test_processes_that_no_canary_judged_are_labelled_where_they_are_few_else_said_once(
    sweep: Sweep, unjudged: int
) -> None:
    for at, workload in enumerate((*sweep.encodes.values(), sweep.prefill)):
        timed = cell(workload, 0.1, at, ENVIRONMENT)
        status = "unjudged" if at < unjudged else "ok"
        sweep.store.add_cell(replace(timed, status=status))
    shown = sweep.shown(scores=())
    labelled = [row for row in shown.rows if stats.UNJUDGED in row.labels]
    assert len(labelled) == (1 if unjudged == 1 else 0)
    assert any("3 of 3 processes" in note for note in shown.notes) == (unjudged == 3)


def test_a_sweep_by_the_papers_protocol_carries_what_differs_from_its_machine(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path / "paper.db")
    key = store.add_environment(ENVIRONMENT)
    for name, device in (("paper", "m1_max_paper"), ("apple", "apple")):
        settings = {"device": {"name": device}}
        store.add_sweep(name, "", settings, 0, key, "2026-11-20T10:00:00Z")
    (note,) = stored_view(store, "paper", scores=()).notes
    assert note.startswith("Against the FastVLM paper: the chip is A chip, not Apple M1 Max")
    assert stored_view(store, "apple", scores=()).notes == ()


def test_a_row_carries_the_timed_runs_of_its_parts(sweep: Sweep) -> None:
    sweep.measure(sweep.encodes[64], 0.1)
    sweep.measure(sweep.prefill, 0.3)
    encode, prefill = sweep.shown().rows[0].runs
    assert (encode.part, prefill.part) == ("encode", "prefill")
    assert (encode.total, encode.total_processes) == (9, 3)
    assert encode.processes[0] == pytest.approx((0.099, 0.1, 0.101))
    assert [run.part for run in sweep.shown().rows[1].runs] == ["prefill"], "128 px is not timed"


@pytest.mark.parametrize(("n_parts", "method"), [(6, "pooled"), (2, "prior")])
def test_a_check_of_one_process_borrows_its_spread_from_the_parts(
    n_parts: int, method: str
) -> None:
    parts = [encode_workload(ENCODER, 64 * n, TORCH) for n in range(1, n_parts + 1)]
    tiles = TilePlan(64, 1, 16)
    device = Device("demo", TORCH, TORCH)
    check = end_to_end_workload(GridPoint(ENCODER, 64, LLM), tiles, device, 16)
    cells = {w.key: [cell(w, 0.1 + n / 300, n, ENVIRONMENT) for n in range(2)] for w in parts}
    cells[check.key] = [cell(check, 0.3, 0, ENVIRONMENT)]
    pools = pools_of(cells, {workload.key: workload for workload in (*parts, check)})
    latency = stats.measurement(cells[check.key], pools[check.key]).latency
    assert (latency.n, latency.method) == (1, method)


def test_of_a_points_checks_the_one_under_the_newest_protocol_counts(sweep: Sweep) -> None:
    device = Device("demo", TORCH, TORCH)
    new = end_to_end_workload(GridPoint(ENCODER, 64, LLM), TilePlan(64, 2, 16), device)
    old = replace(new, protocol_version=1)
    sweep.store.add_workloads([old, new])
    links = (*sweep.point(64).links, Link("end_to_end", old.key), Link("end_to_end", new.key))
    sweep.store.add_points(sweep.key, [replace(sweep.point(64), links=links)])
    sweep.measure(sweep.encodes[64], 0.1)
    sweep.measure(sweep.prefill, 0.3)
    for check, seconds in ((old, 0.9), (new, 0.5)):
        sweep.measure(check, seconds)
        found = next(row for row in sweep.shown().rows if row.resolution_px == 64).end_to_end
        assert found and found.value == pytest.approx(seconds, rel=0.01)
