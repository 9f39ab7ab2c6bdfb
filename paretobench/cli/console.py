"""How the command line prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from paretobench.measure.quiet import Finding

WIDTH_WITHOUT_TERMINAL = 1000
"""Columns for tables that go to a file or a pipe: wide enough that nothing is folded; a table
takes only what it needs."""


def say(message: str) -> None:
    """A line for the person at the terminal; never part of a result."""
    click.echo(message, err=True)


def warn(message: str) -> None:
    """A line that asks for attention and ends with what to do."""
    click.echo(f"warning: {message}", err=True)


def emit_json(value: Any) -> None:
    """One JSON document on stdout; numbers that are not finite become null."""
    click.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def emit_json_rows(rows: Iterable[Any]) -> None:
    """A JSON list on stdout, written row by row, so that it may be longer than the memory."""
    separator = "["
    for row in rows:
        text = json.dumps(_plain(row), ensure_ascii=False, allow_nan=False)
        click.echo(f"{separator}\n  {text}", nl=False)
        separator = ","
    click.echo("[]" if separator == "[" else "\n]")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A small table on stdout, or plain lines where the terminal is too narrow for it."""
    from rich.table import Table

    from paretobench.report.tables.fitting import FittedTable

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    texts = [[str(cell) for cell in row] for row in rows]
    for cells in texts:
        table.add_row(*cells)
    print_rich(FittedTable(table, columns, texts))


def print_findings(title: str, found: Iterable[Finding]) -> None:
    """What was looked at, what is allowed, and what to do where it is not."""
    rows = [
        (each.what, each.value, each.allowed, yes_no(each.is_fine), each.advice) for each in found
    ]
    print_table(title, ("what", "value", "allowed", "fine", "what to do"), rows)


def yes_no(is_so: bool) -> str:
    """A claim as a cell of a table."""
    return "yes" if is_so else "no"


def print_rich(renderable: Any) -> None:
    """Anything rich can draw, on stdout."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    Console(width=width, highlight=False, markup=False).print(renderable)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return _plain(value.to_json())
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if value - value == 0.0 else None
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
