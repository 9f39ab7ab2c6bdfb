"""An inventory beside somebody's files runs no command of theirs; one's own may hold anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.config import load_inventory
from paretobench.errors import ConfigError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


RUNS_COMMANDS = [
    "ssh_options: [-o, ProxyCommand=touch x]",
    "ssh_options: [-oProxyCommand=touch x]",
    "ssh_options: [-o, 'proxycommand touch x']",
    "ssh_options: [-o, LocalCommand=touch x]",
    "ssh_options: [-o, KnownHostsCommand=touch x]",
    "ssh_options: [-o, Include=x]",
    "ssh_options: [-F, evil.config]",
    "ssh_options: [-Fevil.config]",
    "ssh_options: [-I, evil.so]",
    "ssh_options: [-o, 'Port=22 -oProxyCommand=x']",
    "ssh_options: [-p, '-oProxyCommand=touch x']",
    "ssh_options: [-J, '$(touch x)']",
    "ssh_options: [-L, '1:a:2']",
    "command: rm -rf paretobench",
    "command: touch",
    "command: sh -c paretobench",
    "environment: {LD_PRELOAD: x.so}",
    "environment: {PYTHONPATH: .}",
    "environment: {PATH: .}",
    "environment: {BASH_ENV: x}",
]
HARMLESS = [
    "ssh_options: [-p, '2222', '-4', -C]",
    "ssh_options: [-p2222, -l, anna]",
    "ssh_options: [-i, ~/.ssh/lab, -J, anna@gate.example:22]",
    "ssh_options: [-o, Port=22, -o, 'User anna', -oIdentitiesOnly=yes]",
    "command: ~/pb/bin/paretobench",
    "environment: {OMP_NUM_THREADS: 8, MALLOC_MMAP_MAX_: 0}",
]


@pytest.mark.parametrize("setting", RUNS_COMMANDS)
def test_what_runs_a_command_is_refused_beside_the_sweep_and_taken_from_ones_own(
    here: Path, setting: str
) -> None:
    text = f"mac:\n  host: a\n  {setting}\n"
    Path("devices.yaml").write_text(text)
    for chosen in ("", "devices.yaml"):
        with pytest.raises(ConfigError, match="could run a command") as caught:
            load_inventory(chosen)
        assert "~/.config/paretobench/devices.yaml" in str(caught.value)
    Path("devices.yaml").unlink()
    own = here / "config" / "paretobench" / "devices.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(text)
    assert load_inventory()["mac"].host == "a"


@pytest.mark.parametrize("setting", HARMLESS)
def test_ports_users_keys_and_thread_counts_may_stand_in_any_inventory(setting: str) -> None:
    Path("devices.yaml").write_text(f"mac:\n  host: a\n  {setting}\n")
    assert load_inventory()["mac"].host == "a"


def test_a_link_to_ones_own_inventory_is_ones_own(here: Path) -> None:
    own = here / "config" / "paretobench" / "devices.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("mac: {host: a, command: /opt/python -m paretobench}\n")
    Path("devices.yaml").symlink_to(own)
    assert load_inventory()["mac"].command.startswith("/opt/python")
