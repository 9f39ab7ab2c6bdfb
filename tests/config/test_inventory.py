"""The inventory: what may stand in it, and what is said where something wrong does."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.config import InventoryDevice, Limits, expand, load_inventory
from paretobench.config.inventory import inventory_file
from paretobench.errors import ConfigError

GOOD = """\
macbook:
  host: anna@macbook.local
  kind: MacBook Pro M1 Max
  profile: apple
  command: ~/pb/bin/paretobench
  environment: {OMP_NUM_THREADS: 8}
  ssh_options: [-p, "2222"]
  limits: {memory_gib: 24, cell_timeout_s: 600}
desk: {kind: this machine, profile: cpu}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def write(text: str, path: str = "devices.yaml") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def test_every_field_is_read() -> None:
    write(GOOD)
    places = load_inventory(profiles=("apple", "cpu"))
    assert places["macbook"] == InventoryDevice(
        "macbook",
        host="anna@macbook.local",
        kind="MacBook Pro M1 Max",
        profile="apple",
        command="~/pb/bin/paretobench",
        environment={"OMP_NUM_THREADS": "8"},
        ssh_options=("-p", "2222"),
        limits=Limits(memory_gib=24, cell_timeout_s=600),
    )
    assert (places["macbook"].executor, places["desk"].executor) == ("ssh", "local")


def test_the_file_is_looked_for_here_then_in_the_configuration_folder(here: Path) -> None:
    assert load_inventory() == {}
    write("mac: {host: a}\n", "config/paretobench/devices.yaml")
    assert inventory_file() == here / "config/paretobench/devices.yaml"
    write("mac: {host: b}\n")
    assert load_inventory()["mac"].host == "b"
    write("mac: {host: c}\n", "lab.yaml")
    assert load_inventory("lab.yaml")["mac"].host == "c"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mac: {hots: a}", "unknown field of devices.yaml: mac 'hots'; did you mean 'host'?"),
        ("mac: {limits: {memory: 1}}", "limits 'memory'; did you mean 'memory_gib'?"),
        ("mac: {profile: aple}", "profile of devices.yaml: mac 'aple'; did you mean 'apple'?"),
        ("mac: {limits: {memory_gib: lots}}", "memory_gib must be a number or null, not 'lots'"),
        ("mac: {connect_timeout_s: 0}", "connect_timeout_s must be above 0, not 0"),
        ("mac: {ssh_options: -p 22}", "ssh_options must be a list of texts"),
        ("mac: {host: -oProxyCommand=x}", "host '-oProxyCommand=x' is nothing that ssh takes"),
        ("mac: {host: a b}", "host 'a b' is nothing that ssh takes"),
        ("cpu: {host: a}", "a device profile has that name"),
        ("a/b: {host: a}", "a machine's name has letters, digits"),
        ("mac: anna@macbook", "must hold `name: value` lines such as host: me@there"),
    ],
)
def test_a_slip_is_named_with_its_file_and_machine(text: str, message: str) -> None:
    write(text + "\n")
    with pytest.raises(ConfigError) as caught:
        load_inventory(profiles=("apple", "auto", "cpu"))
    assert message in str(caught.value)


def test_a_chosen_file_has_to_exist() -> None:
    with pytest.raises(ConfigError, match="there is no inventory at lab"):
        load_inventory("lab.yaml")


def test_a_device_of_the_inventory_has_its_profile_and_its_place() -> None:
    write(GOOD)
    request = expand(["device=macbook,cpu", "device.encode.precision=fp32"])
    macbook, cpu = request.devices
    assert (macbook.name, macbook.executor, macbook.place.host) == (
        "macbook", "ssh", "anna@macbook.local",
    )  # fmt: skip
    asked = {"backend": "coreml", "precision": "fp32", "options": {"compute_units": "cpu_and_ne"}}
    assert {key: macbook.encode[key] for key in asked} == asked
    assert list(macbook.encode["models"]) == ["fastvithd"]
    assert (cpu.name, cpu.executor, cpu.place) == ("cpu", "local", None)


def test_a_device_named_twice_is_one() -> None:
    assert [device.name for device in expand(["device=cpu,cpu"]).devices] == ["cpu"]


def test_a_typing_error_in_a_device_offers_the_nearest_machine() -> None:
    write(GOOD)
    with pytest.raises(ConfigError, match="unknown device 'macbok'; did you mean 'macbook'"):
        expand(["device=macbok"])


def test_the_executor_decides_how_a_device_is_reached() -> None:
    write(GOOD)
    assert expand(["executor/latency=ssh", "device=macbook"]).devices[0].executor == "ssh"
    assert expand(["executor/latency=local", "device=macbook"]).devices[0].executor == "local"
    with pytest.raises(ConfigError, match="executor/latency=ssh needs a host, and device=desk"):
        expand(["executor/latency=ssh", "device=desk"])


def test_executors_are_named_with_their_options() -> None:
    executors = expand([]).executors
    assert executors["latency"] == {"name": "auto"}
    assert executors["accuracy"]["name"] == "local"
    assert executors["conversion"]["name"] == "local"
