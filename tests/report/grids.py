"""Views made by hand: a sweep of 48 points like `qwen2_family`, and smaller ones."""

from __future__ import annotations

import math
from dataclasses import replace

from paretobench.analysis.prediction import Prediction
from paretobench.domain.records import Estimate, Source
from paretobench.report.view.rows import Accuracy, Row, View, with_fronts

ENCODERS = (
    ("fastvithd", "FastViTHD", (256, 512, 768, 1024), 64, 0.5),
    ("fastvit", "FastViT", (256, 512, 768, 1024), 32, 0.25),
    ("vit_l14", "ViT-L/14", (336,), 14, 3.2),
    ("siglip_so400m", "SigLIP-SO400M", (384,), 14, 5.0),
    ("convnext_l", "ConvNeXt-L", (320, 512, 768, 1024), 32, 1.3),
    ("convnext_xxl", "ConvNeXt-XXL", (256, 512), 32, 5.6),
)
LLMS = (("qwen2_0_5b", "Qwen2-0.5B", "0.5B", 0.5), ("qwen2_1_5b", "Qwen2-1.5B", "1.5B", 1.5),
        ("qwen2_7b", "Qwen2-7B", "7B", 7.6))  # fmt: skip


def estimate(seconds: float, width: float = 0.02, n: int = 4) -> Estimate:
    return Estimate(
        seconds, seconds * (1 - width), seconds * (1 + width), n, "t", width, (), width / 2, n - 1
    )


TABLE_1 = Source("published", "A paper", table="Table 1")


def row(
    encoder: str = "a",
    ttft_s: float | None = 0.1,
    score: float | None = 0.5,
    recipe: str = "llava-1.5",
    **fields: object,
) -> Row:
    """A measured row with sensible defaults; `score` None leaves it unscored."""
    accuracy = None if score is None else Accuracy("avg5", score, 0.002, sources=(TABLE_1,))
    known: dict[str, object] = {
        "encoder_label": encoder,
        "family": encoder,
        "resolution_px": 336,
        "llm": "q",
        "llm_label": "Q-1B",
        "size_label": "1B",
        "passes": 1,
        "visual_tokens": 16,
        "latency_source": "measured",
        "environment": "a chip",
        "encode_total": None if ttft_s is None else estimate(ttft_s * 0.4),
        "encode": None if ttft_s is None else estimate(ttft_s * 0.4),
        "prefill": None if ttft_s is None else estimate(ttft_s * 0.6),
        "ttft": None if ttft_s is None else estimate(ttft_s),
        "score": accuracy,
        "recipe": recipe if accuracy else "",
    }
    return keyed(Row(encoder=encoder, **{**known, **fields}))  # type: ignore[arg-type]


def guessed(encoder: str, ttft_s: float, score: float | None = 0.5, **fields: object) -> Row:
    """A row whose TTFT is predicted."""
    guess = Prediction(ttft_s, ttft_s * 0.8, ttft_s * 1.25, "model")
    more = {"latency_source": "predicted", "reason": "refused: too large", "predicted": guess}
    return row(encoder, None, score, **{**more, **fields})


def keyed(made: Row) -> Row:
    """The row with keys of its parts: equal models timed alike are one workload."""
    if made.encode_total is None or made.prefill is None:
        return made
    encode = (made.encoder, made.resolution_px, made.environment, made.encode_total.value)
    prefill = (made.llm, made.visual_tokens, made.environment, made.prefill.value)
    return replace(made, encode_key=str(encode), prefill_key=str(prefill))


def view(*rows: Row, **fields: object) -> View:
    return with_fronts(View(tuple(rows), **fields))  # type: ignore[arg-type]


def family_view(scored: str = "some") -> View:
    """48 points: all scored, or the 0.5B ones alone, or none."""
    rows = []
    for name, label, sides, stride, cost in ENCODERS:
        for side in sides:
            tokens = math.ceil(side / stride) ** 2 if stride > 14 else (side // 14) ** 2
            for llm, llm_label, size, billions in LLMS:
                encode = 0.02 + cost * (side / 512) ** 2 * 0.28
                prefill = 0.03 * billions**0.9 + tokens * 0.0013 * billions**0.95
                is_scored = scored == "all" or (scored == "some" and billions == 0.5)
                level = 47 + 6 * math.log10(tokens * side / 3000) + 3.2 * math.log2(billions / 0.5)
                rows.append(
                    row(
                        name,
                        encode + prefill,
                        (level + len(name) % 3) / 100 if is_scored else None,
                        encoder_label=label,
                        family=label,
                        resolution_px=side,
                        llm=llm,
                        llm_label=llm_label,
                        size_label=size,
                        visual_tokens=tokens,
                        encode_total=estimate(encode),
                        encode=estimate(encode),
                        prefill=estimate(prefill),
                        encoder_parameters=cost * 1e8,
                    )
                )
    return view(
        *rows,
        name="qwen2_family",
        title="qwen2_family: 48 points on a machine",
        protocol="paper",
        environment="An Example Processor 8000, 2 cores, 24 GiB, Linux 6.1",
        command="paretobench sweep +grid=qwen2_family",
        date="2026-11-21",
    )
