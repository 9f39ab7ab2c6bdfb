"""An executor from end to end, as far as that is cheap: what a sweep's first job would trip over.

The engine's programs and what they answer, the shared folder, the worker's interpreter and the
one that scores. Nothing is submitted, so a node whose disk or environment differs from this
machine's is noticed by its first job alone.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms.process import LMMS_EVAL
from paretobench.errors import ExecutorError
from paretobench.installation import install_command
from paretobench.jobs.engines import Role, choose
from paretobench.jobs.ray import RayEngine, listed
from paretobench.jobs.submitit import (
    SlurmCommandError,
    SlurmEngine,
    SlurmResources,
    ask,
    import_submitit,
)
from paretobench.measure.quiet import Finding
from paretobench.version import __version__

START_S = 180.0
"""For an interpreter to import lmms-eval and torch from a network disk for the first time."""

PROGRAMS = ("sbatch", "squeue", "srun", "scancel", "sinfo")

_GPUS = re.compile(r"gpu(?::[^:,()]+)?:(\d+)")
"""A generic resource as sinfo writes it: `gpu:4`, `gpu:a100:8(S:0-1)`."""


def check(
    settings: Mapping[str, Any], role: Role = "accuracy", interpreters: Sequence[str] = ()
) -> list[Finding]:
    """Everything about an executor, fine or not; in the order in which a job would need it.

    Args:
        settings: of `executor/accuracy` or `executor/conversion`.
        role: which of the two.
        interpreters: that score, where the checkpoints name some; the worker's own if empty.

    Raises:
        ConfigError: for a name, a setting or a value that does not exist.
    """
    chosen = choose(settings, role)
    mine = f"executor.{role}"
    python = sys.executable if chosen is None else chosen.executor.python
    found: list[Finding] = []
    if chosen is not None:
        engine = chosen.executor.engine
        if isinstance(engine, RayEngine):
            found += _ray(engine, mine)
        else:
            found += _submitit()
        if isinstance(engine, SlurmEngine):
            found += _slurm(engine.demands, mine)
        found.append(_folder(chosen.executor.root, mine))
        found.append(_worker(python, mine, needs_submitit=isinstance(engine, SlurmEngine)))
    if role == "accuracy":
        found += [_lmms_eval(one) for one in dict.fromkeys(interpreters or [python])]
    return found


def _submitit() -> Iterator[Finding]:
    try:
        import_submitit()
    except ExecutorError as error:
        yield Finding("submitit", "missing", "installed", False, str(error))
    else:
        yield Finding("submitit", metadata.version("submitit"), "installed", True)


def _slurm(demands: SlurmResources, mine: str) -> Iterator[Finding]:
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        advice = f"run on a login node of the cluster, or set {mine}.cluster=local"
        yield Finding("Slurm's programs", f"no {', '.join(absent)}", "on the PATH", False, advice)
        return
    try:
        rows = [line.split("|") for line in ask("sinfo", "--noheader", "--format=%P|%a|%l|%D|%G")]
    except SlurmCommandError as error:
        advice = "is slurmctld up, and SLURM_CONF the cluster's? `scontrol ping` says more"
        yield Finding("Slurm", str(error).splitlines()[-1], "sinfo answers", False, advice)
        return
    yield Finding("Slurm", (ask("sinfo", "--version") or ["answers"])[0], "sinfo answers", True)
    wanted = demands.partition.split(",") if demands.partition else [""]
    for name in wanted:
        of_name = [r for r in rows if (r[0].rstrip("*") == name if name else r[0].endswith("*"))]
        yield from _partition(name, of_name, rows, demands, mine)


def _partition(
    name: str,
    of_name: Sequence[Sequence[str]],
    rows: Sequence[Sequence[str]],
    demands: SlurmResources,
    mine: str,
) -> Iterator[Finding]:
    """A partition, or the default one: that it exists, is up, and grants what is demanded."""
    names = ", ".join(dict.fromkeys(row[0].rstrip("*") for row in rows))
    allowed = f"one of {names}" if names else "one that sinfo lists"
    if not of_name:
        advice = f"choose one with {mine}.partition=NAME"
        yield Finding("partition", name or "no default", allowed, False, advice)
        return
    title, up = of_name[0][0].rstrip("*"), [row for row in of_name if row[1] == "up"]
    nodes = sum(int(row[3]) for row in of_name)
    advice = "" if up else f"it takes no jobs now; choose another with {mine}.partition"
    value = f"{title} {of_name[0][1]}, nodes: {nodes}"
    yield Finding("partition", value, "up", bool(up), advice)
    limit = minutes_of(of_name[0][2])
    if limit is not None:
        advice = f"set {mine}.minutes={limit} or less; a job that is warned goes on"
        is_fine = demands.minutes <= limit
        what = f"time limit of {title}"
        yield Finding(what, f"{limit} min", f"at least {demands.minutes} min", is_fine, advice)
    if demands.gpus:
        most = max((int(n) for row in of_name for n in _GPUS.findall(row[4])), default=0)
        advice = f"lower {mine}.gpus, or choose a partition whose nodes have so many"
        what = f"GPUs of a node of {title}"
        yield Finding(what, str(most), f"at least {demands.gpus}", most >= demands.gpus, advice)


def minutes_of(limit: str) -> int | None:
    """A time limit as sinfo writes it, in whole minutes; None if there is none.

    Reference: https://slurm.schedmd.com/sinfo.html, "days-hours:minutes:seconds".

    >>> minutes_of('1-12:00:00'), minutes_of('2:30:00'), minutes_of('30:00'), minutes_of('infinite')
    (2160, 150, 30, None)
    """
    days, _, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in parts):
        return None
    seconds = 0
    for part in parts:
        seconds = 60 * seconds + int(part)
    return int(days or 0) * 1440 + seconds // 60


def _ray(engine: RayEngine, mine: str) -> Iterator[Finding]:
    try:
        nodes = engine.offers()
    except ExecutorError as error:
        value, _, advice = str(error).partition("\n")
        yield Finding("Ray", value, "a cluster that answers", False, advice or value)
        return
    version = metadata.version("ray")
    yield Finding("Ray", f"{version}, nodes: {len(nodes)}", "a cluster that answers", True)
    demanded = engine.demands.as_ray_counts()
    most = {name: max((n.get(name, 0.0) for n in nodes.values()), default=0.0) for name in demanded}
    try:
        engine.check()
    except ExecutorError:
        advice = (
            "no single node has all of it; start one with `ray start --resources=...`, or lower "
            f"{mine}.cpus, gpus or resources"
        )
        yield Finding("most that a node offers", listed(most), listed(demanded), False, advice)
    else:
        yield Finding("most that a node offers", listed(most), listed(demanded), True)


def _folder(root: Path, mine: str) -> Finding:
    """That a result file can come to be there: written under a temporary name, then renamed."""
    allowed = "can be written, and files renamed"
    made = [path for path in (root, *root.parents) if not path.exists()]
    name = f"doctor-{uuid.uuid4().hex[:12]}"
    temporary, final = root / f".{name}", root / name
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary.write_text(name, encoding="ascii")
        temporary.replace(final)
        is_whole = final.read_text(encoding="ascii") == name
        final.unlink()
        for path in made:
            path.rmdir()
    except OSError as error:
        advice = f"name a folder on the shared disk with {mine}.folder"
        reason = f"{root}: {error.strerror or error}"
        return Finding("shared folder", reason, allowed, False, advice)
    return Finding("shared folder", str(root), allowed, is_whole, "" if is_whole else "it forgets")


_VERSIONS = """
import json, sys
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
import paretobench.jobs.unit
print(json.dumps({"python": "%d.%d" % sys.version_info[:2], "paretobench": paretobench.__version__,
                  "submitit": version("submitit")}))
"""


def _worker(python: str, mine: str, needs_submitit: bool) -> Finding:
    """The interpreter of the jobs: it starts and has the versions that are here."""
    here = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}", "paretobench": __version__}
    if needs_submitit:
        try:
            here["submitit"] = metadata.version("submitit")
        except metadata.PackageNotFoundError:
            here["submitit"] = "any"
    allowed = ", ".join(f"{name} {version}" for name, version in here.items())
    there, reason = _said(python, _VERSIONS)
    what = f"interpreter of the jobs, {python}"
    if reason:
        advice = f"install paretobench there, or name another with {mine}.python"
        return Finding(what, reason, allowed, False, advice)
    value = ", ".join(f"{name} {there.get(name) or 'missing'}" for name in here)
    advice = "install the same versions there as here"
    return Finding(what, value, allowed, value == allowed, "" if value == allowed else advice)


def _lmms_eval(python: str) -> Finding:
    """The interpreter that scores: lmms-eval can be imported."""
    script = (
        "import json; from importlib import metadata; import lmms_eval, torch, transformers; "
        "print(json.dumps({'version': metadata.version('lmms_eval')}))"
    )
    there, reason = _said(python, script)
    what, allowed = f"lmms-eval of {python}", f"imports; {LMMS_EVAL} was tried"
    if reason:
        advice = (
            f"{install_command('accuracy', python)} torch transformers, then "
            f"--no-deps {LMMS_EVAL}; or name another in the checkpoints file (interpreter)"
        )
        return Finding(what, reason, allowed, False, advice)
    return Finding(what, str(there.get("version")), allowed, True)


def _said(python: str, script: str) -> tuple[dict[str, Any], str]:
    """What a script prints as JSON in its last line, or why it does not."""
    try:
        done = subprocess.run(
            [python, "-c", script], capture_output=True, text=True, timeout=START_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return {}, f"does not start: {getattr(error, 'strerror', None) or error}"
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        found = None
    if done.returncode == 0 and isinstance(found, dict):
        return found, ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return {}, lines[-1] if lines else f"ended with status {done.returncode}"
