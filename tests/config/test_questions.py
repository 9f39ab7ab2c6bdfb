"""Settings that ask a question or set a budget: what they come to, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.config import expand
from paretobench.errors import ConfigError

NOWHERE = Path("no such folder")


def test_without_a_budget_or_a_question_rounds_go_over_everything() -> None:
    settings = expand(["+grid=smoke"], NOWHERE).settings
    assert not settings.is_decided
    assert settings.budget_s is None


@pytest.mark.parametrize(("text", "seconds"), [("15min", 900.0), ("900s", 900.0), ("1h", 3600.0)])
def test_a_budget_is_a_duration(text: str, seconds: float) -> None:
    settings = expand(["+grid=smoke", f"budget={text}"], NOWHERE).settings
    assert settings.is_decided
    assert settings.budget_s == seconds


def test_limits_are_read_as_best_reads_them() -> None:
    words = ["+grid=smoke", "until=best", "under=200ms", "at_least=60"]
    question = expand(words, NOWHERE).settings.question
    assert (question.under_s, question.at_least) == (pytest.approx(0.2), pytest.approx(0.6))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["budget=15"], "with its unit"),
        (["budget=5s"], "at least 30s"),
        (["budget=soon"], "must be a duration"),
        (["until=best"], "needs a limit"),
        (["under=200ms"], "belong to until=best"),
        (["until=front", "at_least=60"], "belong to until=best"),
        (["until=best", "at_least=0.6"], "must be a percentage"),
        (["until=best", "under=fast"], "not a duration"),
        (["until=tomorrow"], "unknown until"),
        (["confidence=1"], "between 0.5 and 1"),
        (["tie=2"], "between 0 and 0.5"),
        (["until=front", "accuracy=lmms_eval"], "score first"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(words: list[str], part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        expand(["+grid=smoke", *words], NOWHERE)
