"""Why does a point timed in one piece differ from the sum of its parts? One trial per cause.

    python benchmarks/sum.py [--encoder fastvithd@512] [--llm qwen2_0_5b] [--tokens 64]
                             [--prefill torch] [--rounds 3] [--seconds 4]

Encoder and prefill are the sessions of their backends (OpenVINO bf16, and torch bf16 or what
`--prefill` names; fp32 where the processor has no bf16). Each condition is a fresh process, in
mirrored rounds; every half is timed on its own, and set against the same half alone in the same
round:

    alone           one half in the process, as a workload of its own is measured
    in turn         both halves in one process, one after the other, as a check does
    with a pause    the same, and 0.3 s between the halves: idle threads of the other pool sleep
    cold caches     one half alone, after 512 MB were read: what the other half evicts, and more
    plain malloc    both in turn, and alone, without the allocator settings of every child

and the canary at once after 2 s of both halves against the canary after 2 s of rest (frequency).
Prints medians over rounds of the paired ratios with their range. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paretobench import backends
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, Workload, encode_workload, prefill_workload
from paretobench.measure.canary import canary
from paretobench.measure.process import ALLOCATOR_DEFAULTS, child_environment
from paretobench.resources import cache_folder

HALVES = ("encode", "prefill")
CONDITIONS = (
    "alone", "in turn", "with a pause", "cold caches", "plain malloc alone", "plain malloc in turn",
)  # fmt: skip
PAUSE_S = 0.3
"""Longer than OpenMP's threads spin after their work (KMP_BLOCKTIME, 200 ms)."""

EVICTED_BYTES = 512 << 20
WARM_RUNS = 3


def workloads(given: argparse.Namespace) -> dict[str, Workload]:
    """The two halves of the point."""
    catalogue, precision = load_catalogue(), given.precision
    encoder, _, px = given.encoder.partition("@")
    encode = encode_workload(catalogue.encoders[encoder], int(px), Runtime("openvino", precision))
    llm = catalogue.llms[given.llm]
    return {
        "encode": encode,
        "prefill": prefill_workload(llm, given.tokens, Runtime(given.prefill, precision)),
    }


def session_of(workload: Workload) -> Any:
    """A loaded session."""
    backend = backends.get(workload.runtime.backend)
    return backend.load(workload, backend.prepare(workload, cache_folder()))


def evict(buffer: Any) -> None:
    """Read more than any cache holds, in this thread alone."""
    buffer.sum()


def one_process(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each half under one condition."""
    import numpy as np

    names = HALVES if "in turn" in given.one or "pause" in given.one else (given.half,)
    sessions = {name: session_of(workloads(given)[name]) for name in names}
    buffer = np.ones(EVICTED_BYTES // 4, np.float32) if given.one == "cold caches" else None

    def timed(name: str) -> float:
        sessions[name].renew_input()
        if buffer is not None:
            evict(buffer)
        if given.one == "with a pause":
            time.sleep(PAUSE_S)
        started = time.perf_counter()
        sessions[name].run()
        return time.perf_counter() - started

    for _ in range(WARM_RUNS):
        [timed(name) for name in names]
    runs: list[list[float]] = []
    end = time.monotonic() + given.seconds
    while time.monotonic() < end or len(runs) < WARM_RUNS:
        runs.append([timed(name) for name in names])
    found = {n: statistics.median(c) for n, c in zip(names, zip(*runs, strict=True), strict=True)}
    if given.one == "in turn":
        found["canary at once"] = canary()
        time.sleep(2.0)
        found["canary after rest"] = canary()
    return found


def ask(given: argparse.Namespace, condition: str, half: str) -> dict[str, float]:
    """The same in a fresh process."""
    command = [sys.executable, __file__, "--one", condition, "--half", half]
    for name in ("encoder", "llm", "tokens", "prefill", "seconds", "precision"):
        command += [f"--{name}", str(getattr(given, name))]
    environment = child_environment()
    if condition.startswith("plain malloc"):
        for name in ALLOCATOR_DEFAULTS:
            environment.pop(name, None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def one_round(given: argparse.Namespace, is_mirrored: bool) -> dict[str, dict[str, float]]:
    """Every condition once: seconds by condition and half."""
    steps = [
        (condition, half)
        for condition in CONDITIONS
        for half in (HALVES if "turn" not in condition and "pause" not in condition else ("",))
    ]
    found: dict[str, dict[str, float]] = {}
    for condition, half in reversed(steps) if is_mirrored else steps:
        found.setdefault(condition, {}).update(ask(given, condition, half))
    return found


def paired(
    rounds: Sequence[Mapping[str, Mapping[str, float]]], condition: str, of: str, name: str
) -> str:
    """The ratio of a half under one condition to that under another, over rounds."""
    ratios = [each[condition][name] / each[of][name] for each in rounds]
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def report(rounds: Sequence[Mapping[str, Mapping[str, float]]], say: Callable[[str], None]) -> None:
    """A line for each comparison."""
    alone = {n: statistics.median(r["alone"][n] for r in rounds) for n in HALVES}
    say(f"alone: encode {alone['encode'] * 1e3:.1f} ms, prefill {alone['prefill'] * 1e3:.1f} ms")
    say(f"{'over':34} {'encode':24} prefill")
    for condition, of in (
        ("in turn", "alone"),
        ("with a pause", "alone"),
        ("cold caches", "alone"),
        ("plain malloc alone", "alone"),
        ("plain malloc in turn", "plain malloc alone"),
    ):
        each = [paired(rounds, condition, of, name) for name in HALVES]
        say(f"{condition + ' / ' + of:34} {each[0]:24} {each[1]}")
    total = [sum(r["in turn"][n] for n in HALVES) / sum(r["alone"].values()) for r in rounds]
    low, high = min(total), max(total)
    say(f"both in turn / sum: {statistics.median(total):.3f} ({low:.3f} to {high:.3f})")
    clock = [r["in turn"]["canary at once"] / r["in turn"]["canary after rest"] for r in rounds]
    say(f"canary after work / after rest: {statistics.median(clock):.3f}")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", default="fastvithd@512")
    parser.add_argument("--llm", default="qwen2_0_5b")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prefill", choices=("torch", "openvino", "llamacpp"), default="torch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--one", choices=CONDITIONS, help=argparse.SUPPRESS)
    parser.add_argument("--half", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one_process(given)))
        return 0
    cores = len(os.sched_getaffinity(0))
    prefill = f"{given.llm} x {given.tokens} ({given.prefill})"
    print(f"{given.encoder} (openvino) and {prefill}, {cores} cores")
    report([one_round(given, bool(index % 2)) for index in range(given.rounds)], print)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
