"""Does the tool notice that another program computes, and what is the value it then reports worth?

    python benchmarks/contention.py [--runtimes torch openvino onnxruntime numpy]
                                    [--encoder fastvit@256] [--seconds 20] [--json FILE]

Each runtime times one encoder (numpy a matrix product): alone and beside a program that takes a
core for a third of the time in bursts of a second, in turn, and beside one that never stops. The
bursts write down when they ran, so it is known which samples they met. For each detector: its AUC
(the chance that a met sample shows more of it than one that was not), and at the limit that is used
the share found and the false alarms. Then what is reported: the median of all samples and that of
the samples that count, taken as a cell takes them, against what a cell takes alone. Each runtime
runs in a process of its own.

Exit status 1 if the reported value is more than 3 % off under bursts for sure (by its 95 %
interval over pairs), or if constant load is not said to be too noisy. Needs a machine that is
otherwise quiet.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.analysis.stats import estimate
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, encode_workload
from paretobench.measure.canary import canary
from paretobench.measure.contention import MachineProbe, Watch, foreign_share
from paretobench.measure.timing import Repetition, sample, warm_up
from paretobench.planning.stopping import cell_plan
from paretobench.resources import cache_folder

RUNTIMES = ("torch", "openvino", "onnxruntime", "numpy")
ALLOWED_BIAS = 0.03
"""Largest bias of a reported value under bursts that take a third of the time."""

PAIRS = 12
"""How often a value is taken alone and under bursts, in mirrored order."""

NUMPY_SIDE = 1024
"""Side of the matrices of the workload without a runtime: about 20 ms on two server cores."""

DISTURBER = """
import random, sys, time
share, mean_s, path, seed = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
rng = random.Random(seed)
log = open(path, "w", buffering=1)
while True:
    start = time.monotonic()
    end = start + (rng.expovariate(1 / mean_s) if share < 1 else 1.0)
    while time.monotonic() < end:
        pass
    print(start, time.monotonic(), file=log)
    if share < 1:
        time.sleep(rng.expovariate(1 / (mean_s * (1 / share - 1))))
"""


@contextmanager
def disturber(share: float, seed: int = 0, burst_s: float = 1.0) -> Iterator[Callable[[], Any]]:
    """A program that takes a core for a share of the time; gives when it ran."""
    if share <= 0:
        yield lambda: []
        return
    with tempfile.NamedTemporaryFile("r") as log:
        command = [sys.executable, "-c", DISTURBER, str(share), str(burst_s), log.name, str(seed)]
        process = subprocess.Popen(command, start_new_session=True)
        try:
            yield lambda: [
                tuple(map(float, line.split())) for line in Path(log.name).read_text().splitlines()
            ]
        finally:
            process.kill()
            process.wait()


def session_of(name: str, encoder: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """What runs once, and what makes a new input."""
    if name == "numpy":
        import numpy as np

        rng = np.random.default_rng(0)
        a, b = (rng.random((NUMPY_SIDE, NUMPY_SIDE), dtype=np.float32) for _ in range(2))
        out = np.empty_like(a)

        def multiply() -> None:
            np.matmul(a, b, out=out)

        return multiply, lambda: None
    model, _, px = encoder.partition("@")
    runtime = Runtime(name, "fp32")
    workload = encode_workload(load_catalogue().encoders[model], int(px), runtime)
    backend = backends.get(name)
    session = backend.load(workload, backend.prepare(workload, cache_folder()))
    return session.run, session.renew_input


def watched(repeat: Repetition, seconds: float) -> list[dict[str, float]]:
    """Every sample with all that detectors see, and the moments between which it was taken."""
    probe, found = MachineProbe(), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        delay_s = _run_delay_s()
        before, started = probe.read(), time.monotonic()
        took_s = repeat()
        ended, after = time.monotonic(), probe.read()
        elapsed_s = max(after.at_s - before.at_s, 1e-9)
        row = {
            "from_s": started,
            "to_s": ended,
            "took_s": took_s,
            "foreign CPU": foreign_share(before, after, probe.cores),
            "involuntary switches": (after.switches - before.switches) / elapsed_s,
            "load average": os.getloadavg()[0],
            "run delay": (_run_delay_s() - delay_s) / elapsed_s,
        }
        if before.pressure_s is not None and after.pressure_s is not None:
            row["pressure"] = (after.pressure_s - before.pressure_s) / elapsed_s
        found.append(row)
    return found


def _run_delay_s() -> float:
    tasks = Path("/proc/self/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9


def auc(met: Sequence[float], free: Sequence[float]) -> float:
    """The chance that a value of the first is above one of the second; ties count half."""
    if not met or not free:
        return math.nan
    wins = sum((a > b) + 0.5 * (a == b) for a in met for b in free)
    return wins / (len(met) * len(free))


def reported(repeat: Repetition) -> dict[str, Any]:
    """What a process would report now: by all samples of a plain loop, and by those that count."""
    plan = cell_plan("standard").sampling
    plain = sample(repeat, plan)
    watch = Watch(MachineProbe())
    samples_s = sample(repeat, plan, watch=watch)
    seen = watch.record((None, None))
    counted = seen.counted(samples_s)
    return {
        "plain_s": statistics.median(plain),
        "counted_s": statistics.median(counted) if counted else None,
        "counted": len(counted),
        "taken": len(samples_s),
        "waited_s": seen.waited_s,
        "is_noisy": len(counted) < plan.least(counted or samples_s),
    }


def one_runtime(name: str, encoder: str, seconds: float) -> dict[str, Any]:
    """Everything about one runtime, in this process."""
    run, renew = session_of(name, encoder)
    repeat = Repetition(run, renew, time.perf_counter)
    warm_up(repeat, cell_plan("standard").sampling)
    quiet = watched(repeat, seconds)
    canaries = [canary() for _ in range(5)]
    with disturber(1 / 3) as bursts:
        rows = watched(repeat, 2 * seconds)
        beside = [canary() for _ in range(5)]
        intervals = bursts()
    alone, under_bursts = [], []
    for index in range(PAIRS):  # mirrored, so that a machine that drifts biases neither
        for is_alone in (True, False) if index % 2 == 0 else (False, True):
            if is_alone:
                alone.append(reported(repeat))
                continue
            with disturber(1 / 3, seed=index + 1):
                under_bursts.append(reported(repeat))
    with disturber(1.0):
        under_load = reported(repeat)
    return {
        "runtime": name,
        "alone": alone,
        "bursts": under_bursts,
        "constant": under_load,
        "quiet_rows": quiet,
        "rows": rows,
        "intervals": intervals,
        "canaries_s": [canaries, beside],
    }


def summary(found: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The lines of one runtime, and what does not hold."""
    met: list[dict[str, Any]] = []
    free: list[dict[str, Any]] = []
    for row in found["rows"]:
        overlap = sum(
            max(0.0, min(row["to_s"], end) - max(row["from_s"], start))
            for start, end in found["intervals"]
        )
        (met if overlap > 0.1 * (row["to_s"] - row["from_s"]) else free).append(row)
    lines = [f"{found['runtime']}: {len(met)} samples met by a burst, {len(free)} not"]
    for detector in (
        "foreign CPU",
        "pressure",
        "run delay",
        "involuntary switches",
        "load average",
    ):
        if all(detector in row for row in (*met, *free)):
            score = auc([row[detector] for row in met], [row[detector] for row in free])
            lines.append(f"  {detector:22} AUC {score:.2f}")
    alone_canary, beside = found["canaries_s"]
    lines.append(f"  {'canary':22} AUC {auc(beside, alone_canary):.2f}")
    limit = 0.03
    hits = sum(row["foreign CPU"] > limit for row in met) / max(len(met), 1)
    alarms = [row["foreign CPU"] > limit for row in found["quiet_rows"]]
    lines.append(
        f"  foreign CPU above 3 %: found {hits:.0%}, false alarms {statistics.mean(alarms):.1%}"
    )
    pairs = [
        (one["counted_s"] or one["plain_s"], other)
        for one, other in zip(found["alone"], found["bursts"], strict=True)
    ]
    plain = statistics.median(other["plain_s"] / truth_s for truth_s, other in pairs) - 1
    kept = [other["counted_s"] / truth_s for truth_s, other in pairs if not other["is_noisy"]]
    failed = []
    if len(kept) > 1:
        bias = estimate(kept)
        assert bias.low is not None and bias.high is not None, "one pair has no interval"
        lines.append(
            f"  under bursts: median of all {plain:+.1%}, of what counts {bias.value - 1:+.1%} "
            f"[{bias.low - 1:+.1%}, {bias.high - 1:+.1%}] in {len(kept)} pairs"
        )
        if bias.low > 1 + ALLOWED_BIAS or bias.high < 1 - ALLOWED_BIAS:
            failed.append(f"{found['runtime']}: {bias.value - 1:+.1%} off under bursts")
    else:
        lines.append(f"  under bursts: median of all {plain:+.1%}; said to be too noisy")
    noisy = found["constant"]["is_noisy"]
    lines.append(f"  under constant load: {'too noisy' if noisy else 'taken for quiet'}")
    if not noisy:
        failed.append(f"{found['runtime']}: constant load was not noticed")
    return lines, failed


def main() -> int:
    """Print what holds for each runtime; returns 1 if something does not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runtimes", nargs="+", default=list(RUNTIMES), choices=RUNTIMES)
    parser.add_argument("--encoder", default="fastvit@256")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", choices=RUNTIMES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one_runtime(given.one, given.encoder, given.seconds)))
        return 0
    everything, failed = [], []
    for name in given.runtimes:
        command = [sys.executable, __file__, "--one", name, "--encoder", given.encoder]
        command += ["--seconds", str(given.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"{name}: not timed ({last})")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        lines, wrong = summary(found)
        print("\n".join(lines), flush=True)
        everything.append(found)
        failed += wrong
    if given.json:
        given.json.write_text(json.dumps(everything), encoding="utf-8")
    for text in failed:
        print(f"does not hold: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
