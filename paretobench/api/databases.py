"""Opening a database to read it, with advice where there is none yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.errors import ConfigError

if TYPE_CHECKING:
    from paretobench.store import Store

DATABASE = "results/paretobench.db"
"""Where a sweep stores by default; the same default as in `sweeps/config.yaml`."""


def open_store(database: str | Path | None) -> Store:
    """Open a database to read it.

    Raises:
        ConfigError: if there is none yet, with what to do.
    """
    from paretobench.store import Store

    path = Path(database or DATABASE)
    require_database(path)
    return Store.open(path, create=False, read_only=True)


def require_database(path: Path) -> None:
    """Raise a ConfigError that says what to do, if there is no such file."""
    if not path.exists():
        raise ConfigError(
            f"there is no database at {path} yet; 'paretobench sweep +grid=smoke' makes one,\n"
            "--database names another, and --published uses the paper's own tables"
        )
