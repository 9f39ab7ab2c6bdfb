"""Is the chosen runtime the fastest? Every installed one, for each model of a grid, in one run.

    python benchmarks/runtimes.py [--grid qwen2_family] [--rounds 5] [--tokens 64] [--px 512]

For every encoder and language model of the grid (each at one size, the nearest to `--px` that the
encoder takes, and at `--tokens`), each runtime that can run it is timed in fresh processes. They
take turns, in an order that is mirrored from round to round, so that drift meets all alike.
Printed are the median of the processes' medians in milliseconds, and what `device=auto` chooses
over the best: 1.00 where it chose the fastest. Runtimes are compared at precisions that `auto`
could choose: 16 bits where the processor multiplies bf16, else 32; llama.cpp at fp16. A model that
does not fit is timed in the widest weights that do. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterator, Sequence

import psutil

from paretobench import backends
from paretobench.backends import hardware
from paretobench.backends.choose import choose_device
from paretobench.config import expand
from paretobench.domain import GridPoint, Runtime, Workload, encode_workload, prefill_workload
from paretobench.measure.single import measure_alone
from paretobench.planning.cost import encode_bytes, prefill_bytes
from paretobench.planning.plan import MEMORY_SHARE

ALLOWED = 1.05
"""Chosen over best: what the tool promises for every model."""


def candidates(half: str) -> Iterator[Runtime]:
    """Every runtime of one half that `auto` could choose here, most precise first."""
    wide = "bf16" if hardware.detect().has_fast_bf16 else "fp32"
    precisions = {"encode": (wide,), "prefill": (wide, "fp16", "int8", "int4")}[half]
    for name in backends.NAMES:
        if backends.get(name).available().is_available:
            for precision in dict.fromkeys((*precisions, "fp32")):
                yield Runtime(name, precision, {"device": "cpu"})


def rivals(half: str, point: GridPoint, px: int, n_tokens: int) -> list[Workload]:
    """One workload for each runtime that can run a model: in its widest precision that fits."""
    found: dict[str, Workload] = {}
    limit = MEMORY_SHARE * psutil.virtual_memory().total
    for runtime in candidates(half):
        if half == "encode":
            workload = encode_workload(point.encoder, px, runtime)
            needed = encode_bytes(point.encoder, px, runtime)
        else:
            workload = prefill_workload(point.llm, n_tokens, runtime)
            needed = prefill_bytes(point.llm, n_tokens, runtime)
        refused = backends.get(runtime.backend).refuses(workload)
        if needed <= limit and refused is None:
            found.setdefault(runtime.backend, workload)
    return list(found.values())


def timed(workloads: Sequence[Workload], rounds: int) -> dict[str, float]:
    """Seconds by backend: the median over rounds of fresh processes, in mirrored order."""
    seen: dict[str, list[float]] = {one.runtime.backend: [] for one in workloads}
    for number in range(rounds):
        for workload in workloads if number % 2 == 0 else reversed(workloads):
            answer = measure_alone(workload, "quick")
            for failure in answer["failures"]:
                print(f"  {workload.label} on {workload.runtime}: {failure}", file=sys.stderr)
            if answer["latency"] is not None:
                seen[workload.runtime.backend].append(answer["latency"]["value"])
    return {name: statistics.median(seconds) for name, seconds in seen.items() if seconds}


def nearest(allowed: Sequence[int], px: int) -> int:
    """The size of an encoder's own that is nearest to the one asked for."""
    return min(allowed, key=lambda size: (abs(size - px), size))


def main() -> int:
    """Print the table; 1 if a choice is slower than promised."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--grid", default="qwen2_family")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--tokens", type=int, default=64)
    options.add_argument("--px", type=int, default=512)
    given = options.parse_args()
    request = expand([f"+grid={given.grid}"])
    asked = request.devices[0]
    device = choose_device({"name": "auto", "encode": asked.encode, "prefill": asked.prefill})
    by_encoder = {point.encoder.name: point for point in request.points}
    by_llm = {point.llm.name: point for point in request.points}
    worst = 1.0
    work = itertools.chain(
        (("encode", point, device.encode.backend) for point in by_encoder.values()),
        (("prefill", point, device.prefill.backend) for point in by_llm.values()),
    )
    for half, point, chosen in work:
        sizes = [one.resolution_px for one in request.points if one.encoder == point.encoder]
        px = nearest(sizes, given.px)
        seconds = timed(rivals(half, point, px, given.tokens), given.rounds)
        if not seconds:
            continue
        best = min(seconds, key=lambda name: seconds[name])
        taken = chosen if chosen in seconds else "llamacpp"
        ratio = seconds.get(taken, seconds[best]) / seconds[best]
        worst = max(worst, ratio)
        name = point.encoder.label if half == "encode" else point.llm.label
        listed = ", ".join(f"{key} {value * 1e3:.1f}" for key, value in sorted(seconds.items()))
        print(f"{half:8}{name:14} chosen {taken:12} best {best:12} {ratio:.2f}   ms: {listed}")
    print(f"worst chosen over best: {worst:.2f} (promised: {ALLOWED})")
    return int(worst > ALLOWED)


if __name__ == "__main__":
    raise SystemExit(main())
