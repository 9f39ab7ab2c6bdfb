"""Bundles: a database and what belongs to it in one zip file that proves its content.

`manifest.json` lists every other file with its size and SHA-256. A bundle whose files do not
fit its manifest is refused, with the file named, before anything of it is read. The database
inside is then joined like any other: row by row, each hashed again.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from paretobench.domain import canonical_json
from paretobench.errors import DataError, StoreError
from paretobench.store.rows import environment_to_json
from paretobench.store.store import Store
from paretobench.store.union import UnionCounts

FORMAT = 1
"""Version of the layout; a reader refuses a newer one."""

DATABASE, ENVIRONMENTS, MANIFEST = "paretobench.db", "environments.json", "manifest.json"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip file can hold: the same content gives the same archive."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file of a bundle."""

    sha256: str
    size_bytes: int


def write_bundle(
    store: Store, path: Path, files: Mapping[str, Path] | None = None
) -> dict[str, Entry]:
    """Write the database, its environments and further files into a new bundle.

    Args:
        store: the database; it may be in use.
        path: the zip file; it must not exist.
        files: further files by their name in the bundle, such as `report/index.html`.

    Returns:
        What the manifest lists.

    Raises:
        StoreError: if the bundle exists or cannot be written.
    """
    if path.exists():
        raise StoreError(f"{path} exists already.\nName a new file for the bundle.")
    environments = [environment_to_json(found) for found in store.environment_observations()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as name:
            folder = Path(name)
            store.copy_to(folder / DATABASE)
            (folder / ENVIRONMENTS).write_text(canonical_json(environments) + "\n")
            own = {file: folder / file for file in (DATABASE, ENVIRONMENTS)}
            entries = _write_archive(folder / "bundle.zip", {**(files or {}), **own})
            (folder / "bundle.zip").replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot write the bundle {path}: {error.strerror or error}.\n"
            "Check that its folder is writable and the disk has space for twice the database."
        ) from error
    return entries


def _write_archive(path: Path, files: Mapping[str, Path]) -> dict[str, Entry]:
    entries = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            with file.open("rb") as source, archive.open(_info(name), "w") as target:
                entries[name] = _copy(source, target)
        listed = {name: vars(entry) for name, entry in entries.items()}
        manifest = canonical_json({"format": FORMAT, "files": listed})
        archive.writestr(_info(MANIFEST), manifest + "\n")
    return entries


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _copy(source: IO[bytes], target: IO[bytes] | None) -> Entry:
    """Copy in blocks (nowhere, if there is no target) and hash on the way."""
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK_BYTES):
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
            names = archive.namelist()
            for name in sorted({*names, *entries} - {MANIFEST}):
                if names.count(name) != 1 or name not in entries:
                    _refuse(path, name, "missing" if name not in names else "not in its manifest")
                with archive.open(name) as file:
                    if _copy(file, None) != entries[name]:
                        _refuse(path, name, "changed")
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise DataError(
            f"{path} is not a bundle, or is damaged: {error}.\nFetch it again."
        ) from None
    return entries


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Entry]:
    try:
        manifest = json.loads(archive.read(MANIFEST))
        version, listed = manifest["format"], manifest["files"]
        entries = {name: Entry(**entry) for name, entry in listed.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(
            f"{path} is not a bundle: {MANIFEST} is missing or cannot be read.\n"
            "`paretobench export --bundle` writes one."
        ) from None
    if version != FORMAT:
        raise DataError(
            f"{path} is a bundle of format {version!r}; this paretobench reads {FORMAT}.\n"
            "Upgrade it: pip install --upgrade paretobench."
        )
    return entries


def _refuse(path: Path, name: str, what: str) -> None:
    raise DataError(
        f"{path} was tampered with or damaged: {name} in it is {what}.\n"
        "Nothing of it was imported; ask for the original file."
    )


def import_bundle(store: Store, path: Path) -> UnionCounts:
    """Verify a bundle and join its database; again is the same as once.

    Raises:
        DataError: if the bundle, or a row of its database, was changed; nothing is then stored.
    """
    if DATABASE not in verify_bundle(path):
        raise DataError(f"{path} holds no {DATABASE}.\nWrite it anew: `paretobench export`.")
    with tempfile.TemporaryDirectory() as name:
        extracted = Path(name) / DATABASE
        with (
            zipfile.ZipFile(path) as archive,
            archive.open(DATABASE) as source,
            extracted.open("wb") as target,
        ):
            _copy(source, target)
        return store.union(extracted)
