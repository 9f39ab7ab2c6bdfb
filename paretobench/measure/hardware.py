"""Facts about the machine from the kernel and the drivers, each None where neither provides it.

Linux is read from /proc and /sys; macOS answers through `sysctl`, `sw_vers` and `pmset`, and
NVIDIA boards through NVML, both written after their documentation.
"""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path
from typing import Any

import psutil

from paretobench.backends import cuda_nvml
from paretobench.backends.hardware import (
    CPUINFO,
    answer_of,
    field_of,
    has_nvidia_driver,
    processor_features,
    text_of,
)

_NOTABLE_INSTRUCTION_SETS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "bf16",
    "i8mm",
    "sve",
)
"""Instruction sets for which runtimes have kernels of their own."""


def chip() -> str:
    """The processor's name as its maker writes it."""
    if sys.platform == "darwin":
        return answer_of("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    text = text_of(CPUINFO) or ""
    name = field_of(text, "model name") or field_of(text, "Model") or platform.machine()
    model = field_of(text, "model")
    # Clouds sell several generations under one name; family and model distinguish them.
    family = field_of(text, "cpu family")
    return f"{name} (family {family}, model {model})" if family and model else name


def instruction_sets() -> list[str]:
    """Which of the instruction sets that runtimes care about the processor has; none on a Mac,
    whose chip says it all."""
    flags = () if sys.platform == "darwin" else processor_features()
    return [name for name in _NOTABLE_INSTRUCTION_SETS if name in flags]


def operating_system() -> str:
    """Name, version and build of the operating system."""
    if sys.platform == "darwin":
        version = answer_of("sw_vers", "-productVersion")
        build = answer_of("sw_vers", "-buildVersion")
        return f"macOS {version} ({build})"
    text = text_of("/etc/os-release") or ""
    match = re.search(r'^PRETTY_NAME="?([^"\n]+)"?$', text, re.MULTILINE)
    return match.group(1) if match else platform.system()


def hypervisor() -> str | None:
    """The hypervisor's name, `yes` if there is one without a name, None on bare metal."""
    if sys.platform == "darwin":
        return "yes" if answer_of("sysctl", "-n", "kern.hv_vmm_present") == "1" else None
    if "hypervisor" in processor_features():
        return text_of("/sys/hypervisor/type") or text_of("/sys/class/dmi/id/sys_vendor") or "yes"
    return None


def governor() -> str | None:
    """The frequency governors in use; None where the host decides."""
    folder = Path("/sys/devices/system/cpu")
    found = {text_of(str(path)) for path in folder.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    return ", ".join(sorted(name for name in found if name)) or None


def core_clock_mhz() -> float | None:
    """The current clock of the cores, in MHz."""
    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError, RuntimeError):
        return None
    return round(frequency.current, 0) if frequency and frequency.current else None


def battery() -> Any:
    """The battery as psutil describes it; None on a machine without one."""
    try:
        return psutil.sensors_battery()
    except (AttributeError, OSError, NotImplementedError):
        return None


def temperatures() -> dict[str, float] | None:
    """Temperatures of the thermal zones in degrees Celsius, by the zones' types."""
    found = {}
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        kind, value = text_of(str(zone / "type")), text_of(str(zone / "temp"))
        if kind and value and value.lstrip("-").isdigit():
            found[f"{zone.name} {kind}"] = int(value) / 1000.0
    return found or None


def gpus() -> list[str]:
    """The NVIDIA boards (name, driver, power limit, MIG), or the Apple GPU's core count.

    Without the package for NVML, `nvidia-smi` is asked for names and driver.
    """
    if sys.platform == "darwin":
        text = answer_of("system_profiler", "SPDisplaysDataType") or ""
        cores = re.search(r"Total Number of Cores: (\d+)", text)
        return [f"Apple GPU, {cores.group(1)} cores"] if cores else []
    if not has_nvidia_driver():
        return []
    if found := cuda_nvml.identity():
        return found
    listed = answer_of("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    return [line.strip() for line in (listed or "").splitlines() if line.strip()]
