"""What all tests share."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import settings

from paretobench.measure.contention import LIMIT_VARIABLE

if TYPE_CHECKING:
    from tests.report.browser.chromium import Page

# Examples are not timed: other processes on the machine would make them flaky.
settings.register_profile("paretobench", deadline=None)
settings.load_profile("paretobench")

# Whatever else this machine does, every sample counts; tests of contention set their own limit.
os.environ.setdefault(LIMIT_VARIABLE, "1")

# A shell starts what runs in the background deaf to Ctrl-C, and so would be every process that
# a test starts in order to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def folders_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Locks, artifacts and the inventory apart from those of whoever runs the tests.

    A sweep of theirs would hold the lock of this machine, and two processes of pytest-xdist
    would wait for each other; each has a lock folder of its own, as nothing here is timed.
    Artifacts they share, so that each is made once.
    """
    root = tmp_path_factory.mktemp("ours")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARETOBENCH_LOCKS", str(root / "locks"))
        patch.setenv("PARETOBENCH_CACHE", str(of_all_workers(tmp_path_factory) / "artifacts"))
        patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
        yield


def of_all_workers(factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all processes of pytest-xdist have in common."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


MadeOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Fills a folder once for all processes of pytest-xdist; each works on a copy of its own."""

    def copy_of(name: str, fill: Callable[[Path], None]) -> Path:
        made = of_all_workers(tmp_path_factory) / f"{name}.made"
        with made.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                begun = tmp_path_factory.mktemp(name)
                fill(begun)
                begun.rename(made)
        return shutil.copytree(made, tmp_path_factory.mktemp(name) / "copy", symlinks=True)

    return copy_of


@pytest.fixture
def roomy_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """64 GiB and 2 TFLOP/s, whatever this machine has and does meanwhile: no bundled language model
    is refused for its size, or predicted because it would take long."""
    from paretobench.backends import hardware
    from paretobench.measure import environment

    found = psutil.virtual_memory()
    roomy = found._replace(total=64 << 30, available=60 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: roomy)
    monkeypatch.setattr(hardware, "CGROUPS", tmp_path / "no control groups")
    monkeypatch.setattr(environment, "measure_gflops", lambda repetitions: 2000.0)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Page]:
    """One browser for every page that is looked at: a report's and the documentation's."""
    from tests.report.browser.chromium import browser, find_chromium

    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in CHROMIUM")
    with browser(executable) as page:
        yield page
