"""The canary and its verdict."""

from __future__ import annotations

import numpy as np
import pytest

from paretobench.measure import canary


def test_a_canary_takes_a_plausible_time() -> None:
    assert 0.001 < canary.canary() < 2.0


@pytest.mark.parametrize("slower", [1.03, 1.05, 1.2])
def test_a_cell_throttled_from_start_to_end_is_found(slower: float) -> None:
    why = canary.verdict(0.02 * slower, 0.02 * slower, [0.02, 0.0201, 0.02, 0.0199])
    assert why is not None and "off this sweep's usual 20.0 ms" in why


def test_a_cell_throttled_halfway_is_found_without_any_history() -> None:
    assert canary.verdict(0.02, 0.0206, []) == (
        "canary moved by +3.0 % within the cell (allowed 2.0 %)"
    )


def test_a_steady_machine_raises_no_alarm() -> None:
    rng = np.random.default_rng(0)
    history = list(0.02 * np.exp(rng.normal(0, 0.002, 40)))
    alarms = 0
    for _ in range(500):
        before, after = 0.02 * np.exp(rng.normal(0, 0.002, 2))
        alarms += canary.verdict(before, after, history) is not None
    assert alarms == 0


def test_the_tolerance_grows_on_a_machine_that_scatters_by_itself() -> None:
    rng = np.random.default_rng(0)
    noisy = list(0.02 * np.exp(rng.normal(0, 0.05, 40)))
    assert 0.1 < canary.tolerance(noisy) < 0.35
    assert canary.tolerance([0.02] * 10) == canary.TOLERANCE
