"""Real OpenSSH keys, made on the spot."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed"
)


@dataclass(frozen=True)
class Signer:
    """Somebody with a key of their own."""

    name: str
    private: Path

    def allowed(self, options: str = 'namespaces="paretobench"') -> str:
        """The line of this person in a file of allowed signers."""
        public = self.private.with_suffix(".pub").read_text(encoding="ascii")
        return f"{self.name} {options} {public}"


def make_signer(folder: Path, name: str, passphrase: str = "") -> Signer:
    """A fresh Ed25519 key."""
    key = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return Signer(f"{name}@example.org", key)


def allow(path: Path, *lines: str) -> Path:
    """Write a file of allowed signers."""
    path.write_text("# who may send bundles\n" + "".join(lines), encoding="ascii")
    return path
