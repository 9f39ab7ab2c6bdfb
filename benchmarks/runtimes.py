"""Is the chosen runtime the fastest? Every installed one, for each model of a grid, in one run.

    python benchmarks/runtimes.py [--half encode] [--rounds 3] [--tokens 64] [--px 512]

For every encoder and language model of the grid (each at one size, the nearest to `--px` that the
grid has, and at `--tokens`), each runtime that can run it is timed as in a sweep: in a fresh
process per round, in an order that is drawn anew each round, so that drift meets all alike. Printed
are the median of the processes' medians in milliseconds, and what `device=auto` chooses over the
best: 1.00 where it chose the fastest. Runtimes are compared at the precisions that `auto` takes
here, and language models in int4 as well, on the runtimes with which the whole model fits into
the memory. Of a language model with more than 2 billion weights `BLOCKS` blocks are timed: which
runtime is faster is decided within a block. MLX's kernels for quantised weights are left out on a
CPU, where they are fallbacks, ten times slower than its fp32. `--prepare` makes the files alone; do
that first, and run the rest on a quiet machine.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from paretobench import backends
from paretobench.analysis.stats import cell_median
from paretobench.backends import hardware
from paretobench.backends.choose import auto_precision
from paretobench.backends.hardware import usable_memory_bytes
from paretobench.config import expand
from paretobench.domain import (
    Encoder,
    GridPoint,
    LanguageModel,
    Runtime,
    Workload,
    encode_workload,
    prefill_workload,
)
from paretobench.measure import harness
from paretobench.measure.environment import fingerprint
from paretobench.measure.preparation import prepare_all
from paretobench.measure.process import Children
from paretobench.measure.single import MemoryStore
from paretobench.measure.terms import Options
from paretobench.planning.cost import block_weights, prefill_bytes
from paretobench.planning.plan import MEMORY_SHARE
from paretobench.resources import cache_folder
from paretobench.sweeping.prepare import prepare

ALLOWED = 1.05
"""Chosen over best: what the tool promises for every model."""

MORE_ROUNDS = 3
"""A model whose choice looks slower than that is timed so often again, and all rounds count: with
two processes each, runtimes that take the same time came out 8 % apart."""

BLOCKS, LARGE = 4, 2_000_000_000
"""Blocks that are timed of a language model with more weights than this."""


@dataclass(frozen=True)
class Contest:
    """One model: the workload that `auto` plans for it, and the same on every other runtime."""

    label: str
    chosen: Workload
    rivals: tuple[Workload, ...]

    def medians(self, seen: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """Seconds of each runtime that was timed."""
        timed = [one for one in self.rivals if seen[one.key]]
        return {str(one.runtime): statistics.median(seen[one.key]) for one in timed}

    def ratio(self, seen: Mapping[str, Sequence[float]]) -> float:
        """Chosen over best; 1 where nothing was timed."""
        medians = self.medians(seen)
        best = min(medians.values(), default=1.0)
        return medians.get(str(self.chosen.runtime), math.inf) / best if medians else 1.0


def planned(words: Sequence[str]) -> list[Workload]:
    """What `device=auto` would time, with its choice of runtime in each workload."""
    devices, _ = prepare(expand([*words, "horizon=none"]), None)
    for one in devices:
        one.site.close()
    return [workload.workload for workload in devices[0].plan.workloads]


def rivals(chosen: Workload) -> Iterator[Workload]:
    """A workload on every installed runtime, in the precision that `auto` takes there."""
    is_named = chosen.runtime.precision in ("int8", "int4")
    machine = hardware.detect()
    for name in backends.NAMES:
        is_slow = name == "mlx" and is_named and not machine.is_apple_silicon
        if is_slow or not backends.get(name).available().is_available:
            continue
        options = {"device": "cpu"}
        precision, _ = auto_precision(name, options, machine)
        precision = chosen.runtime.precision if is_named else precision
        other = replace(chosen, runtime=Runtime(name, precision, options))
        if backends.refusal(other) is None:
            yield other


def contests(half: str, grid: str, px: int, tokens: int) -> Iterator[Contest]:
    """The models of a grid, each with its rivals."""
    if half == "encode":
        points = expand([f"+grid={grid}"]).points
        sizes = {w.label: w for w in planned([f"+grid={grid}"]) if w.kind == "encode"}
        for encoder in {point.encoder.name: point.encoder for point in points}.values():
            nearest = size_of(encoder, points, px)
            chosen = sizes[encode_workload(encoder, nearest, Runtime("", "")).label]
            yield Contest(chosen.label, chosen, tuple(rivals(chosen)))
        return
    for precision in ("", "int4"):
        words = [f"+grid={grid}", *([f"precision={precision}"] if precision else [])]
        for llm in {point.llm.name: point.llm for point in expand(words).points}.values():
            yield prefill_contest(llm, words, tokens)


def prefill_contest(llm: LanguageModel, words: Sequence[str], tokens: int) -> Contest:
    """One language model at `tokens`, on the runtime that the plan has for it."""
    spec = llm.spec()
    own = next(w for w in planned(words) if w.kind == "prefill" and w.subject["llm"] == spec)
    limit = MEMORY_SHARE * usable_memory_bytes()
    label, timed = llm.label, llm
    if llm.parameters > LARGE:
        spared = block_weights(llm) * (llm.n_layers - BLOCKS)
        timed = replace(llm, n_layers=BLOCKS, parameters=llm.parameters - spared)
        label = f"{llm.label}, {BLOCKS} of {llm.n_layers} blocks"
    chosen = prefill_workload(timed, tokens, own.runtime)
    fitting = [one for one in rivals(chosen) if prefill_bytes(llm, tokens, one.runtime) <= limit]
    return Contest(f"{label} x {tokens}", chosen, tuple(fitting))


def size_of(encoder: Encoder, points: Sequence[GridPoint], px: int) -> int:
    """The side in the grid that is nearest to the one asked for."""
    sizes = [point.resolution_px for point in points if point.encoder == encoder]
    return min(sizes, key=lambda size: (abs(size - px), size))


def timed(workloads: Sequence[Workload], rounds: int) -> dict[str, list[float]]:
    """Medians of fresh processes by workload, one process of each in every round."""
    seen: dict[str, list[float]] = {one.key: [] for one in workloads}
    environment = fingerprint()
    for number in range(rounds):
        store = MemoryStore()
        options = Options(artifacts=cache_folder(), fidelity="quick", seed=number)
        harness.run(workloads, store=store, environment=environment, options=options)
        for cell in store.kept_cells:
            if cell.status != "disturbed":
                seen[cell.workload_key].append(cell_median(cell))
        for failure in store.kept_failures if number == 0 else ():
            print(f"  failed: {failure.workload_key[:8]}: {failure.reason}", flush=True)
    return seen


def show(contest: Contest, seen: Mapping[str, Sequence[float]]) -> float:
    """One row of the table; returns chosen over best."""
    medians = contest.medians(seen)
    if not medians:
        print(f"| {contest.label} | nothing could be timed |")
        return 1.0
    best = min(medians, key=lambda name: medians[name])
    times = ", ".join(f"{name} {s * 1e3:.1f}" for name, s in sorted(medians.items(), key=_second))
    ratio = contest.ratio(seen)
    print(f"| {contest.label} | {contest.chosen.runtime} | {best} | {ratio:.2f} | {times} |")
    return ratio


def _second(item: tuple[str, float]) -> float:
    return item[1]


def main() -> int:
    """Print the table; 1 if a choice is slower than promised."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--grid", default="qwen2_family")
    options.add_argument("--half", choices=("encode", "prefill"), default="encode")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--tokens", type=int, default=64)
    options.add_argument("--px", type=int, default=512)
    options.add_argument("--prepare", action="store_true", help="make the files alone")
    given = options.parse_args()
    found = list(contests(given.half, given.grid, given.px, given.tokens))
    workloads = list({one.key: one for contest in found for one in contest.rivals}.values())
    if given.prepare:
        made = prepare_all(workloads, Children(), cache_folder(), 1800.0, lambda *_: None)
        for one in made:
            print(f"{one.workload.label} on {one.workload.runtime}: {one.reason or 'ready'}")
        return 0
    seen = timed(workloads, given.rounds)
    doubtful = [w for one in found if one.ratio(seen) > ALLOWED for w in one.rivals]
    for key, medians in timed(doubtful, MORE_ROUNDS).items() if doubtful else ():
        seen[key] += medians
    print("| model | chosen | best | chosen / best | ms |\n|---|---|---|---:|---|")
    worst = max(show(contest, seen) for contest in found)
    print(f"worst chosen over best: {worst:.2f} (promised: {ALLOWED})")
    return int(worst > ALLOWED)


if __name__ == "__main__":
    raise SystemExit(main())
