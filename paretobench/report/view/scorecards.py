"""Scores by point: which one counts for a benchmark, and how sure it is.

A point may have been trained by several recipes; each gives a scorecard of its own. So does
each set of scoring rules, where one recipe was scored by several: `mine (llava rules)`. Where
several sources score the same benchmark of the same training, the surest origin stands:
scored here, imported, printed, derived, digitised; among equals of the published the first one
given. Of two versions of a result of one's own the later counts; two checkpoints at one place are
candidates, each with a scorecard of its own (`accuracy.current_scores`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from paretobench.accuracy import protocols, suites
from paretobench.accuracy.current_scores import sort_out
from paretobench.accuracy.weights import weights_text
from paretobench.domain import catalogue_name
from paretobench.domain.records import Score
from paretobench.errors import UnknownNameError
from paretobench.report.view.rows import HEADLINE, Accuracy, Caution, Identity
from paretobench.units import percent

_KINDS = {"measured": 0, "imported": 1}
_PROVENANCES = {"printed": 2, "derived": 3, "digitised": 4}


@dataclass(frozen=True)
class Scorecard:
    """All scores of one point under one recipe; `headline` is the one on the y axis.

    Attributes:
        cautions: what keeps it from comparing with others of its recipe.
        names_precision: whether it was given for weights of the point's own precision.
    """

    recipe: str
    headline: Accuracy | None
    tasks: tuple[Accuracy, ...]
    cautions: tuple[Caution, ...] = ()
    names_precision: bool = False


def scorecards(
    scores: Iterable[Score],
    benchmark: str = HEADLINE,
    recipe: str = "all",
    mix_protocols: bool = False,
) -> dict[Identity, tuple[Scorecard, ...]]:
    """The scorecards of every scored point, recipes in the order given.

    A score of a part of a benchmark's items never counts for the whole: it is left out.

    Args:
        benchmark: which one is the headline; a suite's mean is taken where its members are
            there and it is not.
        recipe: only this recipe, or `all`.
        mix_protocols: let all scores of a recipe share a front, whatever rules they follow;
            those that follow other rules than most carry a caution.
    """
    of_recipe: dict[str, list[Score]] = {}
    for score in _counting(scores):
        if recipe in ("all", score.recipe, score.recipe.partition(" [")[0]):
            of_recipe.setdefault(score.recipe, []).append(score)
    cards: dict[Identity, list[Scorecard]] = {}
    for name, found in of_recipe.items():
        rules = protocols.rule_sets(found)
        if not rules:
            made = _cards(name, found, benchmark)
        elif mix_protocols:
            made = _with_cautions(_cards(name, found, benchmark))
        else:
            made = _apart(name, found, benchmark, rules)
        for where, card in made:
            cards.setdefault(where, []).append(card)
    return {where: tuple(found) for where, found in cards.items()}


def cards_of(own: Identity, cards: Mapping[Identity, Sequence[Scorecard]]) -> Sequence[Scorecard]:
    """The scorecards of a point, those that were given for weights of its own precision first.

    Where `qwen2_7b:int4` has no score, those of `qwen2_7b` are taken, which a caution then marks. A
    point of some images has the scores of its tiling: a benchmark's images are no part of a point.
    """
    encoder, resolution_px, llm, tiling = own
    plain = (catalogue_name(encoder), resolution_px, catalogue_name(llm), tiling)
    if found := _cards_at(own, cards):
        return [replace(card, names_precision=own != plain) for card in found]
    return _cards_at(plain, cards)


def _cards_at(
    where: Identity, cards: Mapping[Identity, Sequence[Scorecard]]
) -> Sequence[Scorecard]:
    """The scorecards of four names; of a tiling with images of its own, the tiling's, whose
    resolution says nothing of an image."""
    encoder, _, llm, tiling = where
    if where in cards or tiling == catalogue_name(tiling):
        return cards.get(where, ())
    alike = [
        found
        for (scored, _, by, tiled), found in cards.items()
        if (scored, by, tiled) == (encoder, llm, catalogue_name(tiling))
    ]
    return alike[0] if len(alike) == 1 else ()


def _counting(scores: Iterable[Score]) -> list[Score]:
    """The scores that count; candidates of a contest under a recipe's name of their own."""
    found = sort_out(score for score in scores if not score.is_partial)
    candidates = [
        replace(score, recipe=f"{score.recipe} [{label}]")
        for contest in found.contests
        for label, score in contest.candidates
    ]
    return [*found.counting, *candidates]


def _cards(name: str, scores: Iterable[Score], benchmark: str) -> list[tuple[Identity, Scorecard]]:
    """One scorecard per point, under the given name of a recipe."""
    grouped: dict[Identity, dict[str, Score]] = {}
    for score in scores:
        held = grouped.setdefault(score.point, {})
        known = held.get(score.benchmark)
        if known is None or _rank(score) < _rank(known):
            held[score.benchmark] = score
    return [(where, _scorecard(name, held, benchmark)) for where, held in grouped.items()]


def _apart(
    name: str, scores: Sequence[Score], benchmark: str, rules: Sequence[str]
) -> list[tuple[Identity, Scorecard]]:
    """A scorecard per point and set of rules; without a headline, one per point is enough."""
    made: list[tuple[Identity, Scorecard]] = []
    split = protocols.apart(scores)
    for rule in rules:
        fitting = [s for s in scores if protocols.follows(s, rule, s.benchmark in split)]
        made += _cards(f"{name} ({rule} rules)", fitting, benchmark)
    shown = {where for where, card in made if card.headline is not None}
    kept = []
    for where, card in made:
        if card.headline is not None or where not in shown:
            kept.append((where, card))
            shown.add(where)
    return kept


def _with_cautions(
    cards: Sequence[tuple[Identity, Scorecard]],
) -> list[tuple[Identity, Scorecard]]:
    """Mark the cards whose headline follows another protocol than most."""
    stated = [c.headline.protocol for _, c in cards if c.headline and c.headline.protocol]
    usual = max(sorted(set(stated)), key=stated.count, default="")

    def caution(card: Scorecard) -> Scorecard:
        protocol = card.headline.protocol if card.headline else ""
        if protocol in (usual, *protocols.UNSTATED):
            return card
        words = f"scored by protocol {protocol}, most of this front by {usual}"
        return replace(card, cautions=(Caution("rules", words),))

    return [(where, caution(card)) for where, card in cards]


def notes(
    scores: Sequence[Score], mix_protocols: bool = False, benchmark: str = HEADLINE
) -> tuple[str, ...]:
    """What must be known of scores: several sets of rules, several candidates, parts of the items.

    Args:
        mix_protocols: whether they share a front nevertheless.
    """
    of_recipe: dict[str, list[Score]] = {}
    for score in scores:
        if not score.is_partial:
            of_recipe.setdefault(score.recipe, []).append(score)
    whole = [score for found in of_recipe.values() for score in found]
    said = []
    for name, found in of_recipe.items():
        if not (rules := protocols.rule_sets(found)):
            continue
        by = " and ".join(rules)
        said.append(
            f"Recipe {name} was scored by the rules of {by}, which differ on the same answers: "
            + (
                "they share a front because that was asked for."
                if mix_protocols
                else "each has a front of its own; --mix-protocols puts them in one."
            )
        )
    return (
        *said,
        *(f"{contest}; {contest.advice}." for contest in sort_out(whole).contests),
        *_rules(whole),
        *_partial(scores, benchmark),
    )


LISTED = 4
"""Partial scores that a note names."""


def _partial(scores: Iterable[Score], benchmark: str) -> list[str]:
    """A sentence for the points whose only score of the headline is of a part of its items."""
    of_place: dict[tuple[object, ...], list[Score]] = {}
    for score in scores:
        if score.benchmark == benchmark:
            of_place.setdefault((*score.point, score.recipe), []).append(score)
    short = [held for held in of_place.values() if all(score.is_partial for score in held)]
    if not short:
        return []
    newest = [max(held, key=lambda score: score.dated) for held in short]
    named = (
        f"{one.encoder}@{one.resolution_px} + {one.llm} ({one.recipe}) {percent(one.value)}"
        + (f" ± {percent(one.standard_error)}" if one.standard_error is not None else "")
        + " %"
        for one in newest[:LISTED]
    )
    more = f" and {len(newest) - LISTED} more" if len(newest) > LISTED else ""
    return [
        f"Scored on part of the items alone, so on no front: {', '.join(named)}{more}; "
        "'paretobench ls scores' lists what each rests on, and the same command goes on with the "
        "rest."
    ]


def _rules(scores: Iterable[Score]) -> list[str]:
    """What sets the paper's Avg-5 and DocVQA apart from those of newer versions of lmms-eval."""
    anls = [(s.recipe, s.protocol) for s in scores if s.benchmark in ("docvqa", "avg5")]
    old = dict.fromkeys(name for name, rules in anls if rules.endswith(protocols.OLD_RULE))
    new = dict.fromkeys(name for name, rules in anls if rules in ("lmms", "mixed"))
    if not old or not new:
        return []
    return [
        f"DocVQA, and so Avg-5, of {', '.join(old)} counts an answer that reaches an ANLS of 0.5 "
        f"as right (lmms-eval before v0.3.0, as the paper); that of {', '.join(new)} is the "
        "ANLS itself, which is lower on the same answers."
    ]


def _rank(score: Score) -> int:
    by_kind = _KINDS.get(score.source.kind)
    return by_kind if by_kind is not None else _PROVENANCES.get(score.source.provenance or "", 2)


def _scorecard(recipe: str, held: Mapping[str, Score], benchmark: str) -> Scorecard:
    values = {name: score.value for name, score in held.items()}
    tasks = tuple(
        accuracy_of(score, values) for name, score in held.items() if name not in suites.SUITES
    )
    mean = suites.suite_mean(benchmark, values) if benchmark in suites.SUITES else None
    if benchmark in held and not (mean is not None and _is_outdated(held, benchmark)):
        return Scorecard(recipe, accuracy_of(held[benchmark], values), tasks)
    if mean is None:
        return Scorecard(recipe, None, tasks)
    members = suites.SUITES[benchmark].members
    weights = {held[name].checkpoint for name in members}
    protocol = suites.mean_protocol({name: held[name].protocol for name in members})
    error = _assumed_error(benchmark, mean, values)
    headline = Accuracy(
        benchmark=benchmark,
        value=mean,
        standard_error=error,
        provenance="derived",
        sources=tuple(held[name].source for name in members),
        is_error_assumed=error is not None,
        protocol="mixed" if protocol == "other" else protocol,
        checkpoint=weights.pop() if len(weights) == 1 else "",
    )
    return Scorecard(recipe, headline, tasks)


def _is_outdated(held: Mapping[str, Score], suite: str) -> bool:
    """Whether a mean of one's own is older than a member that has been scored again since."""
    mean = held[suite]
    if mean.source.kind not in ("measured", "imported") or mean.n is not None:
        return False
    members = [held[name] for name in suites.SUITES[suite].members]
    return any(
        m.source.kind == mean.source.kind and m.dated > mean.dated and m.protocol for m in members
    )


def accuracy_of(score: Score, parts: Mapping[str, float]) -> Accuracy:
    """A score as a view shows it; where its source gives no error, the assumed one, marked so.

    Args:
        parts: scores of the same point by benchmark, for the error of a suite's mean.
    """
    assumed = None
    if score.standard_error is None:
        assumed = _assumed_error(score.benchmark, score.value, parts)
    return Accuracy(
        benchmark=score.benchmark,
        value=score.value,
        standard_error=assumed if score.standard_error is None else score.standard_error,
        n=score.n,
        provenance=score.source.provenance or score.source.kind,
        sources=(score.source,),
        is_error_assumed=assumed is not None,
        protocol=score.protocol,
        checkpoint=score.checkpoint,
        conditions=_conditions(score),
    )


def _conditions(score: Score) -> str:
    """What the source says of the run, and what the checkpoint's name says of its weights."""
    note = score.source.note
    if "quantised: " in note:
        return note
    is_own = score.source.kind in ("measured", "imported")
    words = weights_text(score.checkpoint, score.source.row if is_own else "")
    return "; ".join(filter(None, [note, words]))


def _assumed_error(benchmark: str, value: float, parts: Mapping[str, float]) -> float | None:
    try:
        return suites.default_standard_error(benchmark, value, parts)
    except UnknownNameError:
        return None  # a user's own benchmark: nothing is known of its items
