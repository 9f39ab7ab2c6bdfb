"""The verb measure: one workload in, its samples out, both as JSON."""

from __future__ import annotations

import json
from typing import Any

import click

from paretobench.cli.console import emit_json
from paretobench.domain import Workload
from paretobench.errors import ConfigError


@click.command("measure")
@click.argument("spec", type=click.File("r"))
@click.option(
    "--fidelity",
    type=click.Choice(["quick", "standard", "rigorous", "audit"]),
    default="standard",
    show_default=True,
    help="How much to repeat.",
)
def measure_command(spec: Any, fidelity: str) -> int:
    """Time one workload: JSON in, JSON out.

    SPEC is a file with a workload as `paretobench plan --json` prints it, or - for stdin.
    A sweep over ssh opens a session of JSON lines here, as `paretobench.measure.session` says.
    """
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
