"""The verb plan: what a sweep would measure, and how long that takes."""

from __future__ import annotations

import click

from paretobench.api.sweeps import require_points, results_so_far
from paretobench.cli.options import as_json, composed_options, overrides_argument, print_composed
from paretobench.cli.preparation import prepared_devices, show_plans, warn_of_neighbours


@click.command("plan")
@overrides_argument
@composed_options
@as_json
def plan_command(
    overrides: tuple[str, ...], cfg: str | None, info: str | None, as_json: bool
) -> None:
    """Show what a sweep would measure; runs nothing."""
    from paretobench.config import expand

    if part := info or cfg:
        print_composed(overrides, part)
        return
    request = expand(overrides)
    with results_so_far(request.settings.database, only_looks=True) as known:
        prepared, scoring = prepared_devices(request, known, must_run=False)
    for one in prepared:
        one.site.close()
    require_points(prepared)
    warn_of_neighbours(prepared)
    show_plans(request, prepared, scoring, as_json)
