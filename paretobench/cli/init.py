"""The verb init: a small grid of your own to start from."""

from __future__ import annotations

import re
from pathlib import Path

import click

from paretobench.cli.console import say
from paretobench.errors import ConfigError

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
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):  # what Hydra reads without quotes
        raise ConfigError(f"a grid's name is letters a to z, digits and underscores, not {name!r}")
    path = Path("sweeps") / "grid" / f"{name}.yaml"
    if path.exists():
        raise ConfigError(f"{path} exists already; name another: paretobench init NAME")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(GRID.format(name=name), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}; go to a folder where you may write"
        ) from error
    say(f"wrote {path}; next:")
    say(f"  paretobench plan +grid={name}")
    say(f"  paretobench sweep +grid={name}")
