"""The committed locks hold an exact version of whatever pyproject.toml asks for, and no address."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MACHINES = {
    "cpu": ("linux", "x86_64"),
    "cuda": ("linux", "x86_64"),
    "apple": ("darwin", "arm64"),
}
"""Which platform each lock is mostly for."""
BESIDE = ("accuracy", "slurm", "ray", "parquet", "docs", "dev")


def lines(lock: str) -> list[str]:
    text = (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def versions(lock: str) -> dict[str, Version]:
    """The version of each package on the platform that the lock is mostly for."""
    platform, machine = MACHINES[lock]
    environment = default_environment() | {
        "sys_platform": platform,
        "platform_machine": machine,
        "platform_system": {"linux": "Linux", "darwin": "Darwin"}[platform],
    }
    found = {}
    for line in map(Requirement, lines(lock)):
        if line.marker is None or line.marker.evaluate(environment):
            (pin,) = line.specifier
            found[line.name] = Version(pin.version)
    return found


def asked(lock: str) -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    named = [PROJECT["dependencies"], extras[lock], *(extras[each] for each in BESIDE)]
    return [Requirement(text) for group in named for text in group]


@pytest.mark.parametrize("lock", MACHINES)
def test_a_lock_holds_what_the_extra_asks_for_in_a_version_it_allows(lock: str) -> None:
    platform, machine = MACHINES[lock]
    environment = {"sys_platform": platform, "platform_machine": machine}
    held = versions(lock)
    wrong = [
        str(each)
        for each in asked(lock)
        if each.name != "paretobench"
        and (each.marker is None or each.marker.evaluate(environment))
        and not each.specifier.contains(str(held.get(normalized(each.name), "0")))
    ]
    assert wrong == [], "make lock adds what is missing"


@pytest.mark.parametrize("lock", MACHINES)
def test_a_lock_names_versions_only(lock: str) -> None:
    pin = re.compile(r"[a-z0-9._-]+==[0-9][\w.!]*( ; [\w\s.<>=!'()-]+)?")
    assert [line for line in lines(lock) if not pin.fullmatch(line)] == []


def test_a_pin_loses_the_label_of_a_local_build_and_anything_else_is_refused() -> None:
    text = "torch==2.13.0+cpu ; sys_platform == 'linux'\n# a note\nrich==15.0.0\n"
    code = (
        "import sys; sys.path.insert(0, 'scripts'); import lock; "
        f"print(lock.pins({text!r})); lock.pins('rich @ file:///x')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    kept = ["torch==2.13.0 ; sys_platform == 'linux'", "rich==15.0.0"]
    assert done.stdout.strip() == str(kept)
    assert done.returncode == 1 and "rich @ file:///x" in done.stderr


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
