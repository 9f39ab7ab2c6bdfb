"""The verb show: everything known about one point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli.console import emit_json, print_table
from paretobench.cli.options import as_json, chosen_view, view_options
from paretobench.errors import UnknownNameError

if TYPE_CHECKING:
    from paretobench.report.view.rows import Row


@click.command("show")
@click.argument("point")
@view_options
@as_json
def show_command(point: str, as_json: bool, **chosen: Any) -> None:
    """Show everything known about one point."""
    from paretobench.report import tables

    view = chosen_view(**chosen)
    rows = find_rows(view.rows, point)
    records = tables.records(replace(view, rows=tuple(rows)))
    if as_json:
        emit_json(records)
        return
    for row, record in zip(rows, records, strict=True):
        known = [(name, value) for name, value in record.items() if value not in (None, "")]
        print_table(f"{row}", ("field", "value"), known)


def find_rows(rows: Sequence[Row], text: str) -> list[Row]:
    """The rows of the point that a user names, such as `fastvithd@1024+qwen2_0_5b`.

    Raises:
        UnknownNameError: if no point carries that name; offers the nearest.
    """
    wanted = "".join(text.lower().split())
    spelled = [(row, _spellings(row)) for row in rows]
    found = [row for row, names in spelled if wanted in names]
    if not found:
        raise UnknownNameError("point", wanted, {names[0] for _, names in spelled})
    return found


def _spellings(row: Row) -> tuple[str, ...]:
    tiling = "" if row.tiling in ("", "none") else f"@{row.tiling}"
    by_name = f"{row.encoder}@{row.resolution_px}{tiling}+{row.llm}"
    return by_name, "".join(str(row).lower().split())
