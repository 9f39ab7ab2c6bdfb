"""The database: what is known, kept for ever, in one SQLite file. SQL stays in this room."""

from __future__ import annotations

from paretobench.store.merge import UnionCounts
from paretobench.store.rows import Link, StoredPoint, Sweep
from paretobench.store.store import Store

__all__ = ["Link", "Store", "StoredPoint", "Sweep", "UnionCounts"]
