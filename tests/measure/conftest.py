"""What the measuring tests share: a lock folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paretobench.measure import lock


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Locks in a folder of the test's, so that a sweep on this machine does not matter."""
    folder = tmp_path / "locks"
    monkeypatch.setenv(lock.FOLDER_VARIABLE, str(folder))
    yield folder
