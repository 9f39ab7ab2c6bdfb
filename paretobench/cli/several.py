"""What `sweep` and `plan` do and print where a request names several devices."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.cli.console import emit_json, say, warn
from paretobench.errors import ExecutorError
from paretobench.units import duration

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.planning import Prepared
    from paretobench.store import Store
    from paretobench.sweep import Outcome

Show = Callable[["Prepared"], None]


def prepared_devices(request: Request, store: Store | None, show: Show) -> list[Prepared]:
    """Reach and plan every device; says which cannot take part and what all will take.

    Raises:
        ExecutorError: if none of them can.
    """
    from paretobench import sweep

    prepared, missing = sweep.prepare_devices(request, store)
    if not prepared:
        raise ExecutorError("none of the devices can be used:\n" + "\n".join(missing.values()))
    for reason in missing.values():
        warn(f"left out: {reason}")
    for one in prepared:
        show(one)
    _say_time(prepared)
    for first, second in _twins(prepared):
        warn(
            f"{first} and {second} are the same environment: what one measures counts for both; "
            "give one of them a variable of its own in the inventory to keep them apart"
        )
    return prepared


def _say_time(prepared: list[Prepared]) -> None:
    seconds = [one.plan.summary.estimated_s for one in prepared]
    if any(seconds):
        say(
            f"{len(prepared)} devices at the same time: about {duration(max(seconds))}, "
            f"{duration(sum(seconds))} of device time in all"
        )


def _twins(prepared: list[Prepared]) -> list[tuple[str, str]]:
    seen: dict[str, str] = {}
    found = []
    for one in prepared:
        first = seen.setdefault(one.environment.key, one.device.name)
        if first != one.device.name:
            found.append((first, one.device.name))
    return found


def sweep_devices(
    request: Request,
    command: str,
    as_json: bool,
    show: Show,
    print_outcome: Callable[[Outcome], None],
) -> int:
    """Carry out a sweep over several devices; returns the exit status."""
    from paretobench import sweep
    from paretobench.cli.progress import Progress
    from paretobench.report.tables import records
    from paretobench.store import Store

    with Store.open(request.settings.database) as store:
        prepared = prepared_devices(request, store, show)
        is_complete = len(prepared) == len(request.devices)
        if request.settings.dry_run:
            return print_plans(prepared, as_json) or (0 if is_complete else 1)
        if any(one.asked.executor == "local" and one.plan.pending for one in prepared):
            _warn_of_noise()
        with ExitStack() as open_until_the_end:
            names = [one.device.name for one in prepared]
            listeners = {
                name: open_until_the_end.enter_context(Progress(name, is_alone=False)).listen
                for name in names
            }
            report = sweep.run_devices(prepared, store, command, listeners, say)
    for name, outcome in report.outcomes.items():
        if not as_json:
            say(f"device {name}:")
            print_outcome(outcome)
    if as_json:
        emit_json({name: records(outcome.view) for name, outcome in report.outcomes.items()})
    if report.paths:
        say(f"device against device in {report.paths[0].parent}/, first {report.paths[0]}")
    return report.exit_status if is_complete else 1


def _warn_of_noise() -> None:
    from paretobench.measure import quiet

    for finding in quiet.findings():
        warn(f"this machine: {finding}")


def plan_devices(request: Request, as_json: bool, show: Show) -> int:
    """Show the plan of each device; runs nothing."""
    from paretobench.store import Store

    path = Path(request.settings.database)
    if not path.exists():
        return print_plans(prepared_devices(request, None, show), as_json)
    with Store.open(path, create=False, read_only=True) as store:
        return print_plans(prepared_devices(request, store, show), as_json)


def print_plans(prepared: list[Prepared], as_json: bool) -> int:
    """The plans as JSON by device, or nothing more than was said; gives the devices back."""
    if as_json:
        emit_json({one.device.name: one.plan for one in prepared})
    for one in prepared:
        one.site.close()
    return 0
