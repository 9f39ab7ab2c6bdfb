"""Reading, printing and applying constraints."""

from __future__ import annotations

import math

import pytest

from paretobench.analysis.constraints import COLUMNS, at_least, parse_constraint, show, under
from paretobench.analysis.points import Contender
from paretobench.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize(
    ("text", "column", "operator", "limit"),
    [
        ("ttft<200ms", "ttft_s", "<", 0.2),
        ("latency <= 1.5 s", "ttft_s", "<=", 1.5),
        ("ttft<200", "ttft_s", "<", 0.2),
        ("accuracy>=60", "accuracy", ">=", 0.6),
        ("accuracy>=60%", "accuracy", ">=", 0.6),
        ("accuracy>=0.6", "accuracy", ">=", 0.6),
        ("accuracy>0.5%", "accuracy", ">", 0.005),
        ("peak_memory<4GiB", "peak_memory_bytes", "<", 2**32),
        ("memory<4 gb", "peak_memory_bytes", "<", 4e9),
        ("parameters<=1.5B", "parameters", "<=", 1.5e9),
        ("energy<500mJ", "energy_j", "<", 0.5),
        ("passes==1", "passes", "=", 1),
        ("Tokens=256", "visual_tokens", "=", 256),
        ("resolution>=1024px", "resolution_px", ">=", 1024),
        ("textvqa>=62.5", "textvqa", ">=", 0.625),
    ],
)
def test_constraints_are_read_into_stored_units(text, column, operator, limit):
    found = parse_constraint(text, benchmarks=["textvqa"])
    assert (found.column, found.operator) == (column, operator)
    assert found.limit == pytest.approx(limit)


@pytest.mark.parametrize("text", ["ttft", "ttft<", "<200ms", "ttft 200ms", "", "ttft!=3"])
def test_words_that_are_no_constraint_are_refused_with_an_example(text):
    with pytest.raises(ConfigError, match="is no constraint; write a column"):
        parse_constraint(text)


def test_an_unknown_column_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown column 'toknes'; did you mean 'tokens'"):
        parse_constraint("toknes<3")


@pytest.mark.parametrize("text", ["memory<4 apples", "passes<two", "tokens<=5ms", "accuracy>6px"])
def test_a_value_that_cannot_be_read_is_refused_with_the_units_allowed(text):
    with pytest.raises(ConfigError, match="cannot be read; write a number, with one of"):
        parse_constraint(text)


def test_a_duration_that_cannot_be_read_is_refused():
    with pytest.raises(ConfigError, match="in 'ttft<soon': 'soon' is not a duration"):
        parse_constraint("ttft<soon")


def test_an_accuracy_above_a_hundred_percent_is_refused():
    with pytest.raises(ConfigError, match=r"'160' is above 100 %"):
        parse_constraint("accuracy>160")


@pytest.mark.parametrize(
    ("operator", "accepted"),
    [("<", [1]), ("<=", [1, 2]), (">", [3]), (">=", [2, 3]), ("=", [2])],
)
def test_each_operator_means_what_it_says(operator, accepted):
    constraint = parse_constraint(f"passes{operator}2")
    assert [n for n in (1, 2, 3) if constraint.accepts(n)] == accepted


def test_what_is_not_known_satisfies_nothing():
    constraint = parse_constraint("memory<4GiB")
    assert not constraint.accepts(None)
    assert constraint.shortfall(None) == math.inf
    assert constraint.explain(Contender("p", 0.1, 0.5)) == "memory is not known"
    unmeasured = Contender("p", 0.1, 0.5, columns={"peak_memory_bytes": math.nan})
    assert constraint.explain(unmeasured) == "memory is not known"


def test_shortfalls_weigh_relative_misses():
    assert under(0.2).shortfall(0.19) == 0.0
    assert under(0.2).shortfall(0.4) == pytest.approx(math.log(2))
    assert at_least(0.6).shortfall(0.3) == pytest.approx(math.log(2))
    assert parse_constraint("passes<2").shortfall(2) > 0
    assert at_least(0.6).shortfall(0.0) == math.inf


def test_a_miss_is_explained_with_both_numbers():
    point = Contender("p", 0.2414, 0.5, columns={"passes": 5.0, "energy_j": 2.0})
    assert under(0.2).explain(point) == "TTFT is 241 ms, not <= 200 ms"
    assert at_least(0.6).explain(point) == "accuracy is 50.0 %, not >= 60.0 %"
    assert parse_constraint("passes<=1").explain(point) == "passes is 5, not <= 1"
    assert parse_constraint("energy<1J").explain(point) == "energy is 2.00 J, not < 1.00 J"


def test_every_kind_can_be_shown():
    kinds = {kind for _, kind in COLUMNS.values()}
    assert all(show(1.0, kind) for kind in kinds)
    assert show(1024, "pixels") == "1024 px" and show(1_543_714_304, "count") == "1,543,714,304"
