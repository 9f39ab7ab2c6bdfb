"""Writing a file so that a reader finds it whole or not at all, even after a power cut.

The content goes to a temporary file beside the final one, is flushed to the disk, and is renamed;
the rename is flushed as well, since a rename may reach the disk before the data it names.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write to inside the block; after it `path` has that content, on the disk.

    The name is hidden and has the ending of `path`, by which libraries choose a format. If the
    block fails, nothing is left and `path` is as it was.

    Raises:
        OSError: if the folder cannot be made or written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:12]}{path.suffix}")
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def keep_json(path: Path, value: Any) -> None:
    """Write a value for later processes, whole; where the cache cannot be written it is worked out
    again next time."""
    with contextlib.suppress(OSError), whole_file(path) as part:
        part.write_text(json.dumps(value), encoding="utf-8")


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk.

    fsync(2), and on macOS the call that really waits for the disk (fcntl(2), F_FULLFSYNC).
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            import fcntl

            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # type: ignore[attr-defined,unused-ignore]
        except (ImportError, AttributeError, OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
