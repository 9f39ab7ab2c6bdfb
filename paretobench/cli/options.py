"""Options that several verbs share, and the view that they choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from paretobench.api.databases import DATABASE
from paretobench.cli import completion
from paretobench.errors import ConfigError

if TYPE_CHECKING:
    from paretobench.api.results import Results
    from paretobench.report.view.rows import View

F = TypeVar("F", bound=Callable[..., Any])

store_option = click.option(
    "--database",
    "-d",
    default=DATABASE,
    show_default=True,
    shell_complete=completion.files,
    help="Where to store.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


def composed_options(command: F) -> F:
    """Hydra's flags that print instead of running: its own name for each, and its own words."""
    for option in (
        click.option(
            "--info",
            type=click.Choice(["searchpath"]),
            help="Print where Hydra read files from; run nothing.",
        ),
        click.option(
            "--cfg",
            "-c",
            type=click.Choice(["job", "hydra", "all"]),
            help="Print the configuration that Hydra composes; run nothing.",
        ),
    ):
        command = option(command)
    return command


def print_composed(overrides: Sequence[str], part: str) -> None:
    """Print what `--cfg` or `--info` asks for."""
    from paretobench.config import composed_text

    click.echo(composed_text(overrides, part), nl=False)


def view_options(command: F) -> F:
    """Which points a verb is about: a database's, or the published ones."""
    options = [
        click.option(
            "--database",
            "-d",
            metavar="FILE",
            shell_complete=completion.files,
            help=f"Database [default: {DATABASE}].",
        ),
        click.option("--published", is_flag=True, help="Use the paper's own tables, no database."),
        click.option("--sweep", metavar="NAME", help="One sweep of the database, by name or key."),
        click.option("--environment", metavar="KEY", help="One environment, by fingerprint."),
        click.option("--recipe", default="all", metavar="NAME", help="One training recipe only."),
        click.option("--benchmark", default="avg5", show_default=True, help="What accuracy means."),
        click.option(
            "--mix-protocols",
            is_flag=True,
            help="Let scores of different scoring rules share a front, marked.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def chosen_results(
    database: str | None,
    published: bool,
    sweep: str | None,
    environment: str | None,
    recipe: str,
    benchmark: str,
    mix_protocols: bool = False,
) -> Results:
    """The results that the options of `view_options` describe.

    Raises:
        ConfigError: if options contradict one another, or there is no database.
    """
    from paretobench.api import results
    from paretobench.api.databases import DATABASE

    if published:
        if database or sweep or environment:
            raise ConfigError("--published needs no database; leave out the other options")
        return results.published(recipe, benchmark)
    return results.open_results(
        database or DATABASE, sweep, environment, recipe, benchmark, mix_protocols
    )


def chosen_view(**chosen: Any) -> View:
    """The view that the options of `view_options` describe; raises like `chosen_results`."""
    return chosen_results(**chosen).view
