"""From a plan and scores to the question that decides what is measured next. Pure.

Predictions here depend on published dimensions and the machine's memory alone, not on what was
measured or on a clock: the same sweep, killed and started again, predicts and so decides the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from paretobench.domain import Workload
from paretobench.planning.cost import Cost, Machine, Rates
from paretobench.planning.estimate import Estimator, preparation_s
from paretobench.planning.plan import Plan, costs_of
from paretobench.planning.planned import PlannedPoint
from paretobench.planning.question import Candidate, CandidatePart, Inquiry, Question
from paretobench.planning.stopping import CellPlan

Identity = tuple[str, int, str, str]


def inquiry_of(
    plan: Plan,
    accuracies: Mapping[Identity, Mapping[str, float]],
    question: Question,
    rule: CellPlan,
    memory_bytes: int,
    seed: int,
) -> Inquiry:
    """What is asked of a plan's points.

    Args:
        accuracies: by point, then by recipe.
        rule: how a process samples.
        memory_bytes: of the machine.
    """
    estimator = Estimator(Rates(Machine(memory_bytes)), rule)
    costs, _ = costs_of(plan.points)
    parts = tuple(_part(workload, cost, estimator) for workload, cost in costs.values())
    candidates = tuple(_candidate(point, accuracies) for point in plan.points)
    return Inquiry(question, candidates, parts, seed)


def preparations(plan: Plan, is_prepared: Mapping[str, bool], machine: Machine) -> dict[str, float]:
    """Seconds of making the artifact of each part that has none yet, by the part's key."""
    costs, _ = costs_of(plan.points)
    return {
        key: preparation_s(workload, cost, machine)
        for key, (workload, cost) in costs.items()
        if not is_prepared[key]
    }


def _part(workload: Workload, cost: Cost, estimator: Estimator) -> CandidatePart:
    expected = estimator.workload(workload, cost)
    group = f"{workload.runtime.backend} {workload.kind}"
    return CandidatePart(workload.key, group, expected.latency_s, expected.cell_s)


def _candidate(
    planned: PlannedPoint, accuracies: Mapping[Identity, Mapping[str, float]]
) -> Candidate:
    parts = (*planned.encodes, *planned.prefills)
    passes = {workload.key: times / planned.image_count for workload, times in parts}
    names = planned.point.names
    return Candidate("|".join(map(str, names)), passes, dict(accuracies.get(names, {})))
