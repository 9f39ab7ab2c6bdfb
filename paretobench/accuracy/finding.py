"""Every file below the paths of an import, each once, and what kind of score file it is.

What a file is, its content decides, never its name or its neighbours. Named pipes and
devices are not opened, links are followed once, and what leads nowhere is named.
"""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paretobench.accuracy import importers
from paretobench.accuracy.lmms import results, samples, vlmevalkit

Kind = Literal["lmms-eval results", "sample log", "VLMEvalKit scores", "scores table"]

_HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class Found:
    """A file to read, or a path that leads to none with the reason.

    Attributes:
        is_named: the user named this very path, rather than a folder that holds it.
    """

    path: Path
    problem: str = ""
    is_named: bool = False


def walk(paths: Iterable[Path], whole: Iterable[str] = ()) -> Iterator[Found]:
    """The files below paths in order, each once however often it is reached.

    Args:
        paths: files and folders.
        whole: endings of folders that are one thing, such as `.mlperf`.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        count, before = 0, len(seen)
        for found in _below(path, seen, tuple(whole), is_named=True):
            count += 1
            yield found
        if not count:
            is_again = len(seen) == before
            reason = "was read already" if is_again else "holds no file to read"
            yield Found(path, reason, is_named=not is_again)


def _below(
    path: Path, seen: set[tuple[int, int]], whole: tuple[str, ...], is_named: bool = False
) -> Iterator[Found]:
    try:
        status = path.stat()
    except OSError as error:
        reason = "a link to nothing" if path.is_symlink() else (error.strerror or str(error))
        yield Found(path, reason, is_named)
        return
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    if stat.S_ISREG(status.st_mode) or (stat.S_ISDIR(status.st_mode) and path.suffix in whole):
        yield Found(path, is_named=is_named)
    elif stat.S_ISDIR(status.st_mode):
        yield from _in_folder(path, seen, whole)
    else:
        yield Found(path, "neither a file nor a folder: a pipe, a socket or a device", is_named)


def _in_folder(path: Path, seen: set[tuple[int, int]], whole: tuple[str, ...]) -> Iterator[Found]:
    if path.name.startswith((".unfinished-", ".git")):
        return
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        yield Found(path, error.strerror or str(error))
        return
    for each in inside:
        yield from _below(each, seen, whole)


def kind_of(path: Path) -> Kind | None:
    """What kind of score file a file is; None if it is none that is read here."""
    if not path.is_file():
        return None
    if path.name.endswith(".gz"):
        return "sample log" if samples.is_sample_log(path) else None
    head = _head(path)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return _kind_of_json(path)
    if b"\x00" in head or not head.strip():
        return None
    return _kind_of_table(head)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def _kind_of_json(path: Path) -> Kind | None:
    data = results.read_json(path)
    if data is None:
        return "sample log" if samples.is_sample_log(path) else None
    if isinstance(data, dict) and isinstance(data.get("logs"), list):
        return "sample log"
    if results.is_result(data):
        return "lmms-eval results"
    return "VLMEvalKit scores" if vlmevalkit.is_scores(path, data) else None


def _kind_of_table(head: bytes) -> Kind | None:
    try:
        text = head.decode("utf-8-sig", errors="ignore")
        columns = next(csv.reader(text.splitlines()), [])
    except csv.Error:
        return None
    if importers.is_header(columns) or importers.wrong_separator(columns):
        return "scores table"
    return "VLMEvalKit scores" if vlmevalkit.is_header(columns) else None
