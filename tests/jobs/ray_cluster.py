"""A Ray of one node on this machine, with custom resources, on ports of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

START_S = 120.0


def missing() -> str:
    """Why Ray cannot run here; empty if it can."""
    return "" if importlib.util.find_spec("ray") else "ray is not installed: pip install ray"


@contextlib.contextmanager
def cluster(resources: Mapping[str, float], cpus: int = 2) -> Iterator[str]:
    """A running cluster while inside; yields its address."""
    # Ray's sockets lie below this folder, and their names may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pbray", dir="/tmp"))
    port = _free_port()
    command = [
        str(Path(sys.executable).with_name("ray")), "start", "--head", "--block",
        f"--port={port}", f"--num-cpus={cpus}", f"--resources={json.dumps(dict(resources))}",
        "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}",
        "--object-store-memory=100000000", "--node-ip-address=127.0.0.1",
        "--min-worker-port=20000", "--max-worker-port=20200",
    ]  # fmt: skip
    # Workers are niced by 15 by default: on a machine that is busy with tests they starve.
    variables = {**os.environ, "RAY_worker_niceness": "0"}
    with (folder / "head.out").open("wb") as out:
        head = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=variables, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_S
        while "Ray runtime started" not in (folder / "head.out").read_text(errors="replace"):
            if head.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "head.out").read_text(errors="replace")[-2000:])
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        for process in [*psutil.Process(head.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(head.pid, signal.SIGKILL)
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
