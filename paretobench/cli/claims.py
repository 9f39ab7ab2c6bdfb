"""The verb claims: the paper's headline claims, recomputed."""

from __future__ import annotations

from pathlib import Path

import click

from paretobench.cli.console import emit_json, print_table, say
from paretobench.cli.options import as_json
from paretobench.units import counted


@click.command("claims")
@click.option("--file", "path", metavar="FILE", help="Claims of your own, in the same form.")
@as_json
def claims_command(path: str | None, as_json: bool) -> None:
    """Recompute the paper's headline claims and say which hold."""
    from paretobench.paper.claims import claims

    results = claims(Path(path)) if path else claims()
    if as_json:
        emit_json(results)
        return
    rows = [(each.id, each.claim, each.arithmetic, each.verdict) for each in results]
    print_table("", ("claim", "what it says", "recomputed", "verdict"), rows)
    holding = sum(each.verdict == "holds" for each in results)
    say(f"{holding} of {counted(len(results), 'claim')} hold; --json has readings and sources")
