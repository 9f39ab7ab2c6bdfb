"""The general table on a terminal; in a narrow one, the same as plain lines.

Neither a number nor a name loses a letter to a narrow window. Every string is shown as it is, so
markup in a label has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paretobench.report.formatting import front_class
from paretobench.report.tables.columns import Column, terminal_columns
from paretobench.report.tables.fitting import FittedTable
from paretobench.report.view.rows import Row, View

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


DETAILS = ("passes", "tokens", "encode ms", "prefill ms")
"""Columns that a window too narrow for all goes without."""


def terminal_table(view: View) -> Group:
    """One line per row that says something; the front's rows bold, dominated ones dim.

    Several recipes have a table each, the best covered first, since they never share a front.
    """
    from rich.console import Group

    rows, columns = listed_rows(view), terminal_columns(view)
    best_covered = [panel.recipe for panel in view.panels()]
    recipes = list(dict.fromkeys([*best_covered, *(row.recipe for row in rows)]))
    if len([recipe for recipe in recipes if recipe]) <= 1:
        return Group(_table(columns, rows, rows, recipes[0] if recipes else ""))
    return Group(
        *(
            _table(columns, [row for row in rows if row.recipe == recipe], rows, recipe)
            for recipe in recipes
        )
    )


def listed_rows(view: View) -> tuple[Row, ...]:
    """The rows of a terminal's table: all of a sweep's; of published ones those with a TTFT."""
    if any(row.is_measured for row in view.rows) or not view.scored:
        return view.rows
    return tuple(row for row in view.rows if row.ttft is not None or row.score is not None)


def _table(
    columns: Sequence[Column], rows: Sequence[Row], every: Sequence[Row], recipe: str
) -> FittedTable:
    """A table of `rows` whose columns are as wide as `every` row needs."""
    texts = [[column.text(row) for column in columns] for row in rows]
    fewer = [column for column in columns if column.heading not in DETAILS]
    return FittedTable(
        _drawn(columns, rows, every, recipe),
        [column.heading for column in columns],
        texts,
        _drawn(fewer, rows, rows, recipe),
        [column.heading for column in columns if column.heading in DETAILS],
    )


def _drawn(
    columns: Sequence[Column], rows: Sequence[Row], every: Sequence[Row], recipe: str
) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"recipe {recipe}" if recipe else "no score"),
        title_justify="left",
        title_style="italic",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold",
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        _add_column(table, column, every)
    for row in rows:
        style = "bold" if row.front.is_on else ("dim" if front_class(row) == "dominated" else "")
        table.add_row(*(Text(column.text(row)) for column in columns), style=style)
    return table


def _add_column(table: Table, column: Column, rows: Sequence[Row]) -> None:
    from rich.text import Text

    heading = column.heading.replace(" ", "\n", 1)  # two lines, so that a number sets the width
    lengths = [len(line) for line in heading.split("\n")] + [len(column.text(row)) for row in rows]
    may_wrap = column.heading in ("encoder", "tiling")  # between words
    table.add_column(
        Text(heading),
        justify=column.align,
        no_wrap=not may_wrap,
        overflow="fold",
        min_width=None if may_wrap else max(lengths),
        max_width=max(lengths),
    )
