"""What makes two latencies comparable: the machine's fingerprint and what was seen around it.

`identity` holds what stays put on an unchanged machine and is hashed into the key; two
latencies with different keys are never joined. `observed` holds what moves by itself.
Reads the kernel's files and installed metadata only; no framework is imported.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from typing import Any

import psutil

from paretobench.backends import cuda_nvml
from paretobench.backends.hardware import usable_memory_bytes, version_of
from paretobench.domain.records import Environment
from paretobench.durable import keep_json
from paretobench.measure import hardware
from paretobench.measure.contention import usable_cores
from paretobench.measure.process import child_environment
from paretobench.resources import cache_folder

RUNTIME_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "openvino",
    "onnxruntime",
    "onnxruntime-gpu",
    "xllamacpp",
    "mlx",
    "mlx-lm",
    "coremltools",
    "numpy",
)
"""Distributions whose version can move a latency."""

SETTING_PREFIXES = (
    "MALLOC_",
    "LD_PRELOAD",
    "OMP_",
    "KMP_",
    "GOMP_",
    "MKL_",
    "OPENBLAS_",
    "ONEDNN_",
    "DNNL_",
    "GLIBC_TUNABLES",
    "CUDA_VISIBLE_DEVICES",
    "TORCHINDUCTOR_",
    "MLX_",
    "OV_",
)
"""Beginnings of environment variables that allocators, thread pools and runtimes listen to."""

GEMM_SIDE = 1024
"""Side of the float32 product behind `gflops`: 8 MiB in all, 2.1 GFLOP, some 15 ms on a core."""

GEMM_REPETITIONS = 8
"""Products of which the fastest counts: this is what the machine can do, not what it did."""

GEMM_RECHECKS = 1
"""The same where an earlier rate is known, which only a faster one replaces: plans are tried in a
row, and eight products are half the processor time of one."""


def fingerprint(measure_speed: bool = True) -> Environment:
    """This machine as the harness's child processes find it.

    Args:
        measure_speed: whether to time a matrix product for `observed['gflops']` (0.1 s).
    """
    return Environment(identity(child_environment()), observed(measure_speed))


def identity(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What stays put between two runs on an unchanged machine.

    Args:
        variables: environment variables of the measuring processes; None for this one's.
    """
    variables = os.environ if variables is None else variables
    found = {
        "chip": hardware.chip(),
        "instruction_sets": hardware.instruction_sets(),
        "cores": len(usable_cores()),
        "physical_cores": psutil.cpu_count(logical=False),
        # Firmware and kernel take a share that varies by a few MiB between boots.
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": hardware.gpus(),
        "os": hardware.operating_system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "c_library": " ".join(platform.libc_ver()).strip(),
        "virtualised": hardware.hypervisor(),
        "governor": hardware.governor(),
        "power": power_source(),
        "python": platform.python_version(),
        "blas": blas(),
        "packages": package_versions(),
        "settings": {
            name: variables[name] for name in sorted(variables) if name.startswith(SETTING_PREFIXES)
        },
    }
    return {name: value for name, value in found.items() if value not in (None, [], {}, "")}


def observed(measure_speed: bool = True) -> dict[str, Any]:
    """What is worth knowing about a run but moves by itself."""
    found: dict[str, Any] = {
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "memory_bytes": usable_memory_bytes(),
        "memory_available_bytes": psutil.virtual_memory().available,
        "swap_used_bytes": psutil.swap_memory().used,
        "clock_mhz": hardware.core_clock_mhz(),
        "temperatures_c": hardware.temperatures(),
        "boards": cuda_nvml.observed() or None,
        "host": platform.node(),
    }
    if measure_speed:
        found["gflops"] = round(fastest_gflops(), 1)
    return {name: value for name, value in found.items() if value is not None}


def fastest_gflops() -> float:
    """The fastest rate that this machine has shown so far, this time included.

    A plan predicts with it which points take too long. Other programs make a reading slower, never
    faster, so the cache keeps the fastest for each processor and number of cores.
    """
    file = cache_folder() / "gflops.json"
    machine = f"{hardware.chip()}, {os.cpu_count()} cores, {blas()}"
    try:
        known = {str(name): float(rate) for name, rate in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        known = {}
    repetitions = GEMM_RECHECKS if machine in known else GEMM_REPETITIONS
    fastest = max(measure_gflops(repetitions), known.get(machine, 0.0))
    if fastest > known.get(machine, 0.0):
        keep_json(file, known | {machine: fastest})
    return fastest


def measure_gflops(repetitions: int) -> float:
    """Fastest float32 matrix product through numpy's BLAS, in 10^9 floating-point operations/s."""
    import numpy as np

    rng = np.random.default_rng(0)
    a = rng.standard_normal((GEMM_SIDE, GEMM_SIDE), dtype=np.float32)
    out = a @ a
    fastest = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        fastest = min(fastest, time.perf_counter() - start)
    return 2.0 * GEMM_SIDE**3 / fastest / 1e9


def blas() -> str:
    """The BLAS that numpy was built with, and its version."""
    import numpy as np

    built: Any = np.show_config(mode="dicts")
    found = built.get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that can move a latency."""
    return {name: found for name in RUNTIME_PACKAGES if (found := version_of(name))}


def power_source() -> str | None:
    """`mains` or `battery`; None for a machine without a battery."""
    battery = hardware.battery()
    if battery is None or battery.power_plugged is None:
        return None
    return "mains" if battery.power_plugged else "battery"


def differences(one: Environment, other: Environment) -> list[str]:
    """The names of the identity's entries that differ, for a message; empty if comparable.

    >>> differences(Environment({'chip': 'M1', 'cores': 8}), Environment({'chip': 'M2'}))
    ['chip', 'cores']
    """
    names = sorted(set(one.identity) | set(other.identity))
    return [name for name in names if one.identity.get(name) != other.identity.get(name)]
