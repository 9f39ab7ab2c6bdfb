"""Which score counts at a place: later versions, contests, and what both leave alone."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from paretobench.accuracy.current_scores import sort_out
from paretobench.domain.records import Score, Source

SCORE = Score(
    "fastvithd", 1024, "qwen2_0_5b", "none", "mine", "gqa", 0.6,
    Source(kind="imported", title="lmms-eval 0.7.2", row="pretrained=a/b,dtype=float16"),
    protocol="lmms", dated="2026-01-01T00:00:00",
)  # fmt: skip


def version(value: float, dated: str) -> Score:
    return replace(SCORE, value=value, dated=dated)


def other_checkpoint(value: float, row: str) -> Score:
    return replace(SCORE, value=value, source=replace(SCORE.source, row=row))


def test_the_later_of_two_versions_counts_and_the_earlier_is_named() -> None:
    old, new = version(0.5, "2026-01-01"), version(0.6, "2026-02-01")
    for order in ([old, new], [new, old]):
        found = sort_out(order)
        assert (found.counting, found.replaced, found.contests) == ([new], [(old, new)], [])


def test_two_checkpoints_with_different_values_are_candidates_by_what_differs() -> None:
    int4 = other_checkpoint(0.57, "pretrained=a/b,dtype=float16,load_in_4bit=True")
    found = sort_out([SCORE, int4])
    assert not found.counting
    (contest,) = found.contests
    assert dict(contest.candidates) == {"load_in_4bit=True": int4, "without these": SCORE}
    assert "--recipe mine_int4" in contest.advice


def test_two_versions_of_one_time_are_a_contest_too() -> None:
    found = sort_out([version(0.5, "2026-01-01"), version(0.6, "2026-01-01")])
    assert len(found.contests) == 1 and not found.replaced


def test_checkpoints_with_one_value_are_no_contest() -> None:
    found = sort_out([SCORE, other_checkpoint(0.60001, "pretrained=c/d")])
    assert len(found.counting) == 1 and not found.contests


def test_protocols_recipes_parts_and_published_values_are_left_alone() -> None:
    others = [
        replace(SCORE, value=0.1, protocol="llava"),
        replace(SCORE, value=0.2, recipe="other"),
        replace(SCORE, value=0.3, is_partial=True),
        replace(SCORE, value=0.4, source=Source(kind="published", title="a paper")),
    ]
    found = sort_out([SCORE, *others])
    assert sorted(s.value for s in found.counting) == [0.1, 0.2, 0.3, 0.4, 0.6]


@example([(0.0, "a", "1"), (1e-79, "b", "1")])
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abc"), st.sampled_from("123"))))
def test_the_order_of_scores_decides_nothing(drawn: list[tuple[float, str, str]]) -> None:
    scores = [
        replace(SCORE, value=value, dated=dated, source=replace(SCORE.source, row=row))
        for value, row, dated in drawn
    ]
    forth, back = sort_out(scores), sort_out(list(reversed(scores)))
    assert {s.value for s in forth.counting} == {s.value for s in back.counting}
    assert len(forth.contests) == len(back.contests)
