"""Verbs that look at what is known: report, ls, show, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from paretobench.cli import bundles, completion, exports
from paretobench.cli.console import emit_json, print_rich, print_table, say
from paretobench.cli.options import as_json, chosen_view, open_store, view_options
from paretobench.errors import ConfigError
from paretobench.units import counted


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
    help="Looks of the figures: screen, paper (85 mm), slides (dark), or a .mplstyle file.",
)
@click.option(
    "--devices",
    "is_over_devices",
    is_flag=True,
    help="Set the devices that measured a sweep against one another, a front for each.",
)
@click.option("--open", "is_opened", is_flag=True, help="Open the page in a browser.")
@click.option("--quiet", is_flag=True, help="Write the files, print no table.")
def report_command(
    out: str | None,
    formats: tuple[str, ...],
    figures: tuple[str, ...],
    style: str,
    is_over_devices: bool,
    is_opened: bool,
    quiet: bool,
    **chosen: Any,
) -> None:
    """Draw figures and tables from a database or from the paper's own tables."""
    from paretobench.cli import drawing
    from paretobench.report import render, render_devices
    from paretobench.report.looks import look
    from paretobench.report.tables import terminal_table

    looks, kinds = look(style), formats or ("png", "svg", "pdf")
    if is_over_devices:
        drawing.refuse_with_devices(figures=figures, **chosen)
        views = drawing.device_views(**chosen)
        some = next(iter(views.values()))
        folder = Path(out) if out else Path("reports") / some.name
        paths = render_devices(views, folder, looks, kinds)
        done = f"{counted(len(views), 'device')}: {', '.join(views)}"
    else:
        view = chosen_view(**chosen)
        folder = Path(out) if out else Path("reports") / view.name
        paths = render(view, folder, looks, kinds, only=figures or None)
        done = counted(view.points, "point")
        if not quiet:
            print_rich(terminal_table(view))
    say(f"{done}; {counted(len(paths), 'file')} in {folder}/:")
    say("  " + "  ".join(path.name for path in paths))
    if is_opened:
        drawing.open_first(paths)


LISTINGS = ("sweeps", "points", "workloads", "failures", "environments", "scores", "published")


@click.command("ls")
@click.argument("what", type=click.Choice(LISTINGS), default="sweeps")
@click.option(
    "--database", "-d", metavar="FILE", shell_complete=completion.files, help="Database to list."
)
@click.option("--table", metavar="NAME", help="With 'published': the rows of one table.")
@click.option("--where", metavar="COLUMN=VALUE", multiple=True, help="Keep rows with this value.")
@as_json
def ls_command(
    what: str, database: str | None, table: str | None, where: tuple[str, ...], as_json: bool
) -> None:
    """List sweeps, points, workloads, failures, environments or published rows."""
    from paretobench.cli import listings

    if what == "published":
        rows = listings.published(table)
    elif table:
        raise ConfigError("--table goes with 'paretobench ls published'")
    else:
        with open_store(database) as store:
            rows = listings.stored(store, what)
    rows = listings.filtered(rows, where)
    if as_json:
        emit_json(rows)
    elif rows:
        columns = listings.columns(rows)
        print_table("", columns, [[_cell(row.get(name)) for name in columns] for row in rows])
        say(counted(len(rows), "row"))
    else:
        say(f"no {what} here")


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


@click.command("show")
@click.argument("point")
@view_options
@as_json
def show_command(point: str, as_json: bool, **chosen: Any) -> None:
    """Show everything known about one point."""
    from dataclasses import replace

    from paretobench.cli.listings import find_rows
    from paretobench.report import tables

    view = chosen_view(**chosen)
    rows = find_rows(view.rows, point)
    records = tables.records(replace(view, rows=tuple(rows)))
    if as_json:
        emit_json(records)
        return
    for row, record in zip(rows, records, strict=True):
        known = [(name, value) for name, value in record.items() if value not in (None, "")]
        print_table(f"{row}", ("field", "value"), known)


@click.command("export")
@view_options
@click.option(
    "--format",
    "kind",
    type=exports.Format(),
    default="csv",
    show_default=True,
    help="What to write; md and tex are understood, model-index is for a model card.",
)
@click.option(
    "--table",
    metavar="N",
    help="A table of the paper as printed: 1 to 6, 9, 10 or 11.",
)
@click.option("--point", metavar="POINT", help="With model-index: the point it is about.")
@click.option("--out", metavar="FILE", help="Where to write [default: stdout].")
@bundles.bundle_options
def export_command(
    kind: str,
    table: str | None,
    point: str | None,
    out: str | None,
    bundle: str | None,
    sign: str | None,
    include: tuple[str, ...],
    **chosen: Any,
) -> None:
    """Write the table as csv, markdown, latex, json or parquet.

    Or a table of the paper as it was printed (--table), one point for a model card on Hugging
    Face (--format model-index), or the whole database with its hashes (--bundle).
    """
    if path := bundles.destination(bundle, sign, include, out=out, **chosen):
        if table or point:
            raise ConfigError("a bundle holds a whole database; leave out --table and --point")
        bundles.write(chosen["database"], path, sign, include)
    elif table is not None:
        exports.write_paper_table(table, kind, out, point=point, **chosen)
    else:
        exports.write_view(chosen_view(**chosen), kind, out, point)
