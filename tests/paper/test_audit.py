"""The audit finds what does not add up, and only that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from paretobench import resources
from paretobench.paper import tables
from paretobench.paper.audit import AuditRow, audit, half_unit


def mismatches(check: str) -> dict[str, AuditRow]:
    """The rows of a check that differ, by where they are printed."""
    return {row.source: row for row in audit() if row.check == check and row.verdict == "differs"}


@pytest.fixture
def copied_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the published folder that the loader reads instead."""
    folder = tmp_path / "published"
    shutil.copytree(resources.published_folder(), folder)
    monkeypatch.setattr(resources, "published_folder", lambda: folder)
    tables.table.cache_clear()
    yield folder
    tables.table.cache_clear()


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a line's part that occurs once in a table."""
    path = folder / f"{name}.csv"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_three_printed_avg5_are_not_the_mean_of_their_columns() -> None:
    found = mismatches("avg5")
    assert {source: (row.printed, row.recomputed) for source, row in found.items()} == {
        "v1, Table 1, row 2": (61.2, 61.26),
        "v1, Table 4, row 1": (55.5, 55.42),
        "v1, Table 4, row 4": (60.4, 60.3),
    }


def test_three_ttft_are_not_the_sum_of_their_parts() -> None:
    found = mismatches("ttft_sum").values()
    assert {(row.printed, row.recomputed) for row in found} == {
        (166.0, 166.8),
        (458.0, 585.4),
        (233.0, 232.4),
    }
    assert {row.printed for row in found if row.within_input_rounding} == {233.0}


def test_every_ttft_with_printed_parts_is_checked() -> None:
    cited = "; ".join(row.source for row in audit() if row.check == "ttft_sum") + ";"
    of = tables.table("v1_table6")
    unchecked = {
        row["row"]
        for row in of.rows
        if row["TTFT_ms"] and f"v1, Table 6, {row['row']};" not in cited
    }
    assert unchecked == set()


def test_standard_deviations_are_recomputed_as_population_deviations() -> None:
    rows = {row.what.split()[3]: row for row in audit() if row.check == "standard_deviation"}
    assert len(rows) == 9
    assert {name for name, row in rows.items() if row.verdict == "differs"} == {
        "TextVQA",
        "VQAv2",
    }
    assert rows["DocVQA"].recomputed == pytest.approx(0.3541, abs=1e-4)


def test_tiles_cost_their_printed_latency() -> None:
    rows = [row for row in audit() if row.check == "passes"]
    assert [(row.recomputed, row.verdict) for row in rows] == [
        (116.3, "agrees"),
        (127.4, "agrees"),
        (272.14, "agrees"),
    ]


def test_numbers_that_two_tables_print_differently_are_found() -> None:
    found = {(row.what, row.printed, row.recomputed) for row in mismatches("repeated").values()}
    assert found == {
        ("encoder latency of fastvithd at 256 px", 6.8, 10.1),
        ("encoder latency of fastvithd at 768 px", 54.8, 122.6),
        ("encoder latency of fastvithd at 1024 px", 116.3, 235.6),
        ("DocVQA of LLaVA-NeXT at 672 px with llama3_8b, llava-next", 72.6, 78.2),
    }


def test_each_row_shows_its_arithmetic_and_its_tolerance() -> None:
    row = mismatches("avg5")["v1, Table 4, row 1"]
    assert row.arithmetic == "(60.6 + 53.1 + 82.3 + 17.4 + 63.7) / 5"
    assert (row.tolerance, row.difference, row.unit) == (0.05, -0.08, "percent")


@pytest.mark.parametrize(
    ("name", "old", "new", "check"),
    [
        ("v1_table2", "67.4,62.9", "67.4,62.8", "avg5"),
        ("v1_table9", "149.5,152.1", "149.5,162.1", "ttft_sum"),
        ("v1_table11", "0.57,", "0.58,", "standard_deviation"),
        ("derived_encoder_latency", "637.0,5,", "639.0,5,", "passes"),
        ("v1_table10", "17.1,30.0,62.9", "17.1,30.0,62.8", "repeated"),
    ],
)
def test_a_changed_cell_is_found(
    copied_tables: Path, name: str, old: str, new: str, check: str
) -> None:
    before = mismatches(check)
    tables.table.cache_clear()
    change(copied_tables, name, old, new)
    assert len(mismatches(check)) == len(before) + 1


@pytest.mark.parametrize(("text", "expected"), [("62.65", 0.005), ("1297", 0.5), ("0.0047", 5e-5)])
def test_half_a_unit_of_the_last_printed_digit(text: str, expected: float) -> None:
    assert half_unit(text) == pytest.approx(expected)
