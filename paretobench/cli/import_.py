"""The verb import: scores, results of lmms-eval, performance reports, other databases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion, import_timings
from paretobench.cli.console import print_table, say, warn
from paretobench.cli.options import path_option, place_options, protocol_option, store_option
from paretobench.errors import DataError

if TYPE_CHECKING:
    from paretobench.cli.importing import Import


@click.command("import")
@click.argument("files", nargs=-1, required=True, shell_complete=completion.files)
@store_option
@place_options(
    "Which encoder these results belong to.",
    "Which language model they belong to.",
    "Which tiling they belong to.",
)
@click.option("--mapping", metavar="FILE", help="A YAML file that places many results.")
@protocol_option("Scoring rules for lmms-eval results.")
@path_option(
    "--signer", help="Take bundles alone, each signed by a key in this file of allowed signers."
)
@import_timings.report_options
def import_command(
    files: tuple[str, ...],
    database: str,
    mapping: str | None,
    protocol: str,
    signer: str | None,
    **place: Any,
) -> None:
    """Import scores, lmms-eval results, timing reports or another database."""
    from paretobench.cli.importing import Destination, Import

    paths = [Path(name) for name in files]
    for path in paths:
        if not os.path.lexists(path):
            raise DataError(f"there is no file {path}; nothing was imported")
    said = {name: value for name, value in place.items() if value is not None}
    with Destination(database) as destination:
        running = Import(destination, said, mapping, protocol, signer, _say_progress)
        running.read(paths)
        _print(running)


def _say_progress(done: int) -> None:
    if done >= PROGRESS_FROM:
        say(f"  {done:,} scores stored")


PROGRESS_FROM = 100_000
"""Scores from which an import takes long enough to print its progress."""


def _print(running: Import) -> None:
    """The account of an import, and its failure if nothing came in.

    Raises:
        DataError: if nothing came in.
    """
    from paretobench.cli.importing import summary

    account = running.account
    entries = account.entries
    if account.is_failed and len(entries) == 1:
        raise DataError(entries[0].detail)
    rows = [
        (each.path, each.task, each.outcome, f"{each.count:,}", " ".join(each.detail.split("\n")))
        for each in entries
    ]
    print_table("", ("file", "task", "outcome", "count", "detail"), rows)
    for note in running.notes:
        warn(note)
    for contest in running.contests:
        warn(f"{contest}; {contest.advice}")
    if account.is_failed:
        raise DataError(f"nothing was imported: {summary(account)}; the table says why")
    say(summary(account))
