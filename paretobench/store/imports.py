"""What can be imported as it is: databases, bundles, spool files and folders of them.

Distinguished by content, never by the ending of a name. Scores and lmms-eval results are not
here: `accuracy` reads those.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from paretobench.errors import DataError
from paretobench.store import bundle, spool
from paretobench.store.merge import UnionCounts
from paretobench.store.store import Store

Kind = Literal["database", "bundle", "spool file", "spool folder"]

_SQLITE_HEADER = b"SQLite format 3\x00"
"""https://sqlite.org/fileformat.html, section 1.3"""


def kind_of(path: Path) -> Kind | None:
    """What `path` is, by its content; None if the store cannot import it."""
    if path.is_dir():
        is_spool = any(kind_of(file) == "spool file" for file in spool.pending(path))
        return "spool folder" if is_spool else None
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(256)
    if head.startswith(_SQLITE_HEADER):
        return "database"
    if bundle.is_bundle(path):
        return "bundle"
    return "spool file" if _is_spool_file(path, head) else None


def _is_spool_file(path: Path, head: bytes) -> bool:
    if not head.lstrip().startswith(b"{") or b'"sha256"' not in head:
        return False
    try:
        return {"format", "sha256", "result"} == set(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return False


def import_file(store: Store, path: Path) -> UnionCounts:
    """Import a database, a bundle, a spool file or a folder of them; again is the same as once.

    Raises:
        DataError: if it is none of these, or a part of it was altered.
        StoreError: if something cannot be opened or written.
    """
    kind = kind_of(path)
    if kind == "database":
        return store.union(path)
    if kind == "bundle":
        return bundle.import_bundle(store, path)
    if kind is None:
        raise DataError(
            f"{path} is no paretobench database, bundle, spool file or folder of spool files.\n"
            "Scores are imported from a .csv, lmms-eval's results from their .json."
        )
    paths = spool.pending(path) if kind == "spool folder" else [path]
    done = spool.ingest(store, paths)
    if kind == "spool file" and done.refused:
        raise DataError(done.refused[0][1])
    return done
