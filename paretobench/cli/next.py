"""The verb next: what to score, train or measure next, and what it is expected to bring."""

from __future__ import annotations

from typing import Any

import click

from paretobench.cli.console import emit_json, say
from paretobench.cli.options import as_json, chosen_results, view_options
from paretobench.errors import ConfigError
from paretobench.units import parse_seconds


@click.command("next")
@click.option("--under", metavar="TIME", help="Latency budget: what could be best within it.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Points and parts to name of each recipe.",
)
@view_options
@as_json
def next_command(under: str | None, count: int, as_json: bool, **chosen: Any) -> None:
    """What to score, train or measure next, and what it is expected to bring.

    Points without a score are predicted from all scores of their environment; how well each of
    these is predicted from the others is printed with them.
    """
    try:
        under_s = parse_seconds(under) if under else None
    except ValueError as error:
        raise ConfigError(f"--under {under}: {error}") from None
    found = chosen_results(**chosen).next(under_s, count)
    if as_json:
        emit_json(found.to_json())
        return
    click.echo(str(found))
    if command := found.command():
        say(f"the first of these: {command}")
