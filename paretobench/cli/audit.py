"""The verb audit: the published tables, recomputed."""

from __future__ import annotations

import click

from paretobench.cli.console import emit_json, print_table, say
from paretobench.cli.options import as_json
from paretobench.units import counted


@click.command("audit")
@click.option("--all", "everything", is_flag=True, help="List what agrees, too.")
@as_json
def audit_command(everything: bool, as_json: bool) -> None:
    """Recompute the published tables and list every mismatch."""
    from paretobench.paper.audit import audit

    rows = audit()
    wrong = [row for row in rows if row.verdict != "agrees"]
    shown = rows if everything else wrong
    if as_json:
        emit_json({"checked": len(rows), "mismatches": len(wrong), "rows": shown})
        return
    print_table(
        "",
        ("check", "what", "printed", "recomputed", "difference", "how"),
        [
            (
                row.check,
                row.what,
                f"{row.printed:g} {row.unit}",
                f"{row.recomputed:.4g}",
                f"{row.difference:+.3g}",
                row.arithmetic + (" (input rounding)" if row.within_input_rounding else ""),
            )
            for row in shown
        ],
    )
    found = counted(len(wrong), "mismatch", "mismatches")
    say(f"{counted(len(rows), 'number')} recomputed, {found}")
