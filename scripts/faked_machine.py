"""Run a command where the kernel reports another processor and another memory.

    python scripts/faked_machine.py avx2_8gib python -m pytest

In a mount namespace of its own the command and all its children read other flags in
/proc/cpuinfo and other sizes in /proc/meminfo; nothing in the package knows of it. What is
decided from these facts (precision, runtime, what is refused for its size) is then tested as
on such a machine. What really computes keeps the real processor: faking instructions that it
lacks shows in the runtimes' own refusals. Linux only; root, or unprivileged user namespaces.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

WIDE = "avx512f avx512dq avx512bw avx512vl avx512_vnni avx512_bf16 avx512_fp16"
TILES = "amx_tile amx_bf16 amx_int8"
MACHINES = {"amx_64gib": (f"avx2 {WIDE} {TILES}", 64), "avx2_8gib": ("avx2", 8)}
"""Instruction sets beyond those that every processor of the last ten years has, and GiB."""

BEYOND = re.compile(r"avx2|avx512\w*|amx_\w+|avx_vnni\w*|avx_\w+")
"""Flags that the faked machine sets itself."""

FREE_SHARE = 0.9
"""Of its memory: a machine on which little else runs."""


def cpuinfo(text: str, flags: str) -> str:
    """The same processors with other instruction sets."""

    def line(match: re.Match[str]) -> str:
        kept = [flag for flag in match[2].split() if not BEYOND.fullmatch(flag)]
        return f"{match[1]}{' '.join([*kept, *flags.split()])}"

    return re.sub(r"^(flags\s*:\s)(.*)$", line, text, flags=re.MULTILINE)


def meminfo(text: str, gib: int) -> str:
    """The same memory statistics with other sizes, in kB."""
    total = gib * 2**20
    sizes = {"MemTotal": total, "MemFree": total, "MemAvailable": total}
    for name, kib in sizes.items():
        size = kib if name == "MemTotal" else int(FREE_SHARE * kib)
        text = re.sub(rf"^({name}:)\s+\d+", rf"\1 {size:>14}", text, flags=re.MULTILINE)
    return text


def main() -> None:
    """Write both files, then become the command."""
    name, command = (sys.argv[1] if sys.argv[1:] else ""), sys.argv[2:]
    unshare = shutil.which("unshare")
    if name not in MACHINES or not command or unshare is None:
        sys.exit(f"faked_machine.py {'|'.join(MACHINES)} COMMAND..., on Linux with unshare")
    flags, gib = MACHINES[name]
    folder = Path(tempfile.mkdtemp(prefix="faked-machine-"))
    for file, text in (
        ("cpuinfo", cpuinfo(Path("/proc/cpuinfo").read_text(), flags)),
        ("meminfo", meminfo(Path("/proc/meminfo").read_text(), gib)),
    ):
        (folder / file).write_text(text)
    mount = 'mount --bind "$0/cpuinfo" /proc/cpuinfo && mount --bind "$0/meminfo" /proc/meminfo'
    namespace = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    start = [unshare, *namespace, "sh", "-c", f'{mount} && exec "$@"', str(folder), *command]
    os.environ["FAKED_MACHINE"] = name
    os.execv(unshare, start)


if __name__ == "__main__":
    main()
