"""How often does a duel tell equal sides apart, and does it find a slowdown of 3 %?

    python benchmarks/duel.py collect BANK.json smoke.json [--processes 60]
    python benchmarks/duel.py replay [BANK.json] [--replays 200] [--seed 0]

`collect` times the workloads of a plan (`paretobench plan --json`) in many fresh processes, one
after the other in turn, and keeps their medians: a bank of real processes, of a quiet machine.
`replay` plays duels with processes drawn from the bank, neighbours in time as the two sides of a
round: once as they are (A/A), once with B slowed by 3 %. Without a bank it draws them from the
noises below.

Exit status 1 if equal sides are told apart in more than 5 % of replays (and two standard errors),
or if the slowdown is found in less than 80 %.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from paretobench.analysis.duel import DETECT, MAX_ROUNDS, Pair, needs_round, verdict_of

FALSE_ALARMS, POWER = 0.05, 0.80

NOISES: Mapping[str, Callable[[np.random.Generator], np.ndarray]] = {
    "process bias 0.5 %": lambda rng: rng.normal(0, 0.005, 2 * MAX_ROUNDS),
    "process bias 1.5 %": lambda rng: rng.normal(0, 0.015, 2 * MAX_ROUNDS),
    "bias 1.5 % and drift 3 %": lambda rng: (
        rng.normal(0, 0.015, 2 * MAX_ROUNDS) + np.linspace(0, 0.03, 2 * MAX_ROUNDS)
    ),
    "30 % of processes 5 % slower": lambda rng: (
        rng.normal(0, 0.003, 2 * MAX_ROUNDS) + 0.05 * (rng.random(2 * MAX_ROUNDS) < 0.3)
    ),
    "heavy tails": lambda rng: 0.01 * rng.standard_t(3, 2 * MAX_ROUNDS),
}
"""Logarithms of the medians of as many processes as the longest duel has."""


def play(logs: np.ndarray, slowdown: float = 0.0) -> list[Pair]:
    """One duel over processes in the order of time, in mirrored rounds."""
    pairs: list[Pair] = []
    for index in range(len(logs) // 2):
        first, second = np.exp(logs[2 * index : 2 * index + 2])
        a, b = (first, second) if index % 2 == 0 else (second, first)
        pairs.append((float(a), float(b) * (1.0 + slowdown)))
        if not needs_round(pairs, DETECT):
            break
    return pairs


def drawn(bank: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Processes of a bank: a stretch of it, its neighbours swapped at random."""
    logs = np.log(np.asarray(bank))
    wanted = min(2 * MAX_ROUNDS, len(logs) - len(logs) % 2)
    start = int(rng.integers(0, len(logs) - wanted + 1))
    pairs = logs[start : start + wanted].reshape(-1, 2)
    flip = rng.random(len(pairs)) < 0.5
    pairs = np.where(flip[:, None], pairs[:, ::-1], pairs)
    return pairs[rng.permutation(len(pairs))].ravel()


def replay(
    name: str, draw: Callable[[np.random.Generator], np.ndarray], replays: int, seed: int
) -> list[str]:
    """Print one line; returns what does not hold."""
    rng = np.random.default_rng(seed)
    alarms = found = rounds = 0
    for _ in range(replays):
        logs = draw(rng)
        alarms += verdict_of(play(logs)) != "no difference found"
        slowed = play(logs, 0.03)
        found += verdict_of(slowed) == "A is faster"
        rounds += len(slowed)
    rate, power = alarms / replays, found / replays
    print(f"{name:32} {rate:12.1%} {power:10.1%} {rounds / replays:8.1f}")
    allowed = FALSE_ALARMS + 2 * math.sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / replays)
    failed = [f"{name}: {rate:.1%} false alarms"] if rate > allowed else []
    return failed + ([f"{name}: {power:.1%} found"] if power < POWER else [])


def collect(path: Path, plan: Path, processes: int) -> None:
    """Fill a bank: every workload of a plan, in turn, in fresh processes."""
    from paretobench.domain import Workload
    from paretobench.measure import harness, terms
    from paretobench.measure.environment import fingerprint
    from paretobench.measure.single import MemoryStore
    from paretobench.planning import stopping
    from paretobench.resources import cache_folder

    data = json.loads(plan.read_text(encoding="utf-8"))
    workloads = [Workload.from_json(one.get("workload", one)) for one in data["workloads"]]
    sampling = stopping.cell_plan("standard").sampling
    rule = stopping.CellPlan("standard", sampling, processes, processes)
    harness.cell_plan = lambda *_: rule  # type: ignore[assignment]
    options = terms.Options(cache_folder(), sweep_key="bank")
    store = MemoryStore()
    harness.run(workloads, store=store, environment=fingerprint(), options=options)
    bank = {
        one.label: [
            cell.median_s
            for cell in store.kept_cells
            if cell.workload_key == one.key and cell.status in ("ok", "unjudged")
        ]
        for one in workloads
    }
    path.write_text(json.dumps(bank, indent=1), encoding="utf-8")
    print({label: len(found) for label, found in bank.items()})


def main() -> int:
    """Collect or replay; returns 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("collect", "replay"))
    parser.add_argument("bank", type=Path, nargs="?")
    parser.add_argument("plan", type=Path, nargs="?")
    parser.add_argument("--processes", type=int, default=60)
    parser.add_argument("--replays", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.what == "collect":
        if given.bank is None or given.plan is None:
            parser.error("collect needs a file to write and a plan")
        collect(given.bank, given.plan, given.processes)
        return 0
    draws = dict(NOISES)
    if given.bank is not None:
        bank = json.loads(given.bank.read_text(encoding="utf-8"))
        draws = {label: lambda rng, found=found: drawn(found, rng) for label, found in bank.items()}
    print(f"{'processes':32} {'false alarms':>12} {'3 % found':>10} {'rounds':>8}")
    failed = [
        text
        for name, draw in draws.items()
        for text in replay(name, draw, given.replays, given.seed)
    ]
    for text in failed:
        print(f"does not hold: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
