"""Estimates against published and measured figures."""

from dataclasses import replace

import pytest

from paretobench.config import load_catalogue
from paretobench.domain import Runtime, prefill_workload
from paretobench.planning.cost import (
    MEMORY_BYTES_PER_S,
    Machine,
    Rates,
    block_weights,
    encode_bytes,
    encode_flops,
    prefill_bytes,
    prefill_cost,
    prefill_flops,
)

CATALOGUE = load_catalogue()
BF16 = Runtime("torch", "bf16")


@pytest.mark.parametrize("name", sorted(CATALOGUE.llms))
def test_blocks_embeddings_and_head_make_up_the_parameters(name):
    llm = CATALOGUE.llms[name]
    tables = llm.hidden_size * llm.vocab_size * (1 if llm.tied_embeddings else 2)
    assert block_weights(llm) * llm.n_layers + tables == pytest.approx(llm.parameters, rel=2e-3)


def test_a_mixture_of_experts_works_with_the_few_that_a_token_passes():
    llm = CATALOGUE.llms["olmoe_1b_7b"]
    active = block_weights(llm, 8) * llm.n_layers
    assert 1.0e9 < active < 1.3e9 < 6.7e9 < block_weights(llm) * llm.n_layers
    attention = 4.0 * llm.n_heads * llm.per_head * llm.n_layers
    one = 2.0 * active + attention + 2.0 * llm.hidden_size * llm.vocab_size
    assert prefill_flops(llm, 1) == pytest.approx(one)


def test_operations_grow_with_the_area_of_the_image():
    encoder = CATALOGUE.encoders["fastvithd"]
    assert encode_flops(encoder, 1024) == pytest.approx(4 * encode_flops(encoder, 512))
    assert encode_flops(encoder, 512) == pytest.approx(2 * 59.13e9)


def test_fastvithd_takes_fewer_operations_than_convnext_l_at_equal_resolution():
    encoders = CATALOGUE.encoders
    assert (
        encode_flops(encoders["fastvithd"], 1024) < encode_flops(encoders["convnext_l"], 1024) / 2
    )


def test_a_prefill_grows_faster_than_its_tokens():
    llm = CATALOGUE.llms["qwen2_1_5b"]
    assert prefill_flops(llm, 1024) > 4 * prefill_flops(llm, 256) * 0.99
    assert 2 * 1.31e9 * 256 < prefill_flops(llm, 256) < 2.4 * 1.31e9 * 256


def test_qwen2_7b_needs_its_15_gigabytes_in_bf16_and_does_not_fit_24_in_fp32():
    llm = CATALOGUE.llms["qwen2_7b"]
    assert 15.2e9 < prefill_bytes(llm, 256, BF16) < 18e9
    assert prefill_bytes(llm, 256, Runtime("torch", "fp32")) > 24 * 2**30


def test_sharing_one_block_needs_a_fraction():
    llm = CATALOGUE.llms["qwen2_7b"]
    shared = prefill_bytes(llm, 256, Runtime("torch", "bf16", {"weights": "shared"}))
    assert shared < 0.3 * prefill_bytes(llm, 256, BF16)


def test_an_unknown_precision_counts_as_fp32():
    encoder = CATALOGUE.encoders["vit_l14"]
    assert encode_bytes(encoder, 336, Runtime("x", "odd")) == encode_bytes(
        encoder, 336, Runtime("x", "fp32")
    )


def test_sixteen_bits_are_expected_to_be_faster_than_thirty_two():
    llm = CATALOGUE.llms["qwen2_0_5b"]
    rates = Rates(Machine(1 << 40, gflops=100))
    expected = {}
    for precision in ("fp32", "bf16"):
        runtime = Runtime("torch", precision)
        workload = prefill_workload(llm, 256, runtime)
        expected[precision] = rates.seconds(workload, prefill_cost(llm, 256, runtime))
    assert expected["fp32"] > prefill_flops(llm, 256) / 100e9
    assert expected["bf16"] < expected["fp32"] / 2


def test_a_prefill_of_a_few_tokens_takes_as_long_as_reading_the_weights():
    llm = CATALOGUE.llms["qwen2_7b"]
    rates = Rates(Machine(1 << 40, gflops=1e6))
    expected = rates.seconds(prefill_workload(llm, 16, BF16), prefill_cost(llm, 16, BF16))
    assert expected == pytest.approx(15.2e9 / MEMORY_BYTES_PER_S, rel=0.01)


def test_an_image_smaller_than_a_tokens_stride_takes_operations_too() -> None:
    encoder = replace(CATALOGUE.encoders["vit_l14"], reference_gmacs=0.0)
    small = replace(encoder, token_stride_px=64, token_rounding="floor")
    assert encode_flops(small, 28) == 2.0 * encoder.parameters
