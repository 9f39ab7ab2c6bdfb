"""How fast the store takes results in, durably, joins databases and answers questions.

Ratios against the plain way in the same run on the same disk: for a cell that arrives, sqlite3
with one row and one commit at a time at the same `synchronous=FULL`; for a union, reading each
cell of the other database and adding it, one at a time. Rates depend on the disk and on what
else the machine does; ratios less. `cpu` figures are processor seconds.

    python benchmarks/store.py                          # 20,000 cells, under a minute
    python benchmarks/large.py large.db                 # once: 1,000,000 cells of 100 devices
    python benchmarks/store.py --database large.db      # what docs/scale.md speaks of
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import large

from paretobench.domain import Runtime, Workload
from paretobench.domain.records import Cell, Environment
from paretobench.store import Store, bundle, spool
from paretobench.store.rows import cell_row

SAMPLE = 1000
"""Cells that are joined one at a time."""

WORKLOADS = [
    Workload("encode", f"encode {i}", {"i": i}, Runtime("torch", "fp32")) for i in range(100)
]


def timed(act: Callable[[], object]) -> float:
    """Wall seconds that `act` took."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def spent(act: Callable[[], object]) -> float:
    """Processor seconds that `act` took."""
    begin = time.process_time()
    act()
    return time.process_time() - begin


def naive_insert(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    """The plain way: a commit for each row."""
    for row in rows:
        connection.execute(f"INSERT INTO cell VALUES ({', '.join('?' * len(row))})", row)
        connection.commit()


def add_one_by_one(store: Store, some: Sequence[Cell]) -> None:
    """As a sweep does: each durable before the next."""
    for cell in some:
        store.add_cell(cell)


def ingest(store: Store, paths: Sequence[Path]) -> None:
    """As a coordinator does: the files go once their content is durable."""
    spool.ingest(store, paths)
    for path in paths:
        path.unlink()


def ingest_rates(folder: Path, rounds: int = 4, per_round: int = 256) -> dict[str, float]:
    """Durable cells per second: plain, one at a time, and through spool files.

    The three take turns, so that a busy disk slows all of them.
    """
    naive = sqlite3.connect(folder / "naive.db")
    naive.execute("PRAGMA synchronous = FULL")
    columns = ", ".join(f"c{i}" for i in range(1, 20))
    naive.execute(f"CREATE TABLE cell (key PRIMARY KEY, {columns})")
    wall = {"naive": 0.0, "add_cell": 0.0, "spool_ingest": 0.0}
    spool_cpu = 0.0
    with Store.open(folder / "ingest.db") as store:
        store.add_workloads(WORKLOADS)
        for turn in range(rounds):
            here, there = (Environment({"chip": f"{tag} {turn}"}) for tag in ("one", "spool"))
            store.add_environments([here, there])
            one = list(large.cells(WORKLOADS, here, None, per_round))
            for cell in large.cells(WORKLOADS, there, None, per_round):
                workload = next(w for w in WORKLOADS if w.key == cell.workload_key)
                spool.write(folder / "spool", spool.Result((workload,), (there,), (cell,)))
            paths, rows = spool.pending(folder / "spool"), [cell_row(cell) for cell in one]
            wall["naive"] += timed(partial(naive_insert, naive, rows))
            wall["add_cell"] += timed(partial(add_one_by_one, store, one))
            begin = time.process_time()
            wall["spool_ingest"] += timed(partial(ingest, store, paths))
            spool_cpu += time.process_time() - begin
    naive.close()
    rates = {name: rounds * per_round / seconds for name, seconds in wall.items()}
    return {
        **{f"{name}_cells_per_s": rate for name, rate in rates.items()},
        **{
            f"{name}_over_naive": rates[name] / rates["naive"]
            for name in ("add_cell", "spool_ingest")
        },
        "spool_ingest_cpu_us_per_cell": spool_cpu / (rounds * per_round) * 1e6,
    }


def lookups(store: Store) -> dict[str, float]:
    """Processor seconds for what a plan and a report ask first."""
    key = store.sweeps()[0].environment_key
    assert key is not None
    asked: dict[str, Callable[[], object]] = {
        "points": store.points,
        "environments": store.environments,
        "failures": lambda: store.failures(key),
        "cells_of_one_environment": lambda: store.cells(key),
        "summaries_of_one_environment": lambda: store.cell_summaries(key),
        "summaries_of_all": store.cell_summaries,
    }
    return {f"{name}_cpu_s": spent(act) for name, act in asked.items()}


def join_figures(folder: Path, database: Path, cells: int) -> dict[str, float]:
    """A union into an empty database, the same again, and the plain way for a sample."""
    with Store.open(folder / "joined.db") as store:
        first = spent(lambda: store.union(database))
        again = spent(lambda: store.union(database))
    with (
        Store.open(database, read_only=True) as other,
        Store.open(folder / "plain.db") as plain,
    ):
        plain.add_environments(other.environments())
        plain.add_workloads(other.workloads().values())
        key = other.sweeps()[0].environment_key
        some = list(islice(other.cells(key), SAMPLE))
        each = spent(lambda: add_one_by_one(plain, some)) / len(some)
    return {
        "union_cpu_us_per_cell": first / cells * 1e6,
        "union_again_cpu_us_per_cell": again / cells * 1e6,
        "adding_each_cell_over_union": each / (first / cells),
    }


def bundle_figures(folder: Path, database: Path, cells: int) -> dict[str, float]:
    """Writing and checking a bundle."""
    path = folder / "all.zip"
    with Store.open(database, read_only=True) as store:
        written = spent(lambda: bundle.write_bundle(store, path))
    return {
        "bundle_cpu_us_per_cell": written / cells * 1e6,
        "verify_cpu_us_per_cell": spent(lambda: bundle.verify_bundle(path)) / cells * 1e6,
        "bundle_bytes_per_cell": path.stat().st_size / cells,
    }


def main(arguments: Sequence[str]) -> int:
    """Print every figure as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--database", type=Path, help="a file that large.py made")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to try")
    parser.add_argument("--bundle", action="store_true", help="write a bundle of it, too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        figures = ingest_rates(folder)
        database = options.database
        if database is None:
            database = folder / "small.db"
            large.main([str(database), "--cells", "20000", "--devices", "2"])
        with Store.open(database, read_only=True) as store:
            cells = store.cell_count()
            figures |= {"cells": cells, **lookups(store)}
        figures["bytes_per_cell_all_tables"] = database.stat().st_size / cells
        figures |= join_figures(folder, database, cells)
        if options.bundle:
            figures |= bundle_figures(folder, database, cells)
    json.dump({name: round(value, 4) for name, value in figures.items()}, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
