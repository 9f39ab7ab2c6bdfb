"""The verb report: figures, tables and a page in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paretobench.api.databases import open_store
from paretobench.cli.console import print_rich, say, warn
from paretobench.cli.options import chosen_view, view_options
from paretobench.errors import ConfigError
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.report.view.rows import View


@click.command("report")
@view_options
@click.option("--out", metavar="FOLDER", help="Where to write [default: reports/<name>].")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["png", "svg", "pdf"]),
    help="Formats of the figures; may be given several times [default: all].",
)
@click.option(
    "--figure",
    "figures",
    multiple=True,
    metavar="NAME",
    help="Only this figure: pareto, encoders, latency, ... or the paper's number 1, 3, 4, 5, 6.",
)
@click.option(
    "--style",
    default="screen",
    show_default=True,
    metavar="NAME",
    help="Style of the figures: screen, paper (85 mm), slides (dark), or a .mplstyle file.",
)
@click.option(
    "--devices",
    "is_over_devices",
    is_flag=True,
    help="Set the devices that measured a sweep against one another, a front for each.",
)
@click.option("--no-title", is_flag=True, help="Figures without title, for a caption of your own.")
@click.option("--open", "is_opened", is_flag=True, help="Open the page in a browser.")
@click.option("--quiet", is_flag=True, help="Write the files, print no table.")
def report_command(
    out: str | None,
    formats: tuple[str, ...],
    figures: tuple[str, ...],
    style: str,
    is_over_devices: bool,
    no_title: bool,
    is_opened: bool,
    quiet: bool,
    **chosen: Any,
) -> None:
    """Draw figures and tables from a database or from the paper's own tables."""
    from paretobench.report import render, render_devices
    from paretobench.report.files import file_stem
    from paretobench.report.named_styles import named_style
    from paretobench.report.tables import terminal_table

    chosen_style = replace(named_style(style), has_title=not no_title)
    kinds = formats or ("png", "svg", "pdf")
    if is_over_devices:
        _refuse_with_devices(figures=figures, **chosen)
        views = _device_views(**chosen)
        some = next(iter(views.values()))
        folder = Path(out) if out else Path("reports") / file_stem(some.name)
        paths = render_devices(views, folder, chosen_style, kinds)
        done = f"{counted(len(views), 'device')}: {', '.join(views)}"
    else:
        view = chosen_view(**chosen)
        folder = Path(out) if out else Path("reports") / file_stem(view.name)
        paths = render(view, folder, chosen_style, kinds, only=figures or None)
        done = counted(view.points, "point")
        if not quiet:
            print_rich(terminal_table(view))
    say(f"{done}; {counted(len(paths), 'file')} in {folder}/:")
    say("  " + "  ".join(path.name for path in paths))
    if is_opened:
        _open_first(paths)


def _refuse_with_devices(**given: Any) -> None:
    """Say which options mean nothing where devices are set against one another.

    Raises:
        ConfigError: if one of them was given.
    """
    for name in ("published", "environment", "figures"):
        if given.get(name):
            option = {"figures": "figure"}.get(name, name)
            raise ConfigError(f"--devices compares a sweep's devices; leave out --{option}")


def _device_views(**chosen: Any) -> dict[str, View]:
    """The views of a sweep on every device that the database has it from."""
    from paretobench.report.view.stored_devices import stored_devices

    options = {name: chosen[name] for name in ("benchmark", "recipe", "mix_protocols")}
    with open_store(chosen["database"]) as store:
        return stored_devices(store, chosen["sweep"], **options)


def _open_first(paths: Sequence[Path]) -> None:
    """Open the page in the user's browser, else the first figure; says so where there is none."""
    import webbrowser

    pages = [path for path in paths if path.suffix == ".html"]
    target = (pages or list(paths))[0].resolve()
    if webbrowser.open(target.as_uri()):
        say(f"opened {target.name}")
    else:
        warn(f"no browser was found; open {target} yourself")
