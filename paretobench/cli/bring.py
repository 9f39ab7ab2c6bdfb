"""Verbs that bring things in: import, score, init."""

from __future__ import annotations

from pathlib import Path

import click

from paretobench.cli.console import say
from paretobench.cli.options import DATABASE
from paretobench.errors import ConfigError, DataError
from paretobench.units import counted

SQLITE_HEADER = b"SQLite format 3\x00"


@click.command("import")
@click.argument("files", nargs=-1, required=True)
@click.option("--database", "-d", default=DATABASE, show_default=True, help="Where to store.")
def import_command(files: tuple[str, ...], database: str) -> None:
    """Bring in scores, lmms-eval results or another database."""
    from paretobench.store import Store

    paths = [Path(name) for name in files]
    for path in paths:
        if not path.exists():
            raise DataError(f"there is no file {path}; nothing was imported")
    with Store.open(database) as store:
        for path in paths:
            if _is_database(path):
                say(f"{path}: {store.union(path)}")
            elif path.suffix == ".csv":
                from paretobench.accuracy.importers import read_scores_csv

                scores = read_scores_csv(path)
                new = store.add_scores(scores)
                say(f"{path}: {counted(len(scores), 'score')}, {new} new")
            else:
                raise DataError(
                    f"{path} is neither a scores .csv nor a paretobench database;\n"
                    "docs/accuracy.md shows the columns of a scores.csv"
                )


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER


@click.command("score")
def score_command() -> None:
    """Run lmms-eval on a checkpoint for a point."""
    raise ConfigError("scoring a checkpoint is not wired in yet; import its results instead")


GRID = """\
# @package _global_
# A grid of your own: `paretobench plan +grid={name}` shows what it would measure.
# blocks list what belongs together; params combine with everything.
name: {name}
hydra:
  sweeper:
    params:
      llm: qwen2_0_5b,qwen2_1_5b
    blocks:
      - {{encoder: [fastvithd], resolution: [512, 1024]}}
      - {{encoder: [vit_l14], resolution: [336]}}
"""


@click.command("init")
@click.argument("name", default="mine")
def init_command(name: str) -> None:
    """Write a small grid of your own to start from."""
    if not name.isidentifier():
        raise ConfigError(f"a grid's name is letters, digits and underscores, not {name!r}")
    path = Path("sweeps") / "grid" / f"{name}.yaml"
    if path.exists():
        raise ConfigError(f"{path} exists already; name another: paretobench init NAME")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GRID.format(name=name), encoding="utf-8")
    say(f"wrote {path}; next:")
    say(f"  paretobench plan +grid={name}")
    say(f"  paretobench sweep +grid={name}")
