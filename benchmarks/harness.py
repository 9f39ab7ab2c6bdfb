"""The harness on real workloads: does it agree, does it waste time, what does it save?

    python benchmarks/harness.py agreement [--rounds 5] [--seconds 5]
    python benchmarks/harness.py share [+grid=qwen2_family llm=qwen2_0_5b] [--fidelity rigorous]
    python benchmarks/harness.py grid --database results/paretobench.db

`agreement`: the same prepared workload timed by a cell and by the runtime's own tool, in turn,
each in a fresh process: OpenVINO's benchmark_app, llama.cpp's llama-bench (`LLAMA_BENCH` names
it, `benchmarks/llama_bench.sh` builds it), torch.utils.benchmark's blocked_autorange, and
mlx_lm's generate_step as mlx_lm.benchmark calls it. Ratios are paired by round. Both sides must
use the same version, precision, BLAS and threads, else there is no ratio but an error.
`share`: how much of the device time of a sweep goes into first runs, warm-ups and samples.
`grid`: what a grid of 4 encoders x 2 resolutions (the two lowest of each in the database) x 3
language models cost, against timing each
of its points on its own with 20 processes x 20 samples, from the recorded cost of its cells;
split into what reuse and what stopping saves.

Needs a quiet machine: `paretobench doctor` says whether it is.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pairing

from paretobench import backends
from paretobench.analysis import stats
from paretobench.backends import llamacpp, openvino_prefill
from paretobench.backends.models import gguf_file
from paretobench.config import expand, load_catalogue
from paretobench.domain import Runtime, Workload, encode_workload, prefill_workload
from paretobench.domain.records import Cell
from paretobench.measure import cell, harness
from paretobench.measure.lock import DeviceLock
from paretobench.measure.preparation import prepare_all
from paretobench.measure.process import Children, child_environment
from paretobench.planning.stopping import SamplingPlan, cell_plan
from paretobench.resources import cache_folder
from paretobench.store import Store

ALLOWED = 0.02
"""Largest disagreement with a runtime's own tool."""

ALIKE = ("version", "mlx_lm", "precision", "blas", "threads", "device", "mode", "prefill_mode")
"""Facts that must be the same on both sides of a comparison."""

PASSIVE = {"OMP_WAIT_POLICY": "passive"}
"""For MLX on a CPU, on both sides: generate_step works on a stream, and so on a thread, of its
own, whose OpenMP team would spin beside that of the thread that loaded the model; on two busy
cores that made it 3.5 to 4.9 times slower than the same arithmetic on one thread."""

LEAST_SHARE = 0.70
FIXED_CELLS = FIXED_SAMPLES = 20


@dataclass(frozen=True)
class Contest:
    """A workload, and how the runtime's own tool times it."""

    tool: str
    workload: Workload
    time_it: Callable[[Workload, Path, float], Timed]
    variables: Mapping[str, str] = field(default_factory=dict)


Timed = tuple[float, Mapping[str, Any]]
"""Seconds, and the facts of the process that took them (empty if it tells none)."""


def contests() -> list[Contest]:
    """One workload per tool, small enough to repeat and large enough to matter."""
    known = load_catalogue()
    openvino = Runtime("openvino", _half(), {"device": "cpu"})
    int4 = replace(openvino, precision="int4")
    torch = Runtime("torch", _half(), {"device": "cpu"})
    mlx = Runtime("mlx", "fp32", {"device": "cpu", "prefill_mode": "cache_prompt"})
    llama = Runtime("llamacpp", "fp16", {"device": "cpu"})
    fastvithd, qwen = known.encoders["fastvithd"], known.llms["qwen2_0_5b"]
    return [
        Contest("benchmark_app", encode_workload(fastvithd, 512, openvino), benchmark_app),
        *(
            Contest("benchmark_app", prefill_workload(qwen, 64, one), benchmark_app)
            for one in (openvino, replace(openvino, precision="int8"), int4)
        ),
        *(
            Contest("llama-bench", prefill_workload(qwen, 64, one, "ids"), llama_bench)
            for one in (llama, replace(llama, precision="int4"))
        ),
        Contest("torch.utils.benchmark", prefill_workload(qwen, 256, torch), in_a_process),
        Contest("torch.utils.benchmark", encode_workload(fastvithd, 256, torch), in_a_process),
        Contest(
            "mlx_lm generate_step", prefill_workload(qwen, 64, mlx, "ids"), in_a_process, PASSIVE
        ),
    ]


def _half() -> str:
    from paretobench.backends import hardware

    return "bf16" if hardware.detect().has_fast_bf16 else "fp32"


def agreement(rounds: int, seconds: float, only: str = "") -> int:
    """Print the ratio of the harness to each tool; 1 if one is off by more than 2 %."""
    print(f"{'tool':24} {'workload':28} {'harness':>9} {'tool':>9}  ratio (95 % interval)")
    failed = 0
    for contest in contests():
        if only and only not in contest.tool:
            continue
        refusal = backends.get(contest.workload.runtime.backend).refuses(contest.workload)
        if contest.time_it is llama_bench and LLAMA_BENCH not in os.environ:
            refusal = f"{LLAMA_BENCH} names no tool: benchmarks/llama_bench.sh builds it"
        if refusal:
            print(f"{contest.tool:24} {contest.workload.label:28} not here: {refusal}")
            continue
        failed += compare(contest, rounds, seconds)
    return 1 if failed else 0


def compare(contest: Contest, rounds: int, seconds: float) -> bool:
    """One line; returns whether the tool and the harness disagree."""
    ours: dict[stats.RoundKey, float] = {}
    theirs: dict[stats.RoundKey, float] = {}
    workload, root = contest.workload, cache_folder()
    backends.get(workload.runtime.backend).prepare(workload, root)
    os.environ.update(contest.variables)  # the children of both sides inherit them
    for index in range(rounds):
        sides = [(ours, one_cell), (theirs, contest.time_it)]
        facts = []
        for seconds_by_round, time_it in sides if index % 2 == 0 else sides[::-1]:
            seconds_by_round["", index], found = time_it(workload, root, seconds)
            facts.append(found)
        require_alike(*facts)
    for name in contest.variables:
        os.environ.pop(name, None)
    ratio = pairing.paired_ratio(ours, theirs)
    assert ratio is not None and ratio.low is not None and ratio.high is not None
    print(
        f"{contest.tool:24} {workload.label:28} {workload.runtime.precision:5}"
        f" {_ms(ours.values())} {_ms(theirs.values())}"
        f"  {ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"
    )
    return abs(ratio.value - 1.0) > ALLOWED


def require_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Refuse to compare what was run differently; a tool that tells nothing is believed.

    Raises:
        SystemExit: naming what differs.
    """
    differ = [
        f"{name}: {one[name]} and {other[name]}"
        for name in ALIKE
        if name in one and name in other and one[name] != other[name]
    ]
    if differ:
        raise SystemExit(f"the two sides are not alike: {'; '.join(differ)}")


def _ms(seconds: Iterable[float]) -> str:
    return f"{1e3 * statistics.median(seconds):6.1f} ms"


def one_cell(workload: Workload, root: Path, seconds: float) -> Timed:
    """The median of one cell of the harness, sampling for so many seconds."""
    plan = SamplingPlan(sample_s=seconds, sample_limit_s=seconds)
    outcome = Children().ask(
        harness.CELL_MODULE, lambda result: cell.orders(workload, plan, root, result), 600.0
    )
    if outcome.answer is None:
        raise SystemExit(f"{workload.label}: {outcome.reason}")
    return float(statistics.median(outcome.answer["samples_s"])), outcome.answer["facts"]


def benchmark_app(workload: Workload, root: Path, seconds: float) -> Timed:
    """OpenVINO's own tool on the same graph: synchronous, one stream; its median."""
    prepared = backends.get("openvino").prepare(workload, root)
    assert prepared.path is not None
    hint = openvino_prefill.activation_precision(workload.runtime.precision)
    name = "encoder.xml" if workload.kind == "encode" else openvino_prefill.FILE
    graph, tool = prepared.path / name, Path(sys.executable).with_name("benchmark_app")
    command = [str(tool), "-m", str(graph), "-d", "CPU", "-hint", "latency", "-api", "sync"]
    if workload.kind == "prefill":
        n_tokens, width = workload.subject["n_tokens"], workload.subject["llm"]["hidden_size"]
        command += ["-shape", f"embeddings[1,{n_tokens},{width}],positions[1,{n_tokens}]"]
    command += ["-t", f"{max(1, round(seconds))}", "-infer_precision", hint]
    environment = child_environment() | {"OPENVINO_TELEMETRY": "0"}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found = re.search(r"Median:\s+([0-9.]+) ms", said.stdout)
    assert found, said.stdout[-2000:]
    return float(found.group(1)) / 1e3, {}


LLAMA_BENCH = "LLAMA_BENCH"
"""Environment variable with the path of llama-bench; `benchmarks/llama_bench.sh` builds it."""


def llama_bench(workload: Workload, root: Path, seconds: float) -> Timed:
    """llama.cpp's own tool on the same file: one batch of random ids, as many threads; its
    samples' median."""
    prepared = backends.get("llamacpp").prepare(workload, root)
    assert prepared.path is not None
    n, threads = str(workload.subject["n_tokens"]), str(llamacpp.default_threads())
    command = [os.environ[LLAMA_BENCH], "-m", str(prepared.path / gguf_file.FILE), "-p", n]
    command += ["-n", "0", "-b", n, "-ub", n, "-t", threads, "-ngl", "0", "-o", "json"]
    command += ["-r", str(max(5, round(4 * seconds)))]
    said = subprocess.run(
        command, capture_output=True, text=True, env=child_environment(), check=True
    )
    (answer,) = json.loads(said.stdout)
    return statistics.median(answer["samples_ns"]) / 1e9, {"threads": answer["n_threads"]}


def in_a_process(workload: Workload, root: Path, seconds: float) -> Timed:
    """A tool that is a library, in a fresh process with the cells' environment."""
    orders = json.dumps({"workload": workload.to_json(), "root": str(root), "seconds": seconds})
    command = [sys.executable, __file__, "tool", orders]
    said = subprocess.run(
        command, capture_output=True, text=True, env=child_environment(), check=False
    )
    if said.returncode:
        raise SystemExit(said.stderr[-2000:])
    answer = json.loads(said.stdout.splitlines()[-1])
    return float(answer["seconds"]), answer["facts"]


def tool(orders: str) -> int:
    """The child's side of `in_a_process`: prints seconds and facts.

    A session of MLX is not run first: its thread would keep an OpenMP team beside the tool's.
    """
    given = json.loads(orders)
    workload, seconds = Workload.from_json(given["workload"]), given["seconds"]
    backend = backends.get(workload.runtime.backend)
    session: Any = backend.load(workload, backend.prepare(workload, Path(given["root"])))
    if workload.runtime.backend == "mlx":
        took = _mlx_seconds(session, seconds)
    else:
        session.run()
        took = _torch_seconds(session, seconds)
    print(json.dumps({"seconds": took, "facts": dict(session.facts)}, default=str))
    return 0


def _torch_seconds(session: Any, seconds: float) -> float:
    """torch.utils.benchmark with its own thread handling switched to what the session uses."""
    import torch
    from torch.utils import benchmark

    timer = benchmark.Timer(
        "session.run()", globals={"session": session}, num_threads=torch.get_num_threads()
    )
    return float(timer.blocked_autorange(min_run_time=seconds).median)


def _mlx_seconds(session: Any, seconds: float) -> float:
    """The prompt's time as mlx_lm.benchmark takes it: generate_step up to its first result, and
    then until the cache is there, which a session waits for as well."""
    from mlx_lm.generate import generate_step
    from mlx_lm.models.cache import make_prompt_cache

    mx = session._mlx
    times: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 6:
        session.renew_input()
        prompt, cache = session._ids[0], make_prompt_cache(session.model)
        mx.eval(prompt)
        start = time.perf_counter()
        for _ in generate_step(prompt, session.model, max_tokens=0, prompt_cache=cache):
            pass
        mx.eval([layer.state for layer in cache])
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


def share(grid: Sequence[str], fidelity: str) -> int:
    """One process of every workload of a grid; 1 if less than 70 % of its time is runs.

    A level's further rounds repeat the same processes, so their share is that of the first.
    """
    from paretobench.sweeping import prepare as planning

    plan, root = cell_plan(fidelity), cache_folder()  # type: ignore[arg-type]
    request = expand([*grid, f"fidelity={fidelity}", "check=0"])
    workloads = [one.workload for one in planning.prepare(request, None)[0][0].plan.workloads]
    children = Children()
    made = {one.workload.key: one for one in prepare_all(workloads, children, root, 1800.0, _quiet)}
    wall_s: dict[str, float] = {"encode": 0.0, "prefill": 0.0}
    work_s = dict(wall_s)
    for workload in workloads:
        prepared = made[workload.key].prepared
        sent = functools.partial(cell.orders, workload, plan.sampling, root, prepared=prepared)
        outcome = children.ask(harness.CELL_MODULE, sent, 1800.0)
        if outcome.answer is None:
            raise SystemExit(f"{workload.label}: {outcome.reason}")
        runs = [outcome.answer["first_run_s"], *outcome.answer["warmup_s"]]
        work_s[workload.kind] += sum(runs) + sum(outcome.answer["samples_s"])
        wall_s[workload.kind] += outcome.wall_s
    for kind, seconds in wall_s.items():
        if seconds:
            print(f"{kind:8} {seconds:6.0f} s of processes, {work_s[kind] / seconds:.0%} in runs")
    found = sum(work_s.values()) / sum(wall_s.values())
    preparing_s = sum(one.wall_s for one in made.values())
    print(
        f"{len(workloads)} processes at {fidelity}, {sum(wall_s.values()):.0f} s, {found:.0%} in "
        f"first runs, warm-ups and samples (asked for: {LEAST_SHARE:.0%}); "
        f"preparing {preparing_s:.0f} s apart"
    )
    return 0 if found >= LEAST_SHARE else 1


def _quiet(workload: Workload, done: int) -> None:
    """Preparation goes on without a word."""


def grid(database: Path, encoders: Sequence[str]) -> int:
    """Print what a 24-point grid cost and what it would have cost without reuse and stopping."""
    with Store.open(database, create=False, read_only=True) as store:
        latest = next(iter(store.environments()), None)
        if latest is None:
            raise SystemExit(f"{database} holds no measurement; run a sweep first")
        known = [point for point in store.points() if point.tiling == "none"]
        sides = {
            name: sorted({point.resolution_px for point in known if point.encoder == name})[:2]
            for name in encoders
        }
        points = {p.key: p for p in known if p.resolution_px in sides.get(p.encoder, ())}
        cells: dict[str, list[Cell]] = {}
        for found in store.cells(latest.key):
            cells.setdefault(found.workload_key, []).append(found)
    parts = [
        link.workload_key
        for point in points.values()
        for link in point.links
        if link.role != "end_to_end"
    ]
    missing = {key for key in parts if key not in cells}
    used = [key for key in parts if key not in missing]
    print(f"{len(points)} points, {len(parts)} parts, {len(set(parts))} distinct workloads")
    if missing:
        print(f"  {len(missing)} workloads are not measured and left out on both sides")
    return _print_grid(used, cells)


def _print_grid(used: Sequence[str], cells: dict[str, list[Cell]]) -> int:
    distinct = set(used)
    if not distinct:
        return 1
    spent = {key: sum(c.wall_s for c in cells[key]) for key in distinct}
    fixed = {key: FIXED_CELLS * fixed_cell_s(cells[key]) for key in distinct}
    as_wide = {key: equal_width_s(cells[key]) for key in distinct}
    actual = sum(spent.values())
    every, reuse = sum(fixed[key] for key in used), sum(fixed.values())
    wide = sum(as_wide[key] for key in used)
    rows = [
        ("device time as measured", actual, None),
        ("every point on its own, 20 processes x 20 samples", every, every / actual),
        ("  of which reuse saves", every - reuse, every / reuse),
        ("  and stopping saves", reuse - actual, reuse / actual),
        ("every point on its own, as many processes as reach this interval", wide, wide / actual),
    ]
    for what, seconds, factor in rows:
        print(f"{what:66} {seconds:8.0f} s" + (f" {factor:6.1f}x" if factor else ""))
    return 0


def fixed_cell_s(cells: Sequence[Cell]) -> float:
    """What a process with 20 samples would cost: its recorded overhead, warm-up, 20 medians."""
    costs = []
    for found in cells:
        runs = found.first_run_s + sum(found.warmup_s)
        overhead = found.wall_s - runs - sum(found.samples_s)
        costs.append(overhead + runs + FIXED_SAMPLES * stats.cell_median(found))
    return statistics.fmean(costs)


def equal_width_s(cells: Sequence[Cell]) -> float:
    """The fixed design with as many processes as were measured: its interval would be no
    narrower, since the interval rests on processes."""
    return len(stats.replicates(cells)) * fixed_cell_s(cells)


def main() -> int:
    """Parse and run one part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("agreement")
    one.add_argument("--rounds", type=int, default=5)
    one.add_argument("--seconds", type=float, default=5.0)
    one.add_argument("--only", default="", help="part of a tool's name")
    two = parts.add_parser("share")
    two.add_argument("overrides", nargs="*", default=["+grid=qwen2_family", "llm=qwen2_0_5b"])
    two.add_argument("--fidelity", default="rigorous")
    three = parts.add_parser("grid")
    three.add_argument("--database", type=Path, default=Path("results/paretobench.db"))
    three.add_argument("--encoders", default="fastvithd,fastvit,convnext_l,convnext_xxl")
    parts.add_parser("tool").add_argument("orders")
    given = parser.parse_args()
    if given.part == "tool":
        return tool(given.orders)
    if given.part == "grid":
        return grid(given.database, given.encoders.split(","))
    if given.part == "share":
        return share(given.overrides, given.fidelity)
    with DeviceLock().held():
        return agreement(given.rounds, given.seconds, given.only)


if __name__ == "__main__":
    raise SystemExit(main())
