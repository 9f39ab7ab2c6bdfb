"""Closed and broken streams end no verb; SIGTERM and SIGHUP end one as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from paretobench import cli
from paretobench.cli.streams import StoppedBySignal, stopping_signals

LIST = (sys.executable, "-m", "paretobench", "ls", "published", "--json")


def shell(redirections: str) -> subprocess.CompletedProcess[str]:
    command = " ".join(LIST)
    return subprocess.run(
        ["bash", "-c", f"{command} {redirections}"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_verb_whose_streams_are_closed_or_broken_does_its_work(closed: str) -> None:
    done = shell(closed)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("[") == (closed not in (">&-", "<&- >&- 2>&-"))


def test_a_result_that_cannot_be_written_is_a_failure() -> None:
    done = shell("> /dev/full")
    assert done.returncode == 1 and "disk is full" in done.stderr


def test_a_file_opened_later_never_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "from paretobench.cli.streams import usable_streams\n"
        "with usable_streams():\n"
        f"    later = open('{tmp_path}/later', 'w')\n"
        f"    print(later.fileno() > 2, file=open('{tmp_path}/out', 'w'))"
    )
    subprocess.run(["bash", "-c", f'{sys.executable} -c "$0" <&- >&- 2>&-', code], check=True)
    assert (tmp_path / "out").read_text() == "True\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_raised_where_an_interrupt_would_be(number: signal.Signals) -> None:
    code = (
        "import os, signal, time\n"
        "from paretobench.cli.streams import exit_status, stopping_signals\n"
        f"signal.signal({int(number)}, signal.SIG_DFL)\n"
        "try:\n"
        "    with stopping_signals():\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        time.sleep(10)\n"
        "except KeyboardInterrupt as stop:\n"
        "    print(stop, exit_status(stop))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [number.name, str(128 + number)]


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_verb_that_a_signal_stops_ends_with_the_signals_status(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise StoppedBySignal(number)

    monkeypatch.setattr(cli.group.get_command(click.Context(cli.group), "ls"), "invoke", stopped)
    with pytest.raises(SystemExit) as ended:
        cli.main(["ls"])
    assert ended.value.code == 128 + number
    assert f"stopped by {number.name}" in capsys.readouterr().err
