"""The verb verify: a bundle or a database against its own hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from paretobench.cli import completion
from paretobench.cli.console import emit_json, say
from paretobench.cli.export_bundle import described
from paretobench.cli.options import as_json, path_option
from paretobench.errors import DataError
from paretobench.units import counted


@click.command("verify")
@click.argument("file", shell_complete=completion.files)
@path_option(
    "--signer",
    "allowed_signers",
    help="Demand a signature by a key in this file of allowed signers (man ssh-keygen).",
)
@as_json
def verify_command(file: str, allowed_signers: str | None, as_json: bool) -> None:
    """Check a bundle or a database against its own hashes, and who signed it."""
    from paretobench.store import imports

    path = Path(file)
    if not path.exists():
        raise DataError(f"there is no file {path}")
    kind = imports.kind_of(path)
    verified = _verified_database if kind == "database" else _verified_bundle
    found = verified(path, allowed_signers)
    if as_json:
        emit_json(found)
        return
    click.echo(f"{path}: {found['what']}; every hash fits")
    if found["signer"]:
        click.echo(f"signed by {found['signer']}")
    elif found["is_signed"]:
        say("signed, not checked by whom: --signer FILE does")
    elif kind == "bundle":
        say("not signed: it is whole, its author is not proven")


def _verified_bundle(path: Path, allowed_signers: str | None) -> dict[str, Any]:
    from paretobench.store import bundle

    entries = bundle.verify_bundle(path)
    who = bundle.signer_of(path, Path(allowed_signers)) if allowed_signers else None
    return {
        "file": str(path),
        "kind": "bundle",
        "what": described(entries),
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
