"""Writing a report's files: whole or not at all, and never a half-written figure."""

from __future__ import annotations

import errno
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from paretobench.durable import whole_file
from paretobench.errors import DataError


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it into place.

    Raises:
        DataError: if the folder cannot be made or written, with what to do.
    """
    try:
        with whole_file(path) as temporary:
            write(temporary)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return path


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text whole, with a newline at its end."""
    whole = text if text.endswith("\n") else text + "\n"
    return write_whole(path, lambda to: to.write_text(whole, encoding="utf-8", newline="\n"))


MOST_CHARACTERS = 60
"""Of a name taken from data; file systems allow 255 bytes with what is put around it."""


def file_stem(text: str) -> str:
    """A name that any file system takes: Latin letters and digits, of bounded length.

    What is too long, or has no such letter, ends with the first digits of its hash.

    >>> file_stem('15M+1.1M'), file_stem('llava-1.5'), file_stem('../../etc')
    ('15M_1.1M', 'llava-1.5', 'etc')
    >>> len(file_stem('x' * 400)), file_stem('名前').startswith('unnamed_')
    (60, True)
    """
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("._")
    if stem and len(stem) <= MOST_CHARACTERS:
        return stem
    digest = _digest(text)
    return f"{stem[: MOST_CHARACTERS - len(digest) - 1] or 'unnamed'}_{digest}"


def file_stems(texts: Sequence[str]) -> dict[str, str]:
    """A name for each text, none twice, also where upper and lower case are the same.

    >>> file_stems(['a', 'b c']) == {'a': 'a', 'b c': 'b_c'}
    True
    >>> len(set(file_stems(['a b', 'a_b', 'A b']).values()))
    3
    """
    stems = {text: file_stem(text) for text in texts}
    counts = Counter(stem.lower() for stem in stems.values())
    return {
        text: stem if counts[stem.lower()] == 1 else f"{stem}_{_digest(text)}"
        for text, stem in stems.items()
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def _cannot_write(path: Path, error: OSError) -> DataError:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "free some space, or name another place" if is_full else "name another place"
    return DataError(
        f"cannot write {path}: {error.strerror or error};\n"
        f"{advice} with --out, or with reports=FOLDER for a sweep"
    )
