"""Memory: what a control group leaves of it, and that a sweep stays under what its plan said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from paretobench.backends.hardware import usable_memory_bytes
from paretobench.measure.contention import LIMIT_VARIABLE

GIB = 1 << 30
COORDINATOR_BYTES = 350 << 20
"""The sweep itself, which starts the processes, keeps the store and draws the report."""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": f"{GIB}"}, GIB),
        ("0::/a\n", {"a/memory.max": f"{2 * GIB}", "memory.max": f"{GIB}"}, GIB),
        ("0::/\n", {"memory.max": f"{GIB}"}, GIB),
        ("5:cpu:/x\n4:memory:/a\n", {"memory/a/memory.limit_in_bytes": f"{GIB}"}, GIB),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("0::/a\n", {"a/memory.max": "max"}, None),
        ("", {}, None),
    ],
)
def test_the_least_limit_of_a_control_group_and_those_above_it_counts(
    own: str, files: dict[str, str], expected: int | None, tmp_path: Path
) -> None:
    write(tmp_path / "own", own)
    for name, text in files.items():
        write(tmp_path / "groups" / name, text)
    found = usable_memory_bytes(tmp_path / "own", tmp_path / "groups")
    assert found == (expected or psutil.virtual_memory().total)


class Group:
    """A control group of this test's own, with a limit of memory."""

    def __init__(self, folder: Path, limit_name: str) -> None:
        self.folder, self._limit = folder, folder / limit_name
        folder.mkdir()

    def run(self, limit_bytes: int, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command under a limit, all its children included."""
        self._limit.write_text(str(limit_bytes))

        def enter() -> None:
            (self.folder / "cgroup.procs").write_text(str(os.getpid()))

        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, preexec_fn=enter, check=False,
            env={**os.environ, LIMIT_VARIABLE: "1"},
        )  # fmt: skip


@pytest.fixture
def group() -> Iterator[Group]:
    """A group, where this process may make one."""
    for root, name in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        if (root / "cgroup.procs").exists() and os.access(root, os.W_OK):
            try:
                made = Group(root / f"paretobench-test-{os.getpid()}", name)
            except OSError:
                continue
            if (made.folder / name).exists():
                yield made
                made.folder.rmdir()
                return
            made.folder.rmdir()
    pytest.skip("no control group with a limit of memory can be made here: that takes root")


def ours(*words: str) -> list[str]:
    return [sys.executable, "-m", "paretobench", *words]


def test_a_plan_is_made_for_the_memory_of_the_group(group: Group, tmp_path: Path) -> None:
    words = ours("plan", "encoder=fastvithd", "llm=qwen2_7b", "device=cpu", "horizon=none")
    done = group.run(8 * GIB, *words, cwd=tmp_path)
    assert "this machine has 8.00 GiB" in done.stderr, done.stderr


@pytest.mark.heavy
def test_a_sweep_runs_in_the_memory_that_its_plan_names(group: Group, tmp_path: Path) -> None:
    """Exporting, loading and running, in the largest process that was planned and not more."""
    pytest.importorskip("openvino")
    pytest.importorskip("xllamacpp")
    words = [
        "encoder=fastvithd", "resolution=256", "llm=qwen2_0_5b", "precision=int4", "check=0",
        "fidelity=quick", "device.encode.backend=openvino", "device.prefill.backend=llamacpp",
    ]  # fmt: skip
    plan = subprocess.run(
        ours("plan", *words, "--json"), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    planned = max(
        one["estimated_peak_memory_bytes"] for one in json.loads(plan.stdout)["workloads"]
    )
    done = group.run(planned + COORDINATOR_BYTES, *ours("sweep", *words), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
