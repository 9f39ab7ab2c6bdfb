"""Prefill in MLX and in torch: what the two modes of MLX cost, and MLX's own tool beside them.

    python benchmarks/prefill.py [--llm qwen2_0_5b] [--tokens 16 64 256 576] [--rounds 5]
                                 [--json FILE]

For each number of positions: MLX `forward` (one pass, logits of the last position), MLX
`cache_prompt` (the tool of the FastVLM paper), `mlx_lm.generate.generate_step(max_tokens=0)`
itself (what `mlx_lm.cache_prompt` and `mlx_lm.benchmark` call), and torch in fp32 and, where
the processor has it, bf16. All take turns in every round, each on a new input; ratios are
medians over rounds, paired by round. Needs a quiet machine and about 5 GiB for a 0.5B model.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.backends import hardware
from paretobench.backends.artifacts import default_root
from paretobench.backends.mlx import MLXSession
from paretobench.backends.models import mlx_llm
from paretobench.config import load_catalogue
from paretobench.domain import LanguageModel, Runtime, prefill_workload

Run = Callable[[], float]
RATIOS = (
    ("cache_prompt", "forward"),
    ("cache_prompt", "generate_step"),
    ("forward", "torch fp32"),
    ("forward", "torch bf16"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line of latencies and one of ratios for each number of positions."""
    options = _options(argv)
    llm = load_catalogue().llms[options.llm]
    mlx, blas = mlx_llm.import_mlx()
    print(f"{llm.label}, MLX {mlx.__version__} on {mlx.default_device()}, BLAS: {blas}")
    model = mlx_llm.build(llm.spec(), options.precision)
    results = []
    for n_tokens in options.tokens:
        samples = take_turns(contestants(llm, n_tokens, model, options), options.rounds)
        results.append(_report(n_tokens, samples))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


def contestants(
    llm: LanguageModel, n_tokens: int, model: Any, options: argparse.Namespace
) -> dict[str, Run]:
    """What is compared, by name; each call is one timed prefill of a new input."""
    runs = {}
    for mode in ("forward", "cache_prompt"):
        chosen = {"device": options.device, "prefill_mode": mode}
        runtime = Runtime("mlx", options.precision, chosen)
        runs[mode] = _timed(MLXSession(prefill_workload(llm, n_tokens, runtime), model))
    runs["generate_step"] = _generate_step(llm, n_tokens, model)
    precisions = ["fp32"] + (["bf16"] if hardware.detect().has_fast_bf16 else [])
    for precision in precisions:
        workload = prefill_workload(llm, n_tokens, Runtime("torch", precision, {"device": "cpu"}))
        backend = backends.get("torch")
        session = backend.load(workload, backend.prepare(workload, default_root()))
        runs[f"torch {precision}"] = _timed(session)
    return runs


def take_turns(runs: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Seconds by name, `rounds` of each, after one that is thrown away; in turn."""
    for run in runs.values():
        run()
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(rounds):
        names = list(runs) if index % 2 == 0 else list(runs)[::-1]
        for name in names:
            samples[name].append(runs[name]())
    return samples


def _timed(session: Any) -> Run:
    def run() -> float:
        session.renew_input()
        start = time.perf_counter()
        session.run()
        return time.perf_counter() - start

    return run


def _generate_step(llm: LanguageModel, n_tokens: int, model: Any) -> Run:
    """The tool's own function on token ids and embeddings of the same length."""
    from mlx_lm.generate import generate_step
    from mlx_lm.models.cache import make_prompt_cache

    mlx, _ = mlx_llm.import_mlx()
    ids = mlx.zeros((n_tokens,), dtype=mlx.int32)
    dtype = model.model.norm.weight.dtype

    def run() -> float:
        embeddings = (mlx.random.normal((n_tokens, llm.hidden_size)) * 0.02).astype(dtype)
        mlx.eval(ids, embeddings)
        cache = make_prompt_cache(model)
        start = time.perf_counter()
        step = generate_step(
            ids, model, max_tokens=0, prompt_cache=cache, input_embeddings=embeddings
        )
        for _ in step:
            pass
        mlx.eval([layer.state for layer in cache])
        return time.perf_counter() - start

    return run


def _report(n_tokens: int, samples: dict[str, list[float]]) -> dict[str, Any]:
    medians = {name: statistics.median(values) for name, values in samples.items()}
    ratios = {
        f"{first} / {second}": statistics.median(
            one / other for one, other in zip(samples[first], samples[second], strict=True)
        )
        for first, second in RATIOS
        if second in samples
    }
    times = ", ".join(f"{name} {value * 1e3:.1f} ms" for name, value in medians.items())
    print(f"{n_tokens:5d} tokens: {times}")
    print("              " + ", ".join(f"{name} {value:.2f}" for name, value in ratios.items()))
    return {"n_tokens": n_tokens, "samples_s": samples, "ratios": ratios}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    is_mac = hardware.detect().is_apple_silicon
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--llm", default="qwen2_0_5b")
    parser.add_argument("--tokens", type=int, nargs="+", default=[16, 64, 256, 576])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="fp16" if is_mac else "fp32")
    parser.add_argument("--device", default="gpu" if is_mac else "cpu")
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
