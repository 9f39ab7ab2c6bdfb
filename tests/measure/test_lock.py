"""The device lock, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paretobench.errors import LockError
from paretobench.measure.lock import FOLDER_VARIABLE, DeviceLock

HOLD = """
import sys, time
from paretobench.measure.lock import DeviceLock
with DeviceLock().held():
    print('held', flush=True)
    time.sleep(60)
"""


def holder() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_held_device_is_refused_and_the_message_says_who_holds_it() -> None:
    process = holder()
    try:
        with pytest.raises(LockError, match=rf"process {process.pid} .*wait=true") as caught:
            DeviceLock().acquire(wait=False)
        assert "since" in str(caught.value)
    finally:
        process.kill()
        process.wait()


def test_a_waiting_process_says_so_once_and_goes_on_when_the_holder_dies() -> None:
    process, heard = holder(), []

    def announce(text: str) -> None:
        heard.append(text)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    with DeviceLock().held(announce=announce):
        assert len(heard) == 1
        assert f"process {process.pid}" in heard[0]


def test_a_lock_can_be_taken_again_after_it_was_given_back() -> None:
    lock = DeviceLock()
    for _ in range(2):
        with lock.held(wait=False):
            pass
    lock.release()


def test_a_child_that_inherits_the_lock_keeps_the_device() -> None:
    lock = DeviceLock()
    lock.acquire()
    child = subprocess.Popen(["sleep", "60"], pass_fds=(lock.fd,))
    lock.release()
    try:
        with pytest.raises(LockError):
            DeviceLock().acquire(wait=False)
    finally:
        child.kill()
        child.wait()
    lock = DeviceLock()
    lock.acquire(wait=False)
    lock.release()


def test_the_file_of_a_lock_that_is_not_held_cannot_be_asked_for() -> None:
    with pytest.raises(LockError, match="is not held"):
        _ = DeviceLock().fd


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file" / "locks"))
    with pytest.raises(LockError, match=f"cannot open the lock file.*{FOLDER_VARIABLE}"):
        DeviceLock().acquire()


def test_a_spoilt_lock_file_holds_nobody_up(own_locks: Path) -> None:
    own_locks.mkdir()
    (own_locks / "machine.lock").write_text("{broken")
    lock = DeviceLock()
    assert lock.holder() == "another process"
    with lock.held(wait=False):
        assert str(os.getpid()) in lock.holder()
