"""The best point for a question, as a value: one answer for each recipe and environment.

What is best under constraints, and how sure that is, is decided in `analysis.query`; here the
rows of a view are asked and the answer carries them back.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from paretobench.analysis.constraints import Constraint, parse_constraint
from paretobench.analysis.query import Answer, best, shorthands
from paretobench.api.listed import Listed
from paretobench.domain.records import Estimate
from paretobench.errors import ConfigError, DataError
from paretobench.report.formatting import score_percent, ttft_ms
from paretobench.report.view.front_membership import SEED, contenders
from paretobench.report.view.whole_answer import with_answer
from paretobench.units import counted, percent

if TYPE_CHECKING:
    from paretobench.analysis.points import Contender
    from paretobench.report.view.rows import Panel, Row, View

MOST_PROMISING = 3
"""Lines about points that were not measured; the JSON form has them all."""


@dataclass(frozen=True, repr=False)
class BestPoint:
    """The answer within one recipe and environment.

    Attributes:
        title: the recipe and environment it is about.
        rows: the view's rows that took part, by the names of their contenders.
        answer: what `analysis.query` found.
        answer_tokens: tokens of the answer that the time is to; 0 for the time to the first.
        promising: rows that were not measured and would be the answer if their predicted TTFT were
            right, the most preferred first: worth measuring, and no part of the answer.
    """

    title: str
    rows: dict[str, Row]
    answer: Answer
    answer_tokens: int = 0
    promising: tuple[Row, ...] = ()

    @property
    def point(self) -> Row | None:
        """The best row; None if nothing satisfies the constraints."""
        return self._row(self.answer.point)

    @property
    def tied(self) -> tuple[Row, ...]:
        """Rows that equal it in both TTFT and accuracy."""
        return tuple(self.rows[each.name] for each in self.answer.tied)

    @property
    def runner_up(self) -> Row | None:
        """The next best row that satisfies the constraints."""
        return self._row(self.answer.runner_up)

    @property
    def probability(self) -> float | None:
        """Share of draws of the true values in which `point` is the answer; None without one."""
        return self.answer.probability

    def to_json(self) -> dict[str, Any]:
        """What `paretobench best --json` prints for one recipe."""
        answer = self.answer
        nearest = None
        if answer.nearest:
            misses = {"misses": list(answer.nearest.reasons)}
            nearest = (self._point_json(answer.nearest.point) or {}) | misses
        return {
            "panel": self.title,
            "constraints": [str(each) for each in answer.constraints],
            "best": self._point_json(answer.point),
            "tied": [self._point_json(each) for each in answer.tied],
            "runner_up": self._point_json(answer.runner_up),
            "probability": answer.probability,
            "meets_constraints_probability": answer.meets,
            "assumed_noise": list(answer.assumed),
            "satisfying": answer.satisfying,
            "nearest": nearest,
            "worth_measuring": [_predicted_json(row) for row in self.promising],
        }

    def __str__(self) -> str:
        worth = [f"  worth measuring: {describe(row)}" for row in self.promising[:MOST_PROMISING]]
        return "\n".join([*self._lines(), *worth])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        first, *rest = str(self).split("\n")
        body = html.escape("\n".join(rest))
        return f"<p><b>{html.escape(first)}</b></p><pre style='white-space: pre-wrap'>{body}</pre>"

    def _lines(self) -> Iterator[str]:
        answer = self.answer
        asked = " and ".join(str(each) for each in answer.constraints)
        if answer.point is None:
            yield f"{self.title}: nothing satisfies {asked}"
            if answer.nearest:
                nearest = describe(self.rows[answer.nearest.point.name], self.answer_tokens)
                yield f"  nearest: {nearest}, but {'; '.join(answer.nearest.reasons)}"
            return
        yield f"{self.title}: best with {asked}"
        yield f"  {describe(self.rows[answer.point.name], self.answer_tokens)}"
        for tied in self.tied:
            yield f"  equally good: {describe(tied, self.answer_tokens)}"
        if self.runner_up:
            yield f"  runner-up: {describe(self.runner_up, self.answer_tokens)}"
        sure = f"  probability of being the answer {percent(answer.probability, 0)} %"
        if answer.assumed:
            assumed = " and ".join(answer.assumed)
            sure += f" (the noise of its {assumed} is not known and was assumed)"
        yield sure

    def _row(self, contender: Contender | None) -> Row | None:
        return None if contender is None else self.rows[contender.name]

    def _point_json(self, contender: Contender | None) -> dict[str, Any] | None:
        if contender is None:
            return None
        return {
            **point_json(self.rows[contender.name]),
            **self._time_json(contender.ttft_s),
            "accuracy": contender.accuracy,
        }

    def _time_json(self, seconds: float) -> dict[str, Any]:
        if not self.answer_tokens:
            return {"ttft_s": seconds}
        return {"answer_tokens": self.answer_tokens, "answer_s": seconds}


class Answers(Listed[BestPoint]):
    """One `BestPoint` for each recipe and environment, the one with most points first."""

    @property
    def is_satisfied(self) -> bool:
        """Whether any recipe has a point that satisfies the constraints."""
        return any(each.point is not None for each in self)

    def to_json(self) -> list[dict[str, Any]]:
        """What `paretobench best --json` prints."""
        return [each.to_json() for each in self]

    def _repr_html_(self) -> str:
        return "".join(each._repr_html_() for each in self)


def answer(
    view: View,
    under_s: float | None = None,
    at_least: float | None = None,
    where: Sequence[str] = (),
    answer_tokens: int = 0,
) -> Answers:
    """The best point of each panel of a view; see `Results.best`.

    Args:
        answer_tokens: judge by the time to an answer of so many tokens instead of the first.

    Raises:
        ConfigError: if nothing is asked for, or a condition cannot be read.
        DataError: if no point has both a TTFT and a score.
    """
    if under_s is None and at_least is None and not where:
        raise ConfigError("ask for something: --under 200ms, --at-least 60, or --where CONDITION")
    if answer_tokens:
        view = with_answer(view, answer_tokens)
    asked = [*shorthands(under_s, at_least), *_conditions(where, view)]
    if answer_tokens:
        name = f"time to {counted(answer_tokens, 'token')}"
        asked = [replace(one, name=name) if one.column == "ttft_s" else one for one in asked]
    found = []
    for panel in view.panels():
        rows = panel.judged
        if not rows:
            continue
        result = best(contenders(rows), asked, rng=np.random.default_rng(SEED))
        title = f"recipe {panel.recipe}" + (f" on {panel.environment}" if panel.environment else "")
        named, promising = rows_by_name(rows), _promising(view, panel, result)
        found.append(BestPoint(title, named, result, answer_tokens, promising))
    if not found:
        raise DataError(
            "no point has both an undisturbed TTFT and a score, so nothing can be best;\n"
            "'paretobench import' adds scores, --published uses the paper's own points"
        )
    return Answers(found)


def _promising(view: View, panel: Panel, answer: Answer) -> tuple[Row, ...]:
    """The rows of a panel's recipe and environment that would beat the answer as predicted."""
    own = (panel.recipe, panel.environment)
    left: dict[str, Row] = {}
    asked: list[Contender] = []
    for row in view.predicted:
        if row.score and row.predicted and (row.recipe, row.environment) == own:
            guess = Estimate(row.predicted.latency_s, None, None, 0, "predicted")
            asked += contenders([replace(row, ttft=guess)])
            left[asked[-1].name] = row
    rival = [answer.point] if answer.point else []
    found: list[Row] = []
    while asked:
        first = best([*rival, *asked], answer.constraints, prefer=answer.preference).point
        if first is None or first.name not in left:
            break
        found.append(left.pop(first.name))
        asked = [one for one in asked if one.name in left]
    return tuple(found)


def rows_by_name(rows: Sequence[Row]) -> dict[str, Row]:
    """The rows by the names of their contenders."""
    return {each.name: row for each, row in zip(contenders(rows), rows, strict=True)}


def point_names(row: Row) -> dict[str, Any]:
    """Which point it is."""
    return {
        "point": str(row),
        "encoder": row.encoder,
        "resolution_px": row.resolution_px,
        "llm": row.llm,
        "tiling": row.tiling,
    }


def point_json(row: Row) -> dict[str, Any]:
    """Which point it is, under which recipe."""
    return point_names(row) | {"recipe": row.recipe}


def describe(row: Row, answer_tokens: int = 0) -> str:
    """A point with its time and its score, in one line."""
    time = f"{counted(answer_tokens, 'token')} in" if answer_tokens else "TTFT"
    said = f"{row}: {time} {ttft_ms(row)} ms, accuracy {score_percent(row.score)} %"
    return f"{said} ({'; '.join(map(str, row.cautions))})" if row.cautions else said


def _predicted_json(row: Row) -> dict[str, Any]:
    guess = row.predicted
    seconds = {"predicted_ttft_s": guess.latency_s if guess else None}
    return {**point_json(row), **seconds, "accuracy": row.score.value if row.score else None}


def _conditions(texts: Sequence[str], view: View) -> list[Constraint]:
    benchmarks = {task.benchmark for row in view.rows for task in row.task_scores}
    return [parse_constraint(text, benchmarks) for text in texts]
