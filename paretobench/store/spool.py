"""Spool files: results on their way from a measuring process to the one with the database.

On a cluster or a remote device no process writes the database. A worker writes one JSON file for
each result, under a temporary name, then renames it, so that a file that can be seen is whole;
its name and its `sha256` are the hash of its content, so that a damaged one is noticed and the
same result is the same file. One coordinator ingests; one that is killed meanwhile ingests the
files again and finds known what was stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from paretobench.domain import Workload, canonical_json
from paretobench.domain.records import Cell, Environment, Failure, Score, Source
from paretobench.durable import whole_file
from paretobench.errors import DataError, StoreError
from paretobench.store.database import RowRefusedError
from paretobench.store.merge import UnionCounts
from paretobench.store.rows import stored_json
from paretobench.store.store import Store

FORMAT = 1
"""Version of the file's layout; a reader refuses a newer one."""

BATCH_FILES = 256
"""Files in one transaction: one disk flush for all, and at most 256 files read again after a
crash. At 1 to 20 ms for a flush this is far above the 500 cells/s that a sweep can need."""


@dataclass(frozen=True)
class Result:
    """What one worker found, with the workload and environment that its cells refer to.

    `about` is for the process that waits for the file (which unit it is, what failed in it); it is
    no row, and a file without it is written as it always was.
    """

    workloads: tuple[Workload, ...] = ()
    environments: tuple[Environment, ...] = ()
    cells: tuple[Cell, ...] = ()
    failures: tuple[Failure, ...] = ()
    scores: tuple[Score, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, every field."""
        rows: dict[str, Any] = {
            "workloads": [workload.to_json() for workload in self.workloads],
            "environments": [asdict(found) for found in self.environments],
            "cells": [cell.to_json() for cell in self.cells],
            "failures": [asdict(failure) for failure in self.failures],
            "scores": [asdict(score) for score in self.scores],
        }
        return {**rows, "about": dict(self.about)} if self.about else rows

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Result:
        """Inverse of `to_json`; raises KeyError, TypeError or ValueError on anything else."""
        return Result(
            tuple(Workload.from_json(item) for item in data["workloads"]),
            tuple(
                Environment(item["identity"], item.get("observed", {}))
                for item in data["environments"]
            ),
            tuple(Cell.from_json(item) for item in data["cells"]),
            tuple(Failure(**item) for item in data["failures"]),
            tuple(Score(**{**item, "source": Source(**item["source"])}) for item in data["scores"]),
            dict(data.get("about", {})),
        )


def write(folder: Path, result: Result) -> Path:
    """Write one result; when this returns it is on the disk under its final name.

    Raises:
        StoreError: if the folder cannot be made or written, or the disk is full; no part of a
            file is then left under a final name.
        DataError: if a number in the result is not finite.
    """
    body = stored_json(result.to_json(), "a result")
    digest = hashlib.sha256(body.encode("ascii")).hexdigest()
    text = f'{{"format":{FORMAT},"sha256":"{digest}","result":{body}}}\n'
    path = folder / f"{digest}.json"
    try:
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="ascii")
    except OSError as error:
        raise StoreError(
            f"cannot write the result file {path.name[:12]}... in {folder}: {error.strerror}.\n"
            "Check that the folder is writable and the disk has space; the result is lost, "
            "run it again."
        ) from error
    return path


def read(path: Path) -> Result:
    """Read one spool file and check its hash.

    Raises:
        DataError: if it is not a spool file, is damaged, or was written by a newer release.
    """
    try:
        data = json.loads(path.read_text(encoding="ascii"))
        version, digest, body = data["format"], data["sha256"], data["result"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a spool file ({_short(error)}).") from None
    if version != FORMAT:
        raise DataError(
            f"{path} has format {version!r}, this paretobench reads {FORMAT}.\n"
            "Use one version of paretobench on all machines."
        )
    if hashlib.sha256(canonical_json(body).encode("ascii")).hexdigest() != digest:
        raise DataError(
            f"{path} is damaged or was changed: its content does not fit its hash.\n"
            "Fetch it again, or delete it and run its workload again."
        )
    try:
        return Result.from_json(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} holds a result that cannot be read ({_short(error)}).") from None


def pending(folder: Path) -> list[Path]:
    """The whole files of a spool folder, sorted; those still being written are not among them."""
    found = folder.glob("*.json") if folder.is_dir() else ()
    return sorted(path for path in found if not path.name.startswith("."))


def ingest(store: Store, paths: Iterable[Path]) -> UnionCounts:
    """Store the content of spool files; again is the same as once.

    Args:
        store: open for writing.
        paths: files, as `pending` lists them.

    Raises:
        StoreError: if the database cannot be written.
    """
    ordered, refused = sorted(paths), []
    new, known = dict.fromkeys(_KINDS, 0), dict.fromkeys(_KINDS, 0)

    def add(results: Sequence[Result]) -> None:
        for kind, (added, total) in _add(store, results).items():
            new[kind] += added
            known[kind] += total - added

    for start in range(0, len(ordered), BATCH_FILES):
        readable: list[tuple[Path, Result]] = []
        for path in ordered[start : start + BATCH_FILES]:
            try:
                readable.append((path, read(path)))
            except DataError as error:
                refused.append((path, str(error)))
        try:
            add([result for _, result in readable])
        except (RowRefusedError, DataError):
            # One file spoilt its batch; the others are stored all the same.
            for path, result in readable:
                try:
                    add([result])
                except (RowRefusedError, DataError) as error:
                    refused.append((path, str(error)))
    return UnionCounts(new, known, store.disagreements(), tuple(refused))


_KINDS = ("environments", "workloads", "cells", "failures", "scores")
"""In the order of storing: what is referred to goes first."""


def _add(store: Store, results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    """By kind, how many rows were new and how many there are; one transaction for all of them."""
    counts: dict[str, tuple[int, int]] = {}
    if not results:
        return counts
    with store.transaction():
        for kind in _KINDS:
            rows = [row for result in results for row in getattr(result, kind)]
            counts[kind] = getattr(store, f"add_{kind}")(rows), len(rows)
    return counts


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:120]
