"""A Slurm of one node on this machine: Debian's slurm-wlm and munge, configuration of our own.

Everything lies in one folder and listens on the loopback on ports of its own, so that neither a
Slurm of this machine nor its configuration is touched. Needs root, since slurmd does.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "srun", "scontrol", "scancel")
START_S = 60.0

# A requeued job waits for its old credential to expire, two minutes unless said otherwise.
CONFIGURATION = """
ClusterName=paretobench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=8
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
SchedulerParameters=sched_interval=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=9
"""


def missing() -> str:
    """Why Slurm cannot run here; empty if it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "slurmd needs root"
    absent = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    return f"{', '.join(absent)} missing: apt-get install slurm-wlm munge" if absent else ""


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """A running cluster while inside; yields the variables that its programs need."""
    configuration = _configure(folder)
    variables = {**os.environ, "SLURM_CONF": str(configuration), "PATH": _path()}
    munge = folder / "munge"
    commands = [
        ["munged", "--foreground", "--force", f"--socket={munge}/socket", f"--key-file={munge}/key",
         f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"],
        ["slurmctld", "-D", "-c", "-f", str(configuration)],
        ["slurmd", "-D", "-c", "-f", str(configuration), "-N", socket.gethostname().split(".")[0]],
    ]  # fmt: skip
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            with (folder / f"{command[0]}.out").open("wb") as out:
                daemons.append(
                    subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=variables)
                )
            if command[0] == "munged":
                _await(lambda: (munge / "socket").exists(), "munged", folder)
        _await(lambda: "idle" in _said(["sinfo", "-h", "-o", "%T"], variables), "slurm", folder)
        yield variables
    finally:
        _said(["scancel", "--state=RUNNING", "--full", "--me"], variables)
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _configure(folder: Path) -> Path:
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o755)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    path = folder / "slurm.conf"
    path.write_text(
        CONFIGURATION.format(
            folder=folder,
            host=socket.gethostname().split(".")[0],
            controller_port=_free_port(),
            node_port=_free_port(),
        )
    )
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _path() -> str:
    """Daemons lie in sbin, which a user's PATH may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _said(command: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    return done.stdout


def _await(happened, what: str, folder: Path) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + START_S
    while not happened():
        if time.monotonic() > deadline:
            logs = [path.read_text(errors="replace")[-1500:] for path in folder.glob("*.out")]
            raise RuntimeError(f"{what} did not start: {' '.join(logs)}")
        time.sleep(0.2)
