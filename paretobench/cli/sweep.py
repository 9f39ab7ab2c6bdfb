"""The verb sweep: plan, measure, join scores, store and report a grid."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from paretobench.api.sweeps import carry_out, require_points, results_so_far
from paretobench.cli.console import emit_json, print_rich, say, warn
from paretobench.cli.options import as_json, composed_options, overrides_argument, print_composed
from paretobench.cli.preparation import prepared_devices, show_plans, warn_of_noise
from paretobench.units import counted, duration

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.sweeping.prepare import PlannedSweep
    from paretobench.sweeping.run import DeviceOutcome, SweepOutcome


@click.command("sweep")
@overrides_argument
@composed_options
@as_json
def sweep_command(
    overrides: tuple[str, ...], cfg: str | None, info: str | None, as_json: bool
) -> int:
    """Plan, measure, join scores, store and report a grid.

    OVERRIDES are Hydra's: +grid=qwen2_family llm=qwen2_0_5b resolution=512,1024
    fidelity=rigorous device=cpu dry_run=true.
    """
    from paretobench.config import expand

    if part := info or cfg:
        print_composed(overrides, part)
        return 0
    command = f"paretobench sweep {shlex.join(overrides)}".strip()
    return _sweep(expand(overrides), command, as_json)


def _sweep(request: Request, command: str, as_json: bool) -> int:
    settings = request.settings
    with results_so_far(settings.database, settings.dry_run) as known:
        prepared, scoring = prepared_devices(request, known)
    with ExitStack() as cleanup:
        for one in prepared:
            cleanup.callback(one.site.close)
        require_points(prepared)
        is_complete = len(prepared) == len(request.devices)
        if settings.dry_run:
            show_plans(request, prepared, scoring, as_json)
            return 0 if is_complete else 1
        outcome = carried_out(request, prepared, command)
    _print_sweep(request, outcome, as_json)
    return outcome.exit_status if is_complete else 1


def carried_out(request: Request, prepared: Sequence[PlannedSweep], command: str) -> SweepOutcome:
    """Measure on all devices, each with its own progress; says what disturbs this one."""
    from paretobench.cli.progress import TerminalProgress

    warn_of_noise(prepared)
    return carry_out(request, prepared, command, TerminalProgress, say)


def _print_sweep(request: Request, outcome: SweepOutcome, as_json: bool) -> None:
    """Each device's table, failures and report; of a single device without its name."""
    from paretobench.report.tables import records

    is_alone = len(request.devices) == 1
    for name, one in outcome.outcomes.items():
        if not is_alone:
            say(f"device {name}:")
        _print_outcome(one, with_table=not as_json)
    if as_json:
        found = {
            name: {
                "rows": records(one.view),
                "failures": one.view.failures,
                "refused": one.view.refusals,
            }
            for name, one in outcome.outcomes.items()
        }
        emit_json(next(iter(found.values())) if is_alone else found)
    if outcome.paths:
        say(f"device against device in {outcome.paths[0].parent}/, first {outcome.paths[0]}")


def _print_outcome(outcome: DeviceOutcome, with_table: bool) -> None:
    from paretobench.report.tables import terminal_table

    view = outcome.view
    if with_table:
        print_rich(terminal_table(view))
    for failure in view.failures:
        warn(
            f"{failure.what} has no measurement: {failure.kind.replace('_', ' ')}: {failure.reason}"
        )
    if view.failures:
        say("the same command with retry_failed=true tries these again")
    if outcome.stopped:
        warn(f"dropped out: {outcome.stopped}")
    for reason in outcome.unscored:
        warn(f"not scored: {reason}")
    unscored = {row.identity for row in view.unscored}
    if unscored:
        say(
            f"{counted(len(unscored), 'point')} without a score: "
            "'paretobench import' adds scores, 'paretobench score' makes them"
        )
    say_decision(outcome)
    if outcome.is_decided and view.untimed:
        left = {row.identity for row in view.untimed}
        guessed = len({row.identity for row in view.predicted})
        say(
            f"{counted(len(left), 'point')} not measured, for which there was no need or no time; "
            f"{guessed} of them have a predicted latency"
        )
    if not outcome.is_budget_held:
        warn(f"the budget was not held: the sweep took {duration(outcome.elapsed_s)}")
    say(_what_was_done(outcome))
    if outcome.paths:
        say(f"report in {outcome.paths[0].parent}/, first figure {outcome.paths[0]}")


def say_decision(outcome: DeviceOutcome) -> None:
    """Why a sweep that a question decides ended."""
    if outcome.account is not None and outcome.account.decision:
        say(f"measuring ended: {outcome.account.decision}")


def _what_was_done(outcome: DeviceOutcome) -> str:
    account = outcome.account
    if account is None or not account.cells:
        return f"nothing had to be measured; done in {duration(outcome.elapsed_s)}"
    share = f", {account.share:.0%} of it in warm-up and samples" if account.share else ""
    planned = "the whole grid was planned with" if account.decision else "planned"
    return (
        f"{counted(len(account.cells), 'process', 'processes')} in "
        f"{duration(account.device_s)} of device time{share}; "
        f"done in {duration(outcome.elapsed_s)}, "
        f"{planned} {duration(outcome.plan.estimated_s)}"
    )
