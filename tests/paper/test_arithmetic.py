"""Arithmetic in claim files: what may be written, what it gives, how it is shown."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.errors import DataError
from paretobench.paper import arithmetic

NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_it_agrees_with_python(a: float, b: float, c: float) -> None:
    values = {"a": a, "b": b, "c": c}
    assert arithmetic.evaluate("(a + b) * c - -a", values) == (a + b) * c - -a
    assert arithmetic.evaluate("max(a, b) - min(b, c)", values) == max(a, b) - min(b, c)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_sd_is_the_population_deviation(numbers: list[float]) -> None:
    values = {f"x{i}": number for i, number in enumerate(numbers)}
    found = arithmetic.evaluate(f"sd({', '.join(values)})", values)
    assert found == pytest.approx(statistics.pstdev(numbers))


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')",
        "a.real",
        "a ** 9999",
        "[a]",
        "'text'",
        "True",
        "a if a else a",
        "mean()",
        "mean(*a)",
        "max(a, key=a)",
        "open('f')",
    ],
)
def test_nothing_else_of_python_can_be_written(expression: str) -> None:
    with pytest.raises(DataError, match="the arithmetic may not use"):
        arithmetic.evaluate(expression, {"a": 1.0})


@pytest.mark.parametrize("expression", ["a +", "", "a b", "a = 1"])
def test_what_cannot_be_read_says_what_can(expression: str) -> None:
    with pytest.raises(DataError, match=r"cannot read the arithmetic .*: use \+ - \* /"):
        arithmetic.evaluate(expression, {"a": 1.0})


def test_an_unknown_name_lists_the_cells() -> None:
    with pytest.raises(DataError, match=r"uses 'their', which is no cell\. Cells: ours, theirs"):
        arithmetic.evaluate("their / ours", {"theirs": 1.0, "ours": 2.0})


def test_division_by_zero_shows_the_numbers() -> None:
    with pytest.raises(DataError, match=r"divides by zero: 3 / \(2 - 2\)"):
        arithmetic.evaluate("a / (b - b)", {"a": 3.0, "b": 2.0})


def test_the_substituted_form_keeps_functions_and_digits() -> None:
    shown = arithmetic.substitute("100 * mean(a, ab)", {"a": 0.1, "ab": 14123.8})
    assert shown == "100 * mean(0.1, 14123.8)"
