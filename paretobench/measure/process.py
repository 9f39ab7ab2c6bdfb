"""The parent's side of a child process: start it, wait, kill it in time, say how it ended.

Each child is the leader of its own process group, holds one end of a pipe whose other end is
the parent's (so it cannot outlive the parent), and inherits the device lock's file, so the
device is not free before the last process that computes on it has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretobench.backends.hardware import text_of, usable_memory_bytes
from paretobench.domain.records import FailureKind
from paretobench.errors import is_oom_message
from paretobench.measure.child import LAST_LINES, first_line

POLL_S = 0.02
"""Pause between two polls of a running child: 50 wake-ups of some 10 us each per second."""

OOM_SHARE = 0.8
"""A child killed from outside while holding this share of what it could have is taken for a
victim of the kernel's out-of-memory killer even where no counter says so."""

PADDING_VARIABLE = "PARETOBENCH_PADDING"
"""Moves the stack of an audited process; see `harness.ENVIRONMENT_PADDING_BYTES`."""

ALLOCATOR_DEFAULTS: Mapping[str, str] = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
}
"""glibc's allocator keeps what it once got instead of giving it back after every repetition:
eager PyTorch ran 1.2 to 1.65 times faster, and a server process would be in this state anyway.
Part of the environment's identity; a user's own setting wins."""


def child_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment variables every child gets: the one place where defaults are set."""
    found = dict(os.environ if base is None else base)
    if sys.platform == "linux":
        for name, value in ALLOCATOR_DEFAULTS.items():
            found.setdefault(name, value)
    return found


@dataclass(frozen=True)
class ChildExit:
    """How a child ended.

    Attributes:
        status: the exit status, negative for the signal that ended it.
        timed_out: it was killed for its time.
        log: the last lines it wrote to stdout and stderr.
        peak_memory_bytes: the most memory the kernel saw it hold.
        oom_kills: out-of-memory kills that the cgroup counted meanwhile.
        wall_s: from spawn to exit.
    """

    status: int
    timed_out: bool
    log: tuple[str, ...]
    peak_memory_bytes: int
    oom_kills: int
    wall_s: float

    @property
    def was_ended_from_outside(self) -> bool:
        """Whether a signal ended it that no fault of its own raises."""
        return -self.status in _OUTSIDE_SIGNALS


_OUTSIDE_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@dataclass(frozen=True)
class ChildResult:
    """A child's answer, or what kept it from answering.

    `answer` is the JSON it wrote, if it wrote any and did not report an error; otherwise
    `kind`, `reason` and `details` are those of a failure row.
    """

    wall_s: float
    answer: Mapping[str, Any] | None = None
    kind: FailureKind = "crashed"
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Children:
    """Starts child processes of the harness.

    Args:
        launcher: what replaces `python -m`; tests put their own backends in this way.
        variables: environment variables of their own.

    Attributes:
        keep_fds: open files that children inherit, such as the device lock's.
    """

    def __init__(
        self,
        launcher: Sequence[str] = (sys.executable, "-m"),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.keep_fds: tuple[int, ...] = ()
        self.launcher = tuple(launcher)
        self.variables = dict(variables or {})

    def ask(
        self, module: str, orders: Callable[[Path], Mapping[str, Any]], timeout_s: float
    ) -> ChildResult:
        """Run `module` on orders made for a fresh answer path; returns the answer or why not.

        A child that a signal from outside ended is started once more: somebody else's signal
        says nothing about the workload.
        """
        result, ended = self._ask_once(module, orders, timeout_s)
        is_crash = result.answer is None and result.kind == "crashed" and not ended.timed_out
        if is_crash and ended.was_ended_from_outside:
            result, _ = self._ask_once(module, orders, timeout_s)
        return result

    def _ask_once(
        self, module: str, orders: Callable[[Path], Mapping[str, Any]], timeout_s: float
    ) -> tuple[ChildResult, ChildExit]:
        with tempfile.TemporaryDirectory(prefix="paretobench-") as folder:
            result = Path(folder) / "answer.json"
            ended = self.run(module, orders(result), timeout_s)
            return read_outcome(result, ended), ended

    def run(
        self,
        module: str,
        orders: Mapping[str, Any],
        timeout_s: float,
        progressed: Callable[[], bool] = lambda: False,
    ) -> ChildExit:
        """Run `python -m module` on these orders until it ends or its time is up.

        The group is killed on the way out whatever happens, Ctrl-C included.

        Args:
            progressed: called now and then; the time limit starts again when it returns True.
        """
        reader, writer = os.pipe()
        started, kills = time.monotonic(), oom_kills()
        given = {**orders, "lifeline_fd": reader, "spawned_at": time.time()}
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [*self.launcher, module],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=child_environment({**os.environ, **self.variables, **_padding(orders)}),
                pass_fds=(reader, *self.keep_fds),
                start_new_session=True,
            )
            try:
                os.close(reader)
                _send(process, json.dumps(given, default=str).encode())
                timed_out, peak = _wait(process, timeout_s, progressed)
            finally:
                _kill_group(process)
                os.close(writer)
            wall_s = time.monotonic() - started
            lines = _last_lines(log)
        return ChildExit(process.returncode, timed_out, lines, peak, oom_kills() - kills, wall_s)


def _padding(orders: Mapping[str, Any]) -> dict[str, str]:
    """A variable that nobody reads, of the size that the orders ask for."""
    size = int(orders.get("environment_padding_bytes", 0))
    return {PADDING_VARIABLE: "x" * size} if size else {}


def _send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died before it read them; its status says why
        process.stdin.write(data)
        process.stdin.close()


def _wait(
    process: subprocess.Popen[bytes], timeout_s: float, progressed: Callable[[], bool]
) -> tuple[bool, int]:
    """Wait for the end; returns whether its time ran out, and its peak memory in bytes."""
    deadline = time.monotonic() + timeout_s
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return False, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if progressed():
            deadline = time.monotonic() + timeout_s
        if time.monotonic() >= deadline:
            _kill_group(process)
            return True, 0
        time.sleep(POLL_S)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the child, and whatever it started and left behind."""
    # No process may be left; macOS then returns EPERM for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        process.wait()


def _last_lines(log: Any) -> tuple[str, ...]:
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - 8192))
    text: str = log.read().decode("utf-8", errors="replace")
    return tuple(text.rstrip().splitlines()[-LAST_LINES:])


_OOM_COUNTS = (
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/memory/memory.oom_control",
    "/proc/vmstat",
)


def oom_kills() -> int:
    """Out-of-memory kills in this cgroup so far, or else on this machine; 0 if not counted."""
    for path in _OOM_COUNTS:
        if found := re.search(r"^oom_kill (\d+)$", text_of(path) or "", re.MULTILINE):
            return int(found[1])
    return 0


def read_outcome(result: Path, ended: ChildExit) -> ChildResult:
    """Join a child's answer with how it ended.

    A complete answer counts even if the process then crashed on its way out: the samples were
    taken and the file was renamed into place before.
    """
    try:
        answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _unanswered(ended)
    if answer.get("status") == "ok":
        return ChildResult(ended.wall_s, answer=answer)
    details = {**answer.get("details", {}), "log": list(ended.log)}
    return ChildResult(ended.wall_s, None, answer["kind"], answer["reason"], details)


def _unanswered(ended: ChildExit) -> ChildResult:
    """A failure from the way the process ended, where it left no answer."""
    kind, reason = _why_unanswered(ended)
    details = {"log": list(ended.log), "status": ended.status}
    return ChildResult(ended.wall_s, None, kind, reason, details)


def _why_unanswered(ended: ChildExit) -> tuple[FailureKind, str]:
    if ended.timed_out:
        return "timed_out", f"still running after {ended.wall_s:.0f} s, and killed"
    if ended.status == -signal.SIGKILL:
        total = usable_memory_bytes()
        peak = f"{ended.peak_memory_bytes / 2**30:.1f} of {total / 2**30:.1f} GiB"
        held = f"it held {peak} at its peak"
        if ended.oom_kills > 0 or ended.peak_memory_bytes > OOM_SHARE * total:
            return "out_of_memory", f"killed by the kernel because memory ran out; {held}"
        return "crashed", f"killed from outside (SIGKILL); {held}"
    last = first_line(ended.log[-1]) if ended.log else "it wrote nothing"
    if any(is_oom_message(line) for line in ended.log):
        return "out_of_memory", f"memory ran out in native code: {last}"
    return "crashed", f"{_death(ended.status)}: {last}"


def _death(status: int) -> str:
    """How a process without an answer ended, as text.

    >>> _death(-11), _death(3)
    ('died of SIGSEGV', 'ended without an answer, exit status 3')
    """
    if status < 0:
        try:
            return f"died of {signal.Signals(-status).name}"
        except ValueError:
            return f"died of signal {-status}"
    return f"ended without an answer, exit status {status}"
