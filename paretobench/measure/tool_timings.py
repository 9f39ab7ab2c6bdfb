"""Latencies in the files of other people's tools, as cells of the workloads that they timed.

    TensorRT Edge-LLM   a profile (JSON): `stages` with `gpu_time_stats`, `prefill`, `multimodal`
    ExecuTorch          lines `PyTorchObserver {...}`: one run each, time stamps in ms
    llama-bench -o json a list of tests with `n_prompt`, `n_gen` and `samples_ns`
    mlx_lm.benchmark    `Timing with prompt_tokens=...`, then `Trial 1:  prompt_tps=...`

Each file becomes one process in an environment of its own, that names the tool. Only what was
timed is taken: prefill with its number of tokens, and encoding one image. A rate without tokens, a
rate of zero or infinity, decoding, and a time to first token are refused with the reason: a TTFT
that is tokens divided by a rate is no second measurement, and one that leaves out the encoder is
another quantity than one that holds it.

References: NVIDIA/TensorRT-Edge-LLM, `examples/utils/profileFormatter.cpp`; pytorch/executorch,
`extension/llm/runner/stats.h`; ggml-org/llama.cpp, `tools/llama-bench`; ml-explore/mlx-lm,
`mlx_lm/benchmark.py`. Shapes were read from these sources; no such file of a device was at hand.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from paretobench.domain import (
    Encoder,
    LanguageModel,
    Runtime,
    Workload,
    encode_workload,
    prefill_workload,
)
from paretobench.domain.records import Cell, Environment
from paretobench.errors import DataError

UNKNOWN_TIME = "1970-01-01T00:00:00.000+00:00"
"""Most of these files do not say when they were made; a constant keeps a second import the same."""

Kind = Literal["encode", "prefill"]

_TEXT_BYTES = 1 << 20
_OBSERVER = re.compile(r"PyTorchObserver\s+(\{.*?\})")
_MLX_HEADER = re.compile(r"Timing with prompt_tokens=(\d+), .*?batch_size=(\d+)")
_LLAMA_FACTS = (
    "model_type", "model_filename", "build_commit", "n_threads", "n_gpu_layers", "test_time",
)  # fmt: skip
_MLX_TRIAL = re.compile(r"Trial \d+:\s+prompt_tps=([\w.+-]+)")


@dataclass(frozen=True)
class Stage:
    """One thing that a tool timed.

    Attributes:
        kind: `encode` for one image, `prefill` for `tokens` positions.
        seconds: samples, or one statistic of `n` runs that the file gives instead.
        statistic: what `seconds` are: `samples`, `median of 20 runs`.
    """

    kind: Kind
    seconds: tuple[float, ...]
    statistic: str
    tokens: int | None = None


@dataclass(frozen=True)
class ToolTimings:
    """What a file holds: stages, and what of it is no latency here, each with the reason."""

    tool: str
    backend: str
    stages: tuple[Stage, ...]
    refused: tuple[tuple[str, str], ...] = ()
    device: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportedTimings:
    """What a file becomes in the store."""

    environment: Environment
    cells: tuple[tuple[Workload, Cell], ...]


def read_timings(path: Path) -> ToolTimings | None:
    """The timings in a file; None if it is of none of these tools."""
    try:
        with path.open("rb") as file:
            text = file.read(_TEXT_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
    if _OBSERVER.search(text):
        return _executorch(text)
    if "prompt_tps=" in text:
        return _mlx_lm(text)
    try:
        data = json.loads(path.read_bytes()) if text.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None
    if isinstance(data, dict) and isinstance(data.get("stages"), list):
        return _edge_llm(data)
    if isinstance(data, list) and data and isinstance(data[0], dict) and "n_prompt" in data[0]:
        return _llama_bench(data)
    return None


class _Reader:
    """Collects stages, and the reasons why something is none."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.refused: list[tuple[str, str]] = []

    def take(self, what: str, make: Callable[[], Stage]) -> None:
        try:
            self.stages.append(make())
        except (DataError, KeyError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, DataError) else f"it lacks {error}"
            self.refused.append((what, reason))

    def timings(self, tool: str, backend: str, **more: Any) -> ToolTimings:
        return ToolTimings(tool, backend, tuple(self.stages), tuple(self.refused), **more)


def _seconds(value: Any, what: str) -> float:
    """A time above 0.

    Raises:
        DataError: if it is none.
    """
    number = float(value)
    if not math.isfinite(number) or number <= 0:
        raise DataError(f"{what} is {value}; a time has to be above 0 and finite")
    return number


def _edge_llm(data: Mapping[str, Any]) -> ToolTimings:
    reader = _Reader()
    prefill, images = data.get("prefill") or {}, data.get("multimodal") or {}

    def timed(kind: Kind, given: Mapping[str, Any], tokens: int | None = None) -> Stage:
        stats = given["gpu_time_stats"]
        median_s = _seconds(stats["median_ms"], "median_ms") / 1e3
        return Stage(kind, (median_s,), f"median of {int(stats['count'])} runs", tokens)

    def encode(given: Mapping[str, Any]) -> Stage:
        per_run = images["total_images"] / images["total_runs"]
        if per_run != 1:
            raise DataError(f"{per_run:g} images per run; one image is what an encode workload is")
        return timed("encode", given)

    def prefilled(given: Mapping[str, Any]) -> Stage:
        if prefill["reused_tokens"]:
            raise DataError(f"{prefill['reused_tokens']} tokens came from the cache, not prefilled")
        tokens = prefill["computed_tokens"] / prefill["total_runs"]
        if tokens != int(tokens):
            raise DataError(f"{tokens:.1f} tokens per run on average: its prompts differ in length")
        return timed("prefill", given, int(tokens))

    for given in data["stages"]:
        name = str(given.get("stage_id", "")) if isinstance(given, dict) else ""
        if name in ("vision_encoder", "multimodal_processing"):
            reader.take(name, partial(encode, given))
        elif name == "llm_prefill":
            reader.take(name, partial(prefilled, given))
        else:
            reader.refused.append((name, "neither encoding an image nor prefill"))
    return reader.timings("TensorRT Edge-LLM", "tensorrt_edge_llm", facts={"timed": "GPU events"})


def _executorch(text: str) -> ToolTimings:
    reader = _Reader()
    by_tokens: dict[int, list[float]] = {}
    for match in _OBSERVER.finditer(text):
        try:
            line = json.loads(match[1])
            span = line["prompt_eval_end_ms"] - line["inference_start_ms"]
            scale = line.get("SCALING_FACTOR_UNITS_PER_SECOND", 1000)
            seconds = _seconds(span / scale, "prompt evaluation")
            by_tokens.setdefault(_tokens(line["prompt_tokens"]), []).append(seconds)
        except (DataError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            reader.refused.append(("PyTorchObserver", str(error)))
    for tokens, samples in by_tokens.items():
        reader.stages.append(Stage("prefill", tuple(samples), "samples", tokens))
    facts = {"timed": "tokenizing the prompt and prefill, from inference_start to prompt_eval_end"}
    return reader.timings("ExecuTorch", "executorch", facts=facts)


def _tokens(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise DataError(f"{value!r} prompt tokens: a time without its tokens is no workload")
    return value


def _llama_bench(data: list[Any]) -> ToolTimings:
    reader = _Reader()
    first = data[0]
    for test in (each for each in data if isinstance(each, dict)):
        name = f"pp{test.get('n_prompt')}" if test.get("n_prompt") else f"tg{test.get('n_gen')}"
        if test.get("n_gen"):
            reader.refused.append((name, "it generates tokens; only prefill is a workload here"))
        elif test.get("n_depth"):
            reader.refused.append((name, f"prefill behind {test['n_depth']} tokens of context"))
        else:
            reader.take(name, partial(_llama_test, test))
    chip = str(first.get("gpu_info") or first.get("cpu_info") or "")
    facts = {name: first[name] for name in _LLAMA_FACTS if first.get(name) is not None}
    return reader.timings("llama-bench", "llama_cpp", device=chip, facts=facts)


def _llama_test(test: Mapping[str, Any]) -> Stage:
    tokens = _tokens(test["n_prompt"])
    samples = test.get("samples_ns")
    if samples:
        seconds = tuple(_seconds(sample / 1e9, "a sample") for sample in samples)
        return Stage("prefill", seconds, "samples", tokens)
    if "avg_ns" not in test:
        raise DataError("it has a rate and no time; run llama-bench with -o json")
    return Stage("prefill", (_seconds(test["avg_ns"] / 1e9, "avg_ns"),), "mean", tokens)


def _mlx_lm(text: str) -> ToolTimings:
    reader = _Reader()

    def prefilled() -> Stage:
        header = _MLX_HEADER.search(text)
        if header is None:
            raise DataError("a rate without a token count: keep the line 'Timing with ...' above")
        if header[2] != "1":
            raise DataError(f"a batch of {header[2]}; a workload here is one image's prompt")
        rates = [float(rate) for rate in _MLX_TRIAL.findall(text)]
        if not rates:
            raise DataError("no trial is in it")
        tokens = int(header[1])
        seconds = tuple(tokens / _seconds(rate, "prompt_tps") for rate in rates)
        return Stage("prefill", seconds, "samples", tokens)

    reader.take("prompt_tps", prefilled)
    facts = {"timed": "prompt tokens divided by prompt_tps of each trial; the prompt as ids"}
    return reader.timings("mlx_lm.benchmark", "mlx_lm", facts=facts)


def as_cells(
    path: Path,
    found: ToolTimings,
    encoder: Encoder | None = None,
    resolution_px: int | None = None,
    llm: LanguageModel | None = None,
    precision: str = "",
    device: str = "",
) -> ImportedTimings:
    """The stages of a file as cells, under the names that the user gave its networks.

    Raises:
        DataError: if a stage's network, or the device, is not named.
    """
    chip = device or found.device
    if not chip:
        raise DataError(f"{path} does not name its device; say which with --device NAME")
    environment = Environment({"chip": chip, "measured_by": found.tool})
    runtime = Runtime(found.backend, precision or "unstated", {"source": found.tool})
    about = {
        "source": found.tool,
        "protocol": f"imported: {found.tool}",
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    cells = []
    for stage in found.stages:
        workload = _workload(path, stage, runtime, encoder, resolution_px, llm)
        facts = {**about, "statistic": stage.statistic, **found.facts}
        cells.append((workload, _cell(stage, workload, environment, facts)))
    return ImportedTimings(environment, tuple(cells))


def _workload(
    path: Path,
    stage: Stage,
    runtime: Runtime,
    encoder: Encoder | None,
    resolution_px: int | None,
    llm: LanguageModel | None,
) -> Workload:
    if stage.kind == "encode":
        if encoder is None or resolution_px is None:
            raise DataError(f"{path} times an encoder; name it: --encoder NAME --resolution PX")
        check_resolution(encoder, resolution_px)
        return encode_workload(encoder, resolution_px, runtime)
    if llm is None or stage.tokens is None:
        raise DataError(f"{path} times a prefill; name its language model: --llm NAME")
    return prefill_workload(llm, stage.tokens, runtime, inputs="ids")


def check_resolution(encoder: Encoder, resolution_px: int) -> None:
    """Raise `DataError` if an encoder does not take the resolution that a file is said to time."""
    if not encoder.resolutions.accepts(resolution_px):
        allowed = encoder.resolutions.describe()
        raise DataError(f"{encoder.label} takes {allowed} px, not {resolution_px}")


def _cell(
    stage: Stage, workload: Workload, environment: Environment, facts: Mapping[str, Any]
) -> Cell:
    return Cell(
        workload_key=workload.key,
        environment_key=environment.key,
        started_at=UNKNOWN_TIME,
        fidelity="standard",
        round_index=0,
        load_s=0.0,
        first_run_s=stage.seconds[0],
        warmup_s=(),
        samples_s=stage.seconds,
        canary_before_s=None,
        canary_after_s=None,
        wall_s=sum(stage.seconds),
        peak_memory_bytes=None,
        facts=facts,
    )


def throughput_refusals(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Why the `throughput` block of lmms-eval is no latency of a point, figure by figure."""
    block = data.get("throughput")
    if not isinstance(block, dict):
        return
    latency, ttft = block.get("avg_latency") or block.get("avg_e2e"), block.get("avg_ttft")
    if ttft is not None:
        is_estimate = latency and abs(float(ttft) / float(latency) - 0.1) < 1e-3
        yield (
            "throughput: avg_ttft",
            "10 % of the total time: an estimate, no measurement"
            if is_estimate
            else "a mean over requests of any length, with queueing; no latency of one point",
        )
    if "avg_speed" in block:
        yield "throughput: avg_speed", "a rate of generated tokens; it has no prompt's token count"
