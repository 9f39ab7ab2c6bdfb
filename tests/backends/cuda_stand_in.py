"""A stand-in for `torch.cuda` on a CPU: exactly what `torch_cuda` calls, with its rules.

A capture records the operations that run while it lasts, and a replay runs them again on the
same tensors, writing each result where the capture left it. So code that puts a new tensor in
an input's place, instead of writing into it, gets the old result, as on a board. A capture on
the current stream or without a warm-up, a value read on the host while capturing, a replay after
a reset, and an event that was not made for timing or not waited for are errors, as they are there.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import torch
from torch.utils._python_dispatch import TorchDispatchMode

GIB = 1 << 30
UUID = "3b1c2d4e-0000-1111-2222-333344445555"


class Record(TorchDispatchMode):
    """Notes every operation with its arguments and what it gave."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function.name() in ("aten::item", "aten::_local_scalar_dense", "aten::nonzero"):
            raise RuntimeError(
                "CUDA error: operation not permitted when stream is capturing (read on the host)"
            )
        given = function(*args, **kwargs)
        self.calls.append((function, args, kwargs, given))
        return given


class Stream:
    def __init__(self, device=None, priority=0):
        self.device, self.ran = device, 0

    def wait_stream(self, stream):
        assert isinstance(stream, Stream)


class Event:
    def __init__(self, cuda, enable_timing):
        self._cuda, self._timed, self._at = cuda, enable_timing, None

    def record(self, stream=None):
        assert isinstance(stream, Stream)
        self._at = self._cuda.tick()

    def elapsed_time(self, end_event):
        assert self._timed and end_event._timed, "made without enable_timing"
        assert self._cuda.is_waited_for, "not ready: synchronise first"
        return end_event._at - self._at


class CUDAGraph:
    def __init__(self, keep_graph=False):
        self.calls = None

    def replay(self):
        assert self.calls is not None, "replay before capture, or after reset"
        for function, args, kwargs, left in self.calls:
            given = function(*args, **kwargs)
            for old, new in zip(tensors(left), tensors(given), strict=True):
                if old.data_ptr() != new.data_ptr():
                    old.copy_(new)

    def reset(self):
        self.calls = None


def tensors(given):
    if isinstance(given, torch.Tensor):
        return [given]
    return [one for one in given if isinstance(one, torch.Tensor)] if given is not None else []


class CUDA:
    """`torch.cuda` with two boards."""

    CUDAGraph = CUDAGraph
    Stream = Stream

    def __init__(self, boards=2):
        self.boards, self.now_ms = boards, 0.0
        self.default, self.is_waited_for = Stream(), True
        self.active = self.default
        self.captures = self.replays = self.freed = self.synchronised = 0

    def tick(self):
        self.now_ms += 2.0
        self.is_waited_for = False
        return self.now_ms

    def is_available(self):
        return self.boards > 0

    def device_count(self):
        return self.boards

    def set_device(self, device):
        self.selected = device

    def get_device_properties(self, device=None):
        return SimpleNamespace(
            name="NVIDIA Stand-in",
            total_memory=80 * GIB,
            major=9,
            minor=0,
            multi_processor_count=132,
            uuid=UUID,
        )

    def synchronize(self, device=None):
        self.synchronised += 1
        self.is_waited_for = True

    def current_stream(self, device=None):
        return self.active

    @contextlib.contextmanager
    def stream(self, stream):
        before, self.active = self.active, stream
        stream.ran += 1
        yield
        self.active = before

    def Event(self, enable_timing=False, blocking=False, interprocess=False):  # noqa: N802
        return Event(self, enable_timing)

    @contextlib.contextmanager
    def graph(self, cuda_graph, pool=None, stream=None, capture_error_mode="global"):
        assert stream is not None and stream is not self.default, "capture on a side stream"
        assert stream.ran, "nothing was warmed up on this stream"
        with Record() as record:
            yield
        cuda_graph.calls = record.calls
        self.captures += 1

    def reset_peak_memory_stats(self, device=None):
        self.peak = 0

    def max_memory_allocated(self, device=None):
        return 5 * GIB

    def empty_cache(self):
        self.freed += 1
