"""The verb export: the points, a table of the paper, a model card, or a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import export_bundle
from paretobench.cli.console import print_rich, say
from paretobench.cli.options import chosen_view, view_options
from paretobench.cli.show import find_rows
from paretobench.errors import ConfigError

if TYPE_CHECKING:
    from paretobench.report.view.rows import Row, View

FORMATS = ("csv", "markdown", "latex", "json", "parquet", "terminal", "model-index")

ALIASES = {"md": "markdown", "tex": "latex"}


class Format(click.Choice):  # type: ignore[type-arg]
    """One of the formats, by its name or by the ending of its files."""

    name = "format"

    def __init__(self) -> None:
        super().__init__(FORMATS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The format's own name."""
        return super().convert(ALIASES.get(value, value), param, ctx)


@click.command("export")
@view_options
@click.option(
    "--format",
    "kind",
    type=Format(),
    default="csv",
    show_default=True,
    help="What to write; md and tex are understood, model-index is for a model card.",
)
@click.option("--table", metavar="N", help="A table of the paper as printed: 1 to 6, 9, 10 or 11.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the N most accurate points on their fronts; Markdown of it is ready to paste.",
)
@click.option("--point", metavar="POINT", help="With model-index: the point it is about.")
@click.option("--out", metavar="FILE", help="Where to write [default: stdout].")
@export_bundle.bundle_options
def export_command(
    kind: str,
    table: str | None,
    top: int | None,
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
    if path := export_bundle.destination(bundle, sign, include, out=out, **chosen):
        if table or point or top:
            said = "a bundle holds a whole database; leave out --table, --point and --top"
            raise ConfigError(said)
        export_bundle.write(chosen["database"], path, sign, include)
    elif table is not None:
        if top:
            raise ConfigError("--table is the paper's own, whole; leave out --top")
        _write_paper_table(table, kind, out, point=point, **chosen)
    else:
        _write_view(chosen_view(**chosen), kind, out, point, top)


def _write_view(view: View, kind: str, out: str | None, point: str | None, top: int | None) -> None:
    """Write a view's table, or one point of it as a model card's results."""
    from paretobench.report import tables
    from paretobench.report.model_card import model_card

    if kind == "model-index":
        _write_text(model_card(view, _one_row(view, point)), out)
        return
    if point:
        raise ConfigError("--point goes with --format model-index; 'paretobench show' prints one")
    if top is not None:
        view = tables.top(view, top)
        if kind == "markdown":
            _write_text(tables.pasted_text(view), out)
            return
    _write_table(view, kind, out, tables, tables.terminal_table)


def _write_paper_table(number: str, kind: str, out: str | None, **chosen: Any) -> None:
    """Write one of the paper's tables as it was printed.

    Raises:
        ConfigError: if an option about a database was given, or the format is no table's.
        UnknownNameError: if the paper has no such table.
    """
    from paretobench.report.tables import paper, paper_table
    from paretobench.report.tables.paper_terminal import TerminalTable

    for name in ("database", "sweep", "environment", "point"):
        if chosen.get(name):
            raise ConfigError(f"--table is the paper's own; leave out --{name}")
    table = paper_table(number)
    if kind == "model-index":
        raise ConfigError("a model card is one point's; leave out --table and name a --point")
    _write_table(table, kind, out, paper, TerminalTable)


def _write_table(
    table: Any, kind: str, out: str | None, makers: Any, terminal: Callable[[Any], Any]
) -> None:
    """A table in a format.

    Args:
        makers: the module with this sort of table's `csv_text`, `markdown_text`, `latex_text`,
            `json_text` and `records`.
        terminal: makes the table for a terminal.
    """
    from paretobench.report.tables import write_parquet

    if kind == "terminal":
        if out:
            raise ConfigError("--format terminal prints; --out takes csv, markdown, latex, json")
        print_rich(terminal(table))
    elif kind == "parquet":
        if not out:
            raise ConfigError("parquet is binary; name a file with --out table.parquet")
        write_parquet(makers.records(table), Path(out))
        say(f"wrote {out}")
    else:
        _write_text(getattr(makers, f"{kind}_text")(table), out)


def _write_text(text: str, out: str | None) -> None:
    """Text to a file, whole or not at all, or to stdout."""
    from paretobench.report import files

    if out:
        files.write_text(Path(out), text)
        say(f"wrote {out}")
    else:
        click.echo(text, nl=not text.endswith("\n"))


def _one_row(view: View, point: str | None) -> Row:
    """The point under the one recipe that a model card is about.

    Raises:
        ConfigError: if none is named, or several recipes have scored it.
        UnknownNameError: if there is no such point.
    """
    if point is None and len(view.rows) != 1:
        raise ConfigError(
            "a model card is about one model; name its --point, such as "
            "'FastViTHD@1024 + Qwen2-0.5B'\n('paretobench ls points' and 'report' list them)"
        )
    rows = find_rows(view.rows, point) if point else list(view.rows)
    if len(rows) > 1:
        recipes = ", ".join(row.recipe or "no score" for row in rows)
        raise ConfigError(f"{rows[0]} was trained in several ways; choose a --recipe: {recipes}")
    return rows[0]
