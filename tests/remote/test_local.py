"""This machine, measured by this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.domain.records import Environment
from paretobench.errors import LockError
from paretobench.measure import harness, terms
from paretobench.measure.lock import FOLDER_VARIABLE, DeviceLock
from paretobench.remote.places import LocalDevice
from paretobench.store import Store
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren


def test_a_device_stays_locked_from_its_first_cell_until_it_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(harness, "canary", lambda: 0.02)
    monkeypatch.setattr(harness, "Children", ScriptedChildren)
    site = LocalDevice()
    options = terms.Options(tmp_path, fidelity="quick")
    environment = Environment({"chip": "test"})
    with Store.open(tmp_path / "x.db") as store:
        for label in ("a", "b"):
            assert site.measure([workload(label)], store, environment, options).cells
            with pytest.raises(LockError, match="being measured by"):
                DeviceLock().acquire(wait=False)
    site.close()
    with DeviceLock().held(wait=False):
        pass


def test_a_lock_within_a_lock_is_neither_taken_again_nor_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    lock = DeviceLock()
    with lock.held():
        with lock.held():
            assert lock.is_held
        assert lock.is_held
    assert not lock.is_held
