"""Network file systems are recognised by the mount table."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.store import filesystem
from paretobench.store.filesystem import Mount

LINUX = """/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
server:/home /home nfs4 rw 0 0
//nas/lab /mnt/lab\\040data cifs rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
drvfs /mnt/c 9p rw 0 0
"""
MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//ann@nas/lab on /Volumes/lab data (smbfs, nodev, nosuid, mounted by ann)
"""


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/home/ann/a.db", "nfs4"),
        ("/mnt/lab data/a.db", "cifs"),
        ("/mnt/c/a.db", "9p"),
        ("/home/local/a.db", None),
        ("/homes/a.db", None),
        ("/srv/a.db", None),
    ],
)
def test_the_longest_mount_point_decides(path: str, type_: str | None, monkeypatch) -> None:
    mounts = filesystem.parse_linux_mounts(LINUX)
    monkeypatch.setattr(filesystem, "read_mounts", lambda: mounts)
    found = filesystem.network_mount(Path(path))
    assert (found and found.type) == type_


def test_a_later_mount_hides_an_earlier_one(monkeypatch) -> None:
    mounts = [Mount("/data", "nfs"), Mount("/data", "ext4")]
    monkeypatch.setattr(filesystem, "read_mounts", lambda: mounts)
    assert filesystem.network_mount(Path("/data/a.db")) is None


def test_macos_writes_its_table_differently() -> None:
    mounts = filesystem.parse_macos_mounts(MACOS)
    assert mounts == [Mount("/", "apfs"), Mount("/Volumes/lab data", "smbfs")]


def test_a_symbolic_link_onto_the_network_is_followed(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    mounts = [Mount(str((tmp_path / "far").resolve()), "nfs")]
    monkeypatch.setattr(filesystem, "read_mounts", lambda: mounts)
    found = filesystem.network_mount(tmp_path / "near" / "a.db")
    assert found == mounts[0]


def test_this_machines_table_can_be_read() -> None:
    assert any(mount.point == "/" for mount in filesystem.read_mounts())


def test_no_table_means_no_refusal(monkeypatch) -> None:
    monkeypatch.setattr(filesystem, "read_mounts", list)
    assert filesystem.network_mount(Path("/a.db")) is None
