"""`export --bundle`: a whole database and its hashes in one zip file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.api.databases import open_store
from paretobench.cli.console import say
from paretobench.cli.options import path_option, together
from paretobench.errors import ConfigError, DataError
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.store.bundle import Entry


bundle_options = together(
    path_option(
        "--bundle",
        help="Write the whole database and its hashes into this zip file instead of a table.",
    ),
    path_option("--sign", metavar="KEY", help="With --bundle: sign it with this OpenSSH key."),
    path_option(
        "--include",
        metavar="PATH",
        multiple=True,
        help="With --bundle: put this file or folder in as well, such as a report.",
    ),
)
"""What `export` takes for a bundle instead of a table."""


def destination(
    bundle: str | None, sign: str | None, include: tuple[str, ...], **chosen: Any
) -> Path | None:
    """Where `export` is to write a bundle; None if it is to write a table.

    Raises:
        ConfigError: if an option means nothing with a bundle, or nothing without one.
    """
    if bundle is None:
        for name, value in (("sign", sign), ("include", include)):
            if value:
                raise ConfigError(f"--{name} goes with --bundle FILE")
        return None
    for name in ("published", "sweep", "environment", "out"):
        if chosen.get(name):
            raise ConfigError(f"a bundle holds a whole database; leave out --{name}")
    return Path(bundle)


def write(database: str | None, path: Path, key: str | None, include: tuple[str, ...]) -> None:
    """Write a whole database, and what is to go with it, into one bundle.

    Args:
        database: the file; None for the default one.
        path: the bundle; it must not exist.
        key: an OpenSSH key to sign it with; None leaves it unsigned.
        include: files, and folders with all that is in them, to put beside the database.
    """
    from paretobench.store import bundle

    files = _files(include)
    with open_store(database) as store:
        entries = bundle.write_bundle(store, path, files, Path(key) if key else None)
    say(f"wrote {path}: {described(entries)}; {'signed' if key else 'not signed'}")


def _files(include: tuple[str, ...]) -> dict[str, Path]:
    """What to include by its name in the bundle: a folder's files keep their folder's name."""
    files: dict[str, Path] = {}
    for path in map(Path, include):
        if not path.exists():
            raise DataError(f"there is no {path} to include; no bundle was written")
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        root = path.absolute().parent
        files |= {f.absolute().relative_to(root).as_posix(): f for f in found if f.is_file()}
    return files


def described(entries: Mapping[str, Entry]) -> str:
    """How many files a bundle has, and how large they are."""
    size_mib = sum(entry.size_bytes for entry in entries.values()) / 2**20
    return f"{counted(len(entries), 'file')}, {size_mib:.1f} MiB before compression"
