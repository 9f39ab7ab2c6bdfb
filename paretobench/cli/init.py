"""The verb init: a small grid of your own to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from paretobench.cli.console import say
from paretobench.errors import ConfigError

if TYPE_CHECKING:
    pass


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
