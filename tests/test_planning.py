"""What a plan knows of a device: its limits, and how past estimates held."""

from __future__ import annotations

from pathlib import Path

from paretobench.config import DeviceRequest, Limits, Place
from paretobench.planning import Record, machine_of, record_of
from paretobench.records import Environment
from paretobench.store import Store

HERE = Environment({"chip": "test"}, {"memory_bytes": 32 << 30, "gflops": 100.0})


def request(place: Place | None) -> DeviceRequest:
    return DeviceRequest("desk", {}, {}, "ssh" if place else "local", place)


def test_the_inventory_can_take_memory_away_but_not_add_any() -> None:
    limited = Place("desk", "a", limits=Limits(memory_gib=8))
    generous = Place("desk", "a", limits=Limits(memory_gib=64))
    assert machine_of(HERE, request(limited)).memory_bytes == 8 << 30
    assert machine_of(HERE, request(generous)).memory_bytes == 32 << 30
    assert machine_of(HERE, request(None)).memory_bytes == 32 << 30


def test_a_record_holds_what_sweeps_of_this_environment_took(tmp_path: Path) -> None:
    with Store.open(tmp_path / "x.db") as store:
        elsewhere = Environment({"chip": "other"})
        for index, (environment, measured_s) in enumerate(
            [(HERE, 50.0), (HERE, 120.0), (elsewhere, 900.0), (HERE, 0.0)]
        ):
            store.add_environment(environment)
            at = f"2026-01-0{index + 1}T00:00:00+00:00"
            key = store.add_sweep("s", "c", {}, 0, environment.key, at)
            store.finish_sweep(key, at, 0, {"estimated_s": 100.0, "measured_s": measured_s})
        record = record_of(store, HERE)
    assert record.ratios == (1.2, 0.5)
    assert str(record) == "2 past sweeps here took 0.5 to 1.2 times the estimate"


def test_a_record_of_one_sweep_has_no_range_and_of_none_says_so() -> None:
    assert str(Record((0.9,))) == "1 past sweep here took 0.9 times the estimate"
    assert "no past sweep" in str(Record())
    assert record_of(None, HERE) == Record()
