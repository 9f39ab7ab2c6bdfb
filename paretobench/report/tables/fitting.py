"""A table where there is room for it, and lines of `name: value` where there is none.

A table squeezed into a narrow window loses digits or shows one letter to a line. Below the
width that its columns need, the same content is written as plain lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

_WIDE = 10_000


class FittedTable:
    """A table that turns into lines where the console is narrower than its columns need.

    Args:
        table: the table.
        headings: the names of its columns, in order.
        rows: its cells as text.
        smaller: the same with fewer columns, for a console that has no room for all.
        left_out: the columns that it lacks.
    """

    def __init__(
        self,
        table: Table,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        smaller: Table | None = None,
        left_out: Sequence[str] = (),
    ) -> None:
        self.table, self._headings, self._rows = table, headings, rows
        self._smaller, self._left_out = smaller, left_out

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Called by rich when it is printed."""
        from rich.text import Text

        def fits(table: Table) -> bool:
            needed = table.__rich_measure__(console, options.update(width=_WIDE)).minimum
            return needed <= options.max_width

        if fits(self.table):
            yield self.table
            return
        if self._smaller is not None and fits(self._smaller):
            yield self._smaller
            yield Text(f"left out in this width: {', '.join(self._left_out)}")
            return
        if self.table.title:
            yield Text(str(self.table.title))
        for row in self._rows:
            for heading, cell in zip(self._headings, row, strict=True):
                if cell:
                    yield Text(f"{heading}: {cell}")
            yield Text()
