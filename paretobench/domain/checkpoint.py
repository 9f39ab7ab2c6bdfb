"""Which weights: the content hash that a score and a latency of one checkpoint share.

A path or a hub name says little: folders are overwritten, hub branches move. The hash is over
the files that decide what a checkpoint computes, by content, so that the same weights have the
same hash wherever they are stored. Nothing is loaded here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from paretobench.domain import Workload, content_key
from paretobench.errors import DataError, UnsupportedError

SUFFIXES = (".safetensors", ".json", ".jinja", ".model", ".txt", ".py")
"""Files that count: weights, configurations, tokenizers, templates, code of its own."""

_PICKLED = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on this machine: its name for people, its folder, its content hash."""

    name: str
    folder: Path
    digest: str

    @staticmethod
    def at(folder: Path, name: str = "") -> Checkpoint:
        """The checkpoint in a folder.

        Raises:
            DataError: if it is none; see `checkpoint_hash`.
        """
        return Checkpoint(name or folder.name, folder, checkpoint_hash(folder))

    def workload(self, like: Workload) -> Workload:
        """The same work on this checkpoint's own weights; the hash goes into the key."""
        return replace(
            like,
            label=f"{like.label} of {self.name}",
            subject={**like.subject, "checkpoint": self.digest},
            folder=str(self.folder),
        )


def check_unchanged(workload: Workload) -> None:
    """Refuse to time another checkpoint than the one that was planned.

    Raises:
        UnsupportedError: if the workload's folder no longer holds what its key says.
    """
    if checkpoint_hash(Path(workload.folder)) != workload.checkpoint:
        raise UnsupportedError(
            f"{workload.label}: the checkpoint in {workload.folder} has changed since it was "
            "planned; start the sweep again"
        )


def is_local(name: str) -> bool:
    """Whether a checkpoint is a folder here; a hub name has one slash and no such folder."""
    looks_like_path = name.startswith((".", "/", "~")) or name.count("/") != 1
    return looks_like_path or Path(name).expanduser().is_dir()


def files(folder: Path) -> Iterator[Path]:
    """The files that count, in the order of their names."""
    found = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    for path in sorted(found):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def checkpoint_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of a checkpoint's files, 64 hexadecimal digits.

    Raises:
        DataError: if there is no such folder, no `config.json`, or no safetensors in it.
    """
    if not folder.is_dir():
        raise DataError(f"no checkpoint at {folder}: no such folder")
    counted = list(files(folder))
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder} is no checkpoint: it has no config.json")
    if not any(path.suffix == ".safetensors" for path in counted):
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
        hint = f" ({pickled[0]} is pickled, and pickles run code when read)" if pickled else ""
        raise DataError(
            f"{folder} has no weights in safetensors{hint}; convert them with transformers' "
            f"save_pretrained"
        )
    return content_key({path.relative_to(folder).as_posix(): _digest(path) for path in counted})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
