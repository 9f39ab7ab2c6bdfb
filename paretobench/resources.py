"""Where the package's own data is: the bundled sweeps, the published tables and the locks.

In a checkout they are `sweeps/`, `results/published/` and `locks/` beside the package; in a wheel
they travel inside it, as `paretobench/bundled/`.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(in_wheel: str, in_checkout: str) -> Path:
    bundled = _PACKAGE / "bundled" / in_wheel
    return bundled if bundled.is_dir() else _PACKAGE.parent / in_checkout


def sweeps_folder() -> Path:
    """The bundled Hydra groups: grid, encoder, llm, tiling, device, accuracy."""
    return _folder("sweeps", "sweeps")


def published_folder() -> Path:
    """The published tables with their README."""
    return _folder("published", "results/published")


def locks_folder() -> Path:
    """The exact versions that the tests ran with, a file for each kind of machine."""
    return _folder("locks", "locks")


def cache_folder() -> Path:
    """What can be made again: `$PARETOBENCH_CACHE`, else `~/.cache/paretobench`."""
    chosen = os.environ.get("PARETOBENCH_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "paretobench"
