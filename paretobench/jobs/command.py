"""How an engine starts a unit's worker: a plain command, held in an object that can be requeued.

submitit and Ray carry a pickled object to where the job runs. This one holds strings alone and
starts `paretobench.jobs.unit` as a process of its own, so that only this module must be
importable there, and the worker may use another interpreter. submitit calls `checkpoint` when a
job is preempted or its time is nearly up, and submits what it returns again.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretobench.domain.records import now
from paretobench.jobs.unit_folder import UnitFolder

GRACE_S = 10.0
"""A worker whose input closed leaves at once; one that hangs in native code is killed."""


@dataclass(frozen=True)
class UnitCommand:
    """One unit's worker.

    Attributes:
        folder: the unit's folder, absolute, on a disk that both sides see.
        python: the interpreter that has paretobench where the job runs.
        environment: variables to set there; an empty value takes the variable away.
    """

    folder: str
    python: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self) -> int:
        """Run the worker to its end; returns its exit status, 0 with a result.

        Raises:
            RuntimeError: if it died, so that the engine counts the job as failed.
        """
        folder = UnitFolder(Path(self.folder))
        command = [self.python, "-m", "paretobench.jobs.unit", str(folder.spec)]
        with folder.log.open("ab") as log:
            worker = subprocess.Popen(
                [*command, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=log,
                stderr=subprocess.STDOUT, env=self._variables(), cwd=folder.path,
            )  # fmt: skip
            try:
                status = worker.wait()
            finally:
                _end(worker)
        if status != 0:
            folder.write("ended", {"status": status, "at": now()})
            raise RuntimeError(f"the worker {status_text(status)}; its log is {folder.log}")
        return status

    def checkpoint(self) -> Any:
        """What submitit submits again: the same command, which goes on where it was."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _variables(self) -> dict[str, str]:
        variables = {**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"}
        return {name: value for name, value in variables.items() if value}


def _end(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        worker.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def status_text(status: int) -> str:
    """An exit status for people.

    >>> status_text(-9), status_text(3)
    ('was killed by signal 9', 'ended with status 3')
    """
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
