"""Predictions from measured parts: known answers, properties, coverage where truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis.prediction import (
    PartWork,
    Prediction,
    Predictor,
    TimedPart,
    computed,
    total,
)
from paretobench.report.view.predictions import Models, timed_parts
from paretobench.store import Store

EXAMPLE = Path("results/examples/qwen2_family_cpu.db")
TOKENS = (16, 64, 144, 256, 576, 1024)


def prefill(billions: float, tokens: float, family: str = "f", runtime: str = "torch") -> PartWork:
    return PartWork(
        "prefill", f"{family}-{billions}", family, runtime, 2 * billions * tokens, billions * 2e9
    )


def seconds(part: PartWork, gflop_per_s: float = 1000.0, bytes_per_s: float = 20e9) -> float:
    return part.weight_bytes / bytes_per_s + part.gflop / gflop_per_s


def timed(*parts: PartWork) -> list[TimedPart]:
    return [TimedPart(part, seconds(part)) for part in parts]


def predicted(part: PartWork, measured: list[TimedPart]) -> Prediction:
    found = Predictor(measured).predict(part)
    assert found is not None
    return found


def test_two_sizes_of_a_model_give_a_third_exactly() -> None:
    found = predicted(prefill(1.5, 1024), timed(prefill(1.5, 16), prefill(1.5, 256)))
    assert found.latency_s == pytest.approx(seconds(prefill(1.5, 1024)))
    assert found.basis == "model"


def test_one_size_of_a_model_has_the_law_of_the_others() -> None:
    others = timed(*(prefill(0.5, tokens) for tokens in TOKENS))
    mine = TimedPart(prefill(1.5, 16), 2 * seconds(prefill(1.5, 16)))
    found = predicted(prefill(1.5, 1024), [*others, mine])
    assert found.latency_s == pytest.approx(2 * seconds(prefill(1.5, 1024)))
    assert found.basis == "model"


def test_a_model_that_was_never_timed_is_predicted_by_its_family() -> None:
    found = predicted(prefill(7, 256), timed(*(prefill(0.5, tokens) for tokens in TOKENS)))
    assert found.latency_s == pytest.approx(seconds(prefill(7, 256)))
    assert found.basis == "family"


def test_a_family_that_was_never_timed_is_predicted_by_the_measured_rate() -> None:
    found = predicted(prefill(7, 256, "g"), timed(*(prefill(0.5, tokens) for tokens in TOKENS)))
    assert (found.basis, found.latency_s) == ("rate", pytest.approx(seconds(prefill(7, 256))))


def test_one_measured_part_gives_its_rate() -> None:
    only = TimedPart(PartWork("encode", "v", "f", "r", 100.0, 1e9), 0.5)
    found = predicted(PartWork("encode", "w", "g", "r", 300.0, 2e9), [only])
    assert found.latency_s == pytest.approx(1.5)


@pytest.mark.parametrize("other", [{"runtime": "llamacpp"}, {}])
def test_another_runtime_or_kind_says_nothing(other: dict[str, str]) -> None:
    measured = timed(*(prefill(0.5, tokens) for tokens in TOKENS))
    asked = (
        prefill(0.5, 100, **other) if other else PartWork("encode", "f-0.5", "f", "torch", 9.0, 1e9)
    )
    assert Predictor(measured).predict(asked) is None
    assert Predictor([]).predict(prefill(0.5, 100)) is None


def test_the_surer_the_basis_the_narrower_the_interval() -> None:
    measured = timed(*(prefill(b, tokens) for b in (0.5, 1.5) for tokens in TOKENS))
    asked = [prefill(1.5, 100), prefill(3, 100), prefill(3, 100, "g")]
    widths = [predicted(part, measured).high_s / seconds(part) for part in asked]
    assert widths == sorted(widths) and widths[0] < widths[1] < widths[2]


def test_the_farther_from_the_measured_sizes_the_wider_the_interval() -> None:
    measured = timed(*(prefill(1.5, tokens) for tokens in (64, 256, 576)))
    found = [predicted(prefill(1.5, tokens), measured) for tokens in (144, 1024, 4096)]
    widths = [one.high_s / one.latency_s for one in found]
    assert widths[0] < widths[1] < widths[2]


def test_a_measurement_of_the_same_work_counts() -> None:
    """Other weights of one model, say: what decides the latency is the same."""
    found = predicted(prefill(1.5, 256), timed(prefill(1.5, 256)))
    assert (found.basis, found.latency_s) == ("model", pytest.approx(seconds(prefill(1.5, 256))))


def test_operations_that_never_showed_are_not_taken_to_be_free() -> None:
    """Both prefills wait for memory; a hundred times the operations do not."""
    flat = [TimedPart(prefill(1.5, tokens), 0.1) for tokens in (16, 64)]
    found = predicted(prefill(1.5, 6400), flat)
    assert found.latency_s == pytest.approx(
        0.1 * prefill(1.5, 6400).gflop / flat[1].part.gflop, rel=0.01
    )


def each_from_the_others(
    measured: list[TimedPart], is_left_out: Callable[[PartWork, PartWork], bool]
) -> list[tuple[TimedPart, Prediction]]:
    """Every part with its prediction, made without it and what is left out for it."""
    return [
        (one, predicted(one.part, rest))
        for one in measured
        if (rest := [o for o in measured if o is not one and not is_left_out(one.part, o.part)])
    ]


latencies = st.floats(1e-3, 100)


@given(
    st.lists(st.tuples(st.sampled_from(TOKENS), latencies), min_size=1, max_size=6),
    st.lists(st.integers(1, 10_000), min_size=2, max_size=5),
)
def test_more_tokens_never_take_less_and_every_interval_holds_its_value(
    held: list[tuple[int, float]], asked: list[int]
) -> None:
    measured = [TimedPart(prefill(1.5, tokens), value) for tokens, value in held]
    parts = [prefill(1.5, tokens + 0.5) for tokens in sorted(asked)]
    found = [predicted(part, measured) for part in parts]
    assert all(0 < one.low_s < one.latency_s < one.high_s for one in found)
    values = [one.latency_s for one in found]
    assert all(a <= b * (1 + 1e-9) for a, b in pairwise(values))


def test_a_sum_holds_its_parts_and_is_as_unsure_as_its_least_sure_one() -> None:
    measured = Prediction(1.0, 0.99, 1.01, "model")
    found = total([(4, measured), (1, Prediction(2.0, 1.0, 4.0, "family"))])
    assert (found.latency_s, found.basis) == (6.0, "family")
    assert found.low_s < 5.01 and found.high_s > 7.99


def test_what_a_plan_computes_has_a_wide_interval() -> None:
    found = computed(2.0)
    assert found.basis == "computed" and found.low_s < 0.7 and found.high_s > 6.0


def test_intervals_hold_nine_in_ten_where_the_law_is_true_up_to_noise() -> None:
    rng = random.Random(1)
    inside, tried = 0, 0
    for _ in range(40):
        own = {b: math.exp(rng.gauss(0, 0.2)) for b in (0.5, 1.5, 3.0)}
        measured = [
            TimedPart(part, seconds(part) * own[b] * math.exp(rng.gauss(0, 0.08)))
            for b in own
            for part in (prefill(b, tokens) for tokens in TOKENS)
        ]
        for one, found in each_from_the_others(measured, lambda part, other: False):
            inside += found.low_s <= one.latency_s <= found.high_s
            tried += 1
    assert 0.86 <= inside / tried <= 0.96


@pytest.mark.parametrize(
    ("is_left_out", "least_share", "most_error"),
    [
        (lambda part, other: False, 0.85, 0.10),
        (lambda part, other: part.model == other.model, 0.85, 0.30),
    ],
)
def test_on_the_example_nine_in_ten_measurements_lie_in_their_interval(
    is_left_out, least_share: float, most_error: float
) -> None:
    with Store.open(EXAMPLE, read_only=True) as store:
        summaries = store.cell_summaries(store.environments()[0].key)
        measured = list(timed_parts(store, summaries, Models()).values())
    found = each_from_the_others(measured, is_left_out)
    errors = sorted(abs(p.latency_s / one.latency_s - 1) for one, p in found)
    inside = sum(p.low_s <= one.latency_s <= p.high_s for one, p in found)
    assert len(found) == 40 and errors[len(errors) // 2] <= most_error
    assert inside / len(found) >= least_share
