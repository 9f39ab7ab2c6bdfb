from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from paretobench.report import tables
from paretobench.report.formatting import estimate_ms
from paretobench.report.summary import headline_sentences
from paretobench.report.view.rows import FrontPlace, View
from tests.report.grids import family_view, row, view

HOSTILE = "<script>alert('x')</script> | [bold]a[/] \\ \u202eيمين\u202c 🙂 " + "y" * 500


def printed(shown: View, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(tables.terminal_table(shown))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_csv_holds_the_raw_numbers_under_names_with_units() -> None:
    shown = family_view()
    rows = list(csv.DictReader(io.StringIO(tables.csv_text(shown))))
    assert len(rows) == 48
    for written, original in zip(rows, shown.rows, strict=True):
        assert original.ttft is not None
        assert float(written["ttft_s"]) == original.ttft.value
        assert written["ttft_processes"] == "4"
        assert (written["score_fraction"] == "") == (original.score is None)


def test_json_and_csv_say_the_same() -> None:
    shown = family_view()
    rows = json.loads(tables.json_text(shown))["rows"]
    written = list(csv.DictReader(io.StringIO(tables.csv_text(shown))))
    assert [r["ttft_s"] for r in rows] == [float(w["ttft_s"]) for w in written]


def test_markdown_and_terminal_show_the_same_digits() -> None:
    shown = family_view("all")
    markdown, terminal = tables.markdown_text(shown), printed(shown, 120)
    for each in shown.rows:
        assert estimate_ms(each.ttft) in markdown
        assert estimate_ms(each.ttft) in terminal


@pytest.mark.parametrize("width", [100, 120])
def test_the_terminal_table_fits_and_cuts_no_number(width: int) -> None:
    text = printed(family_view(), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text


def test_published_points_without_any_number_are_left_to_the_files() -> None:
    bare = row("b", None, None, latency_source="", reason="the paper prints no TTFT for it")
    shown = view(row("a", latency_source="published"), bare)
    assert printed(shown, 100).count("Q-1B") == 1
    assert tables.csv_text(shown).count("Q-1B") == 2


def test_several_recipes_have_a_table_each() -> None:
    text = printed(view(row(recipe="one"), row(recipe="two"), row("b", 0.2, None)), 100)
    assert "recipe one" in text and "recipe two" in text and "no score" in text


def test_an_untimed_point_stays_in_a_sweep_s_table_with_its_reason() -> None:
    refused = row("b", None, None, latency_source="", reason="refused: 40 GiB needed, 24 there")
    shown = view(row("a"), refused)
    assert "refused: 40 GiB needed, 24 there" in tables.markdown_text(shown)
    assert printed(shown, 100).count("Q-1B") == 2


def test_a_hostile_label_breaks_no_table() -> None:
    shown = view(replace(row("a"), encoder_label=HOSTILE))
    lines = tables.markdown_text(shown).splitlines()
    assert len(lines) == 3
    assert "<script" not in lines[2]
    pipes = [line.replace("\\\\", "").replace("\\|", "").count("|") for line in lines]
    assert len(set(pipes)) == 1
    assert "[bold]a[/]" in printed(view(replace(row("a"), llm_label="[bold]a[/]")), 120)
    read = next(csv.DictReader(io.StringIO(tables.csv_text(shown))))
    assert read["encoder_label"] == HOSTILE


def test_latex_escapes_what_latex_would_run() -> None:
    shown = view(replace(row("a"), encoder_label="50% of_a & \\input{x} #1"))
    text = tables.latex_text(shown)
    assert "50\\% of\\_a \\& \\textbackslash{}input\\{x\\} \\#1" in text
    assert text.count("\\\\\n") == 2


def test_columns_that_say_nothing_are_left_out() -> None:
    heading = tables.markdown_text(family_view()).splitlines()[0]
    assert "tiling" not in heading and "passes" not in heading
    tiled = view(row(tiling="grid_2x2", tiling_label="2x2", passes=5))
    heading = tables.markdown_text(tiled).splitlines()[0]
    assert "tiling" in heading and "passes" in heading


def test_an_ambiguous_point_is_called_so() -> None:
    shown = view(replace(row("a"), front=FrontPlace(verdict="ambiguous")))
    assert "| ambiguous |" in tables.markdown_text(shown)


def test_an_empty_view_gives_empty_tables() -> None:
    empty = View(())
    assert tables.markdown_text(empty).count("\n") == 2
    assert tables.csv_text(empty).count("\n") == 1
    assert printed(empty, 100)


@pytest.mark.parametrize("shown", [family_view(), view(row("a", labels=("x", "\N{DAGGER}, y")))])
def test_the_json_is_what_pythons_own_indenting_gives(shown: View) -> None:
    text = tables.json_text(shown)
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    assert json.loads(text)["rows"] == tables.records(shown)


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_window_costs_details_and_never_a_name_or_a_resolution(width: int) -> None:
    text = printed(family_view(), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    assert "left out in this width: " in text or "px: " in text
    for each in family_view().rows:
        assert str(each.resolution_px) in text and each.llm_label in text
        assert estimate_ms(each.ttft) in text


def test_a_very_narrow_window_shows_lines_instead_of_one_letter_each() -> None:
    text = printed(view(row("abcdefgh")), 40)
    assert "LLM: " in text and "─" not in text
    assert max(len(line) for line in text.splitlines()) <= 40


def test_the_top_is_ready_to_paste_the_most_accurate_of_the_fronts_first() -> None:
    made = tables.top(family_view("all"), 5)
    scores = [each.score.value for each in made.rows if each.score]
    assert len(scores) == 5 and scores == sorted(scores, reverse=True)
    assert all(each.front.is_on for each in made.rows)
    text = tables.pasted_text(made)
    assert text.count("\n| ") == 5 and "95 % intervals" in text
    assert "`paretobench sweep +grid=qwen2_family`" in text


def test_the_summary_names_the_points_that_have_no_score() -> None:
    bare = row("b", 0.2, None, hint="no Avg-5 is published for it")
    said = " ".join(headline_sentences(view(row("a"), bare)))
    assert f"No score for {bare}: no Avg-5 is published for it." in said
