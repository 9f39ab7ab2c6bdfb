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

from paretobench.domain import Runtime, Workload

Half = Literal["encode", "prefill"]

PREFILL_TOKENS = 64
"""Tokens of a prefill probe: between the 16 and 256 that FastViTHD makes of 256 and 1024 px."""

_ENCODERS: Mapping[str, tuple[dict[str, Any], int]] = {
    "FastViT": ({"builder": "timm", "architecture": "fastvit_mci2",
                 "options": {"layers": [1, 2, 4, 1]}}, 256),
    "ConvNeXt": ({"builder": "timm", "architecture": "convnext_large_mlp",
                  "options": {"depths": [1, 1, 3, 1]}}, 256),
    "ViT": ({"builder": "timm", "architecture": "vit_large_patch14_clip_quickgelu_336",
             "options": {"depth": 2}}, 224),
}  # fmt: skip
"""By family, a network of the true width with few layers, and the side of its input in pixels."""

_LLM: Mapping[str, Any] = {
    "architecture": "qwen2", "hidden_size": 896, "n_layers": 3, "n_heads": 14, "n_kv_heads": 2,
    "intermediate_size": 4864, "vocab_size": 2048, "max_positions": 32768, "head_dim": 64,
    "rope_theta": 1e6, "norm_epsilon": 1e-6, "attention_bias": True, "tied_embeddings": True,
    "options": {},
}  # fmt: skip
"""Qwen2-0.5B's blocks; decoders of one shape differ in width and count."""


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
    spec, side_px = _ENCODERS[family]
    subject = {"encoder": spec, "resolution_px": side_px}
    return Workload("encode", f"a few layers of {family}", subject, runtime)


def example(half: Half, spec: Mapping[str, Any], runtime: Runtime) -> Workload:
    """A workload of a model itself, to ask a runtime whether it can run it."""
    if half == "prefill":
        return Workload("prefill", "", {"llm": dict(spec), "n_tokens": 16}, runtime)
    return Workload("encode", "", {"encoder": dict(spec), "resolution_px": 224}, runtime)
