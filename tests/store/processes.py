"""Real child processes for tests of reliability: forked, so that hundreds are affordable."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


class Child:
    """A forked process that runs `work(pipe)` and exits 0, or 1 after printing what it raised."""

    def __init__(self, work: Callable[[int], object]) -> None:
        self._pipe, writable = os.pipe()
        self._received = b""
        self._id = os.fork()
        if self._id:
            os.close(writable)
            return
        status = 1
        try:
            os.close(self._pipe)
            work(writable)
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        os._exit(status)

    def wait_for_lines(self, count: int) -> None:
        """Return once it has sent `count` lines, or has ended."""
        while self._received.count(b"\n") < count:
            block = os.read(self._pipe, 1 << 16)
            if not block:
                return
            self._received += block

    def kill(self) -> tuple[int, list[str]]:
        """SIGKILL, then `finish`; the status is -9 unless it had ended by itself."""
        os.kill(self._id, signal.SIGKILL)
        return self.finish()

    def finish(self) -> tuple[int, list[str]]:
        """Wait for it: its exit status and the lines it sent, without one that was cut off."""
        with os.fdopen(self._pipe, "rb") as pipe:
            self._received += pipe.read()
        _, status = os.waitpid(self._id, 0)
        return os.waitstatus_to_exitcode(status), self._received.decode().split("\n")[:-1]


def run(work: Callable[[], str]) -> tuple[int, str]:
    """Run `work` in a child; its exit status and what it returned."""

    def send(pipe: int) -> None:
        os.write(pipe, work().replace("\n", "\\n").encode() + b"\n")

    status, lines = Child(send).finish()
    return status, "".join(lines).replace("\\n", "\n")


def as_nobody() -> None:
    """In a child: give up root's right to write everywhere. Nothing to do for a plain user."""
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="paretobench-test-") as name:
        Path(name).chmod(0o755)
        try:
            yield Path(name)
        finally:
            Path(name).chmod(0o755)
