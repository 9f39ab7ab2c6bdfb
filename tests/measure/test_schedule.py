"""The order of rounds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from paretobench.measure.schedule import current_round, has_cell, round_order
from tests.analysis.test_stats import cell

names = st.lists(st.text(min_size=1), unique=True, max_size=20)


@given(names, st.integers(0, 100), st.integers(0, 1000))
def test_a_round_visits_everybody_once(keys: list[str], index: int, seed: int) -> None:
    assert sorted(round_order(keys, index, seed)) == sorted(keys)


@given(names, st.integers(0, 50), st.integers(0, 1000))
def test_every_second_round_mirrors_the_one_before(keys: list[str], pair: int, seed: int) -> None:
    assert round_order(keys, 2 * pair, seed) == round_order(keys, 2 * pair + 1, seed)[::-1]


def test_every_position_is_taken_by_everybody() -> None:
    firsts = Counter(round_order("abcd", 2 * pair, 0)[0] for pair in range(400))
    assert min(firsts.values()) > 60


def test_seeds_give_different_orders() -> None:
    assert len({tuple(round_order("abcdefgh", 0, seed)) for seed in range(20)}) > 15


def test_an_interrupted_sweep_goes_on_in_its_own_round() -> None:
    cells = [cell(round_index=2), cell(round_index=5, sweep="other")]
    assert current_round(cells, "s") == 2
    assert current_round(cells, "new") == 0
    assert has_cell(cells, "s", 2) and not has_cell(cells, "s", 5)
