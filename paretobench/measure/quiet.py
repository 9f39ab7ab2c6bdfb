"""Is this machine quiet enough to measure on, and if not, what to change.

Each check is one function from what the system says to findings; `check` runs those that make
sense here. `paretobench doctor` prints the result, a sweep announces what is not fine.
Linux was run; macOS (pmset, ProcessInfo through `pmset -g therm`) and NVIDIA (NVML) are
written after their documentation and say nothing where the tool is missing.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from paretobench.backends import cuda_nvml
from paretobench.backends.cuda_nvml import BoardState
from paretobench.measure import hardware

LOAD_PER_CORE = 0.1
"""Load average per core above which other processes are at work: a tenth of a core."""

HEAVY_CPU = 0.1
"""Share of one core above which another process is named."""

HEAVY_MEMORY_SHARE = 0.25
"""Share of the physical memory above which another process is named."""

HOT_C = 80.0
"""Degrees above which processors of all makers begin to lower their clock within a margin."""

SWAP_SHARE = 0.01
"""Share of the swap in use above which a latency may contain page-ins."""

WATCH_S = 0.5
"""How long other processes are watched."""


@dataclass(frozen=True)
class Finding:
    """One aspect of the machine: its value, what is allowed, and what to do if it is not fine."""

    what: str
    value: str
    allowed: str
    is_fine: bool
    advice: str = ""

    def __str__(self) -> str:
        text = f"{self.what}: {self.value} (allowed: {self.allowed})"
        return text if self.is_fine or not self.advice else f"{text}; {self.advice}"


def check() -> list[Finding]:
    """Every finding about this machine, fine or not; takes `WATCH_S`."""
    found = [
        load(os.getloadavg()[0], os.cpu_count() or 1),
        *others(busy_processes(WATCH_S)),
        memory(psutil.virtual_memory().available / psutil.virtual_memory().total),
        swap(psutil.swap_memory().used, psutil.swap_memory().total),
        *governor(hardware.governor()),
        *battery(),
        *heat(hardware.temperatures() or {}),
    ]
    if sys.platform == "darwin":
        found += macos(hardware.answer_of)
    return found + nvidia()


def findings() -> list[Finding]:
    """Only what is not fine; empty on a quiet machine."""
    return [finding for finding in check() if not finding.is_fine]


def load(load_average: float, cores: int) -> Finding:
    """The load average of the last minute, against a tenth of a core per core."""
    allowed = LOAD_PER_CORE * cores
    return Finding(
        "load",
        f"{load_average:.2f}",
        f"up to {allowed:.1f} on {cores} cores",
        load_average <= allowed,
        "wait a minute, or end what is running",
    )


@dataclass(frozen=True)
class Busy:
    """Another process: its share of a core and of the memory, both as fractions."""

    pid: int
    name: str
    cpu: float
    memory: float


def busy_processes(watch_s: float) -> list[Busy]:
    """Processes other than this one and its ancestors and children, watched for `watch_s`."""
    mine = {process.pid for process in _family(psutil.Process())}
    seen = []
    for process in psutil.process_iter(["pid", "name"]):
        try:
            if process.pid not in mine:
                process.cpu_percent(None)
                seen.append(process)
        except psutil.Error:
            continue
    time.sleep(watch_s)
    found = []
    for process in seen:
        try:
            cpu, share = process.cpu_percent(None) / 100.0, process.memory_percent() / 100.0
            found.append(Busy(process.pid, process.info["name"] or "?", cpu, share))
        except psutil.Error:
            continue
    return found


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.parents(), *process.children(recursive=True)]


def others(processes: Iterable[Busy]) -> list[Finding]:
    """The heaviest other processes; one fine finding if there are none."""
    heavy = [p for p in processes if p.cpu > HEAVY_CPU or p.memory > HEAVY_MEMORY_SHARE]
    allowed = f"up to {HEAVY_CPU:.0%} of a core and {HEAVY_MEMORY_SHARE:.0%} of the memory"
    if not heavy:
        return [Finding("other processes", "none is heavy", allowed, True)]
    heaviest = sorted(heavy, key=lambda p: (p.cpu, p.memory), reverse=True)[:5]
    return [
        Finding(
            f"process {p.name} ({p.pid})",
            f"{p.cpu:.0%} of a core, {p.memory:.0%} of the memory",
            allowed,
            False,
            "end it, or wait for it",
        )
        for p in heaviest
    ]


def memory(available_share: float) -> Finding:
    """Memory that is available, as a fraction of what there is."""
    return Finding(
        "available memory",
        f"{available_share:.0%}",
        "at least 50%",
        available_share >= 0.5,
        "close what holds memory: a 7B model needs 16 GiB in 16-bit weights",
    )


def swap(used_bytes: int, total_bytes: int) -> Finding:
    """Swap in use."""
    share = used_bytes / total_bytes if total_bytes else 0.0
    return Finding(
        "swap in use",
        f"{share:.0%}" if total_bytes else "no swap",
        f"up to {SWAP_SHARE:.0%}",
        share <= SWAP_SHARE,
        "free memory, then swapoff and swapon",
    )


def governor(name: str | None) -> list[Finding]:
    """The frequency governor; nothing where the host decides."""
    if name is None:
        return []
    return [
        Finding(
            "frequency governor",
            name,
            "performance",
            name == "performance",
            "sudo cpupower frequency-set -g performance",
        )
    ]


def battery() -> list[Finding]:
    """The power source; nothing on a machine without a battery."""
    state = hardware.battery()
    if state is None:
        return []
    plugged = bool(state.power_plugged)
    value = f"{'mains' if plugged else 'battery'}, {state.percent:.0f}% charged"
    return [Finding("power", value, "mains", plugged, "plug it in")]


def heat(temperatures_c: dict[str, float]) -> list[Finding]:
    """The hottest thermal zone; nothing where there is none."""
    if not temperatures_c:
        return []
    zone, hottest = max(temperatures_c.items(), key=lambda item: item[1])
    advice = "let it cool down; lift it off the table"
    return [
        Finding(
            "temperature",
            f"{hottest:.0f} C ({zone})",
            f"below {HOT_C:.0f} C",
            hottest < HOT_C,
            advice,
        )
    ]


def macos(ask: Callable[..., str | None]) -> list[Finding]:
    """Low-power mode and thermal pressure as `pmset` prints them.

    Args:
        ask: runs a command and returns its output, or None; tests pass their own.
    """
    found = []
    settings = ask("pmset", "-g")
    if settings is not None:
        match = re.search(r"^\s*(?:lowpowermode|powermode)\s+(\d+)", settings, re.MULTILINE)
        low = match is not None and match.group(1) == "1"
        advice = "switch Low Power Mode off in System Settings, Battery"
        found.append(Finding("low-power mode", "on" if low else "off", "off", not low, advice))
    thermal = ask("pmset", "-g", "therm")
    if thermal is not None:
        match = re.search(r"CPU_Speed_Limit\s*=\s*(\d+)", thermal)
        limit = int(match.group(1)) if match else 100
        advice = "let it cool down"
        found.append(Finding("CPU speed limit", f"{limit}%", "100%", limit == 100, advice))
    return found


def nvidia() -> list[Finding]:
    """Clock limits, temperature, neighbours and MIG of every NVIDIA board; nothing without
    NVML."""
    return [finding for state in cuda_nvml.boards() for finding in board(state)]


def board(state: BoardState) -> list[Finding]:
    """Findings about one board; MIG and persistence only where they are known."""
    name, limits = f"GPU {state.index}", ", ".join(state.limits)
    degrees, others = state.temperature_c, len(state.neighbours)
    found = [
        Finding(
            f"{name} clocks",
            f"limited ({limits})" if limits else "not limited",
            "not limited",
            not limits,
            "nvidia-smi -q -d PERFORMANCE says why; let it cool down or raise its power limit",
        ),
        Finding(
            f"{name} processes",
            str(others),
            "none",
            not others,
            "nvidia-smi lists them; end them or wait",
        ),
    ]
    if degrees is not None:
        hot = Finding(
            f"{name} temperature",
            f"{degrees} C",
            f"below {HOT_C:.0f} C",
            degrees < HOT_C,
            "let it cool down",
        )
        found.insert(1, hot)
    if state.mig:
        advice = "its instances share clocks and power: keep the others idle, or switch MIG off"
        found.append(Finding(f"{name} MIG", "on", "off", False, advice))
    return found
