"""What `sweep` and `plan` do and print where a request names several devices."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from paretobench.cli.console import emit_json, say, warn
from paretobench.cli.planned import (
    announce_plan,
    announce_scoring,
    require_points,
    results_so_far,
    scoring_ahead,
    warn_of_noise,
)
from paretobench.errors import ExecutorError
from paretobench.units import duration

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.jobs.scoring_cost import ScoringEffort
    from paretobench.store import Store
    from paretobench.sweep.prepare import PlannedSweep
    from paretobench.sweep.run import DeviceOutcome, SweepOutcome


Planned = tuple[list["PlannedSweep"], "ScoringEffort | None"]
"""What devices will do, and what scoring the checkpoints of all their points will take."""


def prepared_devices(request: Request, store: Store | None) -> Planned:
    """Reach and plan every device; says which cannot take part and what all will take.

    Raises:
        ConfigError: if the checkpoints that are to be scored are described wrongly.
        ExecutorError: if none of them can.
    """
    from paretobench.sweep import run as sweep

    prepared, missing = sweep.prepare_devices(request, store)
    if not prepared:
        raise ExecutorError("none of the devices can be used:\n" + "\n".join(missing.values()))
    for reason in missing.values():
        warn(f"left out: {reason}")
    scoring = scoring_ahead(prepared, store)
    for one in prepared:
        announce_plan(one)
    _say_time(prepared)
    announce_scoring(scoring)
    for first, second in _twins(prepared):
        warn(
            f"{first} and {second} are the same environment: what one measures counts for both; "
            "give one of them a variable of its own in the inventory to keep them apart"
        )
    return prepared, scoring


def _say_time(prepared: list[PlannedSweep]) -> None:
    seconds = [one.plan.summary.estimated_s for one in prepared]
    if any(seconds):
        say(
            f"{len(prepared)} devices at the same time: about {duration(max(seconds))}, "
            f"{duration(sum(seconds))} of device time in all"
        )


def _twins(prepared: list[PlannedSweep]) -> list[tuple[str, str]]:
    seen: dict[str, str] = {}
    found = []
    for one in prepared:
        first = seen.setdefault(one.environment.key, one.device.name)
        if first != one.device.name:
            found.append((first, one.device.name))
    return found


def sweep_devices(
    request: Request, command: str, as_json: bool, print_outcome: Callable[[DeviceOutcome], None]
) -> int:
    """Carry out a sweep over several devices; returns the exit status."""
    from paretobench.report.tables import records

    settings = request.settings
    with results_so_far(settings.database, settings.dry_run) as known:
        prepared, scoring = prepared_devices(request, known)
    is_complete = len(prepared) == len(request.devices)
    if settings.dry_run:
        return print_plans(prepared, scoring, as_json) or (0 if is_complete else 1)
    report = _carried_out(prepared, settings.database, command)
    for name, outcome in report.outcomes.items():
        if not as_json:
            say(f"device {name}:")
            print_outcome(outcome)
    if as_json:
        emit_json({name: records(outcome.view) for name, outcome in report.outcomes.items()})
    if report.paths:
        say(f"device against device in {report.paths[0].parent}/, first {report.paths[0]}")
    return report.exit_status if is_complete else 1


def _carried_out(prepared: list[PlannedSweep], database: str, command: str) -> SweepOutcome:
    """Measure on all devices, with a bar for each; gives them back whatever happens."""
    from paretobench.cli.progress import Progress
    from paretobench.store import Store
    from paretobench.sweep import run as sweep

    with ExitStack() as until_the_end:
        for one in prepared:
            until_the_end.callback(one.site.close)
        require_points(prepared)
        warn_of_noise(prepared)
        store = until_the_end.enter_context(Store.open(database))
        listeners = {
            one.device.name: until_the_end.enter_context(
                Progress(one.device.name, is_alone=False)
            ).listen
            for one in prepared
        }
        return sweep.run_devices(prepared, store, command, listeners, say)


def plan_devices(request: Request, as_json: bool) -> int:
    """Show the plan of each device; runs nothing."""
    with results_so_far(request.settings.database, only_looks=True) as known:
        return print_plans(*prepared_devices(request, known), as_json)


def print_plans(prepared: list[PlannedSweep], scoring: ScoringEffort | None, as_json: bool) -> int:
    """The plans as JSON by device, or nothing more than was said; gives the devices back.

    What is to be scored is the same for all devices and stands beside them as `scoring`.
    """
    for one in prepared:
        one.site.close()
    require_points(prepared)
    if as_json:
        plans: dict[str, Any] = {one.device.name: one.plan for one in prepared}
        emit_json(plans | ({"scoring": scoring} if scoring is not None else {}))
    return 0
