"""What a reader without JavaScript sees: the figure's file by name, and the table's first rows."""

from __future__ import annotations

import html

from paretobench.report.tables.columns import Column, general_columns
from paretobench.report.view.rows import Row, View

MOST_ROWS = 50
"""Rows in the table without a script: the fronts first; all of them are in table.csv."""

SHOWN = ("encoder", "px", "LLM", "tiling", "TTFT ms [95%]", "recipe", "front")
"""Columns of that table, and the score's."""


def static_text(view: View) -> str:
    """A sentence and a table, as HTML.

    >>> "<table>" in static_text(View(()))
    True
    """
    columns = [
        column
        for column in general_columns(view)
        if column.heading in SHOWN or column.heading.endswith(" %")
    ]
    rows = sorted(view.rows, key=lambda row: not row.front.is_on)
    head = "".join(f"<th>{html.escape(column.heading)}</th>" for column in columns)
    body = "\n".join(_line(row, columns) for row in rows[:MOST_ROWS])
    more = f" The first {MOST_ROWS} of {len(rows)} rows:" if len(rows) > MOST_ROWS else ""
    return (
        "<p>This page draws with JavaScript, which is off. The same numbers are in table.md and "
        f"table.csv beside it, the front in pareto.svg.{more}</p>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )


def _line(row: Row, columns: list[Column]) -> str:
    cells = "".join(f"<td>{html.escape(column.text(row))}</td>" for column in columns)
    return f"<tr>{cells}</tr>"
