"""Verbs that measure, or say what they would: sweep, plan, measure."""

from __future__ import annotations

import shlex
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion
from paretobench.cli.console import emit_json, print_rich, say, warn
from paretobench.cli.options import as_json
from paretobench.cli.planned import (
    announce_plan,
    announce_scoring,
    require_points,
    results_so_far,
    scoring_ahead,
    show_plan,
    warn_of_noise,
)
from paretobench.errors import ConfigError
from paretobench.units import counted, duration

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.sweep.run import DeviceOutcome

HYDRA = {"ignore_unknown_options": True, "allow_interspersed_args": True}
"""Everything that is no option of ours goes to Hydra as it is."""


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
        from paretobench.cli.several import sweep_devices

        return sweep_devices(request, command, as_json, lambda one: _print_outcome(one, False))
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


@click.command("plan", context_settings=HYDRA)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.overrides)
@as_json
def plan_command(overrides: tuple[str, ...], as_json: bool) -> None:
    """Show what a sweep would measure; runs nothing."""
    from paretobench.config import expand
    from paretobench.sweep import run as sweep

    request = expand(list(overrides))
    if len(request.devices) > 1:
        from paretobench.cli.several import plan_devices

        plan_devices(request, as_json)
        return
    with results_so_far(request.settings.database, only_looks=True) as known:
        prepared = sweep.prepare(request, known, must_run=False)
        scoring = scoring_ahead([prepared], known)
    prepared.site.close()
    announce_plan(prepared)
    announce_scoring(scoring)
    require_points([prepared])
    show_plan(prepared.plan, scoring, as_json)


@click.command("measure")
@click.argument("spec", type=click.File("r"))
@click.option(
    "--fidelity",
    type=click.Choice(["quick", "standard", "rigorous"]),
    default="standard",
    show_default=True,
    help="How much to repeat.",
)
def measure_command(spec: Any, fidelity: str) -> int:
    """Time one workload: JSON in, JSON out.

    SPEC is a file with a workload as `paretobench plan --json` prints it, or - for stdin.
    A sweep over ssh opens a session of JSON lines here, as `paretobench.measure.session` says.
    """
    import json

    from paretobench.domain import Workload
    from paretobench.measure import session
    from paretobench.measure.single import measure_alone

    first = spec.readline()
    if session.is_opening(first):
        return session.serve()
    try:
        workload = Workload.from_json(json.loads(first + spec.read()))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{spec.name} holds no workload ({error!r});\n"
            "'paretobench plan +grid=smoke --json' prints some under \"workloads\""
        ) from error
    answer = measure_alone(workload, fidelity)
    emit_json(answer)
    return 0 if answer["cells"] else 1
