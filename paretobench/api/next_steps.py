"""What to score or measure next, as a value: one entry for each recipe and environment.

What is worth it, and how sure that is, is decided in `report.view.next_steps`; here the answer
becomes text and JSON, and names the command that acts on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from paretobench.api.answers import point_names
from paretobench.api.listed import Listed
from paretobench.errors import ConfigError, DataError, UnknownNameError
from paretobench.report import changes
from paretobench.report.view.next_steps import (
    SHOWN,
    NextPart,
    NextScore,
    NextSteps,
    NextTiming,
    next_steps,
)

if TYPE_CHECKING:
    from paretobench.analysis.held_out import HeldOut
    from paretobench.report.view.rows import Row, View


class Suggestions(Listed[NextSteps]):
    """One `NextSteps` for each recipe and environment, the one with most points first."""

    def to_json(self) -> list[dict[str, Any]]:
        """What `paretobench next --json` prints."""
        return [_json(each) for each in self]

    def command(self) -> str:
        """The command that scores the first point named; empty if none is."""
        for steps in self:
            for step in steps.scores[:1]:
                return _command(step, steps.recipe)
        return ""

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        environments = {each.environment: each for each in self}
        for steps in self:
            yield f"{changes.title(steps, len(environments))}:"
            yield from (f"  {line}" for line in changes.lines(steps))
        for steps in environments.values():
            yield from changes.model_lines(steps)
        yield changes.gain_line(self[0].under_s)


def suggestions(
    view: View, under_s: float | None = None, recipe: str | None = None, count: int = SHOWN
) -> Suggestions:
    """What to score or measure next.

    Args:
        view: of all recipes, since each informs the others.
        under_s: the answer in question is the best within this limit; by default the front.
        recipe: one recipe's suggestions only.
        count: points and parts to name of each recipe.

    Raises:
        ConfigError: if the limit or the count is not positive.
        DataError: if no point has both a TTFT and a score.
        UnknownNameError: if no score has that recipe.
    """
    if under_s is not None and not under_s > 0:
        raise ConfigError(f"a time limit of {under_s} s cannot be met; give a positive one")
    if count < 1:
        raise ConfigError(f"{count} suggestions are none; ask for at least 1")
    found = next_steps(view, under_s, count)
    if not found:
        raise DataError(
            "no point has both an undisturbed TTFT and a score, so there is no answer to change;\n"
            "'paretobench import' adds scores, --published uses the paper's own points"
        )
    if recipe is not None:
        if recipe not in {each.recipe for each in found}:
            raise UnknownNameError("recipe", recipe, {each.recipe for each in found})
        found = tuple(each for each in found if each.recipe == recipe)
    return Suggestions(found)


def _json(steps: NextSteps) -> dict[str, Any]:
    return {
        "recipe": steps.recipe,
        "environment": steps.environment,
        "under_s": steps.under_s,
        "score": [_score_json(each) for each in steps.scores],
        "measure": [_part_json(each) for each in steps.parts],
        "unmeasured": [_timing_json(each) for each in steps.unmeasured],
        "refusal": steps.refusal,
        "model": _held_json(steps.held_out),
        "model_of_new_traits": _held_json(steps.held_out_new),
    }


def _score_json(step: NextScore) -> dict[str, Any]:
    row: Row = step.row
    return {
        **point_names(row),
        "ttft_s": row.ttft.value if row.ttft else None,
        "expected_accuracy": step.expected,
        "low": step.low,
        "high": step.high,
        "probability": step.chance,
        "gain": step.gain,
        "unseen": list(step.unseen),
        "is_calibrated": step.is_calibrated,
    }


def _part_json(step: NextPart) -> dict[str, Any]:
    return {
        "what": step.what,
        "latency_s": step.latency_s,
        "processes": step.processes,
        "points": step.points,
        "probability": step.chance,
        "gain": step.gain,
    }


def _timing_json(step: NextTiming) -> dict[str, Any]:
    guess = step.row.predicted
    return {
        "point": str(step.row),
        "predicted_s": guess.latency_s if guess else None,
        "probability": step.chance,
        "gain": step.gain,
    }


def _held_json(held: HeldOut | None) -> dict[str, Any] | None:
    return None if held is None else asdict(held) | {"is_calibrated": held.is_calibrated}


def _command(step: NextScore, recipe: str) -> str:
    row = step.row
    tiling = "" if row.tiling in ("", "none") else f" --tiling {row.tiling}"
    return (
        f"paretobench score CHECKPOINT --encoder {row.encoder} --resolution {row.resolution_px} "
        f"--llm {row.llm}{tiling} --recipe {recipe}"
    )
