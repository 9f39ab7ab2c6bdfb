"""Decode sessions against the libraries' own loops: one token's time, in turn, in one run.

    python benchmarks/decode.py [--llm smollm2_135m] [--tokens 256] [--rounds 7] [--backend torch]

For torch `transformers`' `generate` (greedy, from its first token on), for MLX mlx-lm's
`generate_step`; both continue the same prompt on the same model as the session.
llama.cpp's own tools are not in its wheel, so its session has nothing to be held against here.
The two alternate, each first in every other round. Prints the ratio ours / theirs: its geometric
mean over rounds with Student's 95 % interval, and its range. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.analysis.stats import estimate
from paretobench.config import load_catalogue
from paretobench.domain import DECODE_STEPS, Runtime, decode_workload


def main(argv: Sequence[str] | None = None) -> int:
    """One line for each backend."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--llm", default="smollm2_135m")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--backend", nargs="+", default=["torch", "mlx"])
    options = parser.parse_args(argv)
    for name in options.backend:
        ratios, ours, theirs = compare(name, options.llm, options.tokens, options.rounds)
        print(
            f"{name} {options.llm} behind {options.tokens}: ours {ours * 1e3:.2f} ms, its own loop"
            f" {theirs * 1e3:.2f} ms, {summary(ratios)}"
        )
    return 0


def compare(name: str, llm: str, tokens: int, rounds: int) -> tuple[list[float], float, float]:
    """Ratios by round, and the median seconds of one token, ours and theirs."""
    runtime = Runtime(name, "fp32", {"device": "cpu"})
    workload = decode_workload(load_catalogue().llms[llm], tokens, runtime, inputs="ids")
    backend = backends.get(name)
    with tempfile.TemporaryDirectory() as root:
        session: Any = backend.load(workload, backend.prepare(workload, Path(root)))
        loop = {"torch": torch_loop, "mlx": mlx_loop}[name](session)
        ours, theirs = [], []
        for index in range(rounds):
            if index % 2:
                theirs.append(loop())
            session.renew_input()
            start = time.perf_counter()
            session.run()
            ours.append((time.perf_counter() - start) / DECODE_STEPS)
            if not index % 2:
                theirs.append(loop())
        session.close()
    pairs = zip(ours, theirs, strict=True)
    return [a / b for a, b in pairs], statistics.median(ours), statistics.median(theirs)


def summary(ratios: Sequence[float]) -> str:
    """The mean ratio with its interval and range."""
    mean = estimate(ratios)
    return (
        f"ours / theirs {mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]"
        f" (rounds {min(ratios):.3f} to {max(ratios):.3f}, median {statistics.median(ratios):.3f})"
    )


def torch_loop(session: Any) -> Callable[[], float]:
    """Seconds of one token of `generate`, from its first token on."""
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Stamps(StoppingCriteria):  # type: ignore[misc]
        """When each token was there; stops nothing."""

        def __init__(self) -> None:
            self.at: list[float] = []

        def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
            self.at.append(time.perf_counter())
            return ids.new_zeros(len(ids), dtype=session.torch.bool)

    def one() -> float:
        stamps, tokens = Stamps(), DECODE_STEPS + 1
        session.network.generate(
            session._inputs["input_ids"],
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            stopping_criteria=StoppingCriteriaList([stamps]),
        )
        return (stamps.at[-1] - stamps.at[0]) / DECODE_STEPS

    return one


def mlx_loop(session: Any) -> Callable[[], float]:
    """Seconds of one token of mlx-lm's `generate_step`, from its first token on."""
    from mlx_lm.generate import generate_step

    def one() -> float:
        steps = generate_step(session._ids[0], session.model, max_tokens=DECODE_STEPS + 1)
        next(steps)
        start = time.perf_counter()
        for _ in steps:
            pass
        return (time.perf_counter() - start) / DECODE_STEPS

    return one


if __name__ == "__main__":
    raise SystemExit(main())
