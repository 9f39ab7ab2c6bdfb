"""The executor for this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.executors import local
from paretobench.measure import harness
from paretobench.measure.lock import FOLDER_VARIABLE, DeviceLock
from paretobench.measure.single import MemoryStore
from paretobench.records import Environment
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren


def test_it_measures_under_this_machines_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(harness, "canary", lambda: 0.02)
    held: list[bool] = []

    class Watching(ScriptedChildren):
        def ask(self, *args: object, **more: object) -> object:  # type: ignore[override]
            held.append("pid" in (tmp_path / "machine.lock").read_text())
            return super().ask(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(harness, "Children", Watching)
    store = MemoryStore()
    account = local.run(
        [workload("a")],
        store=store,
        environment=Environment({"chip": "test"}),
        options=harness.Options(tmp_path, fidelity="quick"),
    )
    assert held == [True]
    assert store.kept_cells == account.cells
    with DeviceLock().held(wait=False):
        pass
