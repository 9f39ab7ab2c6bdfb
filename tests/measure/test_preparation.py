"""Artifacts made side by side: real children of the pretended backend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paretobench.domain import Runtime, Workload
from paretobench.measure import preparation
from paretobench.measure.preparation import Preparation, lanes_of, prepare_side_by_side
from paretobench.measure.process import Children
from tests.measure import pretend

CHILDREN = Children(launcher=pretend.HASTY_LAUNCHER)
LARGE = 1 << 60


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation.os, "cpu_count", lambda: 4)


def side_by_side(
    workloads: list[Workload], folder: Path, peak: dict[str, int] | None = None
) -> Iterator[Preparation]:
    sizes = {one.key: 1 for one in workloads} if peak is None else peak
    return prepare_side_by_side(workloads, CHILDREN, folder, 60.0, lambda *_: None, sizes)


def prefill(n_tokens: int, precision: str = "int4") -> Workload:
    subject = {"llm": {"name": "one"}, "n_tokens": n_tokens}
    return Workload("prefill", "", subject, Runtime("llamacpp", precision))


def test_what_one_artifact_serves_is_made_by_one_child() -> None:
    workloads = [prefill(16), prefill(16, "int8"), prefill(64), prefill(64, "int8")]
    lanes = lanes_of(workloads, 4)
    assert [[one.runtime.precision for one in lane] for lane in lanes] == [
        ["int4", "int4"],
        ["int8", "int8"],
    ]
    assert len(lanes_of(workloads, 1)) == 1


def test_every_workload_has_one_outcome_and_what_kills_its_child_fails_alone(
    tmp_path: Path,
) -> None:
    workloads = [pretend.workload(f"w{i}") for i in range(5)]
    workloads.insert(2, pretend.workload("dies", "segfault", when="prepare"))
    made = {one.workload.label: one for one in side_by_side(workloads, tmp_path)}
    assert sorted(made) == ["dies", "w0", "w1", "w2", "w3", "w4"]
    assert [name for name, one in made.items() if one.prepared is None] == ["dies"]


def test_what_is_too_large_to_share_the_memory_is_made_last_and_alone(tmp_path: Path) -> None:
    workloads = [pretend.workload(name) for name in ("large", "a", "b")]
    sizes = {one.key: LARGE if one.label == "large" else 1 for one in workloads}
    labels = [one.workload.label for one in side_by_side(workloads, tmp_path, sizes)]
    assert labels[-1] == "large" and sorted(labels) == ["a", "b", "large"]


def test_without_sizes_all_is_made_one_by_one_in_order(tmp_path: Path) -> None:
    workloads = [pretend.workload(f"w{i}") for i in range(3)]
    labels = [one.workload.label for one in side_by_side(workloads, tmp_path, {})]
    assert labels == ["w0", "w1", "w2"]


def test_giving_up_ends_the_children_at_once(tmp_path: Path) -> None:
    workloads = [pretend.workload("quick"), pretend.workload("hangs", "hang", when="prepare")]
    made = side_by_side(workloads, tmp_path)
    assert next(made).workload.label == "quick"
    started = time.monotonic()
    made.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 30
