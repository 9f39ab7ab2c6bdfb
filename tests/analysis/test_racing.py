"""Racing: what surely loses leaves, what may win stays."""

from __future__ import annotations

import numpy as np
import pytest

from paretobench.analysis.racing import RaceCost, lead, stage_edges, to_drop


def _items(skill: float, n: int = 400, seed: int = 0) -> dict[str, dict[str, float]]:
    difficulty = np.random.default_rng(seed).random(n)
    return {"gqa": {str(i): float(d < skill) for i, d in enumerate(difficulty)}}


def test_a_slower_and_clearly_worse_configuration_leaves() -> None:
    scores = {"fast": _items(0.7), "slow": _items(0.5)}
    (drop,) = to_drop(scores, {"fast": 0.1, "slow": 0.2}, stage=1)
    assert (drop.name, drop.by, drop.stage) == ("slow", "fast", 1)
    assert "slow dropped after stage 2: fast is no slower" in str(drop)


def test_a_faster_configuration_stays_however_bad() -> None:
    scores = {"fast": _items(0.2), "slow": _items(0.9)}
    assert to_drop(scores, {"fast": 0.1, "slow": 0.2}, stage=0) == []


def test_of_two_equally_fast_ones_the_better_stays() -> None:
    scores = {"a": _items(0.4), "b": _items(0.8)}
    assert [d.name for d in to_drop(scores, {"a": 0.1, "b": 0.1}, stage=0)] == ["a"]


def test_a_close_race_drops_nobody() -> None:
    scores = {"fast": _items(0.61), "slow": _items(0.60)}
    assert to_drop(scores, {"fast": 0.1, "slow": 0.2}, stage=2) == []


def test_equal_configurations_both_stay() -> None:
    scores = {"a": _items(0.6), "b": _items(0.6)}
    assert to_drop(scores, {"a": 0.1, "b": 0.1}, stage=0) == []


def test_the_protected_stay() -> None:
    scores = {"fast": _items(0.7), "slow": _items(0.5)}
    assert to_drop(scores, {"fast": 0.1, "slow": 0.2}, stage=1, protected=["slow"]) == []


def test_a_configuration_without_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="no latency for b; measure them"):
        to_drop({"a": _items(0.5), "b": _items(0.5)}, {"a": 0.1}, stage=0)


def test_no_items_in_common_is_no_lead() -> None:
    assert lead({"gqa": {"1": 1.0}}, {"pope": {"1": 1.0}}) is None


def test_chance_alone_drops_almost_nobody() -> None:
    generator = np.random.default_rng(5)
    dropped = 0
    for _ in range(200):
        answers = generator.random((6, 150)) < 0.6
        scores = {
            str(k): {"gqa": {str(i): float(v) for i, v in enumerate(row)}}
            for k, row in enumerate(answers)
        }
        latency = {str(k): float(k) for k in range(6)}
        dropped += len(to_drop(scores, latency, stage=0))
    # 200 x 15 pairs at a one-sided tail of 2.3e-4 expect 0.7.
    assert dropped <= 4


@pytest.mark.parametrize("stages", [(), (0.5,), (0.5, 0.5, 1.0), (0.0, 1.0), (0.5, 2.0)])
def test_stages_must_rise_to_one(stages: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="stages must rise"):
        stage_edges(stages)


def test_a_saving_is_a_fraction_of_the_exhaustive_cost() -> None:
    assert RaceCost(120, 1000).fraction == 0.12
    assert RaceCost(0, 0).fraction == 1.0
