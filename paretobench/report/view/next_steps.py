"""What would change each panel's answer: points to score, parts to measure, how far to trust it.

The rows of a view become what `analysis.unscored` and `analysis.next_steps` work on; here the
answers get back their rows. Scores of all recipes of one environment inform one model; each
panel's points are valued against that panel's front.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretobench.analysis.held_out import HeldOut
from paretobench.analysis.next_steps import (
    DRAWS,
    ScoreGain,
    worth_measuring,
    worth_scoring,
    worth_timing,
)
from paretobench.analysis.noise import Assumed
from paretobench.analysis.points import Contender
from paretobench.analysis.unscored import FEWEST, ScoreModel
from paretobench.report.view.front_membership import (
    SEED,
    assumed_log_se,
    contenders,
    split_by_reach,
)
from paretobench.report.view.rows import Panel, Row, View
from paretobench.units import counted

SHOWN = 3
"""Points and parts that are named of each panel."""

LEAST_CHANCE = 0.01
"""Of changing the answer, for a part to be named: a few of `analysis.next_steps.PART_DRAWS`."""

FEWEST_DRAWS, DRAWN_AT_MOST = 200, 2_000_000
"""Draws per point, and draws of all points together: a large database settles for fewer."""

Z90 = 1.644854
"""Half-width of a 90 % normal interval in standard errors, which predictions come with."""

_ENCODER, _LLM = 0, 1
"""Places of the traits whose whole levels are held out."""


@dataclass(frozen=True)
class NextScore:
    """A point that is worth scoring under a panel's recipe, or training where it is not trained.

    Attributes:
        row: the point; its own recipe, if any, is another one.
        unseen: what of it no score has under any recipe, such as `Qwen2-7B`.
        is_calibrated: whether predictions of such points held what they promise.
        expected, low, high, chance, gain: as `analysis.next_steps.ScoreGain`.
    """

    row: Row
    unseen: tuple[str, ...]
    is_calibrated: bool
    expected: float
    low: float
    high: float
    chance: float
    gain: float


@dataclass(frozen=True)
class NextPart:
    """A part of scored points that is worth measuring in more processes.

    Attributes:
        what: the part, such as `encode FastViTHD@512`.
        latency_s: as measured.
        processes: that it was measured in.
        points: scored points of the panel that it is a part of.
        chance, gain: as `analysis.next_steps.PartGain`.
    """

    what: str
    latency_s: float
    processes: int
    points: int
    chance: float
    gain: float | None


@dataclass(frozen=True)
class NextTiming:
    """A point with a score and no latency; a prediction says what measuring it may bring.

    Attributes:
        chance, gain: as `analysis.next_steps.worth_timing` says; None without a prediction.
    """

    row: Row
    chance: float | None = None
    gain: float | None = None


@dataclass(frozen=True)
class NextSteps:
    """What would change one panel's answer, the most worthwhile first.

    Attributes:
        under_s: the answer is the best within this limit; None: it is the front.
        scores: points to score.
        parts: parts to measure; empty for latencies that were not measured here.
        held_out: how well the model predicts each score from all others; None with too few.
        held_out_new: the same for all scores of an encoder or LLM from those of the rest.
        unmeasured: points with a score of this recipe and no latency that may change the answer.
        refusal: why no point is named, where the reason is not that none is worth it.
    """

    recipe: str
    environment: str
    under_s: float | None
    scores: tuple[NextScore, ...]
    parts: tuple[NextPart, ...]
    held_out: HeldOut | None
    held_out_new: HeldOut | None
    unmeasured: tuple[NextTiming, ...] = ()
    refusal: str = ""


def next_steps(
    view: View, under_s: float | None = None, count: int = SHOWN
) -> tuple[NextSteps, ...]:
    """What would change each panel's answer, the panel with most points first.

    Args:
        view: of all recipes: each informs the others.
        under_s: the best within this limit is the answer; by default the front is.
        count: points and parts to name of each panel.
    """
    panels = [panel for panel in view.panels() if panel.undisturbed]
    found: dict[int, NextSteps] = {}
    for environment in dict.fromkeys(panel.environment for panel in panels):
        own = [panel for panel in panels if panel.environment == environment]
        everyone = _Everyone.of(view, own, environment)
        found |= {id(panel): everyone.steps(panel, under_s, count) for panel in own}
    return tuple(found[id(panel)] for panel in panels)


@dataclass(frozen=True)
class _Everyone:
    """One environment's scored rows and timed points, and the model of the scores.

    Attributes:
        untimed: rows with a score and no latency.
        candidates: per recipe the rows of the points it has no score of.
        places: the index of a row (by its `id`) under a recipe among the model's points.
    """

    scored: Sequence[Row]
    untimed: Sequence[Row]
    candidates: dict[str, list[Row]]
    places: dict[tuple[int, str], int]
    model: ScoreModel | None
    held_out: HeldOut | None
    held_out_new: HeldOut | None

    @classmethod
    def of(cls, view: View, panels: Sequence[Panel], environment: str) -> _Everyone:
        """The rows of one environment, and the model fitted to them where there are enough."""
        scored = [row for panel in panels for row in panel.undisturbed]
        points = {
            row.identity: row
            for row in view.rows
            if row.environment == environment and row.ttft and not row.is_disturbed
        }
        untimed = [row for row in view.untimed if row.score is not None]
        candidates: dict[str, list[Row]] = {}
        pairs = [(row, row.recipe) for row in scored]
        for panel in panels:
            known = {row.identity for row in panel.rows}
            own = [row for identity, row in points.items() if identity not in known]
            candidates[panel.recipe] = own
            pairs += [(row, panel.recipe) for row in own]
        places = {(id(row), recipe): index for index, (row, recipe) in enumerate(pairs)}
        if len(scored) < FEWEST:
            return cls(scored, untimed, candidates, places, None, None, None)
        contending = [_point(row, recipe) for row, recipe in pairs]
        model = ScoreModel(contending[: len(scored)], contending[len(scored) :])
        held_new = model.held_out_by_trait((_ENCODER, _LLM))
        return cls(scored, untimed, candidates, places, model, model.held_out(), held_new)

    def steps(self, panel: Panel, under_s: float | None, count: int) -> NextSteps:
        """What would change one panel's answer."""
        return NextSteps(
            panel.recipe,
            panel.environment,
            under_s,
            self._scores(panel, under_s, count),
            _parts(panel.undisturbed, under_s, count),
            self.held_out,
            self.held_out_new,
            self._unmeasured(panel, under_s, count),
            self._refusal(panel),
        )

    def _unmeasured(
        self, panel: Panel, under_s: float | None, count: int
    ) -> tuple[NextTiming, ...]:
        """The most worthwhile of them; those without a prediction last, worthless ones never."""
        known, found = contenders(panel.undisturbed), []
        for row in self.untimed:
            if row.recipe != panel.recipe or row.environment not in ("", panel.environment):
                continue
            if row.predicted is None or row.score is None:
                found.append(NextTiming(row))
                continue
            log_se = math.log(row.predicted.high_s / row.predicted.low_s) / 2 / Z90
            predicted = (row.predicted.latency_s, log_se)
            rng = np.random.default_rng(SEED)
            chance, gain = worth_timing(known, row.score.value, predicted, rng, under_s)
            if chance > 0:
                found.append(NextTiming(row, chance, gain))
        return tuple(sorted(found, key=lambda each: -(each.gain or 0.0))[:count])

    def _refusal(self, panel: Panel) -> str:
        if not self.candidates[panel.recipe]:
            return "every point with a latency has a score"
        if self.model is None:
            known = counted(len(self.scored), "score")
            return f"{known} of this environment predict nothing; from {FEWEST} on they do"
        return ""

    def _scores(self, panel: Panel, under_s: float | None, count: int) -> tuple[NextScore, ...]:
        candidates = self.candidates[panel.recipe]
        if self.model is None or not candidates:
            return ()
        rows = [*panel.undisturbed, *candidates]
        index = [self.places[id(row), panel.recipe] for row in rows]
        draws = max(FEWEST_DRAWS, min(DRAWS, DRAWN_AT_MOST // len(rows)))
        drawn = self.model.draw(np.random.default_rng(SEED), draws, index)
        ttft_s = np.array([row.ttft.value for row in rows if row.ttft])
        floor = min(row.score.value for row in panel.undisturbed if row.score)
        gains = worth_scoring(ttft_s, drawn, len(panel.undisturbed), floor, count, under_s)
        return tuple(self._named(gain, candidates[gain.index], panel.recipe) for gain in gains)

    def _named(self, gain: ScoreGain, row: Row, recipe: str) -> NextScore:
        assert self.model is not None
        written = (row.encoder_label, row.llm_label, row.tiling_label or row.tiling, recipe)
        labels = dict(zip(_traits(row, recipe), written, strict=True))
        unseen = self.model.unseen_traits(_point(row, recipe))
        held = self.held_out_new if unseen else self.held_out
        return NextScore(
            row,
            tuple(labels[name] for name in unseen),
            held is not None and held.is_calibrated,
            gain.expected,
            gain.low,
            gain.high,
            gain.chance,
            gain.gain,
        )


def _traits(row: Row, recipe: str) -> tuple[str, ...]:
    return (row.encoder, row.llm, row.tiling, recipe)


def _point(row: Row, recipe: str) -> Contender:
    """A row as the model takes it; the accuracy of a point without a score is not read."""
    return Contender(
        name=str(row),
        ttft_s=row.ttft.value if row.ttft else 0.0,
        accuracy=row.score.value if row.score else 0.0,
        accuracy_se=row.score.standard_error if row.score else None,
        traits=_traits(row, recipe),
    )


def _parts(rows: Sequence[Row], under_s: float | None, count: int) -> tuple[NextPart, ...]:
    """The parts of these rows that were measured and whose noise can change the answer."""
    near, _ = split_by_reach(rows)
    # A row with no chance of being on the front is dominated whatever one part may turn out to be.
    shown = [row for row in near if row.is_measured and row.front.probability != 0.0]
    if not shown:
        return ()
    assumed = Assumed(log_se=assumed_log_se(rows))
    found = worth_measuring(contenders(shown), np.random.default_rng(SEED), under_s, assumed)
    named = _part_names(rows)
    return tuple(
        NextPart(*named[gain.part.workload], gain.chance, gain.gain)
        for gain in found[:count]
        if gain.chance >= LEAST_CHANCE
    )


def _part_names(rows: Sequence[Row]) -> dict[str, tuple[str, float, int, int]]:
    """Per part its name, seconds, processes and points, by its key."""
    names: dict[str, tuple[str, float, int]] = {}
    points: Counter[str] = Counter()
    for row in rows:
        estimate = row.encode or row.encode_total
        if estimate is None or row.prefill is None:
            continue
        tiling = f" {row.tiling_label}" if row.passes and row.passes > 1 else ""
        encode = f"encode {row.encoder_label}@{row.resolution_px}{tiling}"
        prefill = f"prefill {row.llm_label}, {row.visual_tokens} tokens"
        names.setdefault(row.encode_key, (encode, estimate.value, estimate.n))
        names.setdefault(row.prefill_key, (prefill, row.prefill.value, row.prefill.n))
        points.update((row.encode_key, row.prefill_key))
    return {key: (*about, points[key]) for key, about in names.items()}
