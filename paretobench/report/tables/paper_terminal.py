"""The paper's tables on a terminal: in blocks of columns, so that no number loses a digit.

The paper's widest table has 23 columns. What does not fit beside one another is put in blocks
below one another, each with the columns that say which row it is. The citation is the title
with the row's name in the last column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from paretobench.report.tables.paper import PaperTable, TableCell, groups

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

IDENTITY = ("method", "vision encoder", "LLM", "data (M)", "px")
"""Columns that say which configuration a row is: they are in every block."""

WIDEST_TEXT = 17
"""Characters before a name is broken into lines."""

GAP, EDGES = 2, 2
"""Characters between two columns, and at both ends of a line."""


class TerminalTable:
    """A rich renderable: as many blocks as the terminal's width asks for."""

    def __init__(self, table: PaperTable) -> None:
        """Show this table."""
        self.table = table

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield the title and one table per block."""
        from rich.text import Text

        yield Text(self.table.title, style="bold")
        for columns in blocks(self.table, options.max_width):
            yield _block(self.table, columns)


def blocks(table: PaperTable, width: int) -> list[list[int]]:
    """Which columns, by index, are beside one another at this width.

    >>> from paretobench.report.tables.paper import paper_table
    >>> len(blocks(paper_table(3), 120)), len(blocks(paper_table(6), 120)) > 1
    (1, True)
    """
    source = len(table.headings) - 1
    fixed = [i for i, heading in enumerate(table.headings) if heading in IDENTITY]
    others = [i for i in range(source) if i not in fixed and table.headings[i] != "row"]
    frame = EDGES + sum(_width(table, index) + GAP for index in [*fixed, source])
    found: list[list[int]] = [[]]
    room = width - frame
    for index in others:
        need = _width(table, index) + GAP
        if found[-1] and need > room:
            found.append([])
            room = width - frame
        found[-1].append(index)
        room -= need
    return [sorted([*fixed, *block, source]) for block in found]


def _width(table: PaperTable, column: int) -> int:
    """What a column needs: its longest number or word, names up to a limit."""
    cells = [_lines(line.cells[column], table, column) for line in table.lines]
    lines = [
        *table.headings[column].split(),
        *(part for cell in cells for part in cell.split("\n")),
    ]
    widest = max(map(len, lines))
    return widest if table.is_number[column] else min(widest, WIDEST_TEXT)


def _lines(cell: TableCell, table: PaperTable, column: int) -> str:
    """A cell's text: several encoders below one another, of a citation the row alone."""
    if column == len(table.headings) - 1:
        return cell.text.rpartition(", ")[2]
    return cell.text.replace(" + ", " +\n")


def _block(table: PaperTable, columns: Sequence[int]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index in columns:
        shown.add_column(
            Text(table.headings[index]),
            justify="right" if table.is_number[index] else "left",
            width=_width(table, index),
            overflow="fold",
        )
    for _, members in groups(table):
        for line in members:
            cells = [
                Text(_lines(line.cells[index], table, index),
                     style="bold" if line.cells[index].is_best else "")
                for index in columns
            ]  # fmt: skip
            shown.add_row(*cells, end_section=line is members[-1])
    return shown
