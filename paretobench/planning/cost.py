"""What a workload costs before it is run: operations, seconds, bytes. Pure estimates.

They only steer a plan: what cannot fit and, with `effort`, how long a sweep will take.
Nothing here replaces a measurement. Operations are counted from published
dimensions; seconds are operations over a rate, and the rate comes from what this machine did
before wherever there is something, the same model first.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from paretobench.domain import (
    DECODE_STEPS,
    Encoder,
    EncoderInput,
    LanguageModel,
    Runtime,
    Workload,
    canonical_json,
)

BYTES_PER_WEIGHT = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.0625, "int4": 0.5625}
"""Bytes of one weight; the integer formats carry a 16-bit scale and bias for each 64 weights,
as in mlx-lm's default group size. An unknown precision counts as fp32."""

OWN_BYTES_PER_WEIGHT = {("llamacpp", "int4"): 0.625}
"""Where a runtime's format takes another space: Q4_K_M keeps some matrices at six bits, and files
of 1.5 to 8 billion weights have 4.9 to 5.1 bits for each."""

OPENVINO_BF16_BYTES = 4.1
"""Bytes of memory for each weight that OpenVINO runs in bf16: its graph is made from a model in
fp32, and a process holds the graph in fp16 beside the compiled copy. Measured, `PROCESS_BYTES`
included: export 3.7 and process 3.4 GiB for ConvNeXt-XXL's 0.84 billion weights, export 6.8 GiB for
1.5 billion."""

SCORE_BYTES = {"openvino": 16.0}
"""Bytes for each pair of positions and head that a prefill holds at once, where a runtime writes
the attention scores to memory: measured 15 with Qwen2.5-0.5B at 3,330 tokens, 2.4 GB in all."""

ACTIVATION_MIB = {"openvino": 1.0}
"""MiB of activations for each GMAC of an encoder's pass where a runtime reuses their memory: 0.3 to
0.5, measured; eager fp32 peaked at `EAGER_ACTIVATION_MIB`."""

EAGER_ACTIVATION_MIB = 4.0

LLAMACPP_GAIN = 1.3
"""How much faster llama.cpp's prefill is than the rate of an fp32 matrix product, whatever its
precision: 1.3 times torch at 256 tokens on two AVX2 cores, measured."""

HALF_PRECISION_GAIN = 2.5
"""How much faster a device that is asked for 16-bit weights runs than in fp32: OpenVINO 2.0 and
torch 2.6 to 4 times on a CPU with bf16 instructions, measured; backends choose 16 bits only
where the device has them."""

TOWER_BYTES_PER_GMAC = 2**19
"""Activations of a vision tower for each GMAC: its blocks are equal and one is held at a time. The
weights are counted apart."""

PROCESS_BYTES = 1 << 30
"""A process with a framework in it, before any weight: measured 0.5 to 0.9 GiB with torch,
rounded up."""

DEFAULT_GFLOPS = 200.0
"""Rate of a machine that was never measured: two cores of a server CPU in fp32 reach about this."""

MEMORY_BYTES_PER_S = 20e9
"""How fast a prefill reads its weights, which is all it does at a handful of tokens: 15.2 GB in
0.85 s on two server cores, measured."""


@dataclass(frozen=True)
class Machine:
    """What an estimate needs to know of a machine.

    Attributes:
        memory_bytes: physical memory that the workload's device can use.
        gflops: 10^9 floating-point operations per second in an fp32 matrix product.
        name: for messages.
    """

    memory_bytes: int
    gflops: float = DEFAULT_GFLOPS
    name: str = "this machine"


@dataclass(frozen=True)
class Cost:
    """What a workload takes, computed from published dimensions.

    Attributes:
        flops: floating-point operations of one run.
        peak_bytes: memory of one process.
        weights: parameters.
        weights_bytes: the parameters in the runtime's precision, shared ones once.
        is_bound_by_memory: whether a run also reads every weight from memory once.
    """

    flops: float
    peak_bytes: int
    weights: int
    weights_bytes: float
    is_bound_by_memory: bool = False


def encode_cost(encoder: Encoder, seen: EncoderInput | int, runtime: Runtime) -> Cost:
    """One pass."""
    return Cost(
        flops=encode_flops(encoder, seen),
        peak_bytes=encode_bytes(encoder, seen, runtime),
        weights=encoder.parameters,
        weights_bytes=encoder.parameters * _per_weight(runtime),
    )


def prefill_cost(llm: LanguageModel, n_tokens: int, runtime: Runtime) -> Cost:
    """One prefill."""
    weights = _distinct_weights(llm, runtime)
    return Cost(
        flops=prefill_flops(llm, n_tokens),
        peak_bytes=prefill_bytes(llm, n_tokens, runtime),
        weights=weights,
        weights_bytes=weights * _per_weight(runtime),
        is_bound_by_memory=True,
    )


def decode_cost(llm: LanguageModel, n_tokens: int, runtime: Runtime) -> Cost:
    """`DECODE_STEPS` tokens, each of which reads every weight; the cache is a prefill's."""
    cost = prefill_cost(llm, n_tokens, runtime)
    one_token = prefill_flops(llm, 1)
    read_s = cost.weights_bytes / MEMORY_BYTES_PER_S
    as_flops = read_s * DEFAULT_GFLOPS * 1e9  # a run is bound by memory, not by operations
    return replace(cost, flops=DECODE_STEPS * max(one_token, as_flops))


def encode_flops(encoder: Encoder, seen: EncoderInput | int) -> float:
    """Floating-point operations of one pass, two for each multiply-accumulate.

    Scales the encoder's reference count with the area. That is exact for convolutions; for
    a transformer it leaves out how attention grows, under 10 % at the sizes in `sweeps/`.
    An encoder without a reference count is taken to use each parameter once per token, of which
    there is at least one.
    """
    one = EncoderInput.given(seen)
    if encoder.reference_gmacs and encoder.reference_px:
        return 2e9 * encoder.reference_gmacs * one.area_px / encoder.reference_px**2
    tokens = encoder.grid_side(one.width_px) * encoder.grid_side(one.height_px)
    return 2.0 * encoder.parameters * max(tokens, 1)


def prefill_flops(llm: LanguageModel, n_tokens: int) -> float:
    """Floating-point operations of a prefill with logits for the last token only.

    Two for each weight of the blocks and token, plus attention's two products over all
    pairs, plus one row of logits (Kaplan et al., arXiv 2001.08361, section 2.1).
    """
    attention = 4.0 * n_tokens**2 * llm.n_heads * llm.per_head * llm.n_layers
    active = block_weights(llm, int(llm.options.get("num_experts_per_tok", 1)))
    logits = 2.0 * llm.hidden_size * llm.vocab_size
    return 2.0 * active * llm.n_layers * n_tokens + attention + logits


def block_weights(llm: LanguageModel, experts: int | None = None) -> int:
    """Weights of one transformer block: attention with grouped keys, and a gated MLP.

    Where most blocks have a gated short convolution in place of attention (LFM2: one projection to
    three times the width, one back), it is the mean over the blocks.

    Args:
        experts: how many MLPs to count of a mixture of experts; None for all it has.
    """
    mlps = int(llm.options.get("num_experts", 1)) if experts is None else experts
    queries = llm.hidden_size * llm.n_heads * llm.per_head
    keys = llm.hidden_size * llm.n_kv_heads * llm.per_head
    attention = 2 * queries + 2 * keys
    with_attention = len(llm.options.get("full_attn_idxs", range(llm.n_layers)))
    convolutions = (llm.n_layers - with_attention) * 4 * llm.hidden_size**2
    mixers = (with_attention * attention + convolutions) // llm.n_layers
    return mixers + mlps * 3 * llm.hidden_size * _feed_forward_width(llm)


def _feed_forward_width(llm: LanguageModel) -> int:
    """The MLP's inner width; LFM2 takes two thirds of the stated one, rounded up (`Lfm2MLP`)."""
    if not llm.options.get("block_auto_adjust_ff_dim"):
        return llm.intermediate_size
    width = int(llm.options["block_ffn_dim_multiplier"] * int(2 * llm.intermediate_size / 3))
    multiple = int(llm.options["block_multiple_of"])
    return -(-width // multiple) * multiple


def encode_bytes(encoder: Encoder, seen: EncoderInput | int, runtime: Runtime) -> int:
    """Peak memory of an encode cell or of what makes its artifact: the module it is built from, the
    runtime's copy of the weights, and activations in proportion to its operations."""
    weights = encoder.parameters * _bytes_with_source(runtime)
    per_gmac = ACTIVATION_MIB.get(runtime.backend, EAGER_ACTIVATION_MIB) * 2**20
    if encoder.builder == "transformers":
        per_gmac = TOWER_BYTES_PER_GMAC
    activations = encode_flops(encoder, seen) / 2e9 * per_gmac
    return round(weights + activations) + PROCESS_BYTES


def prefill_bytes(llm: LanguageModel, n_tokens: int, runtime: Runtime) -> int:
    """Peak memory of a prefill cell: weights, keys and values, the widest activations, and the
    attention scores of one layer where they are held.

    With `weights=shared` in the runtime's options all layers share one block's weights. OpenVINO's
    graph is made from a model in fp32 beside it, which is the larger demand.
    """
    is_exported = runtime.backend == "openvino"
    per_weight = _bytes_with_source(runtime) if is_exported else _per_weight(runtime)
    n_weights = _distinct_weights(llm, runtime)
    cache = 2 * llm.n_layers * llm.n_kv_heads * llm.per_head * n_tokens
    activations = n_tokens * (4 * llm.hidden_size + 3 * llm.intermediate_size)
    wide = max(per_weight, 2.0)
    scores = SCORE_BYTES.get(runtime.backend, 0.0) * llm.n_heads * n_tokens**2
    return round(n_weights * per_weight + (cache + activations) * wide + scores) + PROCESS_BYTES


def _distinct_weights(llm: LanguageModel, runtime: Runtime) -> int:
    if runtime.options.get("weights") != "shared":
        return llm.parameters
    return llm.parameters - block_weights(llm) * (llm.n_layers - 1)


def _bytes_with_source(runtime: Runtime) -> float:
    """Bytes of a weight where a runtime's copy is made from a module in fp32."""
    if (runtime.backend, runtime.precision) == ("openvino", "bf16"):
        return OPENVINO_BF16_BYTES
    return 4.0 + _per_weight(runtime)


def _per_weight(runtime: Runtime) -> float:
    own = OWN_BYTES_PER_WEIGHT.get((runtime.backend, runtime.precision))
    return own or BYTES_PER_WEIGHT.get(runtime.precision, 4.0)


def _gain(runtime: Runtime) -> float:
    """Rate of a runtime over that of an fp32 matrix product."""
    if runtime.backend == "llamacpp":
        return LLAMACPP_GAIN
    return HALF_PRECISION_GAIN if _per_weight(runtime) <= 2.0 else 1.0


@dataclass(frozen=True)
class PastMeasurement:
    """A workload that this machine has measured.

    Attributes:
        latency_s: one run.
        overhead_s: what a process took besides its runs; None if it was not recorded.
    """

    workload: Workload
    latency_s: float
    overhead_s: float | None = None


class Rates:
    """Operations per second to expect, from what was measured before.

    Args:
        machine: gives the rate where nothing was measured.
        probed: rates of small networks like a workload's on its runtime, in 10^9 operations per
            second, by workload key.
    """

    def __init__(
        self,
        machine: Machine,
        past: Iterable[PastMeasurement] = (),
        probed: Mapping[str, float] | None = None,
    ) -> None:
        self.machine, self._probed = machine, probed or {}
        self._exact: dict[str, float] = {}
        self._by_model: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._overheads: dict[str, list[float]] = defaultdict(list)
        for one in past:
            self._exact[one.workload.key] = one.latency_s
            model = _model_key(one.workload)
            self._by_model[model].append((_size(one.workload), one.latency_s))
            if one.overhead_s is not None:
                self._overheads[model].append(one.overhead_s)

    def overhead_s(self, workload: Workload) -> float | None:
        """What a process of the same model took besides its runs; None if there was none."""
        seen = self._overheads.get(_model_key(workload))
        return statistics.median(seen) if seen else None

    def seconds(self, workload: Workload, cost: Cost) -> float:
        """Latency to expect: measured, else scaled from the same model, else computed with the
        rate of a probe, else with the machine's."""
        if (known := self._exact.get(workload.key)) is not None:
            return known
        if others := self._by_model.get(_model_key(workload)):
            size = _size(workload)
            return statistics.median(latency * size / other for other, latency in others)
        rate = self._probed.get(workload.key) or self.machine.gflops * _gain(workload.runtime)
        reading_s = cost.weights_bytes / MEMORY_BYTES_PER_S if cost.is_bound_by_memory else 0.0
        return cost.flops / (rate * 1e9) + reading_s


def _model_key(workload: Workload) -> str:
    model: Mapping[str, Any] = workload.subject.get("encoder") or workload.subject.get("llm") or {}
    return canonical_json([workload.kind, model, workload.runtime.spec(), workload.batch])


def _size(workload: Workload) -> float:
    """What a latency is proportional to: the image's area, or the number of tokens."""
    if workload.kind == "decode":
        return float(workload.subject["steps"])
    if workload.kind == "encode":
        return float(EncoderInput.of(workload.subject).area_px)
    return float(workload.subject["n_tokens"])
