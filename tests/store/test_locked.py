"""A database that another process holds: writes wait and are tried again."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from paretobench.errors import StoreError
from paretobench.store import Store, database
from tests.store import examples


def locked(path: Path) -> Store:
    """The same file through a second connection that SQLite does not let wait."""
    store = Store.open(path)
    store._connection.execute("PRAGMA busy_timeout = 0")
    return store


def test_a_write_is_tried_again_until_the_other_process_is_done(tmp_path: Path) -> None:
    is_held = threading.Event()

    def hold() -> None:
        with Store.open(tmp_path / "x.db") as busy, busy.transaction():
            is_held.set()
            time.sleep(0.3)

    with locked(tmp_path / "x.db") as waiting:
        thread = threading.Thread(target=hold)
        thread.start()
        assert is_held.wait(10)
        assert waiting.add_workloads([examples.workload(0)]) == 1
        thread.join()


def test_a_write_is_given_up_after_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_LIMIT_S", 0.3)
    with Store.open(tmp_path / "x.db") as busy, locked(tmp_path / "x.db") as waiting:
        with busy.transaction(), pytest.raises(StoreError, match="locked by another process"):
            waiting.add_workloads([examples.workload(0)])
        assert waiting.add_workloads([examples.workload(0)]) == 1
