"""How fast the store takes results in, durably, and answers a plan at a million cells.

Ratios against the plain way: sqlite3, one row and one commit at a time, at the same
`synchronous=FULL`, in the same run on the same disk. Rates depend on the disk; ratios less.

    python benchmarks/store.py                    # 100,000 cells, about a minute
    python benchmarks/store.py --cells 1000000    # the size that docs/scale.md speaks of
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from paretobench.domain import Runtime, Workload
from paretobench.records import Cell, Environment
from paretobench.store import Link, Store, StoredPoint, spool
from paretobench.store.rows import cell_row

WORKLOADS_PER_ENVIRONMENT, SAMPLES = 500, 20


def environment(i: int) -> Environment:
    """One of the machines."""
    return Environment({"chip": f"chip {i}", "os": "benchmark"})


def workload(i: int) -> Workload:
    """Even ones encode, odd ones prefill."""
    kind = "prefill" if i % 2 else "encode"
    return Workload(kind, f"{kind} {i}", {"i": i}, Runtime("torch", "fp32"))


def cells(count: int, tag: str) -> Iterator[Cell]:
    """Distinct cells over all workloads, ten to each workload and environment."""
    environments = [environment(i) for i in range(max(1, count // 5000))]
    workloads = [workload(i) for i in range(WORKLOADS_PER_ENVIRONMENT)]
    for i in range(count):
        median = 0.1 + (i % 97) * 1e-4
        yield Cell(
            workload_key=workloads[i % len(workloads)].key,
            environment_key=environments[i // len(workloads) % len(environments)].key,
            started_at=f"2026-01-01T00:00:00.{i:09d}Z",
            fidelity="standard",
            round_index=i,
            load_s=1.0,
            first_run_s=0.5,
            warmup_s=(0.2, 0.15),
            samples_s=tuple(median + j * 1.2345678e-6 for j in range(SAMPLES)),
            canary_before_s=0.02,
            canary_after_s=0.02,
            wall_s=4.0,
            peak_memory_bytes=1 << 30,
            facts={"tag": tag},
        )


def prepare(store: Store, count: int) -> None:
    """What the cells refer to, and points that use every pair of workloads."""
    workloads = [workload(i) for i in range(WORKLOADS_PER_ENVIRONMENT)]
    store.add_environments(environment(i) for i in range(max(1, count // 5000)))
    store.add_workloads(workloads)
    sweep = store.add_sweep("benchmark", "", {}, 0, environment(0).key, "2026-01-01")
    pairs = [(e, p) for e in range(0, 200, 2) for p in range(1, 200, 2)]
    store.add_points(
        sweep,
        (
            StoredPoint(
                *(f"encoder{e}", 256, f"llm{p}", "none", 256, 1, 16, 0),
                links=(Link("encode", workloads[e].key), Link("prefill", workloads[p].key)),
            )
            for e, p in pairs
        ),
    )


def timed(act: Callable[[], object]) -> float:
    """Seconds that `act` took."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def naive_insert(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    """The plain way: a commit for each row."""
    for row in rows:
        connection.execute(f"INSERT INTO cell VALUES ({', '.join('?' * 20)})", row)
        connection.commit()


def ingest_rates(folder: Path, rounds: int = 10, per_round: int = 100) -> dict[str, float]:
    """Durable cells per second: plain, one at a time, and through spool files.

    The three take turns, so that a busy disk slows all of them.
    """
    naive = sqlite3.connect(folder / "naive.db")
    naive.execute("PRAGMA synchronous = FULL")
    columns = ", ".join(f"c{i}" for i in range(1, 20))
    naive.execute(f"CREATE TABLE cell (key PRIMARY KEY, {columns})")
    spent = {"naive": 0.0, "add_cell": 0.0, "spool_ingest": 0.0}
    with Store.open(folder / "ingest.db") as store:
        prepare(store, rounds * per_round)
        for turn in range(rounds):
            one = list(cells(per_round, f"one {turn}"))
            for cell in cells(per_round, f"spool {turn}"):
                spool.write(folder / "spool", spool.Result(cells=(cell,)))
            paths, rows = spool.pending(folder / "spool"), [cell_row(cell) for cell in one]
            spent["naive"] += timed(partial(naive_insert, naive, rows))
            spent["add_cell"] += timed(partial(add_one_by_one, store, one))
            spent["spool_ingest"] += timed(partial(spool.ingest, store, paths, remove=True))
    naive.close()
    rates = {name: rounds * per_round / seconds for name, seconds in spent.items()}
    return {f"{name}_cells_per_s": rate for name, rate in rates.items()} | {
        f"{name}_over_naive": rates[name] / rates["naive"] for name in ("add_cell", "spool_ingest")
    }


def add_one_by_one(store: Store, some: list[Cell]) -> None:
    """As a sweep does: each durable before the next."""
    for cell in some:
        store.add_cell(cell)


def lookups(store: Store) -> dict[str, float]:
    """Seconds for what a plan and a report ask first."""
    key = environment(0).key
    asked: dict[str, Callable[[], object]] = {
        "cell_counts_s": lambda: store.cell_counts(key, fidelity="standard"),
        "points_10000_s": store.points,
        "environments_s": store.environments,
        "failures_s": lambda: store.failures(key),
        "summaries_of_one_environment_s": lambda: store.cell_summaries(key),
        "summaries_of_all_s": store.cell_summaries,
        "ttft_view_of_all_s": lambda: store._rows("SELECT count(*), max(ttft_ms) FROM ttft"),
    }
    return {name: timed(act) for name, act in asked.items()}


def main(arguments: list[str]) -> int:
    """Print every figure as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to try")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        figures: dict[str, float] = {"cells": options.cells, **ingest_rates(folder)}
        with Store.open(folder / "large.db") as store:
            prepare(store, options.cells)
            stream = cells(options.cells, "bulk")
            seconds = timed(lambda: fill(store, stream))
            figures["bulk_cells_per_s"] = options.cells / seconds
            figures |= lookups(store)
        figures["bytes_per_cell"] = (folder / "large.db").stat().st_size / options.cells
        with Store.open(folder / "joined.db") as store:
            figures["union_s"] = timed(lambda: store.union(folder / "large.db"))
            figures["union_again_s"] = timed(lambda: store.union(folder / "large.db"))
    json.dump({name: round(value, 4) for name, value in figures.items()}, sys.stdout, indent=2)
    print()
    return 0


def fill(store: Store, stream: Iterator[Cell], batch: int = 10_000) -> None:
    """Insert in transactions of `batch`."""
    while chunk := [cell for _, cell in zip(range(batch), stream, strict=False)]:
        store.add_cells(chunk)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
