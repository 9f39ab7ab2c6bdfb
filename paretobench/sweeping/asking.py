"""What a sweep's question is about: its plan's points with their known accuracies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from paretobench.domain.records import Process, Score
from paretobench.planning.deciding import Decider
from paretobench.planning.foreseeing import Foresight, foresee
from paretobench.planning.inquiring import Identity, inquiry_of, preparations
from paretobench.planning.question import Inquiry
from paretobench.planning.stopping import cell_plan
from paretobench.store import Store
from paretobench.sweeping.budget import budget_of

if TYPE_CHECKING:
    from paretobench.sweeping.prepare import PlannedSweep


FORESEEN_UP_TO = 500
"""Scored points up to which a plan says what a budget buys; a decision about more takes tenths of
a second."""


def known_accuracies(
    store: Store | None, identities: Iterable[Identity], recipe: str, mix_protocols: bool
) -> dict[Identity, dict[str, float]]:
    """The headline score of each point by recipe, as a report shows it.

    Args:
        store: its scores count before the published ones; None for these alone.
    """
    from paretobench.paper import published
    from paretobench.report.view.rows import HEADLINE
    from paretobench.report.view.scorecards import cards_of, scorecards

    scores: list[Score] = store.scores() if store is not None else []
    cards = scorecards(published.read_anew(scores), HEADLINE, recipe, mix_protocols)
    found = {}
    for own in identities:
        of_point = cards_of(own, cards)
        found[own] = {card.recipe: card.headline.value for card in of_point if card.headline}
    return found


def inquiry_for(prepared: PlannedSweep, store: Store | None) -> Inquiry:
    """The question of one device's sweep."""
    settings = prepared.request.settings
    accuracies = known_accuracies(
        store,
        [planned.point.names for planned in prepared.plan.points],
        settings.recipe,
        settings.mix_protocols,
    )
    return inquiry_of(
        prepared.plan,
        accuracies,
        settings.question,
        cell_plan(settings.fidelity, settings.precision_goal),
        prepared.machine.memory_bytes,
        settings.seed,
    )


def preparations_of(prepared: PlannedSweep) -> Mapping[str, float]:
    """Seconds of making what a device has not made yet, by the part's key."""
    made = {one.workload.key: prepared.is_made(one.workload) for one in prepared.plan.workloads}
    return preparations(prepared.plan, made, prepared.machine)


def foreseen(
    prepared: PlannedSweep, store: Store | None, known: Mapping[str, Sequence[Process]]
) -> Foresight | None:
    """What a device probably does with its budget, or until its question is answered; None where
    so many points have a score that asking for every process would take minutes.

    Args:
        known: processes that it has already, by workload.
    """
    from paretobench.measure.by_decision import records

    settings, plan = prepared.request.settings, prepared.plan
    inquiry = inquiry_for(prepared, store)
    if sum(bool(one.accuracies) for one in inquiry.candidates) > FORESEEN_UP_TO:
        return None
    rule = cell_plan(settings.fidelity, settings.precision_goal)
    return foresee(
        Decider(inquiry, rule, plan.cheapest),
        records(known, rule.fidelity),
        {one.workload.key: one.expected.cell_s for one in plan.workloads},
        preparations_of(prepared),
        budget_of(settings).parts_end_in_s,
        {one.workload.key for one in plan.workloads if one.state == "failed"},
    )
