"""Bundles: a database and what belongs to it in one zip file that proves its content.

`manifest.json` lists every other file with its size and SHA-256. A bundle whose files do not
fit its manifest is refused, with the file named, before anything of it is read. The database
inside is then joined like any other: row by row, each hashed again. `manifest.json.sig`, if
there is one, is a signature of the manifest, and so of every file that it lists.

Equal content gives equal bytes: rows are stored in the order of their keys and no time is stored,
so two people compare what they hold by the hash of one file.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from paretobench.domain import canonical_json
from paretobench.durable import whole_file
from paretobench.errors import DataError, StoreError
from paretobench.installation import upgrade_command
from paretobench.store import signature
from paretobench.store.merge import UnionCounts
from paretobench.store.store import Store
from paretobench.units import gibibytes

FORMAT = 1
"""Version of the layout; a reader refuses a newer one."""

DATABASE, ENVIRONMENTS, MANIFEST = "paretobench.db", "environments.json", "manifest.json"

SIGNATURE = f"{MANIFEST}.sig"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip file can hold: the same content gives the same archive."""

_BLOCK_BYTES = 1 << 20

MOST_MANIFEST_BYTES, MOST_SIGNATURE_BYTES, MOST_FILES = 16 << 20, 64 << 10, 10_000
"""Bounds on what is read into memory. A line of the manifest takes some 130 bytes, an armoured
signature under 2 KiB."""


@dataclass(frozen=True)
class Entry:
    """One file of a bundle."""

    sha256: str
    size_bytes: int


def write_bundle(
    store: Store,
    path: Path,
    files: Mapping[str, Path] | None = None,
    signing_key: Path | None = None,
) -> dict[str, Entry]:
    """Write the database, its environments and further files into a new bundle.

    Args:
        store: the database; it may be in use.
        path: the zip file; it must not exist.
        files: further files by their name in the bundle, such as `report/index.html`.
        signing_key: an OpenSSH key to sign the manifest with; None leaves it unsigned.

    Returns:
        What the manifest lists.

    Raises:
        StoreError: if the bundle exists or cannot be written.
        DataError: if it cannot be signed; there is then no bundle.
    """
    if path.exists():
        raise StoreError(f"{path} exists already.\nName a new file for the bundle.")
    environments = [asdict(found) for found in store.environment_observations()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as name:
            folder = Path(name)
            store.copy_to(folder / DATABASE)
            (folder / ENVIRONMENTS).write_text(canonical_json(environments) + "\n")
            own = {file: folder / file for file in (DATABASE, ENVIRONMENTS)}
            with whole_file(path) as temporary:
                entries = _write_archive(temporary, {**(files or {}), **own}, signing_key)
    except OSError as error:
        raise StoreError(
            f"cannot write the bundle {path}: {error.strerror or error}.\n"
            "Check that its folder is writable and the disk has space for twice the database."
        ) from error
    return entries


def _write_archive(
    path: Path, files: Mapping[str, Path], signing_key: Path | None
) -> dict[str, Entry]:
    entries = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            with file.open("rb") as source, archive.open(_info(name), "w") as target:
                entries[name] = _copy(source, target)
        listed = {name: vars(entry) for name, entry in entries.items()}
        manifest = (canonical_json({"format": FORMAT, "files": listed}) + "\n").encode("ascii")
        archive.writestr(_info(MANIFEST), manifest)
        if signing_key is not None:
            archive.writestr(_info(SIGNATURE), signature.sign(manifest, signing_key))
    return entries


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _copy(source: IO[bytes], target: IO[bytes] | None, most_bytes: float = math.inf) -> Entry:
    """Copy in blocks (nowhere, if there is no target) and hash on the way.

    Args:
        most_bytes: stop after the block that exceeds this; the size returned then exceeds it.
    """
    digest, size = hashlib.sha256(), 0
    while size <= most_bytes and (block := source.read(_BLOCK_BYTES)):
        digest.update(block)
        size += len(block)
        if target is not None:
            target.write(block)
    return Entry(digest.hexdigest(), size)


def is_bundle(path: Path) -> bool:
    """Whether `path` looks like a bundle: a zip file with a manifest."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return MANIFEST in archive.namelist()


def verify_bundle(path: Path) -> dict[str, Entry]:
    """Check every file of a bundle against its manifest; returns what the manifest lists.

    Raises:
        DataError: naming the first file that is missing, unlisted or changed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _read_manifest(path, archive)
            names = Counter(archive.namelist())
            if len(names) > MOST_FILES + 2:
                _refuse(path, f"{len(names):,} files", "more than a bundle has")
            for name in sorted({*names, *entries}):
                if names[name] > 1:
                    _refuse(path, name, "there twice")
                if name in (MANIFEST, SIGNATURE):
                    continue
                if name not in names or name not in entries:
                    _refuse(path, name, "missing" if name in entries else "not in its manifest")
                with archive.open(name) as file:
                    if _copy(file, None, entries[name].size_bytes) != entries[name]:
                        _refuse(path, name, "changed")
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise DataError(
            f"{path} is not a bundle, or is damaged: {error}.\nFetch it again."
        ) from None
    return entries


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Entry]:
    try:
        manifest = json.loads(_read_bounded(path, archive, MANIFEST, MOST_MANIFEST_BYTES))
        version, listed = manifest["format"], manifest["files"]
        entries = {
            name: Entry(str(e["sha256"]), int(e["size_bytes"])) for name, e in listed.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(
            f"{path} is not a bundle: {MANIFEST} is missing or cannot be read.\n"
            "`paretobench export --bundle` writes one."
        ) from None
    if len(entries) > MOST_FILES:
        raise DataError(
            f"{path} lists {len(entries):,} files; a bundle has {MOST_FILES:,} at most."
        )
    if version != FORMAT:
        raise DataError(
            f"{path} is a bundle of format {version!r}; this paretobench reads {FORMAT}.\n"
            f"Upgrade it: {upgrade_command()}."
        )
    return entries


def _read_bounded(path: Path, archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """A small member whole; its header may give a wrong size, so the bytes are counted.

    Raises:
        DataError: if it is larger than a file of its kind can be.
    """
    with archive.open(name) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise DataError(
            f"{path} is refused: its {name} is larger than {most_bytes:,} bytes, the most that a "
            f"bundle of {MOST_FILES:,} files needs.\nNothing of it is imported; ask for the "
            "original file."
        )
    return content


def _refuse(path: Path, name: str, what: str) -> None:
    raise DataError(
        f"{path} was tampered with or damaged: {name} in it is {what}.\n"
        "Nothing of it is imported; ask for the original file."
    )


def is_signed(path: Path) -> bool:
    """Whether a bundle carries a signature; `signer_of` returns whose it is."""
    with zipfile.ZipFile(path) as archive:
        return SIGNATURE in archive.namelist()


def signer_of(path: Path, allowed_signers: Path) -> str:
    """Who signed a bundle: a name out of `allowed_signers`.

    The signature is of the manifest alone; `verify_bundle` holds the files to that.

    Raises:
        DataError: if it is not signed, or by a key that is not in the file.
    """
    if not is_signed(path):
        raise DataError(
            f"{path} is not signed, so its author cannot be verified.\n"
            "Ask for one written by `paretobench export --bundle FILE --sign KEY`."
        )
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(path) as archive:
        armoured = Path(name) / SIGNATURE
        armoured.write_bytes(_read_bounded(path, archive, SIGNATURE, MOST_SIGNATURE_BYTES))
        manifest = _read_bounded(path, archive, MANIFEST, MOST_MANIFEST_BYTES)
        try:
            return signature.signer(manifest, armoured, allowed_signers)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None


def import_bundle(store: Store, path: Path, allowed_signers: Path | None = None) -> UnionCounts:
    """Verify a bundle and join its database; again is the same as once.

    Args:
        store: open for writing.
        path: the bundle.
        allowed_signers: refuse the bundle unless one of these signed it; None accepts unsigned
            ones.

    Raises:
        DataError: if the bundle, or a row of its database, was changed; nothing is then stored.
    """
    entries = verify_bundle(path)
    if allowed_signers is not None:
        signer_of(path, allowed_signers)
    if DATABASE not in entries:
        raise DataError(f"{path} holds no {DATABASE}.\nWrite it anew: `paretobench export`.")
    with tempfile.TemporaryDirectory() as name:
        _require_room(Path(name), entries[DATABASE].size_bytes)
        extracted = Path(name) / DATABASE
        with (
            zipfile.ZipFile(path) as archive,
            archive.open(DATABASE) as source,
            extracted.open("wb") as target,
        ):
            copied = _copy(source, target, entries[DATABASE].size_bytes)
        if copied != entries[DATABASE]:
            _refuse(path, DATABASE, "changed")
        return store.union(extracted)


def _require_room(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise DataError(
            f"the bundle's database needs {gibibytes(size_bytes)} in {folder.parent}, where "
            f"{gibibytes(free)} are free.\nFree some space, or name another folder: TMPDIR=FOLDER."
        )
