"""The order of rounds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from paretobench.measure.schedule import round_order

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
