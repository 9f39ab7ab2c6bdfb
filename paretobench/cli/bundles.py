"""Bundles at the command line: written by `export --bundle`, checked by `verify`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from paretobench.cli import completion
from paretobench.cli.console import emit_json, say
from paretobench.cli.options import as_json, open_store
from paretobench.errors import ConfigError, DataError
from paretobench.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paretobench.store import Store
    from paretobench.store.bundle import Entry

F = TypeVar("F", bound=Callable[..., Any])


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
    say(f"wrote {path}: {_described(entries)}; {'signed' if key else 'not signed'}")


def bundle_options(command: F) -> F:
    """What `export` takes for a bundle instead of a table."""
    options = [
        click.option(
            "--bundle",
            metavar="FILE",
            shell_complete=completion.files,
            help="Write the whole database and its hashes into this zip file instead of a table.",
        ),
        click.option(
            "--sign",
            metavar="KEY",
            shell_complete=completion.files,
            help="With --bundle: sign it with this OpenSSH key.",
        ),
        click.option(
            "--include",
            multiple=True,
            metavar="PATH",
            shell_complete=completion.files,
            help="With --bundle: put this file or folder in as well, such as a report.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


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


def bring_in_signed(store: Store, path: Path, allowed_signers: str) -> str:
    """Import a bundle if one of these signed it; returns what came of it.

    Raises:
        DataError: if it is no bundle, was altered, or is not signed by one of them.
    """
    from paretobench.store import bundle

    return str(bundle.import_bundle(store, path, Path(allowed_signers)))


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


def _described(entries: Mapping[str, Entry]) -> str:
    size_mib = sum(entry.size_bytes for entry in entries.values()) / 2**20
    return f"{counted(len(entries), 'file')}, {size_mib:.1f} MiB before compression"


@click.command("verify")
@click.argument("file", shell_complete=completion.files)
@click.option(
    "--signer",
    "allowed_signers",
    metavar="FILE",
    shell_complete=completion.files,
    help="Demand a signature of somebody in this file of allowed signers (man ssh-keygen).",
)
@as_json
def verify_command(file: str, allowed_signers: str | None, as_json: bool) -> None:
    """Check a bundle or a database against its own hashes, and who signed it."""
    from paretobench.store import imports as arrivals

    path = Path(file)
    if not path.exists():
        raise DataError(f"there is no file {path}")
    kind = arrivals.kind_of(path)
    if kind == "database":
        found = _verified_database(path, allowed_signers)
    else:
        found = _verified_bundle(path, allowed_signers)
    if as_json:
        emit_json(found)
        return
    click.echo(f"{path}: {found['what']}; every hash fits")
    if found["signer"]:
        click.echo(f"signed by {found['signer']}")
    elif found["is_signed"]:
        say("signed, and nobody asked by whom: --signer FILE checks it")
    elif kind == "bundle":
        say("not signed: it proves that it is whole, not whose it is")


def _verified_bundle(path: Path, allowed_signers: str | None) -> dict[str, Any]:
    from paretobench.store import bundle

    entries = bundle.verify_bundle(path)
    who = bundle.signer_of(path, Path(allowed_signers)) if allowed_signers else None
    return {
        "file": str(path),
        "kind": "bundle",
        "what": _described(entries),
        "is_signed": bundle.is_signed(path),
        "signer": who,
        "files": entries,
    }


def _verified_database(path: Path, allowed_signers: str | None) -> dict[str, Any]:
    from paretobench.store import Store

    if allowed_signers:
        raise DataError(
            f"{path} is a database, and only bundles carry a signature.\n"
            "`paretobench export --bundle FILE --sign KEY` writes one."
        )
    with Store.open(path, create=False, read_only=True) as store:
        store.refuse_altered_rows()
        faults = store.integrity_check()
        cells = store.cell_count()
    if faults:
        raise DataError(f"{path} is damaged: {faults[0]}.\nRestore a copy, or import its bundle.")
    return {
        "file": str(path),
        "kind": "database",
        "what": counted(cells, "cell"),
        "is_signed": False,
        "signer": None,
    }
