"""What would change a report's answers: which points and parts are named, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import paretobench as pb
from paretobench.analysis.prediction import Prediction
from paretobench.report.changes import MOST_LINES, changes, lines, model_lines
from paretobench.report.page import page_text
from paretobench.report.summary import summary_text
from paretobench.report.view.next_steps import next_steps
from paretobench.report.view.rows import Row, View
from tests.report.grids import estimate, family_view, row, view

EXAMPLE = Path(__file__).resolve().parents[2] / "results" / "examples" / "qwen2_family_cpu.db"


@pytest.fixture(scope="module")
def example() -> View:
    return pb.open(EXAMPLE).view


def test_no_point_is_named_that_the_recipe_has_a_score_of(example: View) -> None:
    for steps in next_steps(example, count=100):
        panel = next(p for p in example.panels() if p.recipe == steps.recipe)
        known = {shown.identity for shown in panel.rows}
        named = [each.row.identity for each in steps.scores]
        assert named and not known & set(named)
        assert len(set(named)) == len(named)


def test_the_first_point_of_the_example_is_a_larger_llm_behind_the_best_encoder(
    example: View,
) -> None:
    first = next_steps(example)[0].scores[0]
    assert first.row.identity == ("fastvithd", 1024, "qwen2_1_5b", "none")
    assert first.is_calibrated and not first.unseen
    assert 0.58 < first.low < first.expected < first.high < 0.62
    assert first.chance > 0.9 and first.gain > 0.01


def test_a_point_with_an_encoder_that_nobody_scored_is_marked(example: View) -> None:
    named = [each for steps in next_steps(example) for each in steps.scores]
    strange = [each for each in named if each.row.encoder == "fastvit"]
    assert strange and all(each.unseen == ("FastViT",) for each in strange)
    assert not any(each.is_calibrated for each in strange)


def test_within_a_limit_no_slower_point_and_no_gain_of_a_part_is_given(example: View) -> None:
    for steps in next_steps(example, under_s=0.5):
        assert all(each.row.ttft.value <= 0.5 for each in steps.scores if each.row.ttft)
        assert all(each.gain is None for each in steps.parts)


def test_parts_of_published_latencies_are_not_to_be_measured() -> None:
    steps = next_steps(pb.published().view)
    assert any(each.scores for each in steps)
    assert not any(each.parts for each in steps)


def test_a_part_that_two_close_rivals_do_not_share_is_named_and_one_they_share_is_not() -> None:
    def rival(name: str, encode_s: float, score: float) -> Row:
        parts = {"encode": estimate(encode_s), "encode_total": estimate(encode_s)}
        whole = estimate(encode_s + 0.05)
        return row(name, None, score, **parts, prefill=estimate(0.05), ttft=whole)

    # The slower one is the less accurate; within the noise they change places.
    rivals = view(rival("a", 0.100, 0.6), rival("b", 0.101, 0.5), rival("c", 0.9, 0.7))
    (steps,) = next_steps(rivals)
    assert {each.what for each in steps.parts} == {"encode a@336", "encode b@336"}
    assert all(each.chance > 0.1 and each.points == 1 for each in steps.parts)


def test_points_with_a_score_and_no_latency_come_first() -> None:
    missing = row("late", ttft_s=None, score=0.6, environment="")
    first, *_ = lines(next_steps(view(row("a"), missing))[0])
    assert "late@336" in first


def test_a_predicted_latency_says_what_measuring_it_may_bring() -> None:
    def unmeasured(name: str, latency_s: float, score: float) -> Row:
        predicted = Prediction(latency_s, latency_s / 1.2, latency_s * 1.2, "family")
        return row(name, ttft_s=None, score=score, predicted=predicted)

    hopeless, hopeful = unmeasured("slow", 9.0, 0.4), unmeasured("good", 0.5, 0.65)
    measured = (row("a", 0.1, 0.5), row("b", 1.0, 0.6))
    (steps,) = next_steps(view(*measured, hopeless, hopeful))
    assert [each.row.encoder for each in steps.unmeasured] == ["good"]
    assert steps.unmeasured[0].chance == 1.0
    assert steps.unmeasured[0].gain == pytest.approx(0.3 * 0.15 + 0, abs=0.03)


def test_too_few_scores_name_no_point_and_say_so() -> None:
    steps = next_steps(view(row("a", 0.1, 0.5), row("b", 0.2, None)))[0]
    assert steps.scores == () and steps.held_out is None
    assert "1 score" in steps.refusal
    assert model_lines(steps) == []


def test_a_disturbed_latency_is_neither_scored_nor_suggested() -> None:
    shown = family_view()
    loud = replace(estimate(0.1), is_disturbed=True)
    rows = tuple(
        replace(each, ttft=loud) if each.encoder == "fastvit" else each for each in shown.rows
    )
    named = [each.row for steps in next_steps(replace(shown, rows=rows)) for each in steps.scores]
    assert named and not any(each.encoder == "fastvit" for each in named)


def test_a_report_says_it_in_three_lines_a_recipe_on_both_its_surfaces(example: View) -> None:
    found = changes(example)
    assert len(found.panels) == len(example.panels())
    assert all(1 <= len(said) <= MOST_LINES for _, said in found.panels)
    assert any("calibrated" in line for line in found.trust)
    text, page = summary_text(example, []), page_text(example)
    assert text.count("## What would change this answer") == 1
    assert page.count("What would change this answer") == 1
    assert "FastViTHD@1024† + Qwen2-1.5B: TTFT" in text
    assert "FastViTHD@1024† + Qwen2-1.5B: TTFT" in page


def test_a_report_without_a_front_has_no_such_section() -> None:
    bare = view(row("a", 0.1, None))
    assert "What would change" not in summary_text(bare, [])
    assert "What would change" not in page_text(bare)


def test_the_same_view_names_the_same(example: View) -> None:
    assert next_steps(example) == next_steps(example)
