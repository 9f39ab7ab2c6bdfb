"""The general table on a terminal of 100 columns or more.

Numbers never lose a digit to a narrow window: names give way first. Every string is shown as
it is, so markup in a label has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paretobench.report.tables.columns import Column, terminal_columns
from paretobench.report.view import Row, View
from paretobench.report.words import standing

if TYPE_CHECKING:
    from rich.table import Table


def terminal_table(view: View) -> Table:
    """One line per row that says something; the front's rows bold, dominated ones dim.

    With several recipes each has a section of its own, since they never share a front.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    rows, columns = listed_rows(view), terminal_columns(view)
    for column in columns:
        _add_column(table, column, rows)
    best_covered = [panel.recipe for panel in view.panels()]
    recipes = list(dict.fromkeys([*best_covered, *(row.recipe for row in rows)]))
    for recipe in recipes:
        mine = [row for row in rows if row.recipe == recipe]
        if len(recipes) > 1:
            _add_heading(table, f"recipe {recipe}" if recipe else "no score", len(columns))
        for row in mine:
            _add_row(table, columns, row)
        table.add_section()
    return table


def listed_rows(view: View) -> tuple[Row, ...]:
    """The rows of a terminal's table: all of a sweep's; of published ones those with a TTFT."""
    if any(row.is_measured for row in view.rows) or not view.scored:
        return view.rows
    return tuple(row for row in view.rows if row.ttft is not None or row.score is not None)


def _add_column(table: Table, column: Column, rows: Sequence[Row]) -> None:
    from rich.text import Text

    widest = max((len(column.text(row)) for row in rows), default=0)
    is_number = column.align == "right" or column.heading == "front"
    table.add_column(
        Text(column.heading),
        justify=column.align,
        no_wrap=True,
        overflow="ellipsis",
        min_width=max(widest, len(column.heading)) if is_number else None,
    )


def _add_heading(table: Table, text: str, columns: int) -> None:
    from rich.text import Text

    table.add_row(Text(text, style="italic"), *([""] * (columns - 1)))


def _add_row(table: Table, columns: Sequence[Column], row: Row) -> None:
    from rich.text import Text

    style = "bold" if row.is_on_front else ("dim" if standing(row) == "off" else "")
    table.add_row(*(Text(column.text(row)) for column in columns), style=style)
