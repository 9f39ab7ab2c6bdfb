"""Verbs that measure, or say what they would: sweep, plan, measure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion
from paretobench.cli.console import emit_json, print_rich, print_table, say, warn
from paretobench.cli.options import as_json
from paretobench.errors import ConfigError
from paretobench.units import counted, duration, gibibytes, milliseconds

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.plan import Plan
    from paretobench.sweep import Outcome, Prepared

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
    from paretobench import sweep
    from paretobench.cli.progress import Progress
    from paretobench.store import Store

    if len(request.devices) > 1:
        from paretobench.cli.several import sweep_devices

        return sweep_devices(
            request, command, as_json, _announce_plan, lambda one: _print_outcome(one, False)
        )
    with Store.open(request.settings.database) as store:
        prepared = sweep.prepare(request, store)
        _announce_plan(prepared)
        if request.settings.dry_run:
            prepared.site.close()
            emit_json(prepared.plan) if as_json else _print_plan(prepared.plan)
            return 0
        if prepared.plan.pending and prepared.asked.executor == "local":
            _warn_of_noise()
        with Progress() as progress:
            outcome = sweep.run(prepared, store, command, progress.listen, say)
    _print_outcome(outcome, as_json)
    return outcome.exit_status


def _announce_plan(prepared: Prepared) -> None:
    from paretobench import paper_machine

    device = prepared.device
    say(f"device {device.name}: encode {device.encode}, prefill {device.prefill}")
    if device.why:
        say(f"  {device.why}")
    if note := paper_machine.note_for(device.name, prepared.environment):
        say(f"  {note}")
    say(f"plan: {prepared.plan.summary}")
    if prepared.plan.pending and prepared.record.ratios:
        say(f"  {prepared.record}")
    for refusal in prepared.plan.refused:
        warn(f"refused: {refusal}")


def _warn_of_noise() -> None:
    from paretobench.measure import quiet

    for finding in quiet.findings():
        warn(str(finding))


def _print_plan(plan: Plan) -> None:
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


def _print_outcome(outcome: Outcome, as_json: bool) -> None:
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


def _what_was_done(outcome: Outcome) -> str:
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
    from pathlib import Path

    from paretobench import sweep
    from paretobench.config import expand
    from paretobench.store import Store

    request = expand(list(overrides))
    if len(request.devices) > 1:
        from paretobench.cli.several import plan_devices

        plan_devices(request, as_json, _announce_plan)
        return
    path = Path(request.settings.database)
    if path.exists():
        with Store.open(path, create=False, read_only=True) as store:
            prepared = sweep.prepare(request, store, must_run=False)
    else:
        prepared = sweep.prepare(request, None, must_run=False)
    prepared.site.close()
    _announce_plan(prepared)
    emit_json(prepared.plan) if as_json else _print_plan(prepared.plan)


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
