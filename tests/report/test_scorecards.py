"""Which scores may stand in one front: scoring rules are kept apart unless asked otherwise."""

from __future__ import annotations

import pytest

from paretobench.domain.records import Score, Source
from paretobench.paper import published
from paretobench.report.view.published import published_view
from paretobench.report.view.scorecards import Scorecard, notes, scorecards


def score(
    benchmark: str, protocol: str, value: float = 0.5, px: int = 336, recipe: str = "mine"
) -> Score:
    source = Source("imported", f"{protocol} file")
    return Score(
        "e", px, "l", "none", recipe, benchmark, value, source,
        standard_error=0.01, protocol=protocol,
    )  # fmt: skip


def cards(scores: list[Score], benchmark: str = "avg5", mix: bool = False) -> list[Scorecard]:
    found = scorecards(scores, benchmark, mix_protocols=mix)
    return [card for of_point in found.values() for card in of_point]


def headlines(found: list[Scorecard]) -> dict[str, float | None]:
    return {card.recipe: card.headline.value if card.headline else None for card in found}


def test_scores_of_one_set_of_rules_keep_their_recipe_s_name() -> None:
    paper = [score("avg5", "mixed"), score("gqa", "llava"), score("docvqa", "lmms")]
    alone = [score("avg5", "lmms"), score("gqa", "lmms"), score("docvqa", "lmms")]
    assert [card.recipe for card in cards(paper)] == ["mine"]
    assert [card.recipe for card in cards(alone)] == ["mine"]


def test_two_sets_of_rules_never_share_a_front_silently() -> None:
    given = [score("avg5", "mixed", 0.6), score("avg5", "lmms", 0.7, px=512)]
    assert headlines(cards(given)) == {"mine (llava rules)": 0.6, "mine (lmms rules)": 0.7}
    (said,) = notes(given)
    assert "mine was scored by the rules of llava and lmms" in said
    assert "--mix-protocols" in said


def test_each_set_of_rules_has_the_tasks_it_was_scored_by() -> None:
    given = [
        score("avg5", "mixed", 0.6), score("gqa", "llava", 0.61), score("docvqa", "lmms", 0.3),
        score("avg5", "lmms", 0.7), score("gqa", "lmms", 0.71),
    ]  # fmt: skip
    found = {card.recipe: {t.benchmark: t.value for t in card.tasks} for card in cards(given)}
    assert found == {
        "mine (llava rules)": {"gqa": 0.61, "docvqa": 0.3},
        "mine (lmms rules)": {"gqa": 0.71, "docvqa": 0.3},
    }


def test_a_suite_s_mean_is_never_made_of_both_rules() -> None:
    members = ("gqa", "textvqa", "pope", "docvqa", "seedbench_image")
    native = [score(name, "lmms", 0.4) for name in members]
    given = [*native, score("gqa", "llava", 0.9)]
    found = headlines(cards(given))
    assert found == {"mine (lmms rules)": pytest.approx(0.4)}


def test_a_point_without_the_headline_is_there_once() -> None:
    given = [score("avg5", "mixed"), score("avg5", "lmms"), score("docvqa", "lmms", px=512)]
    assert len(cards(given)) == 3


def test_scores_of_unstated_rules_go_with_any() -> None:
    given = [score("avg5", ""), score("avg5", "lmms", px=512), score("gqa", "reported")]
    assert {card.recipe for card in cards(given)} == {"mine"}
    assert notes(given) == ()


def test_recipes_are_told_apart_before_their_rules() -> None:
    given = [score("avg5", "mixed"), score("avg5", "lmms", recipe="other")]
    assert {card.recipe for card in cards(given)} == {"mine", "other"}


def test_a_mixture_that_was_asked_for_is_one_front_with_the_odd_ones_marked() -> None:
    given = [
        score("avg5", "mixed"), score("avg5", "mixed", px=512), score("avg5", "lmms", px=768),
    ]  # fmt: skip
    found = cards(given, mix=True)
    assert {card.recipe for card in found} == {"mine"}
    assert [[(c.kind, c.text) for c in card.cautions] for card in found] == [
        [], [], [("rules", "scored by protocol lmms, most of this front by mixed")],
    ]  # fmt: skip
    assert "share a front because that was asked for" in notes(given, mix_protocols=True)[0]


def test_the_published_scores_need_no_splitting() -> None:
    assert notes(published.scores()) == ()
    assert not any("rules)" in row.recipe for row in published_view().rows)


def checkpoint(row: str, value: float, dated: str = "2026-01-01") -> Score:
    source = Source("imported", "lmms-eval 0.7.2", row=row)
    return Score(
        "e", 336, "l", "none", "mine", "gqa", value, source, protocol="lmms", dated=dated
    )  # fmt: skip


def test_two_checkpoints_of_one_place_have_a_front_of_their_own_each() -> None:
    given = [checkpoint("pretrained=a", 0.6), checkpoint("pretrained=a,load_in_4bit=True", 0.5)]
    assert headlines(cards(given, "gqa")) == {
        "mine [without these]": 0.6, "mine [load_in_4bit=True]": 0.5,
    }  # fmt: skip
    (said,) = notes(given)
    assert "has 2 candidates" in said and "--recipe mine_int4" in said


def test_a_later_run_of_a_checkpoint_replaces_the_earlier_one() -> None:
    given = [checkpoint("pretrained=a", 0.6, "2026-02-01"), checkpoint("pretrained=a", 0.5)]
    assert headlines(cards(given, "gqa")) == {"mine": 0.6}
    assert notes(given) == ()


def test_docvqa_by_two_rules_shares_no_front_and_avg5_of_the_paper_is_marked() -> None:
    both = [score("docvqa", "lmms_any", 0.7), score("docvqa", "lmms", 0.6, px=512)]
    assert headlines(cards(both, "docvqa")) == {
        "mine (lmms_any rules)": 0.7, "mine (lmms rules)": 0.6,
    }  # fmt: skip
    paper = [score("avg5", "mixed_any", 0.7, recipe="paper"), score("avg5", "mixed", 0.6)]
    assert headlines(cards(paper)) == {"paper": 0.7, "mine": 0.6}
    (said,) = notes(paper)
    assert said.startswith("DocVQA, and so Avg-5, of paper counts an answer")
