"""Sentences about what would change an answer: the lines of `paretobench next` and of a report.

Numbers come from `view.next_steps`; here they become words, the same on every surface.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretobench.analysis.held_out import HeldOut
from paretobench.report.formatting import ttft_ms, value_ms
from paretobench.report.view.next_steps import (
    NextPart,
    NextScore,
    NextSteps,
    NextTiming,
    next_steps,
)
from paretobench.report.view.rows import View
from paretobench.units import counted, milliseconds, percent

POINTS_IN_REPORTS, PARTS_IN_REPORTS, MOST_LINES = 2, 1, 3
"""Points, parts and lines of each recipe in a report; `paretobench next` names more."""


@dataclass(frozen=True)
class Changes:
    """What would change the fronts of a report.

    Attributes:
        panels: per recipe and environment its title and at most `MOST_LINES` lines.
        trust: how well scores were predicted, and what a gain is; empty without a model.
    """

    panels: tuple[tuple[str, list[str]], ...]
    trust: list[str]


def changes(view: View) -> Changes:
    """What would change the fronts of a view, for its report.

    >>> changes(View(())).panels
    ()
    """
    steps = next_steps(view)
    first = {each.environment: each for each in reversed(steps)}
    trust = [
        f"{environment}: {line}" if len(first) > 1 else line
        for environment, each in first.items()
        for line in model_lines(each)
    ]
    panels = tuple(
        (
            title(each, len(first)).replace("recipe", "Recipe", 1),
            lines(each, POINTS_IN_REPORTS, PARTS_IN_REPORTS)[:MOST_LINES],
        )
        for each in steps
    )
    return Changes(panels, [*trust, gain_line(None)] if trust else [])


def title(steps: NextSteps, environments: int = 1) -> str:
    """Which recipe it is about, and which environment where there are several.

    >>> title(NextSteps("r", "chip", None, (), (), None, None), 2)
    'recipe r on chip'
    """
    return f"recipe {steps.recipe}" + (f" on {steps.environment}" if environments > 1 else "")


def lines(steps: NextSteps, points: int | None = None, parts: int | None = None) -> list[str]:
    """What is named of one panel: everything, or so many points and parts; or why nothing is.

    >>> lines(NextSteps("r", "chip", None, (), (), None, None))
    ['Nothing that could be scored or measured here is expected to change it.']
    """
    found = [timing_line(each, steps.under_s) for each in steps.unmeasured[:points]]
    found += [score_line(each, steps.under_s) for each in steps.scores[:points]]
    found += [part_line(each, steps.under_s) for each in steps.parts[:parts]]
    reason = f"; {steps.refusal}" if steps.refusal else ""
    nothing = f"Nothing that could be scored or measured here is expected to change it{reason}."
    return found or [nothing]


def timing_line(step: NextTiming, under_s: float | None) -> str:
    """One point that has a score and no latency."""
    if step.chance is None or step.gain is None or step.row.predicted is None:
        return f"Measure {step.row}: it has a score and no latency yet."
    place = "on the front" if under_s is None else "the best"
    return (
        f"Measure {step.row}: {ttft_ms(step.row)} ms predicted, "
        f"{percent(step.row.score.value if step.row.score else None)} % scored, {place} with a "
        f"probability of {_probability(step.chance)} %, gain {step.gain * 100:+.2f} points."
    )


def score_line(step: NextScore, under_s: float | None) -> str:
    """One point that is worth scoring, with what it is expected to bring."""
    place = "on the front" if under_s is None else "the best"
    doubt = ""
    if not step.is_calibrated:
        about = f": no score has {' or '.join(step.unseen)}" if step.unseen else ""
        doubt = f"; not calibrated{about}"
    return (
        f"Score (or train) {step.row}: TTFT {value_ms(step.row.ttft)} ms, "
        f"{percent(step.expected)} % expected [{percent(step.low)}, {percent(step.high)}], "
        f"{place} with a probability of {_probability(step.chance)} %, "
        f"gain {step.gain * 100:+.2f} points{doubt}."
    )


def part_line(step: NextPart, under_s: float | None) -> str:
    """One part that is worth measuring, with what knowing it exactly is expected to bring."""
    processes = counted(step.processes, "process", "processes")
    answer = "the front" if under_s is None else "the best"
    gain = "" if step.gain is None else f", gain {step.gain * 100:+.2f} points"
    return (
        f"Measure {step.what} again ({milliseconds(step.latency_s)} ms from {processes}, in "
        f"{counted(step.points, 'scored point')}): changes {answer} with a probability of "
        f"{_probability(step.chance)} %{gain}."
    )


def _probability(share: float) -> str:
    """A probability in percent; one that rounds to nothing or to all is neither.

    >>> _probability(0.29), _probability(0.0025), _probability(0.999)
    ('29', 'less than 1', 'more than 99')
    """
    if share < 0.01:
        return "less than 1"
    return "more than 99" if share > 0.99 else percent(share, 0)


def model_lines(steps: NextSteps) -> list[str]:
    """How well scores were predicted that were left out, and whether that is as promised."""
    if steps.held_out is None:
        return []
    known = counted(steps.held_out.scores, "score")
    lines = [f"Each of {known} predicted from the others: {_verdict(steps.held_out)}."]
    if steps.held_out_new is not None:
        new = _verdict(steps.held_out_new)
        lines.append(f"All scores of an encoder or LLM predicted from the rest: {new}.")
    return lines


def _verdict(held: HeldOut) -> str:
    """The error and the share held.

    >>> _verdict(HeldOut(30, 29, 0.0071))
    'median error 0.7 points, the 90 % interval held 29 of 30 (calibrated)'
    """
    word = "calibrated" if held.is_calibrated else "not calibrated"
    return (
        f"median error {held.median_error * 100:.1f} points, "
        f"the 90 % interval held {held.held} of {held.scores} ({word})"
    )


def gain_line(under_s: float | None) -> str:
    """What a gain means."""
    if under_s is not None:
        return f"A gain is accuracy within {milliseconds(under_s)} ms, in points."
    return (
        "A gain is the best accuracy within a latency budget, in points, averaged over budgets "
        "from the fastest point to the slowest."
    )
