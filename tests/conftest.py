"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.report.browser.chromium import Page

# Examples are not timed: other processes on the machine would make them flaky.
settings.register_profile("paretobench", deadline=None)
settings.load_profile("paretobench")

# A shell starts what runs in the background deaf to Ctrl-C, and so would be every process that
# a test starts in order to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def roomy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 GiB, whatever this machine has: no bundled language model is refused for its size."""
    found = psutil.virtual_memory()
    roomy = found._replace(total=64 << 30, available=60 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: roomy)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Page]:
    """One browser for every page that is looked at: a report's and the documentation's."""
    from tests.report.browser.chromium import browser, find_chromium

    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in CHROMIUM")
    with browser(executable) as page:
        yield page
