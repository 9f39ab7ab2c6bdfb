"""What a reader without JavaScript sees: the figure's file by name, and the table's first rows."""

from __future__ import annotations

import html

from paretobench.report.tables.columns import general_columns
from paretobench.report.view.rows import View

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
    lines = [[html.escape(column.text(row)) for column in columns] for row in rows[:MOST_ROWS]]
    body = "\n".join(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>" for cells in lines)
    more = f" The first {MOST_ROWS} of {len(rows)} rows:" if len(rows) > MOST_ROWS else ""
    return (
        "<p>This page draws with JavaScript, which is off. The same numbers are in table.md and "
        f"table.csv beside it, the front in pareto.svg.{more}</p>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )
