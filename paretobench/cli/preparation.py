"""What `sweep` and `plan` share: the plan of every device, and how it is printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paretobench.cli.console import emit_json, print_table, say, warn
from paretobench.planning.reasons import grouped
from paretobench.units import counted, duration, gibibytes, milliseconds

if TYPE_CHECKING:
    from paretobench.config import Request, Settings
    from paretobench.jobs.scoring_cost import ScoringEffort
    from paretobench.planning.foreseeing import Foresight
    from paretobench.planning.plan import Plan, PlannedWorkload
    from paretobench.store import Store
    from paretobench.sweeping.prepare import PlannedSweep

Planned = tuple[list["PlannedSweep"], "ScoringEffort | None"]
"""What devices will do, and what scoring the checkpoints of all their points will take."""


def prepared_devices(request: Request, store: Store | None, must_run: bool = True) -> Planned:
    """Reach and plan every device; says which cannot take part and what all will take.

    Args:
        must_run: see `sweeping.prepare.prepare`, which also says what is raised.
    """
    from paretobench.sweeping import run as sweep

    prepared, missing = sweep.prepare(request, store, must_run, say)
    for reason in missing.values():
        warn(f"left out: {reason}")
    scoring = scoring_ahead(prepared, store)
    for one in prepared:
        announce_plan(one)
    _say_time(prepared)
    announce_scoring(scoring, request.settings)
    _warn_of_same_environments(prepared)
    return prepared, scoring


def _say_time(prepared: list[PlannedSweep]) -> None:
    seconds = [one.plan.estimated_s for one in prepared]
    if len(prepared) > 1 and any(seconds):
        say(
            f"{len(prepared)} devices at the same time: about {duration(max(seconds))}, "
            f"{duration(sum(seconds))} of device time in all"
        )


def _warn_of_same_environments(prepared: list[PlannedSweep]) -> None:
    seen: dict[str, str] = {}
    for one in prepared:
        name, first = one.device.name, seen.setdefault(one.environment.key, one.device.name)
        if first != name:
            warn(
                f"{first} and {name} are the same environment: what one measures counts for both; "
                "give one of them a variable of its own in the inventory to keep them apart"
            )


def show_plans(
    request: Request,
    prepared: Sequence[PlannedSweep],
    scoring: ScoringEffort | None,
    as_json: bool,
) -> None:
    """The plan as JSON or as a table; of several devices as JSON by device, or nothing more than
    was said. What is to be scored is the same for all and is beside them as `scoring`."""
    plans: dict[str, Any] = {one.device.name: one.plan.to_json() for one in prepared}
    is_alone = len(request.devices) == 1
    if as_json:
        shown = plans[prepared[0].device.name] if is_alone else plans
        emit_json(shown | ({"scoring": scoring} if scoring is not None else {}))
    elif is_alone:
        print_plan(prepared[0].plan)


def announce_plan(prepared: PlannedSweep) -> None:
    """Say which device was chosen and why, what is to be done, and what is refused."""
    from paretobench.paper import machine as paper_machine

    device = prepared.device
    say(f"device {device.name}: encode {device.encode}, prefill {device.prefill}")
    if device.why:
        say(f"  {device.why}")
    if note := paper_machine.note_for(device.name, prepared.environment):
        say(f"  {note}")
    say(f"plan: {prepared.plan.summary}")
    if prepared.foresight is not None:
        say(foresight_text(prepared.foresight, prepared.request.settings))
    if prepared.plan.pending and prepared.record.ratios:
        likely_s = prepared.record.likely_s(prepared.plan.estimated_s)
        say(f"  {prepared.record}, so about {duration(likely_s)}")
    for line in grouped(prepared.plan.refused):
        warn(f"refused: {line}")


def foresight_text(seen: Foresight, settings: Settings) -> str:
    """What a budget or a question probably buys, in a sentence."""
    asked = f"budget={settings.budget}" if settings.budget_s else f"until={settings.until}"
    others, of_others = seen.points - seen.scored, seen.of_points - seen.of_scored
    text = (
        f"{asked}: probably {counted(seen.processes, 'process', 'processes')} in "
        f"{duration(seen.device_s)}, after which {seen.scored} of {seen.of_scored} points with a "
        f"score and {others} of {of_others} without are measured"
    )
    return f"{text}; {seen.stop.why}" if seen.stop is not None else text


def scoring_ahead(prepared: Sequence[PlannedSweep], store: Store | None) -> ScoringEffort | None:
    """What scoring the checkpoints of a sweep will take; None if it scores none.

    Raises:
        ConfigError: if the executor's settings or the checkpoints file are wrong; the devices
            are then given back.
    """
    from paretobench.sweeping import run as sweep

    try:
        return sweep.scoring_effort(prepared, store)
    except BaseException:
        for one in prepared:
            one.site.close()
        raise


def announce_scoring(scoring: ScoringEffort | None, settings: Settings) -> None:
    """Say how many checkpoints are to be scored, where, and what that will take."""
    if scoring is None:
        return
    for line in scoring.lines():
        say(line)
    if scoring.units and settings.budget_s is not None:
        from paretobench.sweeping.budget import SCORING_SHARE

        kept = duration(SCORING_SHARE * settings.budget_s)
        say(
            f"  budget={settings.budget} keeps {kept} for it, in stages, whose answers make the "
            "front surer first; what is not scored to the end is partial"
        )


def warn_of_noise(prepared: Sequence[PlannedSweep]) -> None:
    """Say what disturbs this machine now, if it is one of those that are going to measure."""
    from paretobench.measure import quiet

    if _measures_here(prepared):
        whose = "this machine: " if len(prepared) > 1 else ""
        for finding in quiet.findings():
            warn(f"{whose}{finding}")


def warn_of_neighbours(prepared: Sequence[PlannedSweep]) -> None:
    """Say who computes on this machine now, and how much, if a plan has something to measure."""
    from paretobench.measure import contention

    if _measures_here(prepared) and (noise := contention.noise_now()):
        warn(f"{noise}; what is measured meanwhile does not count")


def _measures_here(prepared: Sequence[PlannedSweep]) -> bool:
    return any(one.asked.executor == "local" and one.plan.pending for one in prepared)


MOST_ROWS = 20
"""Rows of a plan's table: with the lines above it, a screen."""


def print_plan(plan: Plan) -> None:
    """Each workload with what it is estimated to take; each model, where workloads are many."""
    if len(plan.workloads) > MOST_ROWS:
        _print_models(plan)
        return
    rows = [
        (
            one.workload.label,
            one.workload.kind,
            str(one.workload.runtime),
            one.uses,
            one.state,
            f"{milliseconds(one.expected.latency_s)} ms",
            duration(one.expected.wall_s),
            gibibytes(one.peak_memory_bytes),
        )
        for one in plan.workloads
    ]
    columns = ("workload", "kind", "runtime", "points", "state", "latency", "time", "memory")
    print_table("estimates, not measurements", columns, rows)


def _print_models(plan: Plan) -> None:
    """One row for each model and runtime, the longest first; `--json` has every workload."""
    models: dict[tuple[str, str, str], list[PlannedWorkload]] = {}
    for one in plan.workloads:
        name = re.split(r"@| x ", one.workload.label)[0]
        key = (name, one.workload.kind, str(one.workload.runtime))
        models.setdefault(key, []).append(one)
    ordered = sorted(models.items(), key=lambda item: -_left_s(item[1]))
    rows = [(*key, *_totals(members)) for key, members in ordered[:MOST_ROWS]]
    columns = ("model", "kind", "runtime", "workloads", "to go", "latency", "time", "memory")
    print_table("estimates, not measurements; --json lists every workload", columns, rows)
    if rest := [one for _, members in ordered[MOST_ROWS:] for one in members]:
        models_left = counted(len(ordered) - MOST_ROWS, "more model")
        say(f"{models_left} with {counted(len(rest), 'workload')}: {duration(_left_s(rest))}")


def _totals(members: Sequence[PlannedWorkload]) -> tuple[int, int, str, str, str]:
    latencies = sorted(one.expected.latency_s for one in members)
    low, high = milliseconds(latencies[0]), milliseconds(latencies[-1])
    return (
        len(members),
        sum(one.state == "pending" for one in members),
        f"{low} ms" if low == high else f"{low} to {high} ms",
        duration(_left_s(members)),
        gibibytes(max(one.peak_memory_bytes for one in members)),
    )


def _left_s(members: Sequence[PlannedWorkload]) -> float:
    return sum(one.expected.wall_s for one in members if one.state == "pending")
