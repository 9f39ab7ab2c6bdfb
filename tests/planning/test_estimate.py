"""How long a sweep is expected to take."""

from dataclasses import replace

import pytest

from paretobench.config import load_catalogue
from paretobench.domain import Runtime, Workload, encode_workload, prefill_workload
from paretobench.planning.cost import Machine, PastMeasurement, Rates, encode_cost, prefill_cost
from paretobench.planning.estimate import Estimator, preparation_s
from paretobench.planning.stopping import cell_plan

CATALOGUE = load_catalogue()
OPENVINO, TORCH = Runtime("openvino", "bf16"), Runtime("torch", "bf16")
MACHINE = Machine(24 << 30, gflops=300)
STANDARD = cell_plan("standard")


def encode(px: int = 512) -> Workload:
    return encode_workload(CATALOGUE.encoders["fastvithd"], px, OPENVINO)


def encode_price(px: int = 512):
    return encode(px), encode_cost(CATALOGUE.encoders["fastvithd"], px, OPENVINO)


def prefill_price(name: str, n_tokens: int = 64):
    llm = CATALOGUE.llms[name]
    return prefill_workload(llm, n_tokens, TORCH), prefill_cost(llm, n_tokens, TORCH)


def test_slow_workloads_get_fewer_processes_and_fast_ones_more():
    assert STANDARD.expected_s(2.0) == 5 * 2.0
    assert STANDARD.expected_s(90.0) == 90.0


def test_a_rule_without_a_budget_is_expected_to_take_eight_processes():
    assert cell_plan("rigorous").expected_s(8.0) == 8 * 8.0


def test_a_model_too_large_to_be_mapped_is_made_in_every_process():
    estimator = Estimator(Rates(MACHINE, ()), STANDARD)
    small = estimator.workload(*prefill_price("qwen2_0_5b"))
    large = estimator.workload(*prefill_price("qwen2_7b"))
    assert small.overhead_s < 6 and large.overhead_s == pytest.approx(5 + 30.4, rel=0.02)


def test_loading_is_expected_to_take_what_it_took_before():
    past = [PastMeasurement(encode(256), 0.05, overhead_s=11.0)]
    estimator = Estimator(Rates(MACHINE, past), STANDARD)
    assert estimator.workload(*encode_price(1024)).overhead_s == 11.0


def test_a_past_without_overhead_leaves_loading_to_the_constants():
    plain = Estimator(Rates(MACHINE, ()), STANDARD).workload(*encode_price())
    past = [PastMeasurement(encode(256), 0.05)]
    known = Estimator(Rates(MACHINE, past), STANDARD).workload(*encode_price())
    assert known.overhead_s == plain.overhead_s and known.latency_s != plain.latency_s


def test_artifacts_are_made_once_per_encoder_and_size_and_once_per_language_model():
    prices = [encode_price(256), encode_price(512)]
    prices += [prefill_price("qwen2_0_5b", n) for n in (16, 64, 256)]
    there = Estimator(Rates(MACHINE, ()), STANDARD)
    missing = replace(there, is_prepared=lambda _: False)
    extra = missing.besides_s(prices, (), 0) - there.besides_s(prices, (), 0)
    wanted = [preparation_s(*price, MACHINE) for price in prices[:3]]
    assert extra == pytest.approx(sum(wanted)) and min(wanted) > 1


def test_a_model_made_in_memory_has_nothing_to_prepare():
    assert preparation_s(*prefill_price("qwen2_7b"), MACHINE) == 0.0


def test_checks_load_both_halves_and_are_counted_at_most_once_per_point():
    estimator = Estimator(Rates(MACHINE, ()), STANDARD)
    half = estimator.workload(*encode_price())
    other = estimator.workload(*prefill_price("qwen2_0_5b"))
    without = estimator.besides_s((), [(half, 1, other)], 0)
    one = estimator.besides_s((), [(half, 1, other)], 1) - without
    many = estimator.besides_s((), [(half, 1, other)], 5) - without
    assert one == many == pytest.approx(estimator.end_to_end_s(half, 1, other))
    assert one > half.overhead_s + other.overhead_s


def test_a_rigorous_sweep_checks_its_sums_at_standard():
    plan = cell_plan("rigorous")
    at_rigorous = Estimator(Rates(MACHINE, ()), plan)
    at_standard = Estimator(Rates(MACHINE, ()), STANDARD)
    halves = [at_standard.workload(*price) for price in (encode_price(), prefill_price("qwen2_7b"))]
    assert at_rigorous.end_to_end_s(halves[0], 1, halves[1]) == at_standard.end_to_end_s(
        halves[0], 1, halves[1]
    )
