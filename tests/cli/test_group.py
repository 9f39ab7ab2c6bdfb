"""The command line as a whole: what it lists, how it starts, how it fails."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from paretobench import cli
from paretobench.errors import LockError


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "paretobench", *args], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("verb", cli.VERBS)
def test_the_listed_help_of_each_verb_is_its_own(verb: str) -> None:
    command = cli.group.get_command(click.Context(cli.group), verb)
    assert command is not None and command.help
    assert command.help.splitlines()[0] == cli.VERBS[verb]


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_option_of_every_verb_has_help(verb: str) -> None:
    command = cli.group.get_command(click.Context(cli.group), verb)
    assert command is not None
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [p.name for p in options if not p.help] == []


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from paretobench.cli import group\n"
        "try: group.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'hydra', 'torch', 'matplotlib', 'rich', 'sqlite3', 'scipy'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "HEAVY []" in result.stdout


def test_without_a_verb_it_shows_what_to_do_next() -> None:
    result = run()
    assert result.returncode == 0
    assert "paretobench report --published" in result.stdout


def test_an_unknown_verb_is_answered_with_the_nearest_one() -> None:
    result = run("sweeep")
    assert result.returncode == 2
    assert "did you mean 'sweep'?" in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 3


def test_a_deliberate_error_is_printed_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def held(**_: object) -> None:
        raise LockError("the device is held by process 42")

    monkeypatch.setattr(cli.group, "main", held)
    with pytest.raises(SystemExit) as exit_:
        cli.main([])
    assert exit_.value.code == 1
    assert capsys.readouterr().err == "paretobench: the device is held by process 42\n"


def test_a_full_disk_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device", "reports/x.png")

    monkeypatch.setattr(cli.group, "main", full)
    with pytest.raises(SystemExit) as exit_:
        cli.main([])
    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert "disk is full" in message and "reports/x.png" in message
