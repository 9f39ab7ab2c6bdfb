"""Benchmarks and suites: names, sizes, and what to assume about a score's error."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.accuracy import suites
from paretobench.errors import UnknownNameError


def test_avg5_is_the_plain_mean_of_five() -> None:
    columns = dict(zip(suites.SUITES["avg5"].members, (0.6, 0.5, 0.8, 0.2, 0.6), strict=True))
    assert suites.suite_mean("avg5", columns) == pytest.approx(0.54)
    assert suites.suite_mean("avg5", {**columns, "mmmu": 0.1}) == pytest.approx(0.54)


@pytest.mark.parametrize("missing", suites.SUITES["avg5"].members)
def test_avg5_needs_all_five(missing: str) -> None:
    columns = dict.fromkeys(suites.SUITES["avg5"].members, 0.5)
    del columns[missing]
    assert suites.suite_mean("avg5", columns) is None


def test_every_member_of_a_suite_is_a_benchmark_with_a_size() -> None:
    for suite in suites.SUITES.values():
        assert suite.name in suites.BENCHMARKS
        assert all(suites.benchmark(member).n_items for member in suite.members)


def test_an_unknown_benchmark_offers_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'docvqa'"):
        suites.benchmark("docqa")


def test_paper_protocol_is_llava_for_its_official_scripts_only() -> None:
    by_llava = {name for name, row in suites.BENCHMARKS.items() if row.protocol == "llava"}
    assert by_llava == {"gqa", "textvqa", "pope", "scienceqa", "llava_bench_wild"}


def test_standard_error_joins_items_and_training_runs() -> None:
    items = math.sqrt(0.7 * 0.3 / 2017)
    assert suites.default_standard_error("scienceqa", 0.7) == pytest.approx(
        math.hypot(items, 0.0057)
    )


def test_standard_error_of_avg5_uses_the_members_scores() -> None:
    parts = {"gqa": 0.631, "textvqa": 0.644, "pope": 0.881, "docvqa": 0.356,
             "seedbench_image": 0.685}  # fmt: skip
    sizes = (12578, 5000, 9000, 5349, 14233)
    wider = [suites.BENCHMARKS[name].widening ** 2 for name in parts]
    variances = [p * (1 - p) / n * w for p, n, w in zip(parts.values(), sizes, wider, strict=True)]
    items = math.sqrt(sum(variances)) / 5
    expected = math.hypot(items, 0.001)
    assert suites.default_standard_error("avg5", 0.639, parts) == pytest.approx(expected)


def test_items_that_share_images_widen_the_assumed_error() -> None:
    gqa, own_images = suites.BENCHMARKS["gqa"], suites.BENCHMARKS["scienceqa"]
    assert gqa.widening == pytest.approx(math.sqrt(1 + (12578 / 398 - 1) * 0.05))
    assert own_images.widening == 1
    of_items = suites.binomial_standard_error(0.63, 12578)
    assert suites.default_standard_error("gqa", 0.63) == pytest.approx(
        math.hypot(of_items * gqa.widening, 0.000047)
    )


def test_no_standard_error_is_made_up_without_a_size() -> None:
    assert suites.default_standard_error("retrieval_avg", 0.6) is None


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_binomial_error_is_largest_at_one_half(value: float, n_items: int) -> None:
    error = suites.binomial_standard_error(value, n_items)
    assert 0 <= error <= suites.binomial_standard_error(0.5, n_items)


@pytest.mark.parametrize(("value", "n_items"), [(1.2, 10), (-0.1, 10), (62.0, 10), (0.5, 0)])
def test_a_score_in_percent_or_without_items_is_refused(value: float, n_items: int) -> None:
    with pytest.raises(ValueError, match=r"a score in \[0, 1\] on at least one item"):
        suites.binomial_standard_error(value, n_items)


def test_columns_of_the_tables_lead_to_benchmarks() -> None:
    entry = suites.of_column("LLaVABenchW_score")
    assert entry is not None and entry.name == "llava_bench_wild"
    assert suites.of_column("visual_tokens") is None
