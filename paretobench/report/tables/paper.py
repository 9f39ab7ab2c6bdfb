"""The paper's own tables, as printed, as Markdown, CSV, LaTeX, JSON and plain records.

    print(paper.markdown_text(paper_table(6)))

Rows, order, groups and digits are the paper's; nothing is computed. Every row ends with its
citation. The best of each result within a group is bold: the lowest latency, the highest
score; ties are all bold. Which columns hold results is known from their units.
`paper_terminal` shows the same on a terminal.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303 v1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from paretobench.errors import UnknownNameError
from paretobench.paper import tables as published
from paretobench.report.tables.columns import Raw
from paretobench.report.tables.markup import (
    csv_table,
    latex_cell,
    latex_table,
    markdown_cell,
    markdown_table,
)
from paretobench.units import MISSING

NUMBERS = (1, 2, 3, 4, 5, 6, 9, 10, 11)
"""Tables of arXiv v1 with numbers in them; 7 and 8 list training settings."""

WORDS = {
    "method": "method",
    "vision_encoder": "vision encoder",
    "encoder_finetuned_stage2": "encoder trained",
    "multi_scale": "multi-scale",
    "pool_type": "pooling",
    "llm": "LLM",
    "data_M_pt_plus_it": "data (M)",
    "input_res_px": "px",
    "visual_tokens": "tokens",
    "vision_encoder_params_M": "encoder (M)",
    "vision_encoder_latency_ms": "encoder ms",
    "llm_prefill_ms": "prefill ms",
    "TTFT_ms": "TTFT ms",
    "row": "row",
    "flags": "note",
}
"""Headings of the columns that do not hold a benchmark."""

UNSHOWN = ("group", "pretrain_data_M", "instruct_data_M")
"""The group is a rule between rows; the two data columns are parts of a third."""

UNRANKED = (11,)
"""Table 11 repeats one training: no run is better than another."""


@dataclass(frozen=True)
class TableCell:
    """One cell: its text as printed (`–` if nothing is), and whether it is its group's best."""

    text: str
    is_best: bool = False


@dataclass(frozen=True)
class TableLine:
    """One row: its group, its cells in the order of the headings, and its raw values by name."""

    group: str
    cells: tuple[TableCell, ...]
    raw: dict[str, Raw]


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper.

    Attributes:
        headings: of the columns, with units, `source` last.
        is_number: per column, whether it is set flush right.
    """

    number: int
    title: str
    headings: tuple[str, ...]
    is_number: tuple[bool, ...]
    lines: tuple[TableLine, ...]


def paper_table(number: int | str) -> PaperTable:
    """One of the paper's tables.

    Args:
        number: as the paper counts them; `NUMBERS` lists those there are.

    Raises:
        UnknownNameError: if it is none of these.

    >>> table = paper_table(3)
    >>> table.headings[:3], table.lines[3].cells[3].text
    (('vision encoder', 'encoder (M)', 'px'), '6.8')
    """
    if str(number) not in map(str, NUMBERS):
        raise UnknownNameError("table of the paper", str(number), map(str, NUMBERS))
    table = published.table(f"v1_table{number}")
    columns = [
        name
        for name in table.rows[0]
        if name not in UNSHOWN and any(row[name] for row in table.rows)
    ]
    if int(number) not in UNRANKED:
        columns.remove("row")
    if "flags" in columns:
        columns.append(columns.pop(columns.index("flags")))
    lines = []
    for group, rows in groupby(table.rows, key=lambda row: row.get("group", "")):
        lines += _lines_of(table, group, list(rows), columns, int(number) not in UNRANKED)
    return PaperTable(
        int(number),
        f"{table.label}: {table.title} (FastVLM, arXiv {table.version})",
        (*(_heading(name) for name in columns), "source"),
        (*(_is_number(name) for name in columns), False),
        tuple(lines),
    )


def _heading(column: str) -> str:
    """The heading of a column.

    >>> _heading('SeedBench_image_pct'), _heading('TTFT_ms')
    ('SeedBench image %', 'TTFT ms')
    """
    if column in WORDS:
        return WORDS[column]
    name, _, unit = column.rpartition("_")
    name = (name or column).replace("_", " ")
    return f"{name} %" if unit == "pct" else name


def _is_number(column: str) -> bool:
    return bool(published.unit_of(column)) or column == "data_M_pt_plus_it"


def _is_result(column: str) -> bool:
    """Whether there is a better and a worse in a column: latencies and scores."""
    return column.endswith(("_ms", "_pct", "_score"))


def _lines_of(
    table: published.Table,
    group: str,
    rows: Sequence[published.Row],
    columns: Sequence[str],
    is_ranked: bool,
) -> list[TableLine]:
    ranked = [name for name in columns if is_ranked and _is_result(name)]
    tops = {name: top for name in ranked if (top := _best(table, rows, name)) is not None}
    lines = []
    for row in rows:
        best = {name for name, top in tops.items() if _value(table, row, name) == top}
        cells = [TableCell(_text(row[name]), name in best) for name in columns]
        cite = published.source(table, row).cite()
        raw: dict[str, Raw] = {"group": group} if group else {}
        raw |= {name: _raw(table, row, name) for name in columns}
        lines.append(TableLine(group, (*cells, TableCell(cite)), raw | {"source": cite}))
    return lines


def _text(cell: str) -> str:
    """A cell for people: several encoders are joined by a plus, no cell is empty."""
    words = cell.replace("_", " ")
    return (words if "; " in words else words.replace(";", " + ")) or MISSING


def _value(table: published.Table, row: published.Row, column: str) -> float | None:
    """The number that ranks a cell, the sum where several encoders have one each."""
    if not _is_result(column):
        return None
    found = published.numbers(table, row, column)
    return sum(found) if found else None


def _best(table: published.Table, rows: Sequence[published.Row], column: str) -> float | None:
    """The lowest latency or the highest score; nothing where there is no contest."""
    values = [value for row in rows if (value := _value(table, row, column)) is not None]
    if len(set(values)) < 2:
        return None
    return min(values) if column.endswith("_ms") else max(values)


def _raw(table: published.Table, row: published.Row, column: str) -> Raw:
    if not published.unit_of(column) or column == "data_M_pt_plus_it":
        return row[column] or None
    found = published.numbers(table, row, column)
    if len(found) != 1:
        return row[column] or None
    return int(row[column]) if row[column].isdigit() else found[0]


def records(table: PaperTable) -> list[dict[str, Raw]]:
    """One dict per row under the names of the published files, which end in their units.

    Systems of several encoders keep their numbers as text, joined by semicolons.
    """
    return [dict(line.raw) for line in table.lines]


def csv_text(table: PaperTable) -> str:
    """Tidy CSV of the records, empty where the paper prints nothing."""
    found = records(table)
    return csv_table(list(found[0]), [list(record.values()) for record in found])


def json_text(table: PaperTable) -> str:
    """The records under the table's number and title as one JSON document."""
    document = {"number": table.number, "title": table.title, "rows": records(table)}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def markdown_text(table: PaperTable) -> str:
    """GitHub Markdown under its title, the best results bold, a line per group."""
    rows: list[list[str]] = []
    for group, members in groups(table):
        if group:
            rows.append([f"*{markdown_cell(group)}*", *[""] * (len(table.headings) - 1)])
        rows += [_marked(line, markdown_cell, "**{}**") for line in members]
    return f"**{table.title}**\n\n{markdown_table(table.headings, table.is_number, rows)}"


def latex_text(table: PaperTable) -> str:
    """A booktabs table with its caption, the best results bold, a rule between groups."""
    rows = [
        [_marked(line, latex_cell, "\\textbf{{{}}}") for line in members]
        for _, members in groups(table)
    ]
    return latex_table(table.headings, table.is_number, rows, caption=table.title)


def _marked(line: TableLine, escape: Callable[[str], str], bold: str) -> list[str]:
    return [bold.format(escape(c.text)) if c.is_best else escape(c.text) for c in line.cells]


def groups(table: PaperTable) -> list[tuple[str, list[TableLine]]]:
    """The rows by group, in the order of print; one group without a name if there are none."""
    return [(group, list(members)) for group, members in groupby(table.lines, lambda x: x.group)]
