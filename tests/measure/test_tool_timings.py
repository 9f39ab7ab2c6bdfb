"""Timings of other people's tools, in the shapes that their sources write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from paretobench.cli import group
from paretobench.errors import ParetobenchError
from paretobench.measure.tool_timings import ToolTimings, read_timings, throughput_refusals


def stage(name: str, median_ms: float, count: int = 20) -> dict[str, Any]:
    stats = {"count": count, "min_ms": 1.0, "max_ms": 9.0, "mean_ms": 5.0, "median_ms": median_ms,
             "p95_ms": 8.0, "p99_ms": 9.0, "stddev_ms": 0.5}  # fmt: skip
    return {"stage_id": name, "total_runs": count, "gpu_time_stats": stats}


EDGE_LLM = {
    "prefill": {"total_runs": 20, "reused_tokens": 0, "computed_tokens": 20 * 280,
                "tokens_per_second": 1e4},
    "multimodal": {"total_runs": 20, "total_images": 20, "total_image_tokens": 5120},
    "stages": [stage("vision_encoder", 6.0), stage("llm_prefill", 21.0),
               stage("llm_generation", 400.0)],
    "peak_unified_memory_bytes": 10**9,
}  # fmt: skip

LLAMA_BENCH = [
    {"build_commit": "abc", "cpu_info": "Apple M2", "gpu_info": "", "model_type": "qwen2 1B F16",
     "n_prompt": 256, "n_gen": 0, "n_depth": 0, "test_time": "2026-01-01T00:00:00Z",
     "avg_ns": 101000000, "samples_ns": [100000000, 102000000]},
    {"n_prompt": 0, "n_gen": 128, "samples_ns": [1, 2]},
]  # fmt: skip

MLX_LM = """Running warmup..
Timing with prompt_tokens=512, generation_tokens=1024, batch_size=1.
Trial 1:  prompt_tps=5120.000, generation_tps=80.0, peak_memory=1.2, total_time=13.0
Trial 2:  prompt_tps=2560.000, generation_tps=81.0, peak_memory=1.2, total_time=13.1
Averages: prompt_tps=3840.000, generation_tps=80.5, peak_memory=1.2
"""


def observer(tokens: int, start: int, end: int) -> str:
    line = {"prompt_tokens": tokens, "generated_tokens": 9, "inference_start_ms": start,
            "inference_end_ms": end + 500, "prompt_eval_end_ms": end, "first_token_ms": end + 1,
            "SCALING_FACTOR_UNITS_PER_SECOND": 1000}  # fmt: skip
    return f"PyTorchObserver {json.dumps(line)}\n"


def read(tmp_path: Path, content: Any) -> ToolTimings:
    path = tmp_path / "timings"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    found = read_timings(path)
    assert found is not None
    return found


def test_a_profile_of_edge_llm_gives_one_image_and_its_prefill(tmp_path: Path) -> None:
    found = read(tmp_path, EDGE_LLM)
    assert [(s.kind, s.seconds, s.tokens) for s in found.stages] == [
        ("encode", (0.006,), None), ("prefill", (0.021,), 280),
    ]  # fmt: skip
    assert {s.statistic for s in found.stages} == {"median of 20 runs"}
    assert dict(found.refused).keys() == {"llm_generation"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prefill": {**EDGE_LLM["prefill"], "reused_tokens": 5}}, "came from the cache"),
        ({"prefill": {**EDGE_LLM["prefill"], "computed_tokens": 5601}}, "differ in length"),
        ({"multimodal": {**EDGE_LLM["multimodal"], "total_images": 40}}, "2 images per run"),
        ({"prefill": {}}, "it lacks 'reused_tokens'"),
        ({"stages": [stage("llm_prefill", 0.0)]}, "has to be above 0"),
    ],
)  # fmt: skip
def test_a_profile_that_is_no_single_workload_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    found = read(tmp_path, EDGE_LLM | changes)
    assert any(reason in why for _, why in found.refused), found.refused


def test_lines_of_executorch_are_samples_of_one_prefill(tmp_path: Path) -> None:
    text = "log\n" + observer(300, 1000, 1250) + "more\n" + observer(300, 5000, 5240)
    (found,) = read(tmp_path, text).stages
    assert (found.kind, found.tokens, found.seconds) == ("prefill", 300, (0.25, 0.24))
    nothing = read(tmp_path, observer(0, 0, 5) + observer(9, 5, 5))
    assert not nothing.stages
    reasons = " ".join(why for _, why in nothing.refused)
    assert "without its tokens" in reasons and "above 0" in reasons


def test_llama_bench_gives_its_samples_and_leaves_generation(tmp_path: Path) -> None:
    found = read(tmp_path, LLAMA_BENCH)
    (prefill,) = found.stages
    assert (prefill.tokens, prefill.seconds) == (256, (0.1, 0.102))
    assert found.device == "Apple M2" and found.refused[0][0] == "tg128"
    deep = read(tmp_path, [LLAMA_BENCH[0] | {"n_depth": 512}])
    assert "behind 512 tokens of context" in deep.refused[0][1]
    rate = {"n_prompt": 256, "n_gen": 0, "avg_ts": 2500.0}
    assert "a rate and no time" in read(tmp_path, [rate]).refused[0][1]


def test_trials_of_mlx_lm_are_tokens_over_their_rate(tmp_path: Path) -> None:
    (found,) = read(tmp_path, MLX_LM).stages
    assert (found.tokens, found.seconds) == (512, (0.1, 0.2))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MLX_LM.replace("Timing with", "Timed"), "a rate without a token count"),
        (MLX_LM.replace("=5120.000", "=0.000"), "above 0 and finite"),
        (MLX_LM.replace("=5120.000", "=inf"), "above 0 and finite"),
        (MLX_LM.replace("batch_size=1", "batch_size=8"), "a batch of 8"),
    ],
)
def test_a_rate_that_is_no_time_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    found = read(tmp_path, text)
    assert not found.stages and reason in found.refused[0][1]


def test_the_throughput_of_lmms_eval_is_no_latency() -> None:
    estimate = {"throughput": {"avg_ttft": 0.05, "avg_latency": 0.5, "avg_speed": 30.0}}
    reasons = dict(throughput_refusals(estimate))
    assert "an estimate" in reasons["throughput: avg_ttft"]
    assert "generated tokens" in reasons["throughput: avg_speed"]
    served = {"throughput": {"avg_ttft": 0.2, "avg_latency": 0.5}}
    assert "with queueing" in dict(throughput_refusals(served))["throughput: avg_ttft"]
    assert not list(throughput_refusals({"throughput": None}))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"results": {}}', "encoder,llm\n", "[1]"])
def test_other_files_are_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "x").write_text(content)
    assert read_timings(tmp_path / "x") is None


WHAT = ("--encoder", "fastvithd", "--resolution", "1024", "--llm", "qwen2_0_5b")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def run(*args: str) -> Result:
        return CliRunner().invoke(group, args, prog_name="paretobench")

    return run


def test_a_profile_is_imported_once_in_an_environment_of_its_own(cli, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(EDGE_LLM))
    first = cli("import", "p.json", *WHAT, "--device", "Jetson AGX Orin", "--precision", "int4")
    assert first.exit_code == 0, first.output
    assert "2 new; 1 skipped" in first.stderr
    again = cli("import", "p.json", *WHAT, "--device", "Jetson AGX Orin", "--precision", "int4")
    assert "2 known" in again.stderr
    (environment,) = json.loads(cli("ls", "environments", "--json").stdout)
    assert environment["measured_by"] == "TensorRT Edge-LLM"
    labels = {row["label"] for row in json.loads(cli("ls", "workloads", "--json").stdout)}
    assert labels == {"FastViTHD@1024", "Qwen2-0.5B x 280 tokens"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "does not name its device"),
        (("--device", "x"), "name it: --encoder"),
        (("--device", "x", "--encoder", "fastvithd", "--resolution", "1000"), "not 1000"),
        (("--device", "x", *WHAT[:4]), "name its language model"),
    ],
)
def test_what_a_profile_lacks_is_asked_for(
    cli, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(EDGE_LLM | {"stages": EDGE_LLM["stages"][:2]}))
    result = cli("import", "p.json", *options)
    assert isinstance(result.exception, ParetobenchError)
    assert reason in result.output or reason in str(result.exception)
