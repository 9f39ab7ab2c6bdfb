"""How often does a duel tell equal sides apart, and does it find a slowdown of 3 %?

    python benchmarks/duel.py [--replays 200] [--seed 0]

Plays duels with processes of known noise (`NOISES`), and with real ones: those of each part of
`benchmarks/data/processes.json` (see `collect_bank.py`), neighbours in time as the two sides of a
round. Once as they are (A/A), once with B slowed by 3 %. The real ones sampled as `fidelity=quick`.

Exit status 1 if equal sides are told apart in more than 5 % of replays (and two standard errors),
or if the slowdown is found in less than 80 %.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from paretobench.analysis.duel import DETECT, MAX_ROUNDS, Pair, needs_round, verdict_of

FALSE_ALARMS, POWER = 0.05, 0.80
BANK = Path(__file__).parent / "data" / "processes.json"

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


def bank() -> dict[str, np.ndarray]:
    """By part, logarithms of neighbours in time, shape [pairs, 2]; none across two sittings."""
    found = {}
    for part in json.loads(BANK.read_text(encoding="utf-8"))["parts"] if BANK.is_file() else ():
        logs, sittings = np.log(part["medians_s"]), np.asarray(part["sittings"])
        each = [logs[sittings == one] for one in np.unique(sittings)]
        found[part["part"]] = np.concatenate([one[: len(one) // 2 * 2] for one in each])
    return {name: logs.reshape(-1, 2) for name, logs in found.items()}


def drawn(pairs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Processes of a bank in the order of a duel: pairs of neighbours, with repetition, their sides
    at random."""
    chosen = rng.choice(pairs, MAX_ROUNDS)
    flip = rng.random(len(chosen)) < 0.5
    return np.where(flip[:, None], chosen[:, ::-1], chosen).ravel()


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


def main() -> int:
    """Replay everything; returns 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replays", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draws = dict(NOISES)
    for name, pairs in bank().items():
        draws[f"real: {name}"] = functools.partial(drawn, pairs)
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
