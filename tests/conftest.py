"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what shares a minute of set-up: no other process of pytest-xdist, which sets up anew,
    takes a part of it over in the end."""
    items.sort(key=lambda item: item.path.name != "test_sweep.py")


@pytest.fixture(scope="session", autouse=True)
def folders_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Locks, artifacts and the inventory apart from those of whoever runs the tests.

    A sweep of theirs would hold the lock of this machine, and two processes of pytest-xdist
    would wait for each other; each has a lock folder of its own, as nothing here is timed.
    Artifacts they share, so that each is made once.
    """
    root = tmp_path_factory.mktemp("ours")
    of_all = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        of_all = of_all.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARETOBENCH_LOCKS", str(root / "locks"))
        patch.setenv("PARETOBENCH_CACHE", str(of_all / "artifacts"))
        patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
        yield


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
