"""Whether a folder can hold the database: does it exist, and is it on a local disk?

SQLite's write-ahead log shares memory between the processes that use a database. Across a
network there is no such memory, and two hosts would corrupt the file
(https://sqlite.org/wal.html, section "Disadvantages").
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from paretobench.errors import StoreError

NETWORK_TYPES = frozenset([
    "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.glusterfs",
    "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
    "nfs4", "smb", "smb2", "smb3", "smbfs", "webdav",
])  # fmt: skip
"""File systems that live on another host, by the names of /proc/mounts and of macOS's mount."""


@dataclass(frozen=True)
class Mount:
    """One line of the mount table: where it is mounted, and its type."""

    point: str
    type: str


def prepare_folder(path: Path) -> None:
    """Make the folder that is to hold `path`.

    Raises:
        StoreError: if it cannot be made or is not a folder.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {path.parent} for the database: {error.strerror}.\n"
            "Choose another place (database=PATH for a sweep or plan, -d PATH otherwise)."
        ) from None


def network_mount(path: Path) -> Mount | None:
    """The network file system that `path`, which need not exist, is on; None if the disk is
    local."""
    mount = mount_of(path, read_mounts())
    return mount if mount is not None and mount.type in NETWORK_TYPES else None


def refuse_network_mount(path: Path) -> None:
    """Refuse to write a database on a network file system.

    Raises:
        StoreError: with the file system's type, its mount point and what to do instead.
    """
    mount = network_mount(path)
    if mount is not None:
        raise StoreError(
            f"{path} is on a network file system ({mount.type} on {mount.point}), where SQLite's "
            "write-ahead log is unsafe.\nPut the database on a local disk\n"
            "(database=PATH for a sweep or plan, -d PATH otherwise); let "
            "other machines write spool files and `paretobench import` them."
        )


def mount_of(path: Path, mounts: list[Mount]) -> Mount | None:
    """The mount that `path` is on: the longest mount point that is a parent; the last wins.

    >>> table = [Mount('/', 'ext4'), Mount('/home', 'nfs4')]
    >>> mount_of(Path('/home/ann/a.db'), table).type, mount_of(Path('/homes/a.db'), table).type
    ('nfs4', 'ext4')
    """
    absolute = os.path.realpath(path)
    best: Mount | None = None
    for mount in mounts:
        root = mount.point.rstrip("/") + "/"
        if absolute.startswith(root) and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def read_mounts() -> list[Mount]:
    """This machine's mount table; empty where it cannot be read."""
    if sys.platform == "darwin":
        return parse_macos_mounts(_macos_mount_output())
    try:
        return parse_linux_mounts(Path("/proc/mounts").read_text(errors="replace"))
    except OSError:
        return []


def parse_linux_mounts(text: str) -> list[Mount]:
    r"""Read /proc/mounts, where a space in a path is written `\040`.

    >>> parse_linux_mounts('server:/a /home/my\\040disk nfs4 rw 0 0')
    [Mount(point='/home/my disk', type='nfs4')]
    """
    fields = [line.split() for line in text.splitlines()]
    return [
        Mount(line[1].replace("\\040", " ").replace("\\011", "\t"), line[2])
        for line in fields
        if len(line) >= 3
    ]


def parse_macos_mounts(text: str) -> list[Mount]:
    """Read the output of macOS's `mount`.

    >>> parse_macos_mounts('//ann@nas/lab on /Volumes/lab (smbfs, nodev)')
    [Mount(point='/Volumes/lab', type='smbfs')]
    """
    mounts = []
    for line in text.splitlines():
        where, _, options = line.rpartition(" (")
        _, _, point = where.partition(" on ")
        if point:
            mounts.append(Mount(point, options.rstrip(")").split(",")[0].strip()))
    return mounts


def _macos_mount_output() -> str:
    try:
        return subprocess.run(
            ["/sbin/mount"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
