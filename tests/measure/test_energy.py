"""Energy counters, on a powercap folder that tests write."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.backends import cuda_nvml
from paretobench.measure import energy
from paretobench.measure.energy import EnergyMeter


@pytest.fixture(autouse=True)
def no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_nvml, "energy_j", lambda: None)


def zone(folder: Path, name: str, microjoules: int) -> Path:
    path = folder / name
    path.mkdir(exist_ok=True)
    (path / "energy_uj").write_text(str(microjoules))
    (path / "max_energy_range_uj").write_text("1000000000")
    return path


def test_a_machine_without_counters_says_none(tmp_path: Path) -> None:
    meter = EnergyMeter(tmp_path)
    meter.start()
    assert meter.stop() is None


def test_packages_are_summed_and_their_parts_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energy, "SHORTEST_S", 0.0)
    for name, before in (("intel-rapl:0", 0), ("intel-rapl:1", 5), ("intel-rapl:0:0", 0)):
        zone(tmp_path, name, before)
    meter = EnergyMeter(tmp_path)
    meter.start()
    for name, after in (("intel-rapl:0", 3_000_000), ("intel-rapl:1", 5), ("intel-rapl:0:0", 9)):
        zone(tmp_path, name, after)
    reading = meter.stop()
    assert reading is not None
    assert (reading.joules, reading.source, reading.is_valid) == (3.0, "RAPL", True)


def test_a_counter_that_wrapped_is_read_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energy, "SHORTEST_S", 0.0)
    zone(tmp_path, "intel-rapl:0", 999_000_000)
    meter = EnergyMeter(tmp_path)
    meter.start()
    zone(tmp_path, "intel-rapl:0", 1_000_000)
    reading = meter.stop()
    assert reading is not None and reading.joules == pytest.approx(2.0)


def test_a_short_stretch_or_a_still_counter_is_not_valid(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", 0)
    meter = EnergyMeter(tmp_path)
    meter.start()
    still = meter.stop()
    assert still is not None and (still.is_valid, still.why) == (False, "the counter did not move")
    meter.start()
    zone(tmp_path, "intel-rapl:0", 1_000_000)
    short = meter.stop()
    assert short is not None and (short.is_valid, short.why) == (False, "shorter than 1 s")


def test_a_counter_that_may_not_be_read_is_left_out(tmp_path: Path) -> None:
    path = zone(tmp_path, "intel-rapl:0", 0)
    (path / "energy_uj").unlink()
    meter = EnergyMeter(tmp_path)
    meter.start()
    assert meter.stop() is None


def test_a_board_counts_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([100.0, 350.0])
    monkeypatch.setattr(cuda_nvml, "energy_j", lambda: next(readings))
    monkeypatch.setattr(energy, "SHORTEST_S", 0.0)
    meter = EnergyMeter(tmp_path)
    meter.start()
    reading = meter.stop()
    assert reading is not None and (reading.joules, reading.source) == (250.0, "NVML")
