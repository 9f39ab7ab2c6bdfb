"""Files made once per machine: exported graphs and prepared weights, found by their content.

An artifact is a folder `<root>/<format>/<subject>-<versions>/` with a manifest that lists the
size and SHA-256 of every file. The two parts of the name are hashes of what was converted and
of the packages that converted it. A folder is built under `<root>/.building/`, flushed to
disk and renamed, so it is there whole or not at all; two builders of the same artifact both
end with a good one. What a copy, a killed machine or a bad disk has changed is found out by
its hash and built again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from paretobench.domain import content_key
from paretobench.durable import flush
from paretobench.errors import ArtifactError, BackendMissingError
from paretobench.units import gibibytes

MANIFEST = "manifest.json"
_BUILDING = ".building"
_ROOM = 1.05
"""Free space asked for over the expected size: file systems need a few percent themselves."""

Maker = Callable[[Path], Mapping[str, Any] | None]
"""Writes the artifact's files into the folder it is given; returns facts to keep."""


@dataclass(frozen=True)
class Recipe:
    """What an artifact is made of.

    Attributes:
        format: `openvino_ir`, `onnx`, `weights`, `coreml`: the folder it is filed under.
        subject: JSON-like; everything that decides its content.
        versions: of the packages that make it.
        expected_bytes: about how large it will be; 0 if unknown.
    """

    format: str
    subject: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=dict)
    expected_bytes: int = 0

    @property
    def subject_key(self) -> str:
        """20 hexadecimal digits over the subject."""
        return content_key(dict(self.subject))[:20]

    @property
    def name(self) -> str:
        """The folder's name: the subject's key and the versions' key."""
        return f"{self.subject_key}-{content_key(dict(self.versions))[:12]}"


@dataclass(frozen=True)
class Artifact:
    """A complete artifact: its folder and its manifest."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        """What its maker reported, and the versions it was made with."""
        return dict(self.manifest["facts"]) | {"made_with": dict(self.manifest["versions"])}

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(int(entry["size_bytes"]) for entry in self.manifest["files"].values())

    @property
    def title(self) -> str:
        """What was converted, for people: architecture, input and precision, where it has them.

        >>> subject = {'encoder': {'architecture': 'vit'}, 'shape': [1, 3, 64, 64]}
        >>> Artifact(Path(), {'subject': subject}).title
        'vit 64 px'
        """
        subject = self.manifest.get("subject", {})
        network = subject.get("encoder") or subject.get("llm") or {}
        shape, precision = subject.get("shape"), subject.get("precision")
        parts = (
            str(network.get("architecture", "")),
            f"{shape[-1]} px" if shape else "",
            str(precision or ""),
            str(subject.get("compute_units", "")),
        )
        return " ".join(part for part in parts if part)

    def damage(self) -> list[str]:
        """The files that are missing or have other content than was written; all are hashed."""
        return list(_damaged(self, trusts_times=False))


class ArtifactStore:
    """The artifacts under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, recipe: Recipe, make: Maker) -> Artifact:
        """The artifact of a recipe: found whole, or built now.

        Raises:
            ArtifactError: if it cannot be written; the message names the bytes free.
        """
        return self.find(recipe) or self._build(recipe, make)

    def find(self, recipe: Recipe) -> Artifact | None:
        """The artifact if it is there and whole; a damaged one is removed and None returned."""
        folder = self.root / recipe.format / recipe.name
        if not folder.is_dir():
            return None
        found = _whole(folder)
        if found is None:
            _remove(folder)
        return found

    def find_other_versions(self, recipe: Recipe) -> Artifact | None:
        """The newest whole artifact of the same subject, whatever made it.

        For a machine that measures what another one converted.
        """
        folders = self.root.joinpath(recipe.format).glob(f"{recipe.subject_key}-*")
        newest_first = sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)
        return next(filter(None, map(_whole, newest_first)), None)

    def find_or_export(self, recipe: Recipe, make: Maker, missing: str) -> Artifact:
        """The artifact of a recipe; where it cannot be made, one that other versions made.

        Args:
            missing: what is not installed and how to install it; empty if it can be made here.

        Raises:
            BackendMissingError: if it is not there and cannot be made.
            ArtifactError: if it cannot be written.
        """
        if not missing:
            return self.get(recipe, make)
        found = self.find(recipe) or self.find_other_versions(recipe)
        if found is None:
            raise BackendMissingError(missing)
        return found

    def __iter__(self) -> Iterator[Artifact]:
        yield from filter(None, map(_read, self._folders()))

    def without_manifest(self) -> list[Path]:
        """Folders where an artifact should be and whose manifest is missing or unreadable."""
        return [folder for folder in self._folders() if _read(folder) is None]

    def _folders(self) -> list[Path]:
        """Those that are under their final name; what begins with a dot is half made or half
        removed."""
        return sorted(path for path in self.root.glob("[!.]*/[!.]*") if path.is_dir())

    def _build(self, recipe: Recipe, make: Maker) -> Artifact:
        building = self.root / _BUILDING
        work = building / f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        try:
            work.mkdir(parents=True)
            _sweep_abandoned(building)
            self._check_room(recipe)
            facts = make(work) or {}
            manifest = _seal(work, recipe, facts)
            return Artifact(self._publish(work, recipe), manifest)
        except Exception as error:
            self._explain(error, recipe)
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _publish(self, work: Path, recipe: Recipe) -> Path:
        target = self.root / recipe.format / recipe.name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            work.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if self.find(recipe) is None:  # what was there was damaged and has been removed
                work.rename(target)
        flush(target.parent)
        return target

    def _check_room(self, recipe: Recipe) -> None:
        free = shutil.disk_usage(self.root).free
        if recipe.expected_bytes * _ROOM > free:
            raise ArtifactError(
                f"{self.root} has {free} bytes free ({gibibytes(free)}); the {recipe.format} "
                f"artifact needs about {gibibytes(recipe.expected_bytes)}.\n"
                "Free some space, or point PARETOBENCH_CACHE at another disk."
            )

    def _explain(self, error: Exception, recipe: Recipe) -> None:
        """Turn what a full or read-only disk raises, in whatever library, into our words."""
        if isinstance(error, ArtifactError):
            return
        number = error.errno if isinstance(error, OSError) else None
        existing = next(path for path in (self.root, *self.root.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        is_full = number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
        if is_full or (number is None and free < 1 << 20):
            raise ArtifactError(
                f"{self.root} is full: {free} bytes free while writing the {recipe.format} "
                "artifact.\nFree some space, or point PARETOBENCH_CACHE at another disk."
            ) from error
        if number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise ArtifactError(
                f"cannot write to {self.root}: {os.strerror(number)}.\n"
                "Point PARETOBENCH_CACHE at a folder that can be written."
            ) from error


def _seal(work: Path, recipe: Recipe, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Hash and flush every file, then write the manifest last."""
    files = {}
    for path in sorted(path for path in work.rglob("*") if path.is_file()):
        flush(path)
        stat = path.stat()
        files[path.relative_to(work).as_posix()] = {
            "size_bytes": stat.st_size,
            "sha256": _sha256(path),
            "modified_ns": stat.st_mtime_ns,
        }
    manifest = {
        "format": recipe.format,
        "subject": dict(recipe.subject),
        "versions": dict(recipe.versions),
        "facts": dict(facts),
        "files": files,
    }
    path = work / MANIFEST
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
    flush(path)
    flush(work)
    return manifest


def _damaged(artifact: Artifact, trusts_times: bool) -> Iterator[str]:
    """Names of files that lack their size or content.

    A file whose size and time are those of its making is trusted, if times are; any other is
    hashed. If its content is right it gets that time back, so that a copied store is hashed once;
    if not, it loses it, so that nobody trusts it again.
    """
    for name, entry in artifact.manifest["files"].items():
        path = artifact.path / name
        try:
            stat = path.stat()
            if stat.st_size != entry["size_bytes"]:
                yield name
                continue
            if trusts_times and stat.st_mtime_ns == entry["modified_ns"]:
                continue
            is_good = _sha256(path) == entry["sha256"]
        except OSError:
            is_good = False
        with contextlib.suppress(OSError):
            if is_good:
                os.utime(path, ns=(stat.st_atime_ns, entry["modified_ns"]))
            else:
                os.utime(path)
        if not is_good:
            yield name


def _whole(folder: Path) -> Artifact | None:
    """The artifact in a folder; None if one of its files is missing or damaged."""
    found = _read(folder)
    return None if found is None or any(_damaged(found, trusts_times=True)) else found


def _read(folder: Path) -> Artifact | None:
    """The artifact in a folder as its manifest has it; None if that is missing or unreadable."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_complete = isinstance(manifest, dict) and {"files", "facts", "versions"} <= set(manifest)
    return Artifact(folder, manifest) if is_complete else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(folder: Path) -> None:
    """Rename first, so that no process finds a half-removed folder."""
    doomed = folder.with_name(f".removed-{uuid.uuid4().hex[:12]}")
    with contextlib.suppress(OSError):
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _sweep_abandoned(building: Path) -> None:
    """Remove the work of builders that were killed: their process number is no longer alive."""
    for path in building.iterdir():
        number = path.name.split("-", 1)[0]
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(path, ignore_errors=True)
