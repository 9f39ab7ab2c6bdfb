"""What every child process of the harness does, whatever it is for.

It reads its orders as JSON on stdin, dies when its parent dies, and writes its answer under a
temporary name that it renames when complete, so a reader finds a whole answer or none.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretobench.backends.hardware import field_of, text_of
from paretobench.durable import whole_file
from paretobench.errors import (
    BackendMissingError,
    MeasurementError,
    ParetobenchError,
    is_out_of_memory,
)

LAST_LINES = 12
"""Lines of a traceback or a log that a failure keeps."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def read_orders() -> dict[str, Any]:
    """The JSON on stdin; from here on this process dies with its parent, and by SIGINT as by any
    other signal: under `python -m` KeyboardInterrupt would end it with status 1, a failure."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    orders: dict[str, Any] = json.load(sys.stdin)
    lifeline = orders.get("lifeline_fd")
    if lifeline is not None:
        _die_with_parent(lifeline)
    return orders


def _die_with_parent(lifeline: int) -> None:
    """Exit as soon as the parent's end of the pipe closes, and on Linux by signal as well.

    The signal also reaches a process that is deep in native code; the pipe works everywhere
    and closes the gap between the start of this process and the call that asks for the signal.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def write_answer(path: str | Path, answer: Mapping[str, Any]) -> None:
    """Write JSON whole."""
    with whole_file(Path(path)) as partial:
        text = json.dumps(answer, allow_nan=True, default=str)  # NaN is for the parent to refuse
        partial.write_text(text, encoding="utf-8")


def error_record(error: BaseException) -> dict[str, Any]:
    """A failure of this process as JSON: its kind, its reason, and where it happened."""
    trace = traceback.format_exception(type(error), error, error.__traceback__)
    lines = "".join(trace).rstrip().splitlines()
    reason = str(error).strip() or type(error).__name__
    if not isinstance(error, ParetobenchError):
        reason = f"{type(error).__name__}: {first_line(reason)}"
    return {
        "status": "error",
        "kind": failure_kind(error),
        "reason": reason,
        "details": {"traceback": lines[-LAST_LINES:]},
    }


def failure_kind(error: BaseException) -> str:
    """The kind of failure row that an exception becomes.

    >>> failure_kind(MemoryError()), failure_kind(RuntimeError('bad allocation')), failure_kind(
    ...     KeyError('x'))
    ('out_of_memory', 'out_of_memory', 'crashed')
    """
    if isinstance(error, MeasurementError):
        return error.kind
    if isinstance(error, BackendMissingError):
        return "unsupported"
    return "out_of_memory" if is_out_of_memory(error) else "crashed"


def first_line(text: str) -> str:
    """The first line of a message, cut to 300 characters."""
    line = next(iter(text.strip().splitlines()), "")
    return line if len(line) <= 300 else line[:297] + "..."


def peak_memory_bytes() -> int | None:
    """The most physical memory this process has held, in bytes; None if it is not known.

    On Linux from VmHWM, which is reset at exec; `ru_maxrss` would carry the parent's over.
    """
    if (status := text_of("/proc/self/status")) is not None:
        peak_kib = field_of(status, "VmHWM")
        return int(peak_kib.split()[0]) * 1024 if peak_kib else None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
