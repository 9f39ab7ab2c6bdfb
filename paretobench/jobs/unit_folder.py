"""A unit's files in a folder that the coordinator and the workers share.

    <root>/<first 24 digits of the unit's key>/
        spec.json      the unit, written before anything is submitted
        handle.json    which job of which engine carries it; written before and after submitting
        started.json   written by the worker when it begins: host, process, restarts
        ended.json     how the worker's process ended, if it did not write a result itself
        log            what the worker printed, over all its restarts
        lock           held by the worker for as long as it lives
        result/        the one result file (`store.spool`)
        earlier/       result files of attempts that failed and were tried again
        work/          what the work itself keeps, such as finished tasks

A coordinator that was killed learns everything it needs from these files: a result that is
there is taken, a job that was written down is waited for, and only what neither has is
submitted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretobench.durable import whole_file
from paretobench.errors import DataError
from paretobench.jobs import Unit
from paretobench.store import spool

FORMAT = 1
"""Version of `spec.json`; a worker refuses a newer one."""

INSIST_S = 3.0
"""How long a worker tries for its unit's lock: many times what checking it takes."""

LOG_BYTES = 4000
"""How much of the log's end is read for a message."""


@dataclass(frozen=True)
class UnitFolder:
    """The files of one unit; `path` is absolute."""

    path: Path

    @staticmethod
    def of(unit: Unit, root: Path) -> UnitFolder:
        """Where a unit's files are below a shared folder."""
        return UnitFolder(root.absolute() / unit.key[:24])

    @property
    def spec(self) -> Path:
        """The worker's orders."""
        return self.path / "spec.json"

    @property
    def log(self) -> Path:
        """What the worker printed."""
        return self.path / "log"

    @property
    def work(self) -> Path:
        """Where the work keeps what a restart can use."""
        return self.path / "work"

    @property
    def results(self) -> Path:
        """Where the result file goes."""
        return self.path / "result"

    def write_spec(self, unit: Unit) -> None:
        """Write the orders once; the same unit again changes nothing."""
        if not self.spec.exists():
            self.write("spec", {
                "format": FORMAT, "kind": unit.kind, "label": unit.label,
                "payload": dict(unit.payload),
            })  # fmt: skip

    def unit(self) -> Unit:
        """The unit that the orders describe.

        Raises:
            DataError: if they cannot be read or were written by a newer release.
        """
        data = self.read("spec")
        if not data:
            raise DataError(f"{self.spec} is not a unit's specification")
        if data.get("format") != FORMAT:
            raise DataError(
                f"{self.spec} has format {data.get('format')!r}, this paretobench reads {FORMAT}.\n"
                "Use one version of paretobench where jobs are submitted and where they run."
            )
        return Unit(data["kind"], data["label"], data["payload"])

    def read(self, name: str) -> dict[str, Any]:
        """One of the small JSON files; empty if it is not there, or torn by a power cut."""
        try:
            data = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write one of the small JSON files, whole or not at all."""
        with whole_file(self.path / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")

    def result(self) -> Path | None:
        """The result file, if the unit has ended with one."""
        found = spool.pending(self.results)
        return found[-1] if found else None

    def renew(self) -> None:
        """Make room for another attempt; what the work keeps stays."""
        for path in spool.pending(self.results):
            (self.path / "earlier").mkdir(exist_ok=True)
            path.replace(self.path / "earlier" / path.name)
        for name in ("handle", "started", "ended"):
            (self.path / f"{name}.json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the unit while inside; yields False if another process has it.

        Over NFS the lock may not reach other nodes; there the job's own name keeps it single.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            yield _lock(descriptor)
        finally:
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether a worker is alive, as far as this machine can see."""
        if not (self.path / "lock").exists():
            return False
        descriptor = os.open(self.path / "lock", os.O_RDWR)
        try:
            # Shared: two coordinators that check at a time do not take each other for workers.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def log_tail(self) -> str:
        """The last line of the log, for a message."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - LOG_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return "no log"
        lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
        return lines[-1] if lines else "an empty log"


def _lock(descriptor: int) -> bool:
    """Take the lock; a coordinator that checks (`is_held`) has it for an instant, so try
    repeatedly."""
    deadline = time.monotonic() + INSIST_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
