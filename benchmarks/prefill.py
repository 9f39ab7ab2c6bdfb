"""Prefill in MLX and in torch: what the two modes of MLX cost, and MLX's own tool beside them.

    python benchmarks/prefill.py [--llm qwen2_0_5b] [--tokens 16 64 256 576] [--rounds 5]
                                 [--candidates forward "torch fp32"] [--json FILE]

For each number of positions: MLX `forward` (one pass, logits of the last position), MLX
`cache_prompt` (the tool of the FastVLM paper), `mlx_lm.generate.generate_step(max_tokens=0)`
itself (what `mlx_lm.cache_prompt` and `mlx_lm.benchmark` call), and torch in fp32 and, where
the processor has it, bf16. Each has a process of its own, since the thread pools of MLX's BLAS
and of torch's OpenMP spin into each other's way within one. All take turns in every round,
there and back, each on a new input; ratios are medians over rounds, paired by round.

Needs a quiet machine and about 10 GiB for a 0.5B model in fp32.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.backends import hardware
from paretobench.backends.inputs import random_embeddings
from paretobench.config import load_catalogue
from paretobench.domain import LanguageModel, Runtime, prefill_workload
from paretobench.measure.process import child_environment
from paretobench.resources import cache_folder

Run = Callable[[int], float]
"""From a number of positions to the seconds of one prefill of a new input."""

MLX = ("forward", "cache_prompt", "generate_step")
RATIOS = (
    ("cache_prompt", "forward"),
    ("cache_prompt", "generate_step"),
    ("forward", "torch fp32"),
    ("forward", "torch bf16"),
    ("cache_prompt", "torch fp32"),
    ("cache_prompt", "torch bf16"),
)

SETTLE_S = 0.3
"""Pause before each turn: idle OpenMP threads stop spinning within 0.2 s (libomp's default block
time; libgomp's is shorter), so that no candidate runs beside another's threads."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line of latencies and one of ratios for each number of positions."""
    options = parse(argv)
    if options.serve:
        return serve(options)
    results = []
    with processes(options) as children:
        for name, child in children.items():
            print(f"{name}: {child.facts}")
        for n_tokens in options.tokens:
            runs = {name: child.run for name, child in children.items()}
            samples = take_turns(runs, n_tokens, options.rounds)
            results.append(report(n_tokens, samples))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


class Child:
    """One candidate in its own process, asked for one prefill at a time."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        command = [sys.executable, __file__, "--serve", name, "--llm", options.llm]
        command += ["--precision", options.precision, "--device", options.device]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(),
        )
        self.facts = self._answer()

    def run(self, n_tokens: int) -> float:
        """Seconds of one prefill."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{n_tokens}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        """End the process: it stops at the end of its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a candidate ended with status {self._process.wait()}; see above")
        return json.loads(line)


@contextlib.contextmanager
def processes(options: argparse.Namespace) -> Iterator[dict[str, Child]]:
    """A process for every candidate, by name; all ended on the way out."""
    with contextlib.ExitStack() as stack:
        children = {}
        for name in options.candidates:
            children[name] = Child(name, options)
            stack.callback(children[name].close)
        yield children


def serve(options: argparse.Namespace) -> int:
    """The child's side: facts first, then the seconds of a prefill for every number read."""
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # runtimes print what they like
        facts, run = candidate(options.serve, load_catalogue().llms[options.llm], options)
        print(json.dumps(facts, default=str), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(run(int(line))), file=answers, flush=True)
    return 0


def candidate(
    name: str, llm: LanguageModel, options: argparse.Namespace
) -> tuple[dict[str, Any], Run]:
    """What a candidate uses, and the function that times one prefill."""
    if name in MLX:
        mode = "cache_prompt" if name == "generate_step" else name
        runtime = Runtime(
            "mlx", options.precision, {"device": options.device, "prefill_mode": mode}
        )
    else:
        runtime = Runtime("torch", name.split()[1], {"device": "cpu"})
    workload = prefill_workload(llm, 1, runtime)
    backend = backends.get(runtime.backend)
    session: Any = backend.load(workload, backend.prepare(workload, cache_folder()))
    names = ("version", "device", "precision", "blas", "threads", "mlx_lm")
    facts = {key: session.facts[key] for key in names if key in session.facts}
    time_it = _generate_step if name == "generate_step" else _session

    def run(n_tokens: int) -> float:
        session.set_embeddings(random_embeddings(1, n_tokens, llm.hidden_size))
        return time_it(session)

    return facts, run


def take_turns(runs: Mapping[str, Run], n_tokens: int, rounds: int) -> dict[str, list[float]]:
    """Seconds by name, `rounds` of each, after two that are thrown away; in turn."""
    for run in runs.values():
        for _ in range(2):
            run(n_tokens)
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(rounds):
        names = list(runs) if index % 2 == 0 else list(runs)[::-1]
        for name in names:
            time.sleep(SETTLE_S)
            samples[name].append(runs[name](n_tokens))
    return samples


def _session(session: Any) -> float:
    start = time.perf_counter()
    session.run()
    return time.perf_counter() - start


def _generate_step(session: Any) -> float:
    """The tool's own function on ids and embeddings of the same length, with a fresh cache."""
    from mlx_lm.generate import generate_step
    from mlx_lm.models.cache import make_prompt_cache

    mlx, cache = session._mlx, make_prompt_cache(session.model)
    ids, embeddings = session._ids[0], session._embeddings[0]
    mlx.eval(ids, embeddings)
    start = time.perf_counter()
    for _ in generate_step(
        ids, session.model, max_tokens=0, prompt_cache=cache, input_embeddings=embeddings
    ):
        pass
    mlx.eval([layer.state for layer in cache])
    return time.perf_counter() - start


def report(n_tokens: int, samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Print a number of positions' medians and ratios; returns them with the samples."""
    medians = {name: statistics.median(values) for name, values in samples.items()}
    ratios = {
        f"{first} / {second}": paired_ratio(samples[first], samples[second])
        for first, second in RATIOS
        if first in samples and second in samples
    }
    times = ", ".join(f"{name} {value * 1e3:.1f} ms" for name, value in medians.items())
    print(f"{n_tokens:5d} tokens: {times}")
    print("              " + ", ".join(f"{name} {value:.2f}" for name, value in ratios.items()))
    return {"n_tokens": n_tokens, "samples_s": dict(samples), "ratios": ratios}


def paired_ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """The median over rounds of one's seconds over the other's in the same round."""
    return statistics.median(one / other for one, other in zip(first, second, strict=True))


def known_candidates() -> list[str]:
    """All candidates that this processor runs at speed."""
    precisions = ["fp32", *(["bf16"] if hardware.detect().has_fast_bf16 else [])]
    return [*MLX, *(f"torch {precision}" for precision in precisions)]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    is_mac, known = hardware.detect().is_apple_silicon, known_candidates()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--llm", default="qwen2_0_5b", choices=sorted(load_catalogue().llms))
    parser.add_argument("--tokens", type=int, nargs="+", default=[16, 64, 256, 576])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--candidates", nargs="+", choices=known, default=known)
    parser.add_argument("--precision", default="fp16" if is_mac else "fp32", help="of MLX")
    parser.add_argument("--device", default="gpu" if is_mac else "cpu", help="of MLX")
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    parser.add_argument("--serve", choices=known, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if min(options.tokens) < 2 or options.rounds < 1:
        parser.error("--tokens are at least 2 (one is no chunk), --rounds at least 1")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
