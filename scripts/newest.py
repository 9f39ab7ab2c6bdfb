"""Requirements without their bounds, and what is newer than the lock: for .ci/newest.

    python scripts/newest.py requirements     every package that the tests need, in any version
    python scripts/newest.py constraints      what keeps its version: the build of torch
    python scripts/newest.py compare          which installed versions the lock does not have

torch and torchvision belong to the machine's kind (a CPU build, a CUDA build), which a newest
version from the index would change.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("cpu", "accuracy", "slurm", "docs", "parquet", "dev")
KEPT = ("torch", "torchvision")


def wanted() -> list[Requirement]:
    """What the core and those extras ask for on this machine, but for the package itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *(project["optional-dependencies"][e] for e in EXTRAS)]
    found = [Requirement(text) for group in groups for text in group]
    own = canonicalize_name(project["name"])
    here = [each for each in found if each.marker is None or each.marker.evaluate()]
    return [each for each in here if canonicalize_name(each.name) != own]


def without_bounds(requirement: Requirement) -> str:
    """Its name and extras alone."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}"


def locked() -> dict[str, str]:
    """The version of each package in the lock, on this machine."""
    lines = (ROOT / "locks" / "cpu.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {pin.name: next(iter(pin.specifier)).version for pin in here}


def newer() -> list[str]:
    """`name locked -> installed` of each package whose version is another than the lock's."""
    found = []
    for name, version in sorted(locked().items()):
        try:
            installed = metadata.version(name).split("+")[0]
        except metadata.PackageNotFoundError:
            continue
        if installed != version:
            found.append(f"{name} {version} -> {installed}")
    return found


def main(what: str) -> None:
    """Print one of the three, a line for each package."""
    lines = {
        "requirements": lambda: sorted({without_bounds(each) for each in wanted()}),
        "constraints": lambda: [f"{name}=={locked()[name]}" for name in KEPT],
        "compare": newer,
    }[what]()
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1])
