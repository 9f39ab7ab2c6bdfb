from __future__ import annotations

from dataclasses import replace

from paretobench.report.formatting import footer_lines, origin, remark
from paretobench.report.summary import headline_sentences, summary_text
from paretobench.report.view.rows import Accuracy, Caution, MissingResult, Statistics
from tests.report.grids import family_view, row, view


def test_a_footer_names_chip_protocol_recipe_source_and_command() -> None:
    shown = family_view()
    text = "\n".join(footer_lines(shown, shown.scored, "llava-1.5"))
    for word in (
        "An Example Processor",
        "protocol 'paper'",
        "recipe llava-1.5",
        "A paper",
        "Table 1",
        "2026-11-21",
        "$ paretobench sweep +grid=qwen2_family",
        "4 processes",
    ):
        assert word in text


def test_an_assumed_score_error_is_said_to_be_assumed() -> None:
    assumed = replace(row("a"), score=Accuracy("avg5", 0.5, 0.003, is_error_assumed=True))
    assert "assumed" in "\n".join(footer_lines(view(), [assumed]))
    assert "assumed" not in "\n".join(footer_lines(view(), [row("a")]))


def test_the_origin_says_both_where_the_time_and_the_score_come_from() -> None:
    assert origin(row("a")) == "measured; A paper, Table 1"


def test_a_remark_says_why_there_is_no_time_rather_than_no_score() -> None:
    nothing = replace(row("a", None, None), reason="out of memory", hint="import scores")
    assert remark(nothing) == "out of memory"
    assert remark(replace(row("a", 0.1, None), hint="import scores")) == "no score"


def test_the_headline_counts_points_times_and_scores() -> None:
    shown = family_view()
    assert headline_sentences(shown)[0] == (
        "48 points: 48 with a latency, 16 of these with a score."
    )


def test_missing_latencies_are_grouped_by_their_reason() -> None:
    rows = [row(f"e{i}", None, None, latency_source="", reason="too big") for i in range(5)]
    said = "\n".join(headline_sentences(view(*rows)))
    assert "and 2 more: too big." in said


def test_the_summary_lists_fronts_failures_and_what_reuse_saved() -> None:
    shown = replace(
        family_view(),
        failures=(
            MissingResult("Qwen2-7B x 729 tokens", "out_of_memory", "needs 15 GiB, 8 are free"),
        ),
        statistics=Statistics(48, 96, 40, cells=120, samples=2400, measuring_s=1500.0),
    )
    text = summary_text(shown, ["pareto"])
    assert "![pareto](pareto.png)" in text
    assert "## Front of recipe llava-1.5, 16 points" in text
    assert "Qwen2-7B x 729 tokens: needs 15 GiB, 8 are free" in text
    assert "96 parts of 48 points came from 40 distinct workloads" in text


def test_a_caution_is_explained_in_the_footer_and_the_note() -> None:
    odd = row(cautions=(Caution("weights", "other weights"),))
    assert "† other weights" in footer_lines(view(odd), [odd])
    assert "† other weights" in remark(odd)
    assert str(odd) == "a@336† + Q-1B"
