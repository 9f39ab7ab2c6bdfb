"""Options that several verbs share, and the view that they choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from paretobench.cli import completion
from paretobench.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from paretobench.report.view.rows import View
    from paretobench.store import Store

F = TypeVar("F", bound=Callable[..., Any])

DATABASE = "results/paretobench.db"
"""Where a sweep stores by default; the same default as in `sweeps/config.yaml`."""

store_option = click.option(
    "--database",
    "-d",
    default=DATABASE,
    show_default=True,
    shell_complete=completion.files,
    help="Where to store.",
)

HYDRA = {"ignore_unknown_options": True, "allow_interspersed_args": True}
"""Click's settings of a verb with overrides: what is no option of ours goes to Hydra as it is."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


def view_options(command: F) -> F:
    """Which points a verb looks at: a database's, or the published ones."""
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


def open_store(database: str | None) -> Store:
    """Open a database to look at it.

    Raises:
        ConfigError: if there is none yet, with what to do.
    """
    from paretobench.store import Store

    path = Path(database or DATABASE)
    if not path.exists():
        raise ConfigError(
            f"there is no database at {path} yet; 'paretobench sweep +grid=smoke' makes one,\n"
            "--database names another, and --published uses the paper's own tables"
        )
    return Store.open(path, create=False, read_only=True)


def chosen_view(
    database: str | None,
    published: bool,
    sweep: str | None,
    environment: str | None,
    recipe: str,
    benchmark: str,
    mix_protocols: bool = False,
) -> View:
    """The view that the options of `view_options` describe.

    Raises:
        ConfigError: if options contradict one another, or there is no database.
    """
    if published:
        if database or sweep or environment:
            raise ConfigError("--published needs no database; leave out the other options")
        from paretobench.report.view.published import published_view

        return published_view(benchmark, recipe)
    from paretobench.report.view.stored import stored_view

    with open_store(database) as store:
        return stored_view(
            store,
            sweep,
            _environment_key(store, environment),
            benchmark=benchmark,
            recipe=recipe,
            mix_protocols=mix_protocols,
        )


def _environment_key(store: Store, prefix: str | None) -> str | None:
    if prefix is None:
        return None
    found = [each for each in store.environments() if each.key.startswith(prefix)]
    if len(found) == 1:
        return found[0].key
    many = "several environments begin" if found else "no environment begins"
    known = ", ".join(each.key[:12] for each in store.environments())
    raise StoreError(f"{many} with {prefix!r}; there are: {known}")
