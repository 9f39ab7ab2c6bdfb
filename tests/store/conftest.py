"""Fixtures of the store's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paretobench.store import Store
from tests.store.contract import known

__all__ = ["known", "store"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh database, open for writing."""
    with Store.open(tmp_path / "store.db") as opened:
        yield opened
