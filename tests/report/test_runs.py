"""The timed runs that travel with a page: few, true to their ends, each part once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from paretobench.report.page import page_text
from paretobench.report.page.runs import packed_runs
from paretobench.report.runs import PROCESSES_SHOWN, RUNS_SHOWN, runs_of, thinned
from tests.report.grids import row, view
from tests.report.pages import Document

SECONDS = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=60)


@given(st.lists(SECONDS, min_size=1, max_size=30))
def test_thinned_runs_keep_each_process_s_fastest_and_slowest(processes: list[list[float]]) -> None:
    found = runs_of("encode", processes)
    assert (found.total, found.total_processes) == (sum(map(len, processes)), len(processes))
    assert len(found.processes) == min(len(processes), PROCESSES_SHOWN)
    ends = {(min(each), max(each)) for each in processes}
    for shown in found.processes:
        assert len(shown) <= RUNS_SHOWN and list(shown) == sorted(shown)
        assert (shown[0], shown[-1]) in ends


@given(st.lists(st.integers(), min_size=3), st.integers(3, 20))
def test_what_is_kept_is_there_in_its_order(values: list[int], most: int) -> None:
    numbered = list(enumerate(values))
    kept = thinned(numbered, most)
    assert kept == sorted(set(kept)) and set(kept) <= set(numbered)
    assert kept[0] == numbered[0] and kept[-1] == numbered[-1]


def test_a_part_says_how_much_of_it_is_shown() -> None:
    many = runs_of("encode", [[0.1 + i / 1e4 for i in range(50)]] * 20)
    caption, fastest, slowest, processes = packed_runs(many)
    assert caption == "one encoder pass: 12 of 20 processes, 60 of 1000 timed runs"
    assert (fastest, slowest, len(processes)) == ("100 ms", "105 ms", 12)


@given(st.lists(SECONDS, min_size=1, max_size=5))
def test_the_steps_lead_back_to_the_runs(processes: list[list[float]]) -> None:
    runs = runs_of("prefill", processes)
    *_, packed = packed_runs(runs)
    for steps, process in zip(packed, runs.processes, strict=True):
        total = [sum(steps[: n + 1]) for n in range(len(steps))]
        assert len(total) == len(process)
        assert total == sorted(total)


def test_rows_that_share_a_part_share_its_runs_on_the_page() -> None:
    shared, own = runs_of("encode", [[0.1, 0.2]]), runs_of("prefill", [[0.3, 0.4]])
    rows = [replace(row("a"), runs=(shared, own)), replace(row("b", 0.2), runs=(shared,)), row("c")]
    data = Document(page_text(view(*rows))).data
    at = data["fields"].index("runs")
    assert [each[at] for each in data["rows"]] == [[0, 1], [0], []]
    assert data["strings"][data["runs"][1][0]] == "prefill: 1 process, 2 timed runs"


def test_runs_that_took_no_time_are_not_drawn() -> None:
    nothing = runs_of("encode", [[0.0], []])
    data = Document(page_text(view(replace(row("a"), runs=(nothing,))))).data
    assert data["runs"] == []
