"""The verb sweep: plan, measure, join scores, store and report a grid."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from paretobench.cli import completion
from paretobench.cli.console import emit_json, print_rich, say, warn
from paretobench.cli.options import HYDRA, as_json
from paretobench.cli.preparation import (
    announce_plan,
    announce_scoring,
    prepared_devices,
    print_plans,
    require_points,
    results_so_far,
    scoring_ahead,
    show_plan,
    warn_of_noise,
)
from paretobench.units import counted, duration

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.sweep.prepare import PlannedSweep
    from paretobench.sweep.run import DeviceOutcome, SweepOutcome


@click.command("sweep", context_settings=HYDRA)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.overrides)
@as_json
def sweep_command(overrides: tuple[str, ...], as_json: bool) -> int:
    """Plan, measure, join scores, store and report a grid.

    OVERRIDES are Hydra's: +grid=qwen2_family llm=qwen2_0_5b resolution=512,1024
    fidelity=rigorous device=cpu dry_run=true. All of Hydra's own flags work, such as --cfg job.
    """
    from paretobench.config import run_hydra

    command = "paretobench sweep " + shlex.join(overrides)
    return run_hydra(list(overrides), lambda request: _sweep(request, command.strip(), as_json))


def _sweep(request: Request, command: str, as_json: bool) -> int:
    from paretobench.cli.progress import Progress
    from paretobench.store import Store
    from paretobench.sweep import run as sweep

    if len(request.devices) > 1:
        return _sweep_devices(request, command, as_json)
    settings = request.settings
    with results_so_far(settings.database, settings.dry_run) as known:
        prepared = sweep.prepare(request, known)
        scoring = scoring_ahead([prepared], known)
    with closing(prepared.site):
        announce_plan(prepared)
        announce_scoring(scoring)
        require_points([prepared])
        if settings.dry_run:
            show_plan(prepared.plan, scoring, as_json)
            return 0
        warn_of_noise([prepared])
        with Store.open(settings.database) as store, Progress() as progress:
            outcome = sweep.run(prepared, store, command, progress.listen, say)
    _print_outcome(outcome, as_json)
    return outcome.exit_status


def _sweep_devices(request: Request, command: str, as_json: bool) -> int:
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
            _print_outcome(outcome, as_json=False)
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


def _print_outcome(outcome: DeviceOutcome, as_json: bool) -> None:
    from paretobench.report.tables import records, terminal_table

    view = outcome.view
    if as_json:
        emit_json({"rows": records(view), "failures": view.failures, "refused": view.refusals})
    else:
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
            "'paretobench import' brings scores, 'paretobench score' makes them"
        )
    say(_what_was_done(outcome))
    if outcome.paths:
        say(f"report in {outcome.paths[0].parent}/, first figure {outcome.paths[0]}")


def _what_was_done(outcome: DeviceOutcome) -> str:
    account = outcome.account
    if account is None or not account.cells:
        return f"nothing had to be measured; done in {duration(outcome.elapsed_s)}"
    share = f", {account.share:.0%} of it in warm-up and samples" if account.share else ""
    return (
        f"{counted(len(account.cells), 'process', 'processes')} in "
        f"{duration(account.device_s)} of device time{share}; "
        f"done in {duration(outcome.elapsed_s)}, "
        f"planned {duration(outcome.plan.summary.estimated_s)}"
    )
