"""What this machine and its installed packages can do, found out without importing them.

Deciding `device=auto`, printing `doctor` and refusing a precision must be instant, so nothing
here imports a framework: processor features come from the operating system, versions from
installed metadata, and whether torch was built for CUDA from its version file.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Linux names of instructions that multiply bf16 at full speed (x86-64; `bf16` on Arm)."""


@dataclass(frozen=True)
class Hardware:
    """The facts that a choice of runtimes rests on.

    Attributes:
        system: `Linux`, `Darwin`, ...
        machine: `x86_64`, `arm64`, `aarch64`, ...
        has_fast_bf16: the processor multiplies bf16 faster than fp32.
        has_cuda: an NVIDIA driver is loaded.
        bf16_feature: the instruction set's name, for the sentence that explains a choice.
    """

    system: str
    machine: str
    has_fast_bf16: bool
    has_cuda: bool
    bf16_feature: str = ""

    @property
    def is_apple_silicon(self) -> bool:
        """Whether Core ML's Neural Engine and Metal are here."""
        return self.system == "Darwin" and self.machine == "arm64"


@lru_cache(maxsize=1)
def detect() -> Hardware:
    """The hardware of this machine; read once per process."""
    system, machine = platform.system(), platform.machine()
    features = processor_features()
    bf16 = sorted(features & _BF16_FLAGS)
    return Hardware(system, machine, bool(bf16), has_nvidia_driver(), bf16[0] if bf16 else "")


def version_of(distribution: str) -> str:
    """The installed version of a distribution; empty if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def versions_of(*distributions: str) -> dict[str, str]:
    """The installed versions by distribution, as for `version_of`."""
    return {name: version_of(name) for name in distributions}


def is_installed(module: str) -> bool:
    """Whether a top-level module could be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def folders_of(module: str) -> list[Path]:
    """Where an installed package's files are, without importing it; none if it is not installed."""
    spec = importlib.util.find_spec(module)
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]


def cannot_export(install: str) -> str:
    """Why an encoder cannot be built and exported here; empty if it can.

    Args:
        install: the command that installs what is missing.
    """
    is_possible = is_installed("torch") and is_installed("timm")
    return "" if is_possible else f"exporting an encoder needs torch and timm: {install}"


def torch_was_built_for_cuda() -> bool:
    """Whether the installed torch carries CUDA kernels; reads its version file as text."""
    texts = [text_of(folder / "version.py") or "" for folder in folders_of("torch")]
    return any(re.search(r"^cuda\b[^=]*=\s*['\"]", text, re.MULTILINE) for text in texts)


CGROUPS = Path("/sys/fs/cgroup")
"""Where control groups are mounted (cgroups(7))."""


def usable_memory_bytes(
    own_groups: Path = Path("/proc/self/cgroup"), root: Path | None = None
) -> int:
    """Physical memory, or less where a control group limits it (`systemd-run -p MemoryMax=8G`, a
    container).

    Args:
        own_groups: the groups of this process, a line each (cgroups(7)).
        root: where their files are; None for `CGROUPS`.
    """
    import psutil

    root = root or CGROUPS
    limits = [int(psutil.virtual_memory().total)]
    for line in (text_of(own_groups) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            limits += _limits(root, path, "memory.max")
        elif "memory" in controllers.split(","):
            limits += _limits(root / "memory", path, "memory.limit_in_bytes")
    return min(limits)


def _limits(mounted: Path, path: str, name: str) -> list[int]:
    """The limits of a control group and of those above it; one without a limit has none."""
    folder = mounted / path.lstrip("/")
    found = []
    for each in (folder, *folder.parents):
        if (text := text_of(each / name)) is not None and text.isdigit():
            found.append(int(text))
        if each == mounted:
            break
    return found


CPUINFO = Path("/proc/cpuinfo")
"""Linux's description of the processor (proc(5))."""


def processor_features(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """Instruction sets of the processor by their Linux names; of an Apple one `bf16` alone."""
    if platform.system() == "Darwin":  # FEAT_BF16: M2 and later
        has_bf16 = answer_of("sysctl", "-n", "hw.optional.arm.FEAT_BF16") == "1"
        return frozenset({"bf16"} if has_bf16 else ())
    text = text_of(cpuinfo) or ""
    return frozenset((field_of(text, "flags") or field_of(text, "Features") or "").split())


def has_nvidia_driver() -> bool:
    """Whether the kernel has NVIDIA's driver loaded."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


def text_of(path: Path | str) -> str | None:
    """What a file of the kernel says; None where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def field_of(text: str, name: str) -> str | None:
    """The first value of `name : value` lines.

    >>> field_of("flags\t\t: fpu vme", "flags")
    'fpu vme'
    """
    match = re.search(rf"^{re.escape(name)}\s*:\s*(.+)$", text, re.MULTILINE)
    return match.group(1).strip() if match else None


def answer_of(*command: str) -> str | None:
    """The stripped output of a system tool; None if it is not there or fails."""
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
