"""Scoring jobs on Ray: what is refused before submitting, and real actors on a local cluster."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paretobench.accuracy.lmms.runner import ScoringOutcome
from paretobench.errors import ExecutorError
from paretobench.jobs import State
from paretobench.jobs.engines import choose
from paretobench.jobs.ray import RayEngine, RayResources, refuse_silence, refuse_unknown_resources
from paretobench.jobs.scoring import Scoring, unit_of
from paretobench.jobs.unit_folder import UnitFolder
from tests.jobs import ray_cluster
from tests.jobs.test_submitit import PATIENCE_S, coordinator, keep_not, stored, until
from tests.remote.coordinator import jobs_of
from tests.remote.fake_child import behave, log, write_checkpoint, write_interpreter

NODES = {"n1": {"CPU": 8.0, "slot": 1.0}, "n2": {"CPU": 2.0, "GPU": 4.0, "node:10.0.0.2": 1.0}}
real = [
    pytest.mark.heavy,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(ray_cluster.missing()), reason=ray_cluster.missing()),
]


@pytest.mark.parametrize("demanded", [{"CPU": 4, "slot": 1}, {"GPU": 4}, {}])
def test_what_one_node_offers_is_accepted(demanded: dict[str, float]) -> None:
    refuse_unknown_resources(demanded, NODES)


@pytest.mark.parametrize("demanded", [{"h200": 1}, {"CPU": 8, "GPU": 1}, {"slot": 2}])
def test_what_no_single_node_offers_is_refused_with_what_there_is(
    demanded: dict[str, float],
) -> None:
    with pytest.raises(ExecutorError) as caught:
        refuse_unknown_resources(demanded, NODES)
    words = str(caught.value)
    assert all(f"{name} {count}" in words for name, count in demanded.items())
    assert "n1: CPU 8, slot 1" in words and "node:10" not in words


def test_a_missing_ray_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExecutorError, match=r"pip install '.*\[ray\]'"):
        RayEngine("auto", RayResources()).check()


def test_a_cluster_that_nobody_listens_for_is_said_instead_of_ending_the_process() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ExecutorError, match=f"no Ray cluster answers at '{address}'"):
        refuse_silence(address)
    refuse_silence("auto")  # found by Ray itself
    refuse_silence("ray://head:10001")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    import ray

    with ray_cluster.cluster({"slot": 1}) as address:
        yield address
        ray.shutdown()


class TestOnARealCluster:
    pytestmark = real

    def test_a_custom_resource_lets_one_unit_run_at_a_time(
        self, address: str, tmp_path: Path
    ) -> None:
        checkpoints = [write_checkpoint(tmp_path, name, gqa=1) for name in ("a", "b")]
        jobs = jobs_of(checkpoints, write_interpreter(tmp_path))
        done = ends(carrier(tmp_path, address), jobs)
        assert all(isinstance(end, ScoringOutcome) and not end.failures for end in done.values())
        notes = [UnitFolder.of(unit_of(job), tmp_path / "units") for job in jobs]
        starts = sorted(folder.read("started")["at"] for folder in notes)
        first_end = min(path.stat().st_mtime for f in notes for path in f.results.iterdir())
        from datetime import datetime

        assert datetime.fromisoformat(starts[1]).timestamp() >= first_end

    def test_a_resource_that_nobody_offers_is_refused_before_anything_is_submitted(
        self, address: str, tmp_path: Path
    ) -> None:
        jobs = jobs_of([write_checkpoint(tmp_path, "a")], write_interpreter(tmp_path))
        ((_, reason),) = carrier(tmp_path, address, resources={"h200": 1})(
            jobs, lambda line: None, keep_not
        )
        assert "no node of the Ray cluster offers CPU 1, h200 1" in str(reason)
        assert not list((tmp_path / "units").glob("*/handle.json"))

    def test_a_dead_actor_costs_its_unit_and_a_cancelled_one_frees_its_device(
        self, address: str, tmp_path: Path
    ) -> None:
        import psutil

        checkpoints = [write_checkpoint(tmp_path, name) for name in ("a", "b")]
        behave(checkpoints[0], docvqa_val="hang")
        jobs = jobs_of(checkpoints, write_interpreter(tmp_path))
        carry = carrier(tmp_path, address)
        carry.submit(jobs[:1], keep_not)
        until(lambda: "start:docvqa_val" in log(checkpoints[0]), "the last task")
        folder = UnitFolder.of(unit_of(jobs[0]), tmp_path / "units")
        actor = psutil.Process(folder.read("started")["pid"]).parent()
        assert actor is not None
        actor.send_signal(signal.SIGKILL)
        done = ends(carry, jobs)
        assert "its job ended and left no result" in done["a"]
        assert isinstance(done["b"], ScoringOutcome), "the device was not freed"
        carry = carrier(tmp_path, address)
        carry.submit(jobs[:1], keep_not)
        until(lambda: log(checkpoints[0]).count("start:docvqa_val") == 2, "the second attempt")
        (handle,) = carry.executor.under_way()
        carry.executor.cancel(handle)
        assert [ended.state for ended in carry.executor.collect()] == [State.CANCELLED]
        behave(checkpoints[0])
        again = ends(carrier(tmp_path, address), jobs)
        assert again["a"].kept == ("gqa", "textvqa_val")

    def test_units_outlive_their_coordinator_and_are_found_again(
        self, address: str, tmp_path: Path
    ) -> None:
        checkpoints = [write_checkpoint(tmp_path, name, gqa=4) for name in ("a", "b")]
        more = settings(tmp_path, address)
        first = coordinator(tmp_path, checkpoints, **more)
        until(lambda: any(log(path) for path in checkpoints), "a start")
        first.send_signal(signal.SIGKILL)
        first.wait()
        second = coordinator(tmp_path, checkpoints, **more)
        out, _ = second.communicate(timeout=PATIENCE_S)
        assert second.returncode == 0, out
        assert [log(path).count("start:gqa") for path in checkpoints] == [1, 1]
        assert {score.resolution_px for score in stored(tmp_path)} == {64, 65}


def settings(root: Path, address: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "ray", "address": address, "folder": str(root / "units"), "poll_s": 0.2,
        "cpus": 1, "resources": {"slot": 1}, **more,
    }  # fmt: skip


def carrier(root: Path, address: str, **more: Any) -> Scoring:
    chosen = choose(settings(root, address, **more), "accuracy")
    assert chosen is not None
    return Scoring(chosen)


def ends(carry: Scoring, jobs: list) -> dict[str, Any]:
    lines: list[str] = []
    return {Path(job.checkpoint).name: end for job, end in carry(jobs, lines.append, keep_not)}
