"""Is `mode=best` as fast as the fastest mode of torch, for the same models in the same run?

    python benchmarks/modes.py [--device cuda] [--encoder fastvithd@1024] [--llm qwen2_0_5b@256]
                               [--precision fp16] [--rounds 20]

Encoder and prefill, each loaded once in every mode that the device has and once as `best`; all
take turns in every round, there and back, each on a new input. Printed is, for both, the median
of each and the ratio of `best` to the fastest; the exit status is 1 if one ratio is above 1.05.
On a CPU the modes are eager and compile.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paretobench import backends
from paretobench.backends import torch_modes
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, Workload, encode_workload, prefill_workload
from paretobench.measure.lock import DeviceLock
from paretobench.resources import cache_folder

ALLOWED = 1.05
"""How much slower than the fastest mode `best` may be."""

Run = Callable[[], float]


def main(argv: Sequence[str] | None = None) -> int:
    """Print both comparisons; 1 if `best` was not among the best."""
    options = parse(argv)
    with DeviceLock().held():
        ratios = [compare(make, options) for make in (encode, prefill)]
    return 0 if max(ratios) <= ALLOWED else 1


def encode(options: argparse.Namespace, runtime: Runtime) -> Workload:
    """The encoder's workload in one mode."""
    name, _, px = options.encoder.partition("@")
    return encode_workload(load_catalogue().encoders[name], int(px), runtime)


def prefill(options: argparse.Namespace, runtime: Runtime) -> Workload:
    """The language model's workload in one mode."""
    name, _, n_tokens = options.llm.partition("@")
    return prefill_workload(load_catalogue().llms[name], int(n_tokens), runtime)


def compare(make: Callable[..., Workload], options: argparse.Namespace) -> float:
    """Load every mode, let them take turns; the ratio of `best` to the fastest."""
    is_board = options.device.startswith("cuda")
    modes = [mode for mode in torch_modes.CHOICES if is_board or mode not in torch_modes.GRAPHS]
    sessions = {}
    for mode in modes:
        chosen = {"device": options.device, "mode": mode}
        workload = make(options, Runtime("torch", options.precision, chosen))
        backend = backends.get("torch")
        sessions[mode] = backend.load(workload, backend.prepare(workload, cache_folder()))
    runs = {mode: timed(session) for mode, session in sessions.items()}
    medians = take_turns(runs, options.rounds)
    print(f"{workload.label} in {options.precision} on {options.device}")
    chosen_mode = sessions["best"].facts["mode"]
    return report(medians, chosen_mode)


def timed(session: Any) -> Run:
    """One repetition of a session on a new input."""

    def run() -> float:
        session.renew_input()
        start = time.perf_counter()
        session.run()
        return time.perf_counter() - start

    return run


def take_turns(runs: Mapping[str, Run], rounds: int) -> dict[str, float]:
    """Median seconds of each after three that are thrown away; in turn, there and back."""
    for run in runs.values():
        for _ in range(3):
            run()
    samples: dict[str, list[float]] = {mode: [] for mode in runs}
    for index in range(rounds):
        for mode in list(runs) if index % 2 == 0 else list(runs)[::-1]:
            samples[mode].append(runs[mode]())
    return {mode: statistics.median(values) for mode, values in samples.items()}


def report(medians: Mapping[str, float], chosen: str) -> float:
    """Print every mode's median, what `best` chose, and its ratio to the fastest mode."""
    for mode, seconds in medians.items():
        print(f"  {mode:12} {seconds * 1e3:9.3f} ms" + (f"  ({chosen})" if mode == "best" else ""))
    ratio = medians["best"] / min(value for mode, value in medians.items() if mode != "best")
    print(f"  best / fastest {ratio:.3f} (allowed: {ALLOWED:.2f})")
    return ratio


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu")
    parser.add_argument("--encoder", default="fastvithd@1024", help="NAME@PIXELS")
    parser.add_argument("--llm", default="qwen2_0_5b@256", help="NAME@TOKENS")
    parser.add_argument("--precision", default="fp16", choices=["fp32", "bf16", "fp16"])
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
