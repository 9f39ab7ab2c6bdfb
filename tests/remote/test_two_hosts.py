"""Two real hosts (namespaces with an sshd each): one sweep, and everything killed at random."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from paretobench.measure.contention import LIMIT_VARIABLE
from paretobench.store import Store
from tests.cli.test_devices import run, write_lab
from tests.remote import hosts as hosts_module
from tests.remote.hosts import Hosts, two_hosts
from tests.remote.places import COMMAND, write_own_inventory

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(bool(hosts_module.why_not()), reason=hosts_module.why_not() or "possible"),
    pytest.mark.timeout(1700),
]

KILLS = int(os.environ.get("PARETOBENCH_KILLS", "16"))
"""50 take four minutes on two busy cores."""

RESOLUTIONS = "resolution=range(32,353,16)"
KINDS = ("coordinator", "ssh", "session", "cell")
WORKLOADS = 2 * len(range(32, 353, 16))
SWEEP = ["encoder=tiny", "llm=small", "fidelity=quick", "check=0", "device=bench,shelf"]
DATABASE = Path("results") / "paretobench.db"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with two_hosts(tmp_path_factory.mktemp("hosts")) as made:
        yield made


def machine(hosts: Hosts, folder: Path, number: int, **changes: Any) -> dict[str, Any]:
    host = hosts.hosts[number]
    variables = {
        "PRETEND_CHIP": host.name,
        "PARETOBENCH_LOCKS": str(folder / "locks" / host.name),
        "PARETOBENCH_TEST_FOLDER": str(folder),
        LIMIT_VARIABLE: "1",  # sshd passes no variable on; each host is the other's neighbour
        **changes.pop("environment", {}),
    }
    return {
        "host": host.address,
        "profile": "pretended",
        "command": COMMAND,
        "environment": variables,
        "ssh_options": hosts.options(),
        "connect_timeout_s": 3,
        **changes,
    }


def write_inventory(folder: Path, machines: dict[str, dict[str, Any]]) -> None:
    write_lab(folder)
    write_own_inventory(folder, machines)


def both(hosts: Hosts, folder: Path) -> dict[str, dict[str, Any]]:
    return {host.name: machine(hosts, folder, i) for i, host in enumerate(hosts.hosts)}


def test_every_way_a_host_can_be_wrong_is_told_apart(hosts: Hosts, tmp_path: Path) -> None:
    (bench, shelf), options = hosts.hosts, hosts.options
    (hosts.folder / "swapped").write_text(
        f"{bench.known.split()[0]} {shelf.known.split(' ', 1)[1]}"
    )
    (hosts.folder / "empty").write_text("")
    nobody = bench.address.removesuffix("2") + "99"
    wrong = {
        "well": {},
        "unknown": {"ssh_options": options(known="empty")},
        "changed": {"ssh_options": options(known="swapped")},
        "denied": {"ssh_options": options(key="other_key")},
        "away": {"host": nobody},
        "older": {"environment": {"PRETEND_VERSION": "0.0.1"}},
        "full": {"environment": {"PARETOBENCH_CACHE": str(hosts.small_disk)}},
        "late": {"environment": {"PRETEND_CLOCK_S": "7200"}},
        "bare": {"command": "no-such-paretobench"},
    }
    write_inventory(tmp_path, {n: machine(hosts, tmp_path, 0, **c) for n, c in wrong.items()})
    answered = run(tmp_path, "doctor", "--devices", "--json")
    problems = {each["name"]: each["problem"] for each in json.loads(answered.stdout)}
    assert problems.pop("well") == ""
    expected = {
        "unknown": "key is not known here",
        "changed": "not the one that was known",
        "denied": "does not accept this user's key",
        "away": "cannot be reached",
        "older": "paretobench 0.0.1 runs there",
        "full": "0.0 GiB are free at",
        "late": "ahead of this one's",
        "bare": "paretobench is not installed there",
    }
    assert {name: text in problems[name] for name, text in expected.items()} == dict.fromkeys(
        expected, True
    ), problems


def test_whatever_is_killed_nothing_is_lost_and_nothing_is_measured_twice(
    hosts: Hosts, tmp_path: Path
) -> None:
    write_inventory(tmp_path, both(hosts, tmp_path))
    dice = random.Random(20261121)
    killed = Counter[str]()
    words = ["sweep", *SWEEP, RESOLUTIONS, "name=killed", "retry_failed=true"]
    sweep = start(tmp_path, words)
    while killed.total() < KILLS and sweep.poll() != 0:
        if sweep.poll() is not None:
            sweep = start(tmp_path, words)
        if not processes_of("cell", sweep, tmp_path):
            time.sleep(0.1)
            continue
        time.sleep(dice.uniform(0.0, 2.0))
        what = min(KINDS, key=lambda kind: (killed[kind], dice.random()))
        if kill_one(what, sweep, tmp_path, dice):
            killed[what] += 1
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    done = run(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    with Store.open(tmp_path / DATABASE) as store:
        for environment in store.environments():
            cells = Counter((c.workload_key, c.round_index) for c in store.cells(environment.key))
            assert len({key for key, _ in cells}) == WORKLOADS, (environment.label, killed)
            assert set(cells.values()) == {1}, (environment.label, killed)
        assert len(store.environments()) == 2
        assert store.integrity_check() == []
    assert min(killed[kind] for kind in KINDS) >= 3, killed
    print(f"killed {dict(killed)}")
    assert (tmp_path / "reports" / "killed" / "devices.png").is_file()
    assert not (tmp_path / f"{DATABASE}.spool").exists()
    wait_until_none_left(tmp_path)


def test_a_device_that_vanishes_is_said_the_other_goes_on_and_no_process_stays(
    hosts: Hosts, tmp_path: Path
) -> None:
    write_inventory(tmp_path, both(hosts, tmp_path))
    words = ["sweep", *SWEEP, "resolution=range(32,161,16)", "name=gone"]
    sweep = start(tmp_path, words, stderr=subprocess.PIPE)
    while not processes_of("cell", sweep, tmp_path):
        time.sleep(0.1)
        assert sweep.poll() is None, sweep.communicate()
    time.sleep(3)
    hosts.hosts[1].unplug()
    _, said = sweep.communicate()
    text = said.decode()
    assert sweep.returncode == 1, text
    assert "dropped out: shelf: " in text
    assert "the same command continues" in text or "nothing had arrived" in text
    with Store.open(tmp_path / DATABASE) as store:
        finished = {s.settings["device"]["name"]: s.finished_at for s in store.sweeps()}
        bench = next(e for e in store.environments() if e.identity["chip"] == "bench")
        assert len(store.cells(bench.key)) == 2 * 2 * len(range(32, 161, 16))
    assert finished["bench"] and not finished["shelf"]
    wait_until_none_left(tmp_path)


def start(folder: Path, words: list[str], stderr: int = subprocess.DEVNULL) -> Any:
    """The coordinator, in a group of its own."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "paretobench", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root), "XDG_CONFIG_HOME": str(folder / "config")},
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


def processes_of(what: str, sweep: Any, folder: Path) -> list[psutil.Process]:
    """The running processes of one kind that belong to this test's folder."""
    if what == "coordinator":
        return [psutil.Process(sweep.pid)]
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if what == "ssh":
                is_it = words[:2] == ["ssh", "-T"] and str(folder) in words[-1]
            else:
                is_child = "--child" in words
                is_device = any(word.endswith("pretend_device.py") for word in words)
                is_ours = process.environ().get("PARETOBENCH_TEST_FOLDER") == str(folder)
                is_it = is_device and is_ours and is_child == (what == "cell")
                is_it = is_it and not words[0].endswith("sh")
            if is_it:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def kill_one(what: str, sweep: Any, folder: Path, dice: random.Random) -> bool:
    """kill -9 one process of a kind; false if there is none."""
    try:
        candidates = processes_of(what, sweep, folder)
        if not candidates:
            return False
        dice.choice(candidates).kill()
    except psutil.NoSuchProcess:
        return False
    if what == "coordinator":
        sweep.wait()
    return True


def wait_until_none_left(folder: Path) -> None:
    """No session and no cell stays on a device, whatever was cut off, killed or unplugged."""
    limit = time.monotonic() + 240
    while time.monotonic() < limit:
        if not any(processes_of(what, None, folder) for what in ("session", "cell")):
            return
        time.sleep(1)
    raise AssertionError("a process stayed behind on a device")
