"""Options that several verbs share, and the view that they choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from paretobench.api.databases import DATABASE
from paretobench.cli import completion
from paretobench.errors import ConfigError

if TYPE_CHECKING:
    from paretobench.api.results import Results
    from paretobench.report.view.rows import View

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def together(*options: Decorator) -> Decorator:
    """Several options as one decorator, in the order in which a verb's help lists them."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def path_option(*names: str, metavar: str | None = "FILE", **settings: Any) -> Decorator:
    """An option that takes a path, which the shell completes."""
    return click.option(*names, metavar=metavar, shell_complete=completion.files, **settings)


def member_option(group: str, text: str) -> Decorator:
    """An option that takes a name of a group, which the shell completes; `text` is its help."""
    complete = completion.member_of(group)
    return click.option(f"--{group}", metavar="NAME", shell_complete=complete, help=text)


def place_options(encoder: str, llm: str, tiling: str) -> Decorator:
    """Which point something belongs to; the arguments are the help that differs between verbs."""
    return together(
        member_option("encoder", encoder),
        click.option(
            "--resolution", "resolution_px", type=int, metavar="PX", help="Its resolution."
        ),
        member_option("llm", llm),
        member_option("tiling", tiling),
        click.option("--recipe", metavar="NAME", help="How the checkpoint was trained."),
    )


def protocol_option(text: str) -> Decorator:
    """The rules that answers are scored by; `text` is the option's help."""
    rules = click.Choice(["lmms", "llava"])
    return click.option("--protocol", type=rules, default="lmms", show_default=True, help=text)


overrides_argument = click.argument(
    "overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=completion.overrides
)

store_option = path_option(
    "--database", "-d", metavar=None, default=DATABASE, show_default=True, help="Where to store."
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")

composed_options = together(
    click.option(
        "--cfg",
        "-c",
        type=click.Choice(["job", "hydra", "all"]),
        help="Print the configuration that Hydra composes; run nothing.",
    ),
    click.option(
        "--info",
        type=click.Choice(["searchpath"]),
        help="Print where Hydra read files from; run nothing.",
    ),
)
"""Hydra's flags that print instead of running: its own name for each, and its own words."""


def print_composed(overrides: Sequence[str], part: str) -> None:
    """Print what `--cfg` or `--info` asks for."""
    from paretobench.config import composed_text

    click.echo(composed_text(overrides, part), nl=False)


view_options = together(
    path_option("--database", "-d", help=f"Database [default: {DATABASE}]."),
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
)
"""Which points a verb is about: a database's, or the published ones."""


def chosen_results(database: str | None, published: bool, **chosen: Any) -> Results:
    """The results that the options of `view_options` describe.

    Raises:
        ConfigError: if options contradict one another, or there is no database.
    """
    from paretobench.api import results

    if published:
        if database or chosen["sweep"] or chosen["environment"]:
            raise ConfigError("--published needs no database; leave out the other options")
        return results.published(chosen["recipe"], chosen["benchmark"])
    return results.open_results(database or DATABASE, **chosen)


def chosen_view(**chosen: Any) -> View:
    """The view that the options of `view_options` describe; raises like `chosen_results`."""
    return chosen_results(**chosen).view
