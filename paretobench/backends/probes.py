"""Small networks that stand for a family of models: which runtime is fastest for it here?

A probe has the blocks, the widths and the input of a real model and a few of its layers, so that it
is exported, loaded and timed within seconds. Rankings carry over from it because all layers of a
family are alike; `benchmarks/runtimes.py` compares what they choose with every whole model.
`measure.runtime_timing` times probes, `choose` ranks by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from paretobench.domain import LanguageModel, Runtime, Workload
from paretobench.planning.cost import MEMORY_BYTES_PER_S, prefill_cost

Half = Literal["encode", "prefill"]

PREFILL_TOKENS = 64
"""Tokens of a prefill probe: between the 16 and 256 that FastViTHD makes of 256 and 1024 px."""

_ENCODERS: Mapping[str, tuple[dict[str, Any], int, float]] = {
    "FastViT": ({"builder": "timm", "architecture": "fastvit_mci2",
                 "options": {"layers": [1, 2, 4, 1]}}, 256, 1.588),
    "ConvNeXt": ({"builder": "timm", "architecture": "convnext_large_mlp",
                  "options": {"depths": [1, 1, 3, 1]}}, 256, 8.283),
    "ViT": ({"builder": "timm", "architecture": "vit_large_patch14_clip_quickgelu_336",
             "options": {"depth": 2}}, 224, 6.892),
}  # fmt: skip
"""By family, a network of the true width with few layers, the side of its input in pixels, and its
giga multiply-accumulates (counted by torch's FlopCounterMode)."""

_LLM: Mapping[str, Any] = {
    "architecture": "qwen2", "hidden_size": 896, "n_layers": 3, "n_heads": 14, "n_kv_heads": 2,
    "intermediate_size": 4864, "vocab_size": 2048, "max_positions": 32768, "head_dim": 64,
    "rope_theta": 1e6, "norm_epsilon": 1e-6, "attention_bias": True, "tied_embeddings": True,
    "options": {},
}  # fmt: skip
"""Qwen2-0.5B's blocks; decoders of one shape differ in width and count."""

_LLM_WEIGHTS = 46_573_184
"""Three blocks of 14.9 million weights and a small embedding."""


@dataclass(frozen=True)
class Timings:
    """What probes took in one environment.

    Attributes:
        where: the processor and its cores, for messages.
        seconds: by the key of a probe's workload; None where it could not be run.
    """

    where: str = ""
    seconds: Mapping[str, float | None] = field(default_factory=dict)


def family_of(half: Half, spec: Mapping[str, Any]) -> str:
    """The family that stands for a model.

    Args:
        spec: `Encoder.spec()` or `LanguageModel.spec()`.

    >>> family_of("encode", {"architecture": "fastvit_mci3", "builder": "timm"})
    'FastViT'
    >>> family_of("encode", {"architecture": "vit_so400m_patch14_siglip_gap_384"})
    'ViT'
    """
    if half == "prefill":
        return "language models"
    name = str(spec["architecture"])
    if name.startswith(("fastvit", "mobilenet", "mobileclip", "repvit")):
        return "FastViT"
    return "ConvNeXt" if "convnext" in name or "convnext" in spec.get("builder", "") else "ViT"


def workload(half: Half, family: str, runtime: Runtime) -> Workload:
    """What is timed for a family on a runtime."""
    if half == "prefill":
        subject = {"llm": dict(_LLM), "n_tokens": PREFILL_TOKENS, "inputs": "embeddings"}
        return Workload("prefill", f"a few blocks of {family}", subject, runtime)
    spec, side_px, _ = _ENCODERS[family]
    subject = {"encoder": spec, "resolution_px": side_px}
    return Workload("encode", f"a few layers of {family}", subject, runtime)


def example(half: Half, spec: Mapping[str, Any], runtime: Runtime) -> Workload:
    """A workload of a model itself, to ask a runtime whether it can run it."""
    if half == "prefill":
        return Workload("prefill", "", {"llm": dict(spec), "n_tokens": 16}, runtime)
    return Workload("encode", "", {"encoder": dict(spec), "resolution_px": 224}, runtime)


def gflops(probe: Workload, seconds: float) -> float:
    """The rate that a probe ran at, in 10^9 floating-point operations per second; of a prefill
    without the time that reading the weights takes, which an estimate adds by itself."""
    if probe.kind == "encode":
        _, _, gmacs = _ENCODERS[family_of("encode", probe.subject["encoder"])]
        return 2.0 * gmacs / seconds
    labels: dict[str, Any] = {"name": "", "label": "", "family": "", "size_label": ""}
    llm = LanguageModel(**labels, **probe.subject["llm"], parameters=_LLM_WEIGHTS)
    cost = prefill_cost(llm, int(probe.subject["n_tokens"]), probe.runtime)
    reading_s = cost.weights_bytes / MEMORY_BYTES_PER_S
    return cost.flops / max(seconds - reading_s, seconds / 2) / 1e9


def rate_key(workload: Workload) -> str:
    """What workloads share that run at the rate of one probe: kind, family and runtime."""
    half: Half = "encode" if workload.kind == "encode" else "prefill"
    spec = workload.subject["encoder" if half == "encode" else "llm"]
    return f"{half} {family_of(half, spec)} {workload.runtime}"
