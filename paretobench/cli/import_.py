"""The verb import: scores, results of lmms-eval, performance reports, other databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion, import_xcode
from paretobench.cli.console import say
from paretobench.cli.options import store_option
from paretobench.errors import DataError
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.store import Store


@click.command("import")
@click.argument("files", nargs=-1, required=True, shell_complete=completion.files)
@store_option
@click.option(
    "--encoder",
    metavar="NAME",
    shell_complete=completion.member_of("encoder"),
    help="Which encoder these results belong to.",
)
@click.option("--resolution", "resolution_px", type=int, metavar="PX", help="Its resolution.")
@click.option(
    "--llm",
    metavar="NAME",
    shell_complete=completion.member_of("llm"),
    help="Which language model they belong to.",
)
@click.option(
    "--tiling",
    metavar="NAME",
    shell_complete=completion.member_of("tiling"),
    help="Which tiling they belong to.",
)
@click.option("--recipe", metavar="NAME", help="How the checkpoint was trained.")
@click.option("--mapping", metavar="FILE", help="A YAML file that places many results.")
@click.option(
    "--protocol",
    type=click.Choice(["lmms", "llava"]),
    default="lmms",
    show_default=True,
    help="Scoring rules for lmms-eval results.",
)
@click.option(
    "--signer",
    metavar="FILE",
    shell_complete=completion.files,
    help="Take bundles alone, each signed by somebody in this file of allowed signers.",
)
@import_xcode.report_options
def import_command(
    files: tuple[str, ...],
    database: str,
    mapping: str | None,
    protocol: str,
    signer: str | None,
    **place: Any,
) -> None:
    """Bring in scores, lmms-eval results or another database."""
    from paretobench.store import Store, bundle

    paths = [Path(name) for name in files]
    for path in paths:
        if not path.exists():
            raise DataError(f"there is no file {path}; nothing was imported")
    flags = {name: value for name, value in place.items() if value is not None}
    rules = Path(mapping) if mapping else None
    with Store.open(database) as store:
        for path in paths:
            if signer:
                came = str(bundle.import_bundle(store, path, Path(signer)))
            else:
                came = _import_path(store, path, flags, rules, protocol)
            say(f"{path}: {came}")


def _import_path(
    store: Store, path: Path, flags: dict[str, Any], mapping: Path | None, protocol: str
) -> str:
    """Import one path by what it is; returns what came of it."""
    from paretobench.accuracy.importers import read_scores_csv
    from paretobench.accuracy.lmms import importer
    from paretobench.measure import xcode_reports
    from paretobench.store import imports

    if xcode_reports.is_report(path):
        return import_xcode.import_report(store, path, flags)
    if imports.kind_of(path) is not None:
        return str(imports.bring_in(store, path))
    if path.suffix.lower() == ".csv" and path.is_file() and not importer.is_importable(path):
        scores = read_scores_csv(path)
    elif importer.is_importable(path):
        imported = importer.import_results(
            [path], import_xcode.without_report_options(flags), mapping, protocol
        )
        for note in imported.notes:
            say(f"  {note}")
        scores = list(imported.scores)
    else:
        raise DataError(
            f"{path} is no scores .csv, no result of lmms-eval or VLMEvalKit, no paretobench\n"
            "database, bundle or spool file; docs/accuracy.md shows the columns of a scores.csv"
        )
    return f"{counted(len(scores), 'score')}, {store.add_scores(scores)} new"
