"""The general table of a view as Markdown, CSV, JSON, LaTeX, Parquet and on the terminal.

Every form takes its text from `columns`; CSV, JSON and Parquet carry the raw numbers under
names that end in their unit. The paper's own tables are in `paper`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from paretobench.report.tables.columns import (
    Column,
    Raw,
    general_columns,
    single_table_columns,
    tidy_fields,
)
from paretobench.report.tables.markup import (
    csv_table,
    latex_cell,
    latex_table,
    markdown_cell,
    markdown_table,
)
from paretobench.report.tables.paper import PaperTable, paper_table
from paretobench.report.tables.parquet import write_parquet
from paretobench.report.tables.terminal import terminal_table
from paretobench.report.view.rows import Row, View
from paretobench.version import __version__

__all__ = [
    "PaperTable",
    "csv_text",
    "json_text",
    "latex_text",
    "markdown_text",
    "paper_table",
    "pasted_text",
    "records",
    "terminal_table",
    "top",
    "write_parquet",
]


def markdown_text(view: View) -> str:
    """The general table as GitHub Markdown; the front's rows are bold in their first cell."""
    columns = general_columns(view)
    cells = _cells(columns, view.rows)
    for row, texts in zip(view.rows, cells, strict=True):
        texts[0] = f"**{texts[0]}**" if row.front.is_on else texts[0]
    return markdown_table(*_headings(columns), cells)


def _cells(columns: Sequence[Column], rows: Sequence[Row]) -> list[list[str]]:
    return [[markdown_cell(column.text(row)) for column in columns] for row in rows]


def _headings(columns: Sequence[Column]) -> tuple[list[str], list[bool]]:
    """The headings, and which columns are set flush right."""
    return [each.heading for each in columns], [each.align == "right" for each in columns]


def top(view: View, count: int) -> View:
    """The view with its most accurate points on a front of theirs, at most so many.

    Recipes share no front, so each row refers to the front of its own recipe and environment.
    """
    rows = [row for row in view.rows if row.front.is_on and row.score is not None]
    rows.sort(key=lambda row: -(row.score.value if row.score else 0.0))
    return replace(view, rows=tuple(rows[:count]))


def pasted_text(view: View) -> str:
    """A few columns as Markdown with where they come from: ready to paste into an issue."""
    where = [view.environment, view.date, f"`{view.command}`" if view.command else ""]
    said = " · ".join(part for part in where if part)
    columns = single_table_columns(view)
    grid = markdown_table(*_headings(columns), _cells(columns, view.rows))
    return f"{grid}\n{said}; [..] and ± are 95 % intervals, by paretobench {__version__}\n"


def records(view: View) -> list[dict[str, Raw]]:
    """One plain dict per row with the raw numbers, in the order of the tidy columns."""
    fields = tidy_fields(view)
    return [{field.name: field.value(row) for field in fields} for row in view.rows]


def csv_text(view: View) -> str:
    """Tidy CSV: raw numbers with their units in the column names, empty where there is none."""
    fields = tidy_fields(view)
    rows = ([field.value(row) for field in fields] for row in view.rows)
    return csv_table([field.name for field in fields], rows)


def json_text(view: View) -> str:
    """The tidy rows with the view's header as one JSON document."""
    header = {
        "name": view.name,
        "protocol": view.protocol,
        "environment": view.environment,
        "command": view.command,
        "date": view.date,
        "sources": list(view.sources),
        "notes": list(view.notes),
    }
    missing = {
        kind: [{"what": item.what, "kind": item.kind, "reason": item.reason} for item in items]
        for kind, items in (("refused", view.refusals), ("failed", view.failures))
    }
    head = json.dumps({**header, **missing}, indent=1, ensure_ascii=False).removesuffix("\n}")
    return f'{head},\n "rows": {_indented(records(view))}\n}}'


def _indented(rows: Sequence[Mapping[str, Raw]]) -> str:
    """Rows of plain values as `json.dumps` indents them, at a fifth of its time: once asked to
    indent, it encodes in Python."""
    write = json.JSONEncoder(ensure_ascii=False, separators=(",\n   ", ": ")).encode
    lines = (f"  {{\n   {write(row)[1:-1]}\n  }}" for row in rows)
    return "[\n" + ",\n".join(lines) + "\n ]" if rows else "[]"


def latex_text(view: View) -> str:
    """The general table for a paper: booktabs, the front's TTFT and score in bold."""
    columns = single_table_columns(view)

    def cell(column: Column, row: Row) -> str:
        text = latex_cell(column.text(row))
        is_result = column.align == "right" and column.heading[-1] in "%]"
        return f"\\textbf{{{text}}}" if row.front.is_on and is_result else text

    rows = [[cell(column, row) for column in columns] for row in view.rows]
    return latex_table(*_headings(columns), [rows])
