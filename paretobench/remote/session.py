"""This side of a measuring session: start it, ask, read the answers, notice when it is lost.

Knows nothing of ssh: a session is any command with the protocol of `measure.session` on its stdin
and stdout. `ssh` makes the command for a host; a command for this machine does as well.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from paretobench.errors import ExecutorError
from paretobench.measure.session import PROTOCOL
from paretobench.version import __version__

ALIVE_EVERY_S = 20.0
"""Pause between the empty lines that say that this side is still there."""

HELLO_LIMIT_S = 60.0
"""A session that has not greeted by then is given up: a login that waits for something, or a
machine too busy to measure on."""

CLOSE_LIMIT_S = 20.0
"""Time for the other side to end its processes, of which it allows itself 15 s."""

FREE_BYTES = 1 << 30
"""Free disk that a device needs unless its limits say otherwise: weights of a 0.5B model in
16 bits, which every grid here has."""

CLOCK_SKEW_S = 60.0
"""Clocks may differ by so much: cells of one device are ordered by their own clock, sweeps of
all devices by this one's, and minutes apart the newest is no longer the newest."""

Explain = Callable[[int, str], str]


@dataclass(frozen=True)
class Target:
    """A place where a session can be started.

    Attributes:
        name: of the device.
        where: how it is reached, for people: `ssh anna@macbook`, `this machine`.
        argv: the command whose stdin and stdout are the session.
        environment: variables of the command; None for this process's own.
        explain: from its exit status and what it wrote to stderr to a reason with an advice.
        free_bytes, clock_skew_s: limits, see the constants.
    """

    name: str
    where: str
    argv: Sequence[str]
    explain: Explain
    environment: Mapping[str, str] | None = None
    free_bytes: int = FREE_BYTES
    clock_skew_s: float = CLOCK_SKEW_S


@dataclass(frozen=True)
class Hello:
    """What a device says before any question.

    Attributes:
        clock_skew_s: its clock minus this one, to within half the round trip.
        round_trip_s: from the opening to the greeting, the start of Python included.
        disk_free: free bytes by folder that it writes to; None where unknown.
    """

    version: str
    protocol: int
    clock_skew_s: float
    round_trip_s: float
    disk_free: Mapping[str, int | None] = field(default_factory=dict)


class LostError(ExecutorError):
    """The connection ended while an answer was due."""


class Connection:
    """One session with one device. Not for several threads at a time."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        self._process: subprocess.Popen[bytes] | None = None
        self._writing = threading.Lock()
        self._closed = threading.Event()

    def open(self) -> Hello:
        """Start the session and check who answers.

        Raises:
            ExecutorError: if it cannot be reached or started, or is of another version.
        """
        started = time.time()
        try:
            self._process = subprocess.Popen(
                list(self.target.argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=None if self.target.environment is None else dict(self.target.environment),
                start_new_session=True,  # Ctrl-C is answered here, not by each ssh
            )
        except OSError as error:
            raise ExecutorError(
                f"{self.target.name}: cannot start {self.target.argv[0]}: {error.strerror}"
            ) from error
        limit = threading.Timer(HELLO_LIMIT_S, self._process.kill)
        limit.start()
        try:
            self._send({"protocol": PROTOCOL})
            message = self._next(is_first=True)
        finally:
            limit.cancel()
        hello = _hello(message, started, time.time())
        self._check_version(hello)
        threading.Thread(target=self._keep_alive, daemon=True).start()
        return hello

    def check(self, hello: Hello) -> None:
        """Hold what a device said of itself against its limits.

        Raises:
            ExecutorError: if its disk is full or its clock is wrong.
        """
        name = self.target.name
        for folder, free in hello.disk_free.items():
            if free is not None and free < self.target.free_bytes:
                raise ExecutorError(
                    f"{name}: {free / 2**30:.1f} GiB are free at {folder} there, and "
                    f"{self.target.free_bytes / 2**30:.1f} GiB are needed; free some space there "
                    "or set limits: {min_free_gib: ...} in the inventory"
                )
        if abs(hello.clock_skew_s) > self.target.clock_skew_s:
            direction = "ahead of" if hello.clock_skew_s > 0 else "behind"
            raise ExecutorError(
                f"{name}: its clock is {abs(hello.clock_skew_s):.0f} s {direction} this one's, "
                f"and {self.target.clock_skew_s:.0f} s are allowed; set it there (NTP), or "
                "set limits: {clock_skew_s: ...} in the inventory"
            )

    def ask(self, question: str, **content: Any) -> Iterator[Mapping[str, Any]]:
        """Ask and yield every message up to and including the last one of the answer.

        Raises:
            ExecutorError: if the device answers with an error.
            LostError: if the connection ends before the answer does.
        """
        self._send({"ask": question, **content})
        while True:
            message = self._next()
            if message["say"] == "error":
                raise ExecutorError(f"{self.target.name}: {message['message']}")
            yield message
            if message["say"] in ("described", "refusals", "done"):
                return

    def close(self) -> None:
        """End the session and wait until it has ended; a second call does nothing."""
        self._closed.set()
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            self._stderr.close()
            return
        with contextlib.suppress(OSError), self._writing:
            process.stdin.close()
        try:
            process.wait(CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._stderr.close()

    def _check_version(self, hello: Hello) -> None:
        if (hello.protocol, hello.version) != (PROTOCOL, __version__):
            raise ExecutorError(
                f"{self.target.name}: paretobench {hello.version} runs there (protocol "
                f"{hello.protocol}), and {__version__} (protocol {PROTOCOL}) here; "
                "install the same version on both, since cells of two do not compare"
            )

    def _send(self, message: Mapping[str, Any] | None) -> None:
        """One line, or an empty one; a closed pipe is noticed by the next read."""
        line = b"" if message is None else json.dumps(message, allow_nan=False).encode()
        with self._writing, contextlib.suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(line + b"\n")
                self._process.stdin.flush()

    def _keep_alive(self) -> None:
        while not self._closed.wait(ALIVE_EVERY_S):
            self._send(None)

    def _next(self, is_first: bool = False) -> Mapping[str, Any]:
        """The next message; before the first, whatever a login prints is passed over."""
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if isinstance(message, dict) and "say" in message and line.endswith(b"\n"):
                return message
            if not is_first:
                break
        raise self._lost()

    def _lost(self) -> LostError:
        assert self._process is not None
        try:
            status = self._process.wait(CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        said = ""
        with contextlib.suppress(ValueError):  # closed by another thread: we ended it ourselves
            self._stderr.seek(0)
            said = self._stderr.read().decode(errors="replace").strip()
        return LostError(f"{self.target.name}: {self.target.explain(status, said)}")


def _hello(message: Mapping[str, Any], asked_at: float, answered_at: float) -> Hello:
    """A greeting; one that another version wrote may lack anything but its kind."""
    clock = float(message.get("clock", answered_at))
    skew_s = min((clock - asked_at, clock - answered_at), key=abs)
    is_between = asked_at <= clock <= answered_at
    return Hello(
        version=str(message.get("version", "of unknown version")),
        protocol=int(message.get("protocol", 0)),
        clock_skew_s=0.0 if is_between else skew_s,
        round_trip_s=answered_at - asked_at,
        disk_free=dict(message.get("disk_free", {})),
    )
