"""Which of several scores of one place counts: replaced versions, and undecided contests.

A place is a point, a recipe, a benchmark and a protocol. Of two versions of one result (the same
checkpoint, or the same file of one's own) the later written counts; the earlier stays in the store.
Results of two checkpoints at one place are candidates: none is chosen, least of all by the order of
hashes. Each keeps its value under a label that distinguishes it from the others.

Published values are not judged here: `report.scorecards` ranks their origins.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from paretobench.accuracy.weights import weights_text
from paretobench.domain.records import Score
from paretobench.units import percent

SAME_VALUE = 5e-5
"""Values closer than this are one value: files round to four digits."""

_LINE = re.compile(r"line \d+\Z")


@dataclass(frozen=True)
class Contest:
    """Two or more checkpoints with different values at one place.

    Attributes:
        candidates: their newest scores, by label: what distinguishes each from the others.
    """

    candidates: tuple[tuple[str, Score], ...]

    def __str__(self) -> str:
        first = self.candidates[0][1]
        values = " and ".join(
            f"{percent(score.value)} % ({label})" for label, score in self.candidates
        )
        return (
            f"{first.benchmark} of {first.encoder}@{first.resolution_px} + {first.llm}"
            f"{'' if first.tiling == 'none' else f' ({first.tiling})'}, recipe {first.recipe}, has "
            f"{len(self.candidates)} candidates: {values}"
        )

    @property
    def advice(self) -> str:
        """What to do about it: a recipe for each, the plain one's own name first."""
        names = [_recipe(score, number) for number, (_, score) in enumerate(self.candidates, 1)]
        if len(set(names)) < len(names):
            names = [f"{score.recipe}_{n}" for n, (_, score) in enumerate(self.candidates, 1)]
        options = ", ".join(f"--recipe {name}" for name in names)
        return (
            f"import each under a recipe of its own ({options}); until then each has its own front"
        )


@dataclass
class Standing:
    """Scores sorted out: those that count, those replaced by a later version, and contests.

    Attributes:
        counting: every score but the replaced and the contested ones, in their order.
        replaced: each with the score that replaced it.
        contests: places with several candidates.
    """

    counting: list[Score] = field(default_factory=list)
    replaced: list[tuple[Score, Score]] = field(default_factory=list)
    contests: list[Contest] = field(default_factory=list)


def lineage(score: Score) -> str:
    """The lineage of a result: its versions replace one another.

    The checkpoint where it is known, else the arguments of the harness, else the file's name.
    """
    source = score.source
    return score.checkpoint or _arguments(score) or source.table or source.title


def sort_out(scores: Iterable[Score]) -> Standing:
    """What counts of these scores; partial and published ones pass through untouched."""
    found = Standing()
    places: dict[tuple[object, ...], list[Score]] = defaultdict(list)
    for score in scores:
        if score.is_partial or score.source.kind not in ("measured", "imported"):
            found.counting.append(score)
        else:
            place = (score.source.kind, score.point, score.recipe, score.benchmark, score.protocol)
            places[place].append(score)
    for held in places.values():
        if len(held) == 1:
            found.counting += held
        else:
            _judge(held, found)
    return found


def _judge(held: Sequence[Score], found: Standing) -> None:
    """One place with several scores."""
    lines: dict[str, list[Score]] = defaultdict(list)
    for score in held:
        lines[lineage(score)].append(score)
    candidates: list[Score] = []
    for versions in lines.values():
        latest = max(score.dated for score in versions)
        newest = _distinct([score for score in versions if score.dated == latest])
        candidates += newest
        if len(newest) == 1:
            found.replaced += [
                (old, newest[0])
                for old in versions
                if old.dated < latest and abs(old.value - newest[0].value) > SAME_VALUE
            ]
    distinct = _distinct(candidates)
    if len(distinct) == 1:
        found.counting.append(
            max(candidates, key=lambda score: (score.dated, score.value, score.source.row or ""))
        )
    else:
        found.contests.append(Contest(_labelled(distinct)))


def _distinct(scores: Sequence[Score]) -> list[Score]:
    """The scores without those whose value another has, the order of values deciding nothing."""
    kept: list[Score] = []
    for score in sorted(scores, key=lambda score: (score.value, score.dated, score.source.title)):
        if not kept or abs(score.value - kept[-1].value) > SAME_VALUE:
            kept.append(score)
    return kept


def _labelled(scores: Sequence[Score]) -> tuple[tuple[str, Score], ...]:
    """Each with what distinguishes it: arguments that the others lack, else hash, file or value."""
    arguments = [re.split(r",(?=\w+=)", _about(score)) for score in scores]
    shared = set(arguments[0]).intersection(*arguments[1:])
    labels = [", ".join(a for a in each if a not in shared) for each in arguments]
    if len(set(labels)) < len(labels):
        labels = [
            f"{label or _about(score)}, {score.source.sha256[:8]}"
            for label, score in zip(labels, scores, strict=True)
        ]
    return tuple(zip((label or "without these" for label in labels), scores, strict=True))


def _about(score: Score) -> str:
    arguments, source = _arguments(score), score.source
    known = arguments or score.checkpoint[:12] or source.table or source.title
    return f"{known}, {score.dated[:10]}" if score.dated and not arguments else known


def _arguments(score: Score) -> str:
    """The harness's arguments; empty for a line of a CSV file."""
    return "" if _LINE.match(score.source.row) else score.source.row


def _recipe(score: Score, number: int) -> str:
    """A recipe's name for one candidate: what its weights are, else its number."""
    words = weights_text(score.checkpoint, score.source.row)
    kinds = re.findall(r"(?:quantised|pruned): ([\w.%-]+)", words)
    return "_".join([score.recipe, *kinds]) if kinds or number > 1 else score.recipe
