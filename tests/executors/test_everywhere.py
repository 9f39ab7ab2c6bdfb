"""One sweep over everything: two hosts measure over ssh while submitit scores the checkpoints."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from paretobench.store import Store
from tests.cli.test_devices import PROFILE
from tests.executors.hosts import Hosts
from tests.executors.test_sweep_elsewhere import YES, made, run
from tests.executors.test_two_hosts import hosts, machine, pytestmark

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
    (made / "devices.yaml").write_text(yaml.safe_dump(machines))
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
