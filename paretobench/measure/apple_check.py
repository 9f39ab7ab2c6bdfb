"""What `doctor --apple` finds: whether this machine can convert, measure, and reach a phone.

On a Mac the calls into Core ML that answer at once are made for real; the longer checks are
`scripts/mac_tester.py`'s. Elsewhere the findings say what can still be done here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from paretobench.backends import coreml_runtime, hardware
from paretobench.backends.artifacts import ArtifactStore
from paretobench.backends.coreml import INSTALL, convert_elsewhere
from paretobench.backends.coreml_convert import can_convert
from paretobench.errors import ParetobenchError
from paretobench.measure.quiet import Finding
from paretobench.resources import cache_folder
from paretobench.units import counted, gibibytes

OLDEST_MACOS = (14, 0)
"""What packages are made for by default; MLX's wheels need it too."""

PLACEMENT_MACOS = (14, 4)
"""MLComputePlan appeared in macOS 14.4."""

Ask = Callable[[], list[str]]


def check(root: Path | None = None) -> list[Finding]:
    """Every finding, fine or not.

    Args:
        root: of the artifact store; None for this user's.
    """
    found = [measuring(), converting(), packages(root or cache_folder())]
    if hardware.detect().is_apple_silicon:
        build = coreml_runtime.system_build()
        found += [system(build), devices(coreml_runtime.compute_devices), phones()]
    return found


def measuring() -> Finding:
    """Whether Core ML can run here."""
    machine = hardware.detect()
    here = f"{machine.system} {machine.machine}"
    wanted = "a Mac with Apple silicon"
    return Finding("measuring", here, wanted, machine.is_apple_silicon, convert_elsewhere())


def converting() -> Finding:
    """Whether encoders can be converted here, on whatever system."""
    names = ("coremltools", "torch", "timm")
    versions = ", ".join(f"{name} {hardware.version_of(name) or 'missing'}" for name in names)
    return Finding("converting", versions, "all three installed", can_convert(), INSTALL)


def packages(root: Path) -> Finding:
    """Packages that are converted already, of their own or copied from elsewhere."""
    found = [one for one in ArtifactStore(root) if one.manifest.get("format") == "coreml"]
    size = gibibytes(sum(one.size_bytes for one in found))
    value = f"{counted(len(found), 'package')}, {size}" if found else "none"
    advice = "'paretobench artifacts build +grid=NAME device=apple' makes them, here or on Linux"
    return Finding("converted packages", value, "any number", True, advice)


def system(build: str) -> Finding:
    """Whether the system is new enough to run packages and to say where operations go.

    Args:
        build: version and build, as in `14.5 23F79`.
    """
    version = tuple(int(part) for part in build.split()[0].split(".")[:2] if part.isdigit())
    is_fine = version >= PLACEMENT_MACOS
    advice = "update macOS: from 14.4 on it says what is off the Neural Engine"
    if version < OLDEST_MACOS:
        advice = "update macOS: packages are made for 14 and newer"
    return Finding("macOS", build, "14.4 or newer", is_fine, advice)


def devices(ask: Ask) -> Finding:
    """Whether Core ML offers the Neural Engine.

    Args:
        ask: `coreml_runtime.compute_devices`.
    """
    try:
        found = ask()
    except (ParetobenchError, ImportError, AttributeError, RuntimeError) as error:
        return Finding("Core ML devices", f"no answer: {error}", "an answer", False, INSTALL)
    has_engine = any(name.startswith("neural_engine") for name in found)
    advice = "virtual machines have none; device=apple_gpu or apple_cpu runs without"
    return Finding("Core ML devices", ", ".join(found), "a Neural Engine", has_engine, advice)


def phones() -> Finding:
    """Whether Xcode's tools, which reach an iPhone, are there."""
    tool = shutil.which("xcrun")
    advice = "install Xcode to measure on an iPhone; nothing else needs it"
    return Finding("Xcode tools", tool or "missing", "only for iPhone and iPad", True, advice)
