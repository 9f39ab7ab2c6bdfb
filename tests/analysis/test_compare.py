"""Two sets of points against each other, all at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from paretobench.analysis.claims import largest
from paretobench.analysis.compare import compare
from paretobench.analysis.points import Contender, LatencyNoise, Part
from paretobench.errors import DataError

LEVELS = ((0.1, 0.50), (0.2, 0.58), (0.4, 0.63), (0.8, 0.66))


def device(factor: float, environment: str, log_se: float = 0.01) -> list[Contender]:
    """The same four configurations on one device; the scores are shared."""
    return [
        Contender(
            f"p{i}", seconds * factor, accuracy,
            parts=(Part(f"{environment}/w{i}", 1, seconds * factor, LatencyNoise(log_se)),),
            accuracy_se=0.002, score=f"s{i}",
        )
        for i, (seconds, accuracy) in enumerate(LEVELS)
    ]  # fmt: skip


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def test_a_device_of_half_the_time_is_twofold_in_every_way():
    found = compare(device(0.5, "new"), device(1.0, "old"), rng(), draws=300)
    assert found.bd_ttft.value == pytest.approx(2.0, rel=1e-6)
    assert [each.effect for each in found.speedups] == pytest.approx([2.0] * 4)
    assert largest(found.speedups).effect == pytest.approx(2.0)
    assert [each.value for each in found.common] == pytest.approx([2.0] * 4)
    assert found.common_ratio.value == pytest.approx(2.0)
    assert largest(found.gains).effect == pytest.approx(0.08)
    assert found.refusals == () and found.assumed == ()
    assert found.bd_accuracy.value > 0.02


def test_shared_scores_cancel_out_of_a_comparison_of_devices():
    found = compare(device(0.5, "new", 1e-6), device(1.0, "old", 1e-6), rng(), draws=200)
    assert found.bd_ttft.high - found.bd_ttft.low < 1e-3


def test_the_mean_ratio_is_surer_than_each_ratio():
    found = compare(device(0.5, "new"), device(1.0, "old"), rng(), draws=2000)
    single = found.common[0].high - found.common[0].low
    together = found.common_ratio.high - found.common_ratio.low
    assert all(each.low < 2.0 < each.high for each in (*found.common, found.common_ratio))
    assert together == pytest.approx(single / 2, rel=0.15)


def test_what_is_refused_is_said_and_the_rest_still_answered():
    ours = [Contender("a", 0.1, 0.6)]
    found = compare(ours, device(1.0, "old"), rng(), draws=20)
    assert found.bd_ttft is None and found.bd_accuracy is None
    assert [each.split()[0] for each in found.refusals] == ["BD-TTFT", "BD-accuracy"]
    assert found.speedups[0].effect == pytest.approx(1.0)
    assert found.common == () and found.common_ratio is None
    assert found.assumed == ("a",)


def test_points_named_by_device_are_paired_by_configuration():
    ours = [
        replace(each, name=f"{each.name} on new", configuration=each.name)
        for each in device(0.5, "new")
    ]
    found = compare(ours, device(1.0, "old"), rng(), draws=20)
    assert [each.name for each in found.common] == ["p0", "p1", "p2", "p3"]
    assert found.common_ratio.value == pytest.approx(2.0)


def test_only_points_of_the_same_configuration_have_a_ratio():
    found = compare(device(0.5, "new")[2:], device(1.0, "old")[:3], rng(), draws=20)
    assert [each.name for each in found.common] == ["p2"]
    assert found.common_ratio.name == "geometric mean of 1"


def test_an_empty_set_is_refused_by_side():
    with pytest.raises(DataError, match="the candidate has no points to compare"):
        compare([], device(1.0, "old"), rng())
    with pytest.raises(DataError, match="the baseline has no points to compare"):
        compare(device(1.0, "old"), [], rng())


def test_a_configuration_held_twice_is_refused():
    with pytest.raises(DataError, match="the baseline holds 'p0' twice; narrow the selection"):
        compare(device(1.0, "new"), device(1.0, "old")[:1] * 2, rng())


def test_the_same_seed_gives_the_same_comparison():
    first, second = (compare(device(0.5, "n"), device(1, "o"), rng(), 50) for _ in range(2))
    assert first == second
