"""Streams and signals of the command: closed or broken ones end no sweep.

A stream that was closed by the caller (`2>&-`, a daemon's environment) is opened on the null
device: otherwise the next file, which may be the database, would get its number. What cannot be
written to stderr is dropped: it is progress, not a result. SIGTERM and SIGHUP end a verb as Ctrl-C
does.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any


class StoppedBySignal(KeyboardInterrupt):
    """SIGTERM or SIGHUP; cleans up wherever Ctrl-C does.

    Attributes:
        exit_status: what a shell reports of a process that a signal ended: 128 + its number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def exit_status(stop: KeyboardInterrupt) -> int:
    """What a shell reports of a process that this signal ended: 128 + its number."""
    return 128 + (stop.number if isinstance(stop, StoppedBySignal) else signal.SIGINT)


@contextlib.contextmanager
def usable_streams() -> Iterator[None]:
    """Inside, all three standard streams exist, and a broken stderr is silent."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an ASCII locale shows \\xf6, not a traceback
            stream.reconfigure(errors="backslashreplace")
    before = sys.stderr
    sys.stderr = _Unbreakable(before)
    try:
        yield
    finally:
        sys.stderr = before


@contextlib.contextmanager
def stopping_signals() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise `StoppedBySignal` in the main thread.

    A signal that the caller ignores stays ignored (`nohup`). A second one while the first is being
    cleaned up after changes nothing.
    """
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)


def _stop(number: int, frame: Any) -> None:
    for again in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(again) == _stop:
            signal.signal(again, signal.SIG_IGN)
    raise StoppedBySignal(number)


def _open_closed_streams() -> None:
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:  # a lower number was free
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


class _Unbreakable:
    """A text stream whose failures to write are dropped; everything else is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
