"""One workload measured alone, and the local executor: real children."""

from __future__ import annotations

import json

import pytest

from paretobench.measure import harness
from paretobench.measure.process import Children
from paretobench.measure.single import measure_alone
from tests.measure import pretend


@pytest.fixture(autouse=True)
def steady_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)


def alone(act: str) -> dict[str, object]:
    children = Children(launcher=pretend.HASTY_LAUNCHER)
    return measure_alone(pretend.workload("w", act), "quick", children)


def test_the_answer_carries_cells_environment_and_latency() -> None:
    answer = json.loads(json.dumps(alone("sleep")))
    assert len(answer["cells"]) >= 1
    assert answer["failures"] == []
    assert answer["environment"]["identity"]["chip"]
    assert answer["latency"]["value"] > 0.002
    assert answer["latency"]["method"] == "prior"


def test_a_failure_is_part_of_the_answer() -> None:
    answer = json.loads(json.dumps(alone("raise")))
    assert (answer["cells"], answer["latency"]) == ([], None)
    assert answer["failures"][0]["kind"] == "crashed"
