"""Artifacts made as units of an executor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.backends.artifacts import ArtifactStore
from paretobench.domain import Runtime
from paretobench.executors.conversions import build_elsewhere, unit_of
from tests.executors.test_submitit import carrier
from tests.measure.test_builds import workload

pytest.importorskip("submitit")


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_conversion_is_a_job_and_one_that_fails_costs_itself(tmp_path: Path) -> None:
    store = tmp_path / "artifacts"
    broken = replace(workload(), runtime=Runtime("nothing", "fp16"), label="broken")
    made, failed = build_elsewhere([workload(), broken], carrier(tmp_path).executor, store)
    assert made.state == "made" and made.path is not None and made.path.exists()
    assert len(list(ArtifactStore(store))) == 1
    assert failed.state == "failed" and "nothing" in failed.reason
    again, _ = build_elsewhere([workload(), broken], carrier(tmp_path).executor, store)
    assert again == made, "a finished unit is collected again, not done again"


def test_another_artifact_store_is_another_unit(tmp_path: Path) -> None:
    assert unit_of(workload(), tmp_path).key == unit_of(workload(), tmp_path).key
    assert unit_of(workload(), tmp_path).key != unit_of(workload(), tmp_path / "other").key
