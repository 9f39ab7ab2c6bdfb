"""A command on a faked machine reads other flags and another memory; everything else stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import faked_machine

SCRIPT = Path(faked_machine.__file__)
CPUINFO = (
    "processor\t: 0\nflags\t\t: fpu sse2 avx avx2 avx512f avx512_bf16 avx_vnni bmi2\nbugs\t\t:\n"
)
MEMINFO = "MemTotal:       24684148 kB\nMemFree:         9417756 kB\nBuffers:          103436 kB\n"
ASK = (
    "import json, psutil; from paretobench.backends import hardware; "
    "print(json.dumps([hardware.detect().has_fast_bf16, psutil.virtual_memory().total]))"
)


def test_only_the_instruction_sets_that_are_faked_change() -> None:
    text = faked_machine.cpuinfo(CPUINFO, "avx2 amx_bf16")
    assert text == "processor\t: 0\nflags\t\t: fpu sse2 avx bmi2 avx2 amx_bf16\nbugs\t\t:\n"


def test_only_the_sizes_that_are_faked_change() -> None:
    lines = faked_machine.meminfo(MEMINFO, 8).splitlines()
    assert [line.split() for line in lines] == [
        ["MemTotal:", "8388608", "kB"],
        ["MemFree:", "7549747", "kB"],
        ["Buffers:", "103436", "kB"],
    ]


@pytest.mark.parametrize(
    ("machine", "bf16", "gib"), [("amx_64gib", True, 64), ("avx2_8gib", False, 8)]
)
def test_what_runs_there_decides_for_that_machine(machine: str, bf16: bool, gib: int) -> None:
    command = [sys.executable, SCRIPT, machine, sys.executable, "-c", ASK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount namespace here: {done.stderr.strip()}")
    assert json.loads(done.stdout) == [bf16, gib << 30]


def test_a_machine_that_there_is_not_is_answered_with_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "m1"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "avx2_8gib" in done.stderr
