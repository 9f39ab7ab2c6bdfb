"""Real child processes for tests of reliability: forked, so that hundreds are affordable."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


def start(work: Callable[[int], None]) -> tuple[int, int]:
    """Fork a child that runs `work(pipe)`; returns its process id and the pipe to read.

    The child exits 0, or 1 after printing what it raised.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child:
        os.close(writable)
        return child, readable
    status = 1
    try:
        os.close(readable)
        work(writable)
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    os._exit(status)


def finish(child: int, readable: int, kill: bool = False) -> tuple[int, list[str]]:
    """Wait for a child (or kill it with SIGKILL first): its exit status and the lines it sent.

    A line that was cut off by the kill is not among them.
    """
    if kill:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(readable, "rb") as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text.split("\n")[:-1]


def run(work: Callable[[], str]) -> tuple[int, str]:
    """Run `work` in a child; its exit status and what it returned, as one line."""

    def send(pipe: int) -> None:
        os.write(pipe, work().replace("\n", "\\n").encode() + b"\n")

    status, lines = finish(*start(send))
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


def wait_for(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.002)
