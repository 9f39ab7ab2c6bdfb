"""One sweep over everything: two hosts measure over ssh while submitit scores the checkpoints."""

from __future__ import annotations

import contextlib
import csv
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from paretobench.store import Store
from tests.accuracy.lmms.two_checkpoints import YES
from tests.cli.test_devices import PROFILE
from tests.jobs.test_kills import LAYERS
from tests.jobs.test_submitit import jobs_in
from tests.remote.fake_child import log, write_checkpoint, write_interpreter
from tests.remote.hosts import Hosts
from tests.remote.places import write_own_inventory
from tests.remote.test_sweep_elsewhere import made, run
from tests.remote.test_two_hosts import (
    DATABASE,
    both,
    hosts,
    kill_one,
    machine,
    processes_of,
    pytestmark,
    start,
    wait_until_none_left,
    write_inventory,
)

__all__ = ["hosts", "made", "pytestmark"]

SWEEP = (
    "sweep", "encoder=little_fastvit,little_clip", "llm=small", "device=bench,shelf",
    "fidelity=quick", "accuracy=lmms_eval", "check=0", "name=everywhere",
    "executor/accuracy=submitit", "executor.accuracy.cluster=local", "executor.accuracy.poll_s=0.5",
)  # fmt: skip


def test_one_database_and_one_report_hold_what_hosts_and_jobs_found(
    made: Path, hosts: Hosts, tmp_path: Path
) -> None:
    profile = made / "sweeps" / "device" / "pretended.yaml"
    profile.parent.mkdir(exist_ok=True)
    profile.write_text(PROFILE)
    machines = {host.name: machine(hosts, tmp_path, i) for i, host in enumerate(hosts.hosts)}
    write_own_inventory(made, machines)
    words = [*SWEEP, f"executor.accuracy.folder={tmp_path / 'units'}"]
    done = run(made, {}, *words)
    assert done.returncode == 0, done.stderr
    with Store.open(made / "results" / "paretobench.db") as store:
        measured = {e.identity["chip"]: len(store.cells(e.key)) for e in store.environments()}
        suites = {
            s.encoder: s.value
            for s in store.scores()
            if s.benchmark == "avg5" and s.recipe == "tiny"
        }
    assert measured == {"bench": 8, "shelf": 8}
    assert suites == pytest.approx({"little_fastvit": YES, "little_clip": YES})
    folder = made / "reports" / "everywhere"
    for host in hosts.hosts:
        with (folder / host.name / "table.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["encoder"] for row in rows} == {"little_fastvit", "little_clip"}
        assert all(row["recipe"] == "tiny" for row in rows)
    assert (folder / "devices.png").is_file()
    again = run(made, {}, *words)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("nothing had to be measured") == 2


KILLS = int(os.environ.get("PARETOBENCH_KILLS", "20"))
SIDES = range(32, 177, 16)
ON_DEVICES = ("ssh", "session", "cell")
KILLED_SWEEP = (
    "sweep", "encoder=tiny", "llm=small", "resolution=range(32,177,16)", "device=bench,shelf",
    "fidelity=quick", "accuracy=lmms_eval", "check=0", "name=killed", "retry_failed=true",
    "executor/accuracy=submitit", "executor.accuracy.cluster=local", "executor.accuracy.poll_s=0.2",
    "executor.accuracy.at_once=2",
)  # fmt: skip


def test_whatever_is_killed_anywhere_nothing_is_lost_and_nothing_is_done_twice(
    hosts: Hosts, tmp_path: Path
) -> None:
    write_inventory(tmp_path, both(hosts, tmp_path))
    checkpoints = _write_checkpoints(tmp_path)
    words = [*KILLED_SWEEP, f"executor.accuracy.folder={tmp_path / 'units'}"]
    dice, killed = random.Random(20261121), Counter[str]()
    sweep = start(tmp_path, words)
    while killed.total() < KILLS and sweep.poll() != 0:
        if sweep.poll() is not None:
            sweep = start(tmp_path, words)
        time.sleep(dice.uniform(0.0, 1.5))
        at_work = [kind for kind in (*ON_DEVICES, "job") if _at_work(kind, sweep, tmp_path)]
        # Jobs start when the devices have measured: a share of the kills is kept for them.
        most = KILLS // 5 if "job" in at_work else KILLS // 7
        kinds = [k for k in (*at_work, "coordinator") if at_work and killed[k] < most]
        if kinds:
            what = min(kinds, key=lambda kind: (killed[kind], dice.random()))
            killed[what] += _kill(what, sweep, tmp_path, dice)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    print(f"killed {dict(killed)}")
    assert min(killed[kind] for kind in (*ON_DEVICES, "job", "coordinator")) >= 1, killed
    done = run(tmp_path, {}, *words)
    assert done.returncode == 0, done.stderr
    _check_complete(tmp_path, checkpoints)
    wait_until_none_left(tmp_path)


def _write_checkpoints(folder: Path) -> list[Path]:
    """One for each resolution, scored by a stand-in for lmms-eval that is as fast as a test."""
    tasks = dict.fromkeys(("gqa", "textvqa_val", "docvqa_val"), 0.7)
    made = [write_checkpoint(folder, f"at_{px}", **tasks) for px in SIDES]
    defaults = {
        "benchmarks": ["gqa", "textvqa", "docvqa"],
        "interpreter": str(write_interpreter(folder)),
        "encoder": "tiny",
        "llm": "small",
        "recipe": "tiny",
    }
    entries = [
        {"checkpoint": path.name, "resolution_px": px} for path, px in zip(made, SIDES, strict=True)
    ]
    whole = {"defaults": defaults, "checkpoints": entries}
    (folder / "checkpoints.yaml").write_text(yaml.safe_dump(whole))
    return made


def _at_work(kind: str, sweep: Any, folder: Path) -> list[psutil.Process]:
    if kind != "job":
        return processes_of(kind, sweep, folder)
    return [process for layer in LAYERS for process in jobs_in(folder / "units", layer)]


def _kill(what: str, sweep: Any, folder: Path, dice: random.Random) -> bool:
    if what != "job":
        return kill_one(what, sweep, folder, dice)
    found = _at_work(what, sweep, folder)
    with contextlib.suppress(psutil.NoSuchProcess):
        if found:
            dice.choice(found).kill()
            return True
    return False


def _check_complete(folder: Path, checkpoints: list[Path]) -> None:
    """Each workload once on each host, each task and each score once."""
    with Store.open(folder / DATABASE) as store:
        assert len(store.environments()) == 2
        for environment in store.environments():
            cells = Counter((c.workload_key, c.round_index) for c in store.cells(environment.key))
            assert len({key for key, _ in cells}) == 2 * len(SIDES)
            assert set(cells.values()) == {1}
        scores = Counter(
            (s.resolution_px, s.benchmark) for s in store.scores() if s.encoder == "tiny"
        )
        assert store.integrity_check() == []
    averages = [scores.pop((px, "avg5")) for px in SIDES]
    assert min(averages) >= 1  # beside it, partial ones of jobs that were killed
    tasks = ("gqa", "textvqa", "docvqa")
    assert scores == Counter({(px, name): 1 for px in SIDES for name in tasks})
    for checkpoint in checkpoints:
        finished = Counter(line for line in log(checkpoint) if line.startswith("done:"))
        assert set(finished.values()) == {1} and len(finished) == 3, checkpoint.name
