"""One point as the `model-index` of a Hugging Face model card: its scores, its TTFT, their sources.

The text is the front of a README.md, between two rules; it can be pasted into one that has
none. Scores are percent, as model cards print them; the latency is a result of its own
whose data set is the machine, because a time without its machine says nothing.

Reference: Hugging Face Hub documentation, "Model cards", section on evaluation results, and
`huggingface_hub.EvalResult`, against which a test reads this text.
"""

from __future__ import annotations

from typing import Any

from paretobench.accuracy import suites
from paretobench.errors import DataError, UnknownNameError
from paretobench.report.view.rows import Accuracy, Row, View, benchmark_label
from paretobench.units import milliseconds, percent

TASK = "image-text-to-text"
"""The Hub's name for what a vision-language model does."""

DATA_SETS = {
    "gqa": "lmms-lab/GQA",
    "textvqa": "lmms-lab/textvqa",
    "pope": "lmms-lab/POPE",
    "docvqa": "lmms-lab/DocVQA",
    "seedbench_image": "lmms-lab/SEED-Bench",
    "seedbench_all": "lmms-lab/SEED-Bench",
    "scienceqa": "lmms-lab/ScienceQA",
    "vqav2": "lmms-lab/VQAv2",
    "mmmu": "lmms-lab/MMMU",
    "mmvet": "lmms-lab/MMVet",
    "llava_bench_wild": "lmms-lab/llava-bench-in-the-wild",
    "chartqa": "lmms-lab/ChartQA",
    "ocrbench": "echo840/OCRBench",
    "infovqa": "lmms-lab/DocVQA",
    "ai2d": "lmms-lab/ai2d",
    "realworldqa": "lmms-lab/RealWorldQA",
}
"""Where lmms-eval's tasks take each benchmark from on the Hub; others keep their own name."""

METRICS = {"exact_match": "accuracy", "pope_f1_score": "f1", "anls": "anls"}
"""The Hub's names for lmms-eval's metrics; every other one is called a score."""


def model_card(view: View, row: Row) -> str:
    """The point's results as the front of a model card, in YAML between two rules.

    Args:
        row: the point under one recipe.

    Raises:
        DataError: if the row has neither a score nor a TTFT.
    """
    import yaml

    index = {"model-index": [{"name": _name(row), "results": results(view, row)}]}
    text = yaml.safe_dump(index, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---\n"


def results(view: View, row: Row) -> list[dict[str, Any]]:
    """One entry per benchmark, the headline first, then the time to first token.

    Raises:
        DataError: if there would be none.
    """
    scores = [row.score] if row.score else []
    scores += [task for task in row.task_scores if task.benchmark != view.benchmark]
    found = [_scored(score) for score in scores]
    if row.ttft is not None:
        found.append(_timed(view, row))
    if not found:
        raise DataError(f"{row} has neither a score nor a TTFT to put on a model card")
    return found


def _name(row: Row) -> str:
    return f"{row} ({row.recipe})" if row.recipe else str(row)


def _scored(score: Accuracy) -> dict[str, Any]:
    label = benchmark_label(score.benchmark)
    args: dict[str, Any] = {
        "protocol": score.protocol,
        "items": score.n,
        "standard_error": _error(score),
        "standard_error_is_assumed": score.is_error_assumed,
        "source": score.source,
    }
    metric: dict[str, Any] = {
        "type": _metric(score.benchmark),
        "value": float(percent(score.value)),
        "name": f"{label} (%)",
        "args": {name: value for name, value in args.items() if value},
    }
    entry = {
        "task": {"type": TASK},
        "dataset": {"type": DATA_SETS.get(score.benchmark, score.benchmark), "name": label},
        "metrics": [metric],
    }
    if address := next((source.url for source in score.sources if source.url), ""):
        entry["source"] = {"name": score.source, "url": address}
    return entry


def _error(score: Accuracy) -> float | None:
    """The standard error in percentage points, as the tables print it."""
    if score.standard_error is None:
        return None
    return float(percent(score.standard_error)) or round(score.standard_error * 100, 3)


def _metric(benchmark: str) -> str:
    try:
        key = suites.benchmark(benchmark).metric.partition(",")[0]
    except UnknownNameError:
        return "score"
    return METRICS.get(key, "score")


def _timed(view: View, row: Row) -> dict[str, Any]:
    if row.ttft is None:
        raise ValueError(f"{row} has no TTFT")
    ends = [row.ttft.low, row.ttft.high]
    args: dict[str, Any] = {
        "interval_95_ms": [float(milliseconds(end)) for end in ends if end is not None],
        "processes": row.ttft.n if row.is_measured else None,
        "protocol": view.protocol,
        "precision": row.encode_precision,
        "source": row.latency_citation,
    }
    where = row.environment or view.environment
    return {
        "task": {"type": TASK},
        "dataset": {"type": "time-to-first-token", "name": f"one image on {where}"},
        "metrics": [
            {
                "type": "ttft",
                "value": float(milliseconds(row.ttft.value)),
                "name": "time to first token (ms)",
                "args": {name: value for name, value in args.items() if value},
            }
        ],
    }
