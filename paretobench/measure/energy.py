"""Energy of the machine over a stretch of work, where a counter exists: RAPL or NVML.

A reading says whether it may be believed. Both counters cover the whole package or board,
neighbours included, and tick every millisecond (RAPL) to 100 ms (NVML), so short stretches
are not valid. Written after the kernel's powercap documentation and the NVML reference;
macOS has no counter that an unprivileged process may read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from paretobench.backends import cuda_nvml

POWERCAP = Path("/sys/class/powercap")

SHORTEST_S = 1.0
"""Shortest stretch whose reading is valid: ten of the slowest counter's ticks."""


@dataclass(frozen=True)
class EnergyReading:
    """Joules between two readings of a counter, and whether they mean anything."""

    joules: float
    source: str
    is_valid: bool
    why: str = ""


class EnergyMeter:
    """Reads every counter there is at `start` and again at `stop`.

    Args:
        powercap: the kernel's folder of energy counters; tests pass their own.
    """

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._zones = _rapl_packages(powercap)
        self._before: dict[Path, int] = {}
        self._board_before_j: float | None = None
        self._began = 0.0

    def start(self) -> None:
        """Begin a stretch."""
        self._before = {zone: _microjoules(zone / "energy_uj") for zone in self._zones}
        self._board_before_j = cuda_nvml.energy_j()
        self._began = time.perf_counter()

    def stop(self) -> EnergyReading | None:
        """End the stretch; None if this machine has no counter that may be read."""
        lasted = time.perf_counter() - self._began
        joules, sources = 0.0, []
        for zone, before in self._before.items():
            joules += _difference(zone, before) * 1e-6
            sources.append("RAPL")
        board_j = cuda_nvml.energy_j()
        if board_j is not None and self._board_before_j is not None:
            joules += board_j - self._board_before_j
            sources.append("NVML")
        if not sources:
            return None
        source = " + ".join(dict.fromkeys(sources))
        if joules <= 0:
            return EnergyReading(joules, source, False, "the counter did not move")
        if lasted < SHORTEST_S:
            return EnergyReading(joules, source, False, f"shorter than {SHORTEST_S:g} s")
        return EnergyReading(joules, source, True)


def _rapl_packages(powercap: Path) -> list[Path]:
    """Top-level RAPL zones with a readable counter: `intel-rapl:0`, not `intel-rapl:0:1`."""
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        if zone.name.count(":") != 1:
            continue  # a core or uncore zone is part of its package's count
        try:
            _microjoules(zone / "energy_uj")
        except (OSError, ValueError):
            continue  # readable by root only since CVE-2020-8694
        found.append(zone)
    return found


def _microjoules(path: Path) -> int:
    return int(path.read_text())


def _difference(zone: Path, before: int) -> int:
    """Microjoules since `before`, over at most one wrap of the counter."""
    moved = _microjoules(zone / "energy_uj") - before
    return moved if moved >= 0 else moved + _microjoules(zone / "max_energy_range_uj")
