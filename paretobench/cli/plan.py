"""The verb plan: what a sweep would measure, and how long that takes."""

from __future__ import annotations

import click

from paretobench.cli import completion
from paretobench.cli.options import HYDRA, as_json
from paretobench.cli.preparation import (
    prepared_devices,
    require_points,
    results_so_far,
    show_plans,
)


@click.command("plan", context_settings=HYDRA)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.overrides)
@as_json
def plan_command(overrides: tuple[str, ...], as_json: bool) -> None:
    """Show what a sweep would measure; runs nothing."""
    from paretobench.config import expand

    request = expand(list(overrides))
    with results_so_far(request.settings.database, only_looks=True) as known:
        prepared, scoring = prepared_devices(request, known, must_run=False)
    for one in prepared:
        one.site.close()
    require_points(prepared)
    show_plans(request, prepared, scoring, as_json)
