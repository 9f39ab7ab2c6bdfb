"""The devices that a database has a sweep from: which they are, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.errors import StoreError
from paretobench.report.devices import devices_markdown
from paretobench.report.view.rows import View
from paretobench.report.view.stored_devices import device_names, stored_devices
from paretobench.store import Store, Sweep
from tests.report.databases import place, two_device_database


def devices_of(path: Path, sweep: str | None = None) -> dict[str, View]:
    with Store.open(path, create=False, read_only=True) as store:
        return stored_devices(store, sweep)


def sweep(device: str, environment: str = "e1", backend: str = "torch") -> Sweep:
    side = {"backend": backend, "precision": "bf16"}
    settings = {"device": {"name": device, "encode": side, "prefill": side}}
    return Sweep("demo", "", settings, 0, environment, "2026-11-20")


def test_each_device_has_its_own_times(tmp_path: Path) -> None:
    views = devices_of(two_device_database(tmp_path / "two.db"), "demo")
    assert list(views) == ["cpu", "gpu"], "the earliest first"
    times = {name: [row.ttft.value for row in view.rows if row.ttft and row.recipe == "r"]
             for name, view in views.items()}  # fmt: skip
    assert times["cpu"] == pytest.approx([10 * each for each in times["gpu"]])
    assert views["gpu"].environment.startswith("A gpu chip")
    lines = devices_markdown(views).splitlines()
    assert len(lines) == 4 and lines[2].endswith("| 0.100 |")


def test_one_place_with_two_runtimes_is_two_devices(tmp_path: Path) -> None:
    views = devices_of(two_device_database(tmp_path / "two.db", same_place=True))
    assert list(views) == ["cpu", "gpu"]
    precisions = {name: {row.encode_precision for row in view.rows} for name, view in views.items()}
    assert precisions == {"cpu": {"fp32"}, "gpu": {"bf16"}}


def test_a_sweep_repeated_on_a_device_counts_once(tmp_path: Path) -> None:
    views = devices_of(two_device_database(tmp_path / "two.db", ("cpu", "gpu", "cpu")))
    assert list(views) == ["cpu", "gpu"]


def test_a_device_that_was_left_open_is_called_by_its_place() -> None:
    labels = {"e1": "Chip one", "e2": "Chip two"}
    found = device_names([sweep("auto", "e1"), sweep("auto", "e2")], labels)
    assert found == ["Chip one", "Chip two"]
    mixed = device_names([sweep("auto", "e1"), sweep("cuda", "e2")], labels)
    assert mixed == ["Chip one", "cuda"]


def test_what_would_be_called_alike_is_told_apart() -> None:
    labels = {"e1": "Chip", "e2": "Chip"}
    runtimes = [sweep("auto", "e1"), sweep("auto", "e1", "openvino")]
    assert device_names(runtimes, labels) == ["Chip (torch bf16)", "Chip (openvino bf16)"]
    twins = device_names([sweep("auto", "e1"), sweep("auto", "e2")], labels)
    assert twins == ["Chip (torch bf16), e1", "Chip (torch bf16), e2"]


def test_one_device_alone_an_unknown_sweep_and_an_empty_store_are_refused(tmp_path: Path) -> None:
    one = two_device_database(tmp_path / "one.db", ("cpu",))
    with pytest.raises(StoreError, match="'demo' of one device alone"):
        devices_of(one)
    with pytest.raises(StoreError, match="holds no sweep 'other'"):
        devices_of(one, "other")
    with Store.open(tmp_path / "empty.db") as store:
        store.add_environment(place("idle"))
        store.add_sweep("planned", "", {}, 0, None, "2026-11-20T10:00:00Z")
        with pytest.raises(StoreError, match="no sweep that measured anything"):
            stored_devices(store)
        with pytest.raises(StoreError, match="no sweep that measured anything"):
            stored_devices(store, "planned")
