"""Every call into MLX that means something on a Mac's GPU only: wired memory, the GPU.

All else that the MLX backend calls runs on Linux too, and is run there by the tests. On a CPU
these calls exist, do nothing or answer with less; what they answer on a Mac is written after
mlx's stub files (`mlx/core/__init__.pyi`, the same for both) and has not been run here.
"""

from __future__ import annotations

from typing import Any

WORKING_SET = "max_recommended_working_set_size"
"""mlx's name of the memory that Metal recommends a process to stay within, bytes."""


def is_gpu(mlx: Any) -> bool:
    """Whether MLX's default device is a GPU."""
    return bool(mlx.default_device() == mlx.Device(mlx.gpu))


def wire_memory(mlx: Any) -> dict[str, Any]:
    """Let MLX keep its buffers resident, as `mlx_lm` does while it generates.

    Without it macOS may page weights out between two repetitions, which then wait for the disk.
    Useful from macOS 15 on; before, mlx ignores it.

    Returns:
        Facts: `wired_limit_bytes`, and the limit before; empty where there is no GPU.
    """
    if not is_gpu(mlx):
        return {}
    limit = int(mlx.device_info()[WORKING_SET])
    return {"wired_limit_bytes": limit, "wired_limit_before_bytes": mlx.set_wired_limit(limit)}


def unwire_memory(mlx: Any, facts: dict[str, Any]) -> None:
    """Put back the limit that `wire_memory` found; nothing where it did nothing."""
    if "wired_limit_before_bytes" in facts:
        mlx.set_wired_limit(facts["wired_limit_before_bytes"])


def gpu_facts(mlx: Any) -> dict[str, Any]:
    """The GPU's name and memory as Metal gives them; the processor's name on a CPU."""
    info = dict(mlx.device_info())
    names = ("device_name", "architecture", "memory_size", WORKING_SET)
    return {name: info[name] for name in names if name in info}
