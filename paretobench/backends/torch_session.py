"""What both sessions of the torch backend share: device, precision, how a pass runs, facts.

A session feeds its input, runs one forward pass in inference mode in the mode that was asked
for (`torch_modes`), and waits for it. On an NVIDIA board (`torch_cuda`) it also keeps the board's
own seconds of each run, the attention kernels that ran, and what the driver said meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from paretobench.backends import torch_cuda, torch_modes
from paretobench.backends.inputs import (
    CHUNK,
    check_finite,
    chunk_of,
    memory_failures,
    refuses_chunk,
)
from paretobench.backends.models import n_parameters
from paretobench.domain import Workload, content_key
from paretobench.durable import keep_json
from paretobench.resources import cache_folder


class TorchSession:
    """What both sessions share: device, dtype, synchronisation, facts."""

    def __init__(self, workload: Workload) -> None:
        import torch

        from paretobench.backends.models import weights

        self.torch = torch
        self.label, self._key = workload.label, workload.key
        name = device_of(workload)
        self.board = torch_cuda.Board(torch, name) if name.startswith("cuda") else None
        self.device = torch.device(name) if self.board is None else self.board.device
        self.mode = mode_of(workload)
        if kernel := workload.runtime.options.get("sdpa"):
            assert self.board is not None  # else it was refused
            self.board.allow_kernels(str(kernel))
        self.dtype = weights.DTYPES[workload.runtime.precision]
        if threads := workload.runtime.options.get("threads"):
            torch.set_num_threads(int(threads))
        wait = torch_cuda.synchroniser(torch, self.device)
        self._synchronise = wait if self.board is None else self.board.synchronise
        self._inputs: dict[str, Any] = {}
        self._runner: torch_modes.Runner | None = None
        self._board_s: list[float] = []
        self.result: Any = None
        self.facts: dict[str, Any] = {}

    def run(self) -> None:
        """One forward pass; returns when its result is there."""
        assert self._runner is not None
        with self.torch.inference_mode(), memory_failures(self.label):
            start = None if self.board is None else self.board.mark()
            self.result = self._runner(self._inputs)
            end = None if self.board is None else self.board.mark()
            self._synchronise()
        if self.board is not None:
            self._board_s.append(self.board.seconds_between(start, end))

    def _start(self) -> None:
        """Build the runner on the first input, or the one that is fastest."""
        torch, board = self.torch, self.board

        def begin(mode: str) -> torch_modes.Runner:
            return torch_modes.start(mode, self._forward, self._inputs, torch, board)

        with torch.inference_mode(), memory_failures(self.label):
            if self.mode == "best":
                self._runner = self._best(begin)
            else:
                self._runner = begin(self.mode)
                self.facts["mode"] = self.mode
        if board is not None:
            self.facts["board_s"] = self._board_s
            with memory_failures(self.label):
                self.facts["attention_kernels"] = torch_modes.attention_kernels(
                    torch, lambda: self._forward(self._inputs)
                )

    def _best(self, begin: Callable[[str], torch_modes.Runner]) -> torch_modes.Runner:
        """The mode that an earlier process found fastest here, or the one that is."""
        file, modes = self._choice, torch_modes.candidates(self.board)
        if (kept := torch_modes.kept_choice(file)) and kept["mode"] in modes:
            self.facts |= kept
            return begin(kept["mode"])
        runner, facts = torch_modes.choose(modes, begin, self._inputs, self._synchronise)
        keep_json(file, facts)
        self.facts |= facts
        return runner

    @property
    def _choice(self) -> Path:
        """Where the choice is kept: one for each workload, torch and device."""
        identity = {"workload": self._key, "torch": self.torch.__version__}
        if self.board is not None:
            identity |= self.board.facts()
        return cache_folder() / "torch_modes" / f"{content_key(identity)}.json"

    def _forward(self, inputs: torch_modes.Inputs) -> Any:
        """The pass that is timed."""
        raise NotImplementedError

    def _feed(self, name: str, tensor: Any) -> None:
        """Make a tensor the input: on a board by writing into the buffer that a graph reads."""
        held = self._inputs.get(name)
        if self.board is None or held is None or held.shape != tensor.shape:
            self._inputs = {name: tensor}
        else:
            held.copy_(tensor)

    def _observe(self) -> None:
        """Before an input, untimed: refuse a result that was not finite, read the board."""
        if self.result is not None:
            check_finite(self.output(), self.label)
        if self.board is not None:
            self.board.watch.look()
            self.facts["board"] = self.board.watch.facts()
            self.facts["peak_gpu_memory_bytes"] = self.board.peak_memory_bytes()

    def output(self) -> Any:
        """The last result as an fp32 array on the host."""
        return self.result.float().cpu().numpy()

    def close(self) -> None:
        """Drop the network and everything on the device."""
        if self._runner is not None:
            self._runner.close()
        self.network: Any = None
        self._runner, self.result, self._inputs = None, None, {}
        if self.board is not None:
            self.board.free()

    def _describe(self, network: Any, made: str) -> dict[str, Any]:
        from paretobench.backends.models.weights import DTYPES

        torch = self.torch
        first = next(network.parameters())
        facts = {
            "precision": {dtype: name for name, dtype in DTYPES.items()}[first.dtype],
            "device": str(first.device),
            "version": torch.__version__,
            "parameters": n_parameters(network),
            "weights": made,
        }
        if self.board is not None:
            return facts | self.board.facts()
        return facts | {
            "threads": torch.get_num_threads(),
            "blas": "mkl" if torch.backends.mkl.is_available() else "other",
            "onednn": torch.backends.mkldnn.is_available(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        }


def device_of(workload: Workload) -> str:
    """torch's name of the device that a workload asks for; `cpu` if it names none."""
    return str(workload.runtime.options.get("device", "cpu"))


def mode_of(workload: Workload) -> str:
    """How the forward pass runs: what was asked for, else `best` on a board."""
    default = "best" if device_of(workload).startswith("cuda") else "eager"
    return str(workload.runtime.options.get("mode", default))


def refuses_options(workload: Workload) -> str | None:
    """Why `mode` or `sdpa` cannot be had, or None."""
    mode, kernel = mode_of(workload), workload.runtime.options.get("sdpa")
    if reason := refuses_chunk(workload):
        return reason
    if chunk_of(workload) and mode != "eager":
        return f"{CHUNK} needs mode=eager, not {mode}"
    device = device_of(workload)
    if mode not in torch_modes.CHOICES:
        return f"torch has mode={', '.join(torch_modes.CHOICES)}, not {mode}"
    if mode in torch_modes.GRAPHS and not device.startswith("cuda"):
        return f"mode={mode} needs device=cuda, not {device}; mode=compile runs there"
    if kernel and kernel not in torch_cuda.SDPA_KERNELS:
        return f"torch has sdpa={', '.join(torch_cuda.SDPA_KERNELS)}, not {kernel}"
    if kernel and not device.startswith("cuda"):
        return f"sdpa={kernel} chooses among CUDA's kernels, and this is device={device}"
    return None
