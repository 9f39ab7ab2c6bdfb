"""Accuracy and conversion units as Slurm jobs, or as processes here, through submitit.

One unit is one job; units that are submitted together are one job array. submitit writes the
sbatch script, starts the worker and answers Slurm's warning before preemption or the time limit
by submitting the job again, and the worker goes on with the tasks that were finished. How jobs
stand is asked of `squeue` rather than of submitit, whose `sacct` needs an accounting database.

What must match between where jobs are submitted and where they run: the minor version of Python
and the version of submitit (it pickles), and the version of paretobench.

Reference: https://github.com/facebookincubator/submitit/blob/main/docs/checkpointing.md
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from paretobench.errors import ExecutorError
from paretobench.installation import install_command, not_installed
from paretobench.jobs import State
from paretobench.jobs.command import UnitCommand
from paretobench.jobs.shared_folder import JobProgress

SQUEUE_TIMEOUT_S = 60.0
"""A busy controller answers in seconds; one that does not answer is asked again later."""

SIGNAL_DELAY_S = 90
"""Slurm's warning before the time limit: submitit's own default."""


@dataclass(frozen=True)
class SlurmResources:
    """What each job asks for; None leaves it to the cluster.

    Attributes:
        partition: one or several, as sbatch writes them.
        gpus: of the node.
        cpus, memory_gb: of the job.
        minutes: time limit of one run of the job; a requeued one starts again.
        array_parallelism: jobs of one sweep that may run at a time.
        max_requeues: times that a job may run out of time and go on.
        setup: lines of shell before the worker, such as `module load cuda`.
        settings: further settings of submitit by its names, such as `account` or `qos`.
        sbatch: options of sbatch that submitit has no name for.
    """

    partition: str | None = None
    gpus: int | None = None
    cpus: int | None = None
    memory_gb: float | None = None
    minutes: int = 720
    array_parallelism: int = 16
    max_requeues: int = 3
    setup: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    sbatch: Mapping[str, Any] = field(default_factory=dict)


class SlurmEngine:
    """Jobs of Slurm; see `shared_folder.Engine`.

    Args:
        folder: where submitit keeps its scripts and pickles; on the shared disk.
        python: the interpreter of the job, with submitit and paretobench.
    """

    at_once: int | None = None
    is_here = False
    settle_s = 10.0

    def __init__(self, folder: Path, demands: SlurmResources, python: str) -> None:
        self._folder, self.demands, self._python = folder.absolute(), demands, python
        self.gpus = float(demands.gpus or 0)
        self.most_at_once: int | None = demands.array_parallelism
        self.name = f"slurm:{demands.partition}" if demands.partition else "slurm"

    def check(self) -> None:
        """Raises ExecutorError if Slurm's programs or submitit are missing, or no controller
        answers."""
        import_submitit()
        for program in ("sbatch", "squeue", "srun"):
            if shutil.which(program) is None:
                raise ExecutorError(
                    f"{program} is not on this machine's PATH; run the sweep on a login node of "
                    f"the cluster, or choose executor/accuracy=local"
                )
        try:
            ask("sinfo", "--noheader")
        except SlurmCommandError as error:
            raise ExecutorError(f"Slurm does not answer: {error}") from error

    def start(self, batch: str, commands: Sequence[UnitCommand]) -> list[str]:
        """One job, or one job array."""
        executor = self._executor(batch)
        try:
            with executor.batch():
                jobs = [executor.submit(command) for command in commands]
        except Exception as error:  # FailedJobError keeps sbatch's words in its cause
            raise ExecutorError(f"sbatch refused the jobs: {_words(error)}") from error
        return [str(job.job_id) for job in jobs]

    def find(self, batch: str) -> dict[int, str]:
        """By the job's name; an array's index is the position in the batch."""
        try:
            lines = ask("squeue", "--me", "--states=all", "--array", "--noheader",
                         f"--name={batch}", "--format=%i")  # fmt: skip
        except SlurmCommandError as error:
            raise ExecutorError(f"cannot ask Slurm for earlier jobs: {error}") from error
        return {int(job.partition("_")[2] or 0): job for job in lines}

    def progress_of(self, jobs: Sequence[str]) -> dict[str, JobProgress]:
        """From squeue, which knows a job for some minutes after its end."""
        try:
            lines = ask("squeue", "--me", "--states=all", "--array", "--noheader",
                         "--format=%i|%T|%r|%N")  # fmt: skip
        except SlurmCommandError:  # a controller that restarts has lost no job
            return {job: JobProgress(State.RUNNING) for job in jobs}
        wanted = set(jobs)
        rows = (line.split("|") for line in lines)
        return {
            job: job_progress(word, why, node) for job, word, why, node in rows if job in wanted
        }

    def cancel(self, job: str) -> None:
        """scancel."""
        with contextlib.suppress(SlurmCommandError):
            ask("scancel", job)

    def _executor(self, batch: str) -> Any:
        submitit = import_submitit()
        demands = self.demands
        asked = {
            "name": batch,
            "timeout_min": demands.minutes,
            "gpus_per_node": demands.gpus,
            "cpus_per_task": demands.cpus,
            "mem_gb": demands.memory_gb,
            "slurm_partition": demands.partition,
            "slurm_array_parallelism": demands.array_parallelism,
            "slurm_setup": list(demands.setup) or None,
            "slurm_signal_delay_s": SIGNAL_DELAY_S,
            "slurm_additional_parameters": {"requeue": True, **demands.sbatch},
            **{f"slurm_{name}": value for name, value in demands.settings.items()},
        }
        executor = submitit.AutoExecutor(
            folder=self._folder, cluster="slurm", slurm_max_num_timeout=demands.max_requeues,
            slurm_python=self._python,
        )  # fmt: skip
        try:
            executor.update_parameters(**{k: v for k, v in asked.items() if v is not None})
        except (ValueError, NameError, TypeError) as error:
            known = str(error).splitlines()[0]
            raise ExecutorError(f"a setting of executor.accuracy is unknown: {known}") from error
        return executor


class LocalEngine:
    """submitit's processes on this machine: the same path as a cluster, without one.

    Args:
        at_once: processes at a time; on one machine they share its memory and its GPU.
    """

    name = "submitit local"
    is_here = True
    settle_s = 1.0

    def __init__(self, folder: Path, demands: SlurmResources, at_once: int) -> None:
        self._folder, self._demands = folder.absolute(), demands
        self.gpus = float(demands.gpus or 0)
        self.at_once: int | None = at_once
        self.most_at_once: int | None = at_once
        self._ours: dict[str, Any] = {}

    def check(self) -> None:
        """Raises ExecutorError if submitit is missing."""
        import_submitit()

    def start(self, batch: str, commands: Sequence[UnitCommand]) -> list[str]:
        """One process per command."""
        executor = import_submitit().AutoExecutor(
            folder=self._folder, cluster="local", local_max_num_timeout=self._demands.max_requeues
        )
        executor.update_parameters(
            timeout_min=self._demands.minutes, gpus_per_node=self._demands.gpus or 0
        )
        with _ignore_sigint(), _without_terminal():
            jobs = [executor.submit(command) for command in commands]
        self._ours |= {str(job.job_id): job for job in jobs}
        return [str(job.job_id) for job in jobs]

    def find(self, batch: str) -> dict[int, str]:
        """Processes have no names; a worker that lives is known by its lock."""
        return {}

    def progress_of(self, jobs: Sequence[str]) -> dict[str, JobProgress]:
        """Those whose process lives."""
        for job in self._ours.values():
            job.done()  # reaps it
        return {job: JobProgress(State.RUNNING) for job in jobs if self._process(job) is not None}

    def cancel(self, job: str) -> None:
        """End the process and what it started."""
        process = self._process(job)
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()

    def _process(self, job: str) -> psutil.Process | None:
        """The job's process, if it is still that one: numbers are used again."""
        if not job.isdigit():
            return None
        try:
            process = psutil.Process(int(job))
            words = process.cmdline()
            is_ours = "submitit.local._local" in words and str(self._folder) in words
            return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None


_QUEUED = ("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SUSPENDED", "CONFIGURING",
           "SPECIAL_EXIT", "RESV_DEL_HOLD", "PREEMPTED")  # fmt: skip
_ALIVE = ("RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING", "RESIZING", "STOPPED")
_REASONS = {
    "CANCELLED": "it was cancelled in Slurm (scancel, or an administrator)",
    "TIMEOUT": "it ran out of its time more often than allowed; raise minutes or max_requeues",
    "OUT_OF_MEMORY": "it was killed for its memory; raise memory_gb or lower the batch size",
    "NODE_FAIL": "its node {node} failed",
    "DEADLINE": "its deadline passed",
    "COMPLETED": "it ended without a result",
}


def job_progress(word: str, why: str = "", node: str = "") -> JobProgress:
    """What one of Slurm's state words means for a unit without a result.

    References: https://slurm.schedmd.com/squeue.html, "Job state codes".

    >>> job_progress('PENDING').state.value, job_progress('OUT_OF_MEMORY').state.value
    ('queued', 'failed')
    """
    if word in _QUEUED:
        return JobProgress(State.QUEUED, why)
    if word in _ALIVE:
        return JobProgress(State.RUNNING)
    state = State.CANCELLED if word == "CANCELLED" else State.FAILED
    reason = _REASONS.get(word, "")
    if not reason and word == "FAILED":
        return JobProgress(state)  # the worker's own result has more
    return JobProgress(state, (reason or f"Slurm calls it {word}").format(node=node))


class SlurmCommandError(Exception):
    """One of Slurm's programs failed; its words."""


def ask(*command: str) -> list[str]:
    """The lines that one of Slurm's programs prints.

    Raises:
        SlurmCommandError: if it is not there, fails, or takes too long.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SQUEUE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmCommandError(str(error)) from error
    if done.returncode != 0:
        raise SlurmCommandError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _words(error: BaseException) -> str:
    """The words of the program that failed, seen through submitit's wrapping."""
    cause = error.__cause__ or error
    output = getattr(cause, "stderr", None) or getattr(cause, "output", None) or str(cause)
    text = output.decode("utf-8", "replace") if isinstance(output, bytes) else str(output)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else repr(error)


def import_submitit() -> Any:
    """The module.

    Raises:
        ExecutorError: if it is not installed.
    """
    try:
        import submitit
    except ImportError as error:
        raise ExecutorError(
            f"{not_installed('submitit')}; {install_command('slurm')}, here and where jobs run"
        ) from error
    return submitit


@contextlib.contextmanager
def _ignore_sigint() -> Iterator[None]:
    """Processes started inside do not get Ctrl-C: the terminal sends it to all of a session.

    Whether a Ctrl-C stops jobs is for the coordinator to decide.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _without_terminal() -> Iterator[None]:
    """Processes started inside hold neither our terminal nor a pipe of ours open.

    A job outlives us, and `sweep | tee` would not end before it does. submitit starts it with
    whatever we have as output; what it prints goes to its log in any case.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    try:
        for descriptor in kept:
            os.dup2(nowhere, descriptor)
        yield
    finally:
        for descriptor, ours in kept.items():
            os.dup2(ours, descriptor)
            os.close(ours)
        os.close(nowhere)


def visible_gpus() -> dict[str, str]:
    """submitit's local jobs see no GPU unless given a number; this lets them see what we see."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return {"CUDA_VISIBLE_DEVICES": "" if seen is None else seen or "-1"}
