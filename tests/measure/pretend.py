"""A backend that does what its workload says, run in real child processes by the tests.

    python tests/measure/pretend.py paretobench.measure.cell

registers it and then runs the module. A workload's subject says what happens: `run_s` sleeps,
`act` misbehaves.
"""

from __future__ import annotations

import ctypes
import os
import random
import resource
import runpy
import signal
import subprocess
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.backends import Availability, PreparedArtifact
from paretobench.domain import Runtime, Workload
from paretobench.errors import OutOfMemoryError, UnsupportedError
from paretobench.measure import canary

NAME = "pretend"
LAUNCHER = (sys.executable, __file__)
HASTY_LAUNCHER = (*LAUNCHER, "--hasty")
"""Without canaries: for tests that need many processes and no verdict on the machine."""


def workload(label: str, act: str = "sleep", run_s: float = 0.002, **more: Any) -> Workload:
    """A workload of this backend."""
    subject = {"label": label, "act": act, "run_s": run_s, **more}
    return Workload("encode", label, subject, Runtime(NAME, "fp32"))


def misbehave(act: str, subject: Mapping[str, Any]) -> None:
    """What can go wrong, for real."""
    if act == "hang":
        time.sleep(3600)
    elif act == "hang with a child":
        sleeper = subprocess.Popen(["sleep", "3600"])
        print(sleeper.pid, flush=True)
        time.sleep(3600)
    elif act == "exit":
        os._exit(3)
    elif act == "segfault":
        print("about to dereference null", file=sys.stderr, flush=True)
        ctypes.string_at(0)
    elif act == "allocate":
        kept, limit = [], 1 << 30
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        while True:
            kept.append(bytearray(64 << 20))
    elif act == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif act == "raise":
        raise KeyError("weights")
    elif act == "unsupported":
        raise UnsupportedError("pretend cannot run this; use another backend")
    elif act == "does not fit":
        raise OutOfMemoryError("needs 30.0 GiB, there are 23.0 GiB")
    elif act == "abort":
        print("terminate called after throwing an instance of 'std::bad_alloc'", file=sys.stderr)
        sys.stderr.flush()
        os.abort()


class PretendSession:
    """Sleeps for about `run_s`."""

    def __init__(self, subject: Mapping[str, Any]) -> None:
        self.subject = subject
        self.facts: dict[str, Any] = {"threads": 1}
        bias = float(subject.get("process_sd", 0.0))
        self.run_s = float(subject["run_s"]) * (1.0 + random.gauss(0.0, bias))

    def renew_input(self) -> None:
        """Nothing to renew."""

    def run(self) -> None:
        """Sleep, or misbehave."""
        if self.subject.get("when", "run") == "run":
            misbehave(self.subject["act"], self.subject)
        time.sleep(self.run_s)

    def close(self) -> None:
        """Nothing to free."""


class PretendBackend:
    """See the module."""

    name = NAME

    def available(self) -> Availability:
        """Always."""
        return Availability(True)

    def refuses(self, workload: Workload) -> str | None:
        """Nothing."""
        return None

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Misbehaves if the subject says `when: prepare`."""
        if workload.subject.get("when") == "prepare":
            misbehave(workload.subject["act"], workload.subject)
        return PreparedArtifact(None, {"prepared": True})

    def load(self, workload: Workload, prepared: PreparedArtifact) -> PretendSession:
        """Misbehaves if the subject says `when: load`."""
        if workload.subject.get("when") == "load":
            misbehave(workload.subject["act"], workload.subject)
        return PretendSession(workload.subject)


def register() -> None:
    """Make `backends.get('pretend')` work in this process."""
    module = types.ModuleType(f"paretobench.backends.{NAME}")
    module.PretendBackend = PretendBackend  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    backends.NAMES = (*backends.NAMES, NAME)
    backends.CLASSES[NAME] = "PretendBackend"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    register()
    if "--hasty" in sys.argv:
        canary.canary = lambda: 0.02
        canary.SETTLE_S = 0.0
    runpy.run_module(sys.argv[-1], run_name="__main__")
