"""What NVIDIA's driver reports about its boards, through NVML: every call into pynvml.

Clocks, temperature, power, energy, why clocks are limited, MIG, driver. Everything is optional:
without the package (`nvidia-ml-py`), the driver or a board the answers are empty, and a value
that a board does not give (laptops give no energy) is left out.

Written after NVML's reference and nvidia-ml-py's source; run on an H200 (driver 580).
"""

from __future__ import annotations

import functools
import operator
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

REASONS = {
    0x1: "idle",
    0x2: "clocks set by the user",
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "thermal slowdown by the driver",
    0x40: "thermal slowdown by the board",
    0x80: "power brake",
    0x100: "display clocks",
}
"""Why a board's clocks are where they are: `nvmlClocksEventReason*` of NVML's header."""

BENIGN = 0x1 | 0x2
"""Reasons that are no trouble: an idle board, and clocks that were set on purpose."""

LOOK_EVERY_S = 1.0
"""Shortest time between two readings of a board while a cell samples; one takes about 1 ms,
outside what is timed."""


@dataclass(frozen=True)
class BoardState:
    """One board as NVML reports it; None or empty where it does not.

    Attributes:
        index: NVML's number; CUDA may count otherwise (CUDA_DEVICE_ORDER).
        reasons: the bits of `REASONS` that hold.
        mig: the board is cut into instances, which share clocks and power.
        neighbours: process numbers that compute on it.
    """

    index: int
    name: str = ""
    uuid: str = ""
    driver: str = ""
    sm_clock_mhz: int | None = None
    memory_clock_mhz: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    energy_j: float | None = None
    reasons: int = 0
    mig: bool | None = None
    persistence: bool | None = None
    neighbours: tuple[int, ...] = ()

    @property
    def limits(self) -> list[str]:
        """What limits its clocks, as text; empty if nothing that matters.

        >>> BoardState(0, reasons=0x1 | 0x4 | 0x20).limits
        ['power cap', 'thermal slowdown by the driver']
        """
        return reason_texts(self.reasons & ~BENIGN)


def reason_texts(bits: int) -> list[str]:
    """The names of a set of reasons; an unknown bit by its number.

    >>> reason_texts(0x44)
    ['power cap', 'thermal slowdown by the board']
    >>> reason_texts(0x1000)
    ['reason 0x1000']
    """
    single = [1 << place for place in range(bits.bit_length()) if bits >> place & 1]
    return [REASONS.get(bit, f"reason {bit:#x}") for bit in single]


def library() -> Any | None:
    """pynvml, ready to be asked; None without the package, the driver or a board."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def boards(nvml: Any | None = None) -> list[BoardState]:
    """Every board of this machine.

    Args:
        nvml: the pynvml module or a test's stand-in; None for the one of this machine.
    """
    nvml = library() if nvml is None else nvml
    if nvml is None:
        return []
    try:
        return [_read(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError:
        return []


def _read(nvml: Any, index: int) -> BoardState:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def ask(name: str, *arguments: Any) -> Any:
        try:
            return getattr(nvml, name)(handle, *arguments)
        except (nvml.NVMLError, AttributeError):
            return None  # this board, its driver or an older pynvml does not report it

    mig, persistence = ask("nvmlDeviceGetMigMode"), ask("nvmlDeviceGetPersistenceMode")
    reasons = ask("nvmlDeviceGetCurrentClocksEventReasons")
    if reasons is None:  # before driver 535
        reasons = ask("nvmlDeviceGetCurrentClocksThrottleReasons")
    return BoardState(
        index,
        name=ask("nvmlDeviceGetName") or "",
        uuid=ask("nvmlDeviceGetUUID") or "",
        driver=_driver(nvml),
        sm_clock_mhz=ask("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM),
        memory_clock_mhz=ask("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_MEM),
        temperature_c=ask("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
        power_w=_thousandth(ask("nvmlDeviceGetPowerUsage")),
        power_limit_w=_thousandth(ask("nvmlDeviceGetEnforcedPowerLimit")),
        energy_j=_thousandth(ask("nvmlDeviceGetTotalEnergyConsumption")),
        reasons=int(reasons or 0),
        mig=None if mig is None else mig[0] == nvml.NVML_DEVICE_MIG_ENABLE,
        persistence=None if persistence is None else bool(persistence),
        neighbours=tuple(
            process.pid for process in ask("nvmlDeviceGetComputeRunningProcesses") or ()
        ),
    )


def _driver(nvml: Any) -> str:
    try:
        return str(nvml.nvmlSystemGetDriverVersion())
    except nvml.NVMLError:
        return ""


def _thousandth(value: int | None) -> float | None:
    return None if value is None else value * 1e-3


def energy_j() -> float | None:
    """Joules that all boards have used since their driver was loaded; None if one is silent."""
    used = [state.energy_j for state in boards()]
    known = [value for value in used if value is not None]
    return sum(known) if known and len(known) == len(used) else None


def identity() -> list[str]:
    """The boards by the facts that identify an environment; clocks and heat move.

    Returns:
        For each board its name, driver, power limit, and whether MIG cuts it up.
    """
    found = []
    for state in boards():
        limit = "" if state.power_limit_w is None else f"{state.power_limit_w:.0f} W"
        parts = (state.name, f"driver {state.driver}", limit, "MIG" if state.mig else "")
        found.append(", ".join(filter(None, parts)))
    return found


def observed() -> list[dict[str, Any]]:
    """What moves by itself, for each board: clocks, temperature, power, limits."""
    names = ("sm_clock_mhz", "memory_clock_mhz", "temperature_c", "power_w", "persistence")
    found = []
    for state in boards():
        values = {name: getattr(state, name) for name in names}
        values["limits"] = state.limits or None
        found.append({"index": state.index} | {k: v for k, v in values.items() if v is not None})
    return found


@dataclass
class BoardWatch:
    """A board while a cell runs: the extremes of what was seen, at most once a second.

    Args:
        uuid: the board's, as torch gives it, with or without `GPU-`.
        clock: monotonic seconds.
    """

    uuid: str
    clock: Callable[[], float] = time.monotonic
    _seen: list[BoardState] = field(default_factory=list, repr=False)
    _last: float | None = field(default=None, repr=False)

    def look(self) -> None:
        """Read the board if the last reading is long enough ago; nothing without NVML."""
        now = self.clock()
        if self._last is not None and now - self._last < LOOK_EVERY_S:
            return
        self._last = now
        wanted = self.uuid.removeprefix("GPU-")
        self._seen += [b for b in boards() if b.uuid.removeprefix("GPU-") == wanted]

    def facts(self) -> dict[str, Any]:
        """Extremes over all readings; empty if there is none."""
        if not self._seen:
            return {}
        clocks = [state.sm_clock_mhz for state in self._seen if state.sm_clock_mhz is not None]
        degrees = [state.temperature_c for state in self._seen if state.temperature_c is not None]
        watts = [state.power_w for state in self._seen if state.power_w is not None]
        reasons = functools.reduce(operator.or_, (state.reasons for state in self._seen))
        found = {
            "looks": len(self._seen),
            "driver": self._seen[0].driver,
            "sm_clock_mhz": [min(clocks), max(clocks)] if clocks else None,
            "temperature_c": max(degrees, default=None),
            "power_w": max(watts, default=None),
            "limits": reason_texts(reasons & ~BENIGN),
            "mig": self._seen[0].mig,
        }
        return {name: value for name, value in found.items() if value is not None}
