"""`compare` of two checkpoints: each benchmark's difference on the items both answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from paretobench.cli.console import emit_json, print_table, say
from paretobench.errors import DataError
from paretobench.units import counted, percent

if TYPE_CHECKING:
    from paretobench.accuracy.lmms.paired import Paired

KEPT = "results/accuracy"
"""Where `paretobench score` keeps finished tasks by default."""


def compare_items(a: str, b: str, protocol: str, kept: str, as_json: bool) -> bool:
    """Compare two checkpoints item by item, if either side names results; returns whether.

    Raises:
        DataError: if only one side does, or nothing can be compared.
    """
    from paretobench.accuracy.lmms.paired import compare_runs, runs_of

    if not (_may_name_results(a, kept) and _may_name_results(b, kept)):
        return False
    ours, theirs = runs_of(a, Path(kept)), runs_of(b, Path(kept))
    if not ours and not theirs:
        return False
    if not ours or not theirs:
        lacking = b if ours else a
        raise DataError(
            f"{lacking} names no lmms-eval results, and the other side does; name a folder of "
            f"results,\nor a checkpoint scored into {kept} (--keep names another folder)"
        )
    found, problems = compare_runs(ours, theirs, protocol)
    if as_json:
        emit_json({"a": a, "b": b, "benchmarks": found, "problems": problems})
        return True
    _print(a, b, found)
    for problem in problems:
        say(f"  not compared: {problem}")
    return True


def _may_name_results(side: str, kept: str) -> bool:
    """Whether it is worth reading any file: a cheap test that spares a plain name the search."""
    path = Path(side)
    if path.is_file():
        return path.suffix == ".json"
    return path.is_dir() or Path(kept).is_dir()


def _print(a: str, b: str, found: list[Paired]) -> None:
    click.echo(f"{a} against {b}, on the items that both answered:")
    rows = [
        (
            each.benchmark,
            percent(each.a),
            percent(each.b),
            f"{each.difference.value * 100:+.1f}",
            f"{each.difference.low * 100:+.1f} to {each.difference.high * 100:+.1f}",
            str(each.difference.n),
            verdict(each),
            needed(each),
        )
        for each in found
    ]
    headings = ("benchmark", "A %", "B %", "A - B", "95% CI", "items", "verdict", "items needed")
    print_table("", headings, rows)
    for each in found:
        for note in each.notes:
            say(f"  {each.benchmark}: {note}")
    say(f"  {counted(len(found), 'comparison')}; differences are in percentage points")


def verdict(paired: Paired) -> str:
    """Who is better, if the interval and, on few items, a sign test say so."""
    if not paired.difference.is_separated:
        return "not separated"
    return "A better" if paired.difference.value > 0 else "B better"


def needed(paired: Paired) -> str:
    """How many items would separate the two, if this difference is the true one."""
    if paired.difference.is_separated:
        return ""
    items = paired.difference.items_needed
    return "no difference seen" if items is None else f"about {items:,}"
