"""The verb show: everything known about one point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from paretobench.cli.console import emit_json, print_table
from paretobench.cli.named_point import find_rows
from paretobench.cli.options import as_json, chosen_view, view_options


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
