"""The verb plan: what a sweep would measure, and how long that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from paretobench.cli import completion
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
)

if TYPE_CHECKING:
    from paretobench.config import Request


@click.command("plan", context_settings=HYDRA)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.overrides)
@as_json
def plan_command(overrides: tuple[str, ...], as_json: bool) -> None:
    """Show what a sweep would measure; runs nothing."""
    from paretobench.config import expand
    from paretobench.sweep import run as sweep

    request = expand(list(overrides))
    if len(request.devices) > 1:
        _plan_devices(request, as_json)
        return
    with results_so_far(request.settings.database, only_looks=True) as known:
        prepared = sweep.prepare(request, known, must_run=False)
        scoring = scoring_ahead([prepared], known)
    prepared.site.close()
    announce_plan(prepared)
    announce_scoring(scoring)
    require_points([prepared])
    show_plan(prepared.plan, scoring, as_json)


def _plan_devices(request: Request, as_json: bool) -> None:
    """Show the plan of each device; runs nothing."""
    with results_so_far(request.settings.database, only_looks=True) as known:
        print_plans(*prepared_devices(request, known), as_json)
