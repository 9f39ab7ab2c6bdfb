"""One measurement at a time on a device: a kernel lock that dies with its process.

Whatever else runs on a machine disturbs a measurement, so there is one lock per machine. The
lock is `flock` on a file; the file's content says who holds it and is never trusted for more
than a message.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from paretobench.errors import LockError

FOLDER_VARIABLE = "PARETOBENCH_LOCKS"
"""Environment variable that names another folder for the lock files."""

POLL_S = 0.5
"""Pause between two attempts while waiting."""


def lock_folder() -> Path:
    """Where the lock files are: the same folder for all users of this machine if possible."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    shared = Path("/tmp")
    root = shared if shared.is_dir() else Path(tempfile.gettempdir())
    return root / "paretobench-locks"


class DeviceLock:
    """The lock of this machine."""

    device = "machine"

    def __init__(self) -> None:
        self.path = lock_folder() / f"{self.device}.lock"
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        """The open file; a child that inherits it keeps the device until it ends.

        Raises:
            LockError: if the lock is not held.
        """
        if self._fd is None:
            raise LockError(f"the lock of device {self.device!r} is not held")
        return self._fd

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock now."""
        return self._fd is not None

    def holder(self) -> str:
        """Who holds the lock, as text, as far as the file has it."""
        try:
            note = json.loads(self.path.read_text(encoding="utf-8"))
            return f"process {note['pid']} ({note['command']}) since {note['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def acquire(
        self, wait: bool = True, announce: Callable[[str], None] = lambda text: None
    ) -> None:
        """Take the lock, waiting for it if asked to; nothing happens if it is held here already.

        Args:
            wait: whether to wait for as long as it takes.
            announce: called once with who is waited for.

        Raises:
            LockError: if it is held and `wait` is false, or the file cannot be opened.
        """
        if self.is_held:
            return
        fd = self._open()
        announced = False
        try:
            while not _try_lock(fd):
                if not wait:
                    raise LockError(
                        f"device {self.device!r} is being measured by {self.holder()}; "
                        "wait for it (wait=true) or end it"
                    )
                if not announced:
                    announce(f"waiting for device {self.device!r}: held by {self.holder()}")
                    announced = True
                time.sleep(POLL_S)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        self._sign()

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    @contextlib.contextmanager
    def held(
        self, wait: bool = True, announce: Callable[[str], None] = lambda text: None
    ) -> Iterator[DeviceLock]:
        """The lock for the length of a `with` block; arguments as for `acquire`.

        A block inside one that holds it already neither takes it again nor gives it back.
        """
        was_held = self.is_held
        self.acquire(wait, announce)
        try:
            yield self
        finally:
            if not was_held:
                self.release()

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):  # another user's folder
                self.path.parent.chmod(0o1777)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            with contextlib.suppress(OSError):  # the umask took rights that others need
                os.fchmod(fd, 0o666)
            return fd
        except OSError as error:
            raise LockError(
                f"cannot open the lock file {self.path}: {error.strerror}; "
                f"set {FOLDER_VARIABLE} to a folder you may write to"
            ) from error

    def _sign(self) -> None:
        note = {
            "pid": os.getpid(),
            "command": " ".join([Path(sys.argv[0] or "python").name, *sys.argv[1:]])[:200],
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, json.dumps(note).encode(), 0)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
