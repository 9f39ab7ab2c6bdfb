"""`doctor executor/accuracy=...`: an executor from end to end, before anything is submitted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.cli.console import emit_json, print_findings, say
from paretobench.errors import ConfigError
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.jobs.engines import Role

_NAMED = re.compile(r"\+*executor[./](accuracy|conversion)\b")


def doctor_executors(overrides: Sequence[str], as_json: bool) -> int:
    """Check the executors that overrides name; 1 if one cannot be used as it is.

    Raises:
        ConfigError: if they name none, or a setting or value that does not exist.
    """
    from paretobench.config import expand
    from paretobench.jobs import preflight as readiness
    from paretobench.jobs.engines import FOLDERS

    matches = map(_NAMED.match, overrides)
    named: list[Role] = [r for r in FOLDERS if r in {m[1] for m in matches if m}]
    if not named:
        raise ConfigError(
            f"{overrides[0]!r} names no executor; doctor checks one as a sweep would take it:\n"
            "paretobench doctor executor/accuracy=submitit executor.accuracy.partition=gpu"
        )
    request = expand(overrides)
    found = {
        role: readiness.check(request.executors[role], role, _interpreters(request))
        for role in named
    }
    lacking = [each for findings in found.values() for each in findings if not each.is_fine]
    if as_json:
        emit_json(found)
        return 1 if lacking else 0
    for role, findings in found.items():
        print_findings(f"executor/{role}={request.executors[role]['name']}", findings)
    say(f"{counted(len(lacking), 'finding')} to act on" if lacking else "ready for jobs")
    return 1 if lacking else 0


def _interpreters(request: Request) -> list[str]:
    """The interpreters that the checkpoints file names, if there is such a file."""
    from paretobench.accuracy.lmms.checkpoints import read_jobs

    path = Path(request.settings.checkpoints)
    jobs = read_jobs(path) if path.exists() else []
    python = str(request.executors["accuracy"].get("python") or "")
    return [name for job in jobs if (name := job.interpreter or python)]
