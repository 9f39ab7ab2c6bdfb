"""One front, one set of scoring rules."""

from __future__ import annotations

import pytest

from paretobench.accuracy.protocols import apart, check_one_protocol, follows, rule_sets
from paretobench.domain.records import Score, Source
from paretobench.errors import DataError


def _score(benchmark: str, protocol: str) -> Score:
    source = Source("imported", "a file")
    return Score("e", 1, "l", "none", "r", benchmark, 0.5, source, protocol=protocol)


def test_one_protocol_needs_no_mark() -> None:
    assert check_one_protocol([_score("pope", "lmms"), _score("pope", "lmms")]) == ""


def test_benchmarks_may_each_have_their_own_protocol() -> None:
    assert check_one_protocol([_score("pope", "llava"), _score("docvqa", "lmms")]) == ""


def test_a_mixture_is_refused_and_named() -> None:
    scores = [_score("pope", "lmms"), _score("pope", "llava")]
    with pytest.raises(DataError, match=r"mix scoring protocols \(pope: llava and lmms\)"):
        check_one_protocol(scores)


def test_a_mixture_that_was_asked_for_is_marked() -> None:
    scores = [_score("avg5", "lmms"), _score("avg5", "mixed")]
    mark = check_one_protocol(scores, is_mixing_allowed=True)
    assert mark == "mixed scoring protocols (avg5: lmms and mixed)"


def test_a_score_that_names_no_protocol_mixes_with_any() -> None:
    scores = [_score("pope", ""), _score("pope", "lmms")]
    assert check_one_protocol(scores) == ""
    assert rule_sets(scores) == ()
    assert all(follows(score, "lmms") for score in scores)


def test_the_paper_s_mixture_is_one_set_of_rules() -> None:
    paper = [_score("avg5", "mixed"), _score("gqa", "llava"), _score("docvqa", "lmms")]
    assert rule_sets(paper) == ()
    assert rule_sets([*paper, _score("gqa", "lmms")]) == ("llava", "lmms")


def test_a_task_that_the_paper_does_not_know_goes_with_either_rules() -> None:
    score = _score("my_task", "lmms")
    assert follows(score, "lmms")
    assert follows(score, "llava")
    assert not follows(_score("gqa", "vlmevalkit"), "lmms")


def test_docvqa_by_the_old_and_the_new_rule_shares_no_front() -> None:
    old, new = _score("docvqa", "lmms_any"), _score("docvqa", "lmms")
    assert apart([old, new]) == {"docvqa"}
    needed = rule_sets([old, new])
    following = [
        [score.protocol for score in (old, new) if follows(score, rules, is_apart=True)]
        for rules in needed
    ]
    assert sorted(following) == [["lmms"], ["lmms_any"]]


def test_the_paper_s_mixture_goes_together_with_its_docvqa() -> None:
    paper = [_score("gqa", "llava"), _score("docvqa", "lmms_any"), _score("avg5", "mixed_any")]
    assert rule_sets(paper) == ()
