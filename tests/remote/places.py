"""Machines for tests: a fake `ssh` on the path, and pretended devices behind it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from paretobench.config import InventoryDevice, Limits

HERE = Path(__file__).resolve().parent
COMMAND = f"{sys.executable} {HERE / 'pretend_device.py'}"


def put_fake_ssh_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, `ssh` is `fake_ssh.py`."""
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "fake_ssh.py"} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def write_own_inventory(folder: Path, machines: Mapping[str, object]) -> None:
    """An inventory in the configuration folder `folder/config`, which may name any command."""
    path = folder / "config" / "paretobench" / "devices.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(machines)))


def place(name: str, locks: Path, host: str = "fine", limits: Limits | None = None,
          **variables: str) -> InventoryDevice:  # fmt: skip
    """A pretended device that is its own environment and has its own lock."""
    environment = {"PRETEND_CHIP": name, "PARETOBENCH_LOCKS": str(locks / name), **variables}
    return InventoryDevice(
        name,
        host=host,
        profile="pretended",
        command=COMMAND,
        environment=environment,
        limits=limits or Limits(),
    )
