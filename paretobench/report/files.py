"""Writing a report's files: whole or not at all, and never a half-written figure."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from paretobench.errors import DataError


def write_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it into place.

    Raises:
        DataError: if the folder cannot be made or written, with what to do.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise _cannot_write(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text whole, with a newline at its end."""
    whole = text if text.endswith("\n") else text + "\n"
    return write_whole(path, lambda to: _write_utf8(to, whole))


def file_stem(text: str) -> str:
    """A name that any file system takes.

    >>> file_stem('15M+1.1M'), file_stem('llava-1.5'), file_stem('../../etc')
    ('15M_1.1M', 'llava-1.5', 'etc')
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("._") or "unnamed"


def _write_utf8(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _cannot_write(path: Path, error: OSError) -> DataError:
    why = error.strerror or str(error)
    return DataError(
        f"cannot write {path}: {why}; free some space, or name another folder with reports=FOLDER"
    )
