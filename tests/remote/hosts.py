"""Two hosts on one machine: network namespaces, each with an sshd, a host key and an address.

Real ssh, real sshd, a real network that can be unplugged. Needs root, `ip` (iproute2) and
`sshd` (openssh-server).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def why_not() -> str:
    """Why no hosts can be made here; empty if they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "ssh", "ssh-keygen", "/usr/sbin/sshd"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    probe = f"pb-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        return "network namespaces are not allowed here"
    _quietly("ip", "netns", "delete", probe)
    return ""


@dataclass(frozen=True)
class Host:
    """One namespace with its sshd.

    Attributes:
        address: as ssh takes it.
        link: this side of its cable.
        known: a line for a known_hosts file.
    """

    name: str
    address: str
    link: str
    known: str

    def unplug(self) -> None:
        """Pull the cable: nothing is refused, nothing answers."""
        _do("ip", "link", "set", self.link, "down")


@dataclass(frozen=True)
class Hosts:
    """Hosts that accept one key."""

    folder: Path
    hosts: tuple[Host, ...]

    @property
    def small_disk(self) -> Path:
        """A folder on a disk of one MiB."""
        return self.folder / "small"

    def options(self, key: str = "key", known: str = "known_hosts") -> list[str]:
        """Arguments of ssh: this key and these known hosts, nothing of the user's own."""
        return [
            "-F", "/dev/null",
            "-i", str(self.folder / key),
            "-o", "IdentitiesOnly=yes",
            "-o", f"UserKnownHostsFile={self.folder / known}",
            "-o", "GlobalKnownHostsFile=/dev/null",
        ]  # fmt: skip


@contextmanager
def two_hosts(folder: Path) -> Iterator[Hosts]:
    """Two hosts while inside; both accept `folder/key`, and are in `folder/known_hosts`."""
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("key", "other_key"):
        _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    processes: list[subprocess.Popen[bytes]] = []
    made: list[Host] = []
    small = Hosts(folder, ()).small_disk
    small.mkdir()  # before the hosts, which see the mounts of their beginning
    _do("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small))
    try:
        for number, name in enumerate(("bench", "shelf")):
            made.append(_host(folder, name, number, processes))
        (folder / "known_hosts").write_text("".join(host.known for host in made))
        yield Hosts(folder, tuple(made))
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for number in range(2):
            _quietly("ip", "netns", "delete", _namespace(number))
        _quietly("umount", str(small))


def _namespace(number: int) -> str:
    return f"pb{os.getpid() % 100000}n{number}"


def _host(folder: Path, name: str, number: int, processes: list[subprocess.Popen[bytes]]) -> Host:
    space, net = _namespace(number), f"10.{200 + number}.{os.getpid() % 250}"
    link, inner = f"{space}o", f"{space}i"
    _do("ip", "netns", "add", space)
    _do("ip", "link", "add", link, "type", "veth", "peer", "name", inner, "netns", space)
    _do("ip", "address", "add", f"{net}.1/24", "dev", link)
    _do("ip", "link", "set", link, "up")
    _do("ip", "netns", "exec", space, "ip", "address", "add", f"{net}.2/24", "dev", inner)
    for device in (inner, "lo"):
        _do("ip", "netns", "exec", space, "ip", "link", "set", device, "up")
    own_key = folder / f"{name}_host_key"
    _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own_key))
    config = folder / f"{name}_sshd"
    config.write_text(
        f"ListenAddress {net}.2\nHostKey {own_key}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder / 'key.pub'}\nPasswordAuthentication no\n"
        "PermitRootLogin prohibit-password\nMaxStartups 100\n"
    )
    log = (folder / f"{name}_sshd.log").open("wb")
    command = ["ip", "netns", "exec", space, "/usr/sbin/sshd", "-D", "-e", "-f", str(config)]
    processes.append(subprocess.Popen(command, stdout=log, stderr=log))
    log.close()
    _wait_for(f"{net}.2")
    kind, key, *_ = own_key.with_suffix(".pub").read_text().split()
    return Host(name, f"root@{net}.2", link, f"{net}.2 {kind} {key}\n")


def _wait_for(address: str) -> None:
    for _ in range(200):
        if subprocess.run(["ssh-keyscan", "-T", "1", address], capture_output=True).stdout:
            return
        time.sleep(0.1)
    raise AssertionError(f"no sshd answers at {address}")


def _do(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _quietly(*words: str) -> None:
    subprocess.run(words, check=False, capture_output=True)
