"""The verb compare: two encoders, sweeps, databases or checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion
from paretobench.cli.compare_items import KEPT, compare_items
from paretobench.cli.console import emit_json, print_table, say, warn
from paretobench.cli.options import (
    as_json,
    chosen_results,
    path_option,
    protocol_option,
    view_options,
)
from paretobench.units import MISSING, counted

if TYPE_CHECKING:
    from paretobench.analysis.claims import AtVertex
    from paretobench.api.comparison import RecipeComparison
    from paretobench.report.view.rows import Row


@click.command("compare")
@click.argument("a", shell_complete=completion.member_of("encoder"))
@click.argument("b", shell_complete=completion.member_of("encoder"))
@protocol_option("Two checkpoints: the rules their answers are scored by.")
@path_option(
    "--keep",
    metavar="DIR",
    default=KEPT,
    show_default=True,
    help="Two checkpoints: where 'paretobench score' kept their answers.",
)
@view_options
@as_json
def compare_command(a: str, b: str, protocol: str, keep: str, as_json: bool, **chosen: Any) -> None:
    """Two encoders, sweeps or databases: ratio, gain, BD-TTFT.

    Or two checkpoints: name two folders of lmms-eval results with samples, or two checkpoints
    that 'paretobench score' scored (by name or hash), and each benchmark's difference on the
    items that both answered is shown with its interval.
    """
    if compare_items(a, b, protocol, keep, as_json):
        return
    compared = chosen_results(**chosen).compare(a, b)
    if as_json:
        emit_json(compared.to_json())
        return
    for each in compared:
        _print_comparison(each)


def _print_comparison(compared: RecipeComparison) -> None:
    result = compared.result
    click.echo(str(compared))
    for delta in (result.bd_ttft, result.bd_accuracy):
        for text in delta.warnings if delta else ():
            warn(text)
    names = compared.rows
    _print_vertices("faster at the same accuracy", result.speedups, names, lambda x: f"{x:.2f}x")
    _print_vertices(
        "points more at the same budget", result.gains, names, lambda x: f"{x * 100:+.2f}"
    )
    if result.assumed:
        say(f"  the noise of {counted(len(result.assumed), 'point')} is not known and was assumed")


def _print_vertices(
    what: str, vertices: Sequence[AtVertex], names: dict[str, Row], show: Any
) -> None:
    rows = [
        (
            str(names[vertex.baseline.name]),
            str(names[vertex.candidate.name]) if vertex.candidate else MISSING,
            vertex.note if vertex.effect is None else show(vertex.effect),
        )
        for vertex in vertices
    ]
    print_table("", ("baseline on its front", "candidate", what), rows)
