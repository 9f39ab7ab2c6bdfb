"""The ssh command: what is fixed in it, and what its last words mean."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from paretobench.jobs import State, Unit
from paretobench.remote import ssh


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client")
def test_host_keys_are_checked_and_nothing_is_asked_whatever_the_inventory_says() -> None:
    loose = ["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=no"]
    words = ssh.command("host.invalid", options=loose)
    shown = subprocess.run(["ssh", "-G", *words[1:]], capture_output=True, text=True, check=True)
    settings = dict(line.split(" ", 1) for line in shown.stdout.splitlines() if " " in line)
    assert settings["stricthostkeychecking"] in ("true", "yes")
    assert settings["batchmode"] == "yes"
    assert settings["serveraliveinterval"] == "15"
    assert settings["clearallforwardings"] == "yes"


def test_what_runs_there_is_quoted_for_the_shell_there() -> None:
    *_, host, command = ssh.command(
        "mac", "~/my apps/bin/x", {"A": "two words", "B": "$HOME;rm"}, ["-p", "22"]
    )
    assert host == "mac"
    assert command == "env 'A=two words' 'B=$HOME;rm' ~/my apps/bin/x measure -"
    *_, command = ssh.command("mac", "'~/my apps/bin/x'")
    assert command == "~/'my apps/bin/x' measure -"


@pytest.mark.parametrize(
    ("status", "said", "meaning"),
    [
        (
            255,
            "kex_exchange_identification: read: Connection reset",
            "the connection was lost (kex",
        ),
        (255, "", "the connection was lost (ssh said nothing)"),
        (-9, "", "the connection was lost (signal 9 ended ssh)"),
        (127, "zsh: command not found", "paretobench is not installed there"),
        (2, "Error: no such command", "ended there with status 2: Error: no such command"),
    ],
)
def test_an_end_without_an_answer_is_explained(status: int, said: str, meaning: str) -> None:
    assert meaning in ssh.explain("mac", status, said)


def test_the_advice_about_a_changed_key_names_the_host_without_the_user() -> None:
    said = "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed."
    assert "'ssh-keygen -R mac.local'" in ssh.explain("anna@mac.local", 255, said)


def test_the_same_work_is_the_same_unit_whatever_it_is_called() -> None:
    assert Unit("convert", "a", {"x": 1}).key == Unit("convert", "b", {"x": 1}).key
    assert Unit("convert", "a", {"x": 1}).key != Unit("accuracy", "a", {"x": 1}).key


def test_only_an_end_is_final() -> None:
    assert [state for state in State if state.is_final] == ["done", "failed", "cancelled"]
