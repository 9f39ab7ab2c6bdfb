"""The parent's side of the child process: ask it, run it, read its events, end it in time.

The child's standard error is progress and goes through to ours as it comes; its last lines
are kept for the message if it dies. It holds the other end of a pipe of ours as its standard
input, and leaves when that closes, so it never outlives us.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from paretobench.errors import BackendMissingError, DataError
from paretobench.installation import install_command

CHILD = Path(__file__).with_name("child.py")
PROBE_TIMEOUT_S = 120.0
FETCH_TIMEOUT_S = 24 * 3600.0
LMMS_EVAL = "lmms-eval==0.7.3"
"""The version that this package was run with."""

_TAIL_BYTES = 4000
"""How much of a dead child's standard error is kept."""


def probe(interpreter: str, tasks: Sequence[str]) -> dict[str, Any]:
    """Versions in an interpreter and the digests of tasks there.

    Raises:
        BackendMissingError: if it cannot be started, is no Python, or lacks lmms-eval.
    """
    found = _ask(interpreter, ["--probe", *tasks], PROBE_TIMEOUT_S)
    if not isinstance(found.get("versions"), dict):
        raise BackendMissingError(f"{interpreter} does not answer like a Python interpreter")
    missing = [
        name for name in ("lmms_eval", "torch", "transformers") if not found["versions"][name]
    ]
    if missing:
        raise BackendMissingError(
            f"{interpreter} has no {', '.join(missing).replace('_', '-')}; install it there:\n"
            f"  {install_command('accuracy', interpreter)} torch transformers\n"
            f"  {interpreter} -m pip install --no-deps {LMMS_EVAL}\n"
            f"or name another interpreter that has it (--python)"
        )
    return found


def fetch(interpreter: str, name: str, revision: str) -> Path:
    """The local folder of a hub checkpoint.

    Raises:
        DataError: if it cannot be had.
    """
    try:
        found = _ask(interpreter, ["--fetch", name, revision], FETCH_TIMEOUT_S)
    except BackendMissingError as error:
        raise DataError(f"cannot get the checkpoint {name!r} from the hub: {error}") from error
    return Path(found["folder"])


def _ask(interpreter: str, arguments: Sequence[str], timeout_s: float) -> dict[str, Any]:
    command = [interpreter, str(CHILD), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BackendMissingError(
            f"cannot start the interpreter {interpreter!r}: {reason}; name a Python that has "
            f"lmms-eval (--python)"
        ) from error
    with contextlib.suppress(ValueError, IndexError):
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        if done.returncode == 0 and isinstance(answer, dict):
            return answer
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else f"exit status {done.returncode}"
    raise BackendMissingError(f"{interpreter} {arguments[0]} failed: {last}")


class ChildRun:
    """One running child and its events.

    Args:
        command: what to start.
        environment: its variables.
        timeout_s: for one task, from its start to its end; None for no limit.
        ends_at: by `time.monotonic`, when it is killed whatever it does.

    Attributes:
        timed_out: whether a task took too long.
        is_out_of_time: whether `ends_at` came.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        timeout_s: float | None,
        ends_at: float = math.inf,
    ) -> None:
        self._timeout_s, self._ends_at = timeout_s, ends_at
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._tail = b""
        self.timed_out = self.is_out_of_time = False
        self._process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(environment), start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None and self._process.stderr is not None
        self._threads = [
            threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._pass_on, args=(self._process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def events(self) -> Iterator[dict[str, Any]]:
        """The child's events until it ends; it is killed if a task takes too long."""
        deadline = self._deadline()
        while True:
            wait_s = None if deadline == math.inf else max(0.0, deadline - time.monotonic())
            try:
                line = self._lines.get(timeout=wait_s)
            except queue.Empty:
                self.is_out_of_time = deadline == self._ends_at
                self.timed_out = not self.is_out_of_time
                self.kill()
                return
            if line is None:
                self._process.wait()
                self._threads[1].join(timeout=2)  # what it wrote last is passed on
                return
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                deadline = self._deadline()
                yield event

    def _deadline(self) -> float:
        task_s = math.inf if self._timeout_s is None else self._timeout_s
        return min(time.monotonic() + task_s, self._ends_at)

    def kill(self) -> None:
        """End the child and whatever it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._threads[1].join(timeout=2)

    @property
    def status(self) -> int | None:
        """Exit status; negative for the signal that ended it."""
        return self._process.poll()

    def last_lines(self) -> str:
        """What it last wrote to its standard error, without progress bars."""
        text = self._tail.decode("utf-8", errors="replace").replace("\r", "\n")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it wrote nothing"

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put(None)

    def _pass_on(self, stream: IO[bytes]) -> None:
        while block := os.read(stream.fileno(), 1 << 16):
            self._tail = (self._tail + block)[-_TAIL_BYTES:]
            sys.stderr.write(block.decode("utf-8", errors="replace"))
            sys.stderr.flush()


def command(interpreter: str, spec: Path, processes: int) -> list[str]:
    """How the child is started: alone, or one process per GPU."""
    if processes == 1:
        return [interpreter, str(CHILD), str(spec)]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [interpreter, *launcher, str(CHILD), str(spec)]
