"""Every call into torch's CUDA interface: one board, its clock, its graphs, its memory.

All else that the torch backend calls runs on a CPU too, and is run there by the tests. These
calls are written after the installed torch's own signatures, which a test compares, and are
exercised on a CPU through a stand-in of exactly this surface (`tests/backends/cuda_stand_in`).
On a board they ran once, on an H200 (docs/cuda.md says what of them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paretobench.backends.cuda_nvml import BoardWatch
from paretobench.errors import UnsupportedError

WARMUP_RUNS = 3
"""Runs on a side stream before a capture: libraries choose their kernels and reserve their
workspaces in the first, which a capture does not allow (torch's notes on CUDA graphs)."""

SDPA_KERNELS = ("flash", "efficient", "cudnn", "math")
"""Kernels behind torch's scaled-dot-product attention, as the option `sdpa` names them."""


def namespace(torch: Any) -> Any:
    """`torch.cuda`; the tests put their stand-in here."""
    return torch.cuda


def tensor_device(torch: Any, name: str) -> Any:
    """Where tensors go for `cuda` or `cuda:1`; the tests put the CPU here."""
    return torch.device(name)


class Board:
    """One NVIDIA board.

    Args:
        torch: the module.
        name: `cuda`, the first board that is visible, or `cuda:N`.

    Raises:
        UnsupportedError: if torch sees no such board.
    """

    def __init__(self, torch: Any, name: str) -> None:
        self.torch, self.cuda = torch, namespace(torch)
        count = self.cuda.device_count() if self.cuda.is_available() else 0
        _, _, index = name.partition(":")
        if (not index.isdecimal() and index) or int(index or 0) >= count:
            seen = ", ".join(f"cuda:{number}" for number in range(count)) or "none"
            raise UnsupportedError(
                f"there is no device={name}: torch {torch.__version__} sees {seen}; "
                "'nvidia-smi -L' and CUDA_VISIBLE_DEVICES say which boards there are"
            )
        self.device = tensor_device(torch, f"cuda:{int(index or 0)}")
        self.cuda.set_device(self.device)
        properties = self.cuda.get_device_properties(self.device)
        self.watch = BoardWatch(str(getattr(properties, "uuid", "")))
        self._properties = properties
        self.cuda.reset_peak_memory_stats(self.device)

    def facts(self) -> dict[str, Any]:
        """What stays put: the board, its memory, CUDA's version, whether TF32 is allowed."""
        properties, backends = self._properties, self.torch.backends
        return {
            "gpu": properties.name,
            "gpu_memory_bytes": properties.total_memory,
            "compute_capability": f"{properties.major}.{properties.minor}",
            "multiprocessors": properties.multi_processor_count,
            "cuda": self.torch.version.cuda,
            "tf32": {
                "matmul": backends.cuda.matmul.allow_tf32,
                "convolution": backends.cudnn.allow_tf32,
            },
        }

    def synchronise(self) -> None:
        """Wait for everything that was started on the board."""
        self.cuda.synchronize(self.device)

    def mark(self) -> Any:
        """A point in the current stream whose time the board takes itself."""
        event = self.cuda.Event(enable_timing=True)
        event.record(self.cuda.current_stream(self.device))
        return event

    def seconds_between(self, start: Any, end: Any) -> float:
        """Seconds between two marks that the board has passed; its timer ticks each 0.5 us."""
        return float(start.elapsed_time(end)) * 1e-3

    def capture(self, forward: Callable[[], Any]) -> tuple[Any, Any]:
        """A graph of one call, and the tensor that each replay writes its result to.

        Everything that `forward` reads must stay where it is: inputs are written in place.
        """
        side = self.cuda.Stream(self.device)
        side.wait_stream(self.cuda.current_stream(self.device))
        with self.cuda.stream(side):
            for _ in range(WARMUP_RUNS):
                forward()
        self.cuda.current_stream(self.device).wait_stream(side)
        self.synchronise()
        graph = self.cuda.CUDAGraph()
        with self.cuda.graph(graph, stream=side):
            result = forward()
        return graph, result

    def allow_kernels(self, name: str) -> None:
        """Let scaled-dot-product attention use one of `SDPA_KERNELS` only, in this process."""
        switches = self.torch.backends.cuda
        switches.enable_flash_sdp(name == "flash")
        switches.enable_mem_efficient_sdp(name == "efficient")
        switches.enable_cudnn_sdp(name == "cudnn")
        switches.enable_math_sdp(name == "math")

    def peak_memory_bytes(self) -> int:
        """Most bytes of tensors on the board since this session began."""
        return int(self.cuda.max_memory_allocated(self.device))

    def free(self) -> None:
        """Give memory that no tensor uses back to the driver."""
        self.cuda.empty_cache()


def synchroniser(torch: Any, device: Any) -> Callable[[], None]:
    """What waits for a torch device; a CPU is always done."""
    if device.type == "cuda":
        return lambda: namespace(torch).synchronize(device)
    if device.type == "mps":
        return lambda: torch.mps.synchronize()
    return lambda: None
