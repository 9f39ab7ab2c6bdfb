"""Small whole values to store: one of each noun, varied by a number."""

from __future__ import annotations

from paretobench.domain import Runtime, Workload
from paretobench.domain.records import Cell, Environment, Failure, Score, Source, TaskRun
from paretobench.store import Link, Store, StoredPoint


def environment(i: int = 0, observed: float | None = 512.5) -> Environment:
    identity = {"chip": f"chip {i}", "os": "Linux 6.1", "cores": 2}
    return Environment(identity, {} if observed is None else {"gflops": observed})


def workload(i: int = 0, kind: str = "encode", label: str = "") -> Workload:
    subject = {"encoder": {"architecture": f"net{i}"}, "resolution_px": 256}
    runtime = Runtime("openvino", "bf16", {"threads": 2})
    return Workload(kind, label or f"{kind} {i}", subject, runtime)  # type: ignore[arg-type]


def dump(store: Store) -> list[str]:
    """The whole content, one line for each row, sorted by table and key."""
    tables = ((name, store.in_order(name)) for name in store.table_names())
    return [f"{name} {tuple(row)}" for name, batches in tables for rows in batches for row in rows]


def cell(
    of: Workload,
    where: Environment,
    round_index: int = 0,
    median_s: float = 0.25,
    **changes: object,
) -> Cell:
    fields = {
        "workload_key": of.key,
        "environment_key": where.key,
        "started_at": f"2026-11-20T12:00:{round_index:02d}.000000Z",
        "fidelity": "standard",
        "round_index": round_index,
        "load_s": 1.5,
        "first_run_s": 0.75,
        "warmup_s": (0.5, 0.375),
        "samples_s": (median_s * 0.5, median_s, median_s * 2),
        "canary_before_s": 0.02,
        "canary_after_s": None,
        "wall_s": 4.0,
        "peak_memory_bytes": 1 << 30,
        "facts": {"threads": 2, "isa": "avx512"},
    }
    return Cell(**{**fields, **changes})  # type: ignore[arg-type]


def source(i: int = 0) -> Source:
    return Source("published", "FastVLM", "v1", "Table 6", f"R{i}", "printed")


def score(i: int = 0, value: float = 0.5, **changes: object) -> Score:
    fields = {
        "encoder": "fastvithd",
        "resolution_px": 256 * (i + 1),
        "llm": "qwen2_0_5b",
        "tiling": "none",
        "recipe": "15M+1.1M",
        "benchmark": "avg5",
        "value": value,
        "source": source(i),
    }
    return Score(**{**fields, **changes})  # type: ignore[arg-type]


def task_run(i: int = 0, **changes: object) -> TaskRun:
    fields = {
        "checkpoint": "c" * 64,
        "encoder": "fastvithd",
        "resolution_px": 256 * (i + 1),
        "llm": "qwen2_0_5b",
        "tiling": "none",
        "task": "gqa",
        "n": 100,
        "wall_s": 60.0,
        "load_s": 10.0,
        "executor": "slurm:gpu",
        "sha256": f"{i:064x}",
    }
    return TaskRun(**{**fields, **changes})  # type: ignore[arg-type]


def failure(of: Workload, where: Environment, second: int = 0, **changes: object) -> Failure:
    fields = {
        "workload_key": of.key,
        "environment_key": where.key,
        "kind": "out_of_memory",
        "reason": "needs 15.2 GiB, there are 7.6 GiB",
        "at": f"2026-11-20T12:00:{second:02d}.000000Z",
        "details": {"needed_bytes": 1},
    }
    return Failure(**{**fields, **changes})  # type: ignore[arg-type]


def point(encode: Workload, prefill: Workload, resolution_px: int = 256, **changes: object):
    fields = {
        "encoder": "fastvithd",
        "resolution_px": resolution_px,
        "llm": "qwen2_0_5b",
        "tiling": "none",
        "tile_px": resolution_px,
        "passes": 1,
        "visual_tokens": 16,
        "newline_tokens": 0,
        "links": (Link("encode", encode.key), Link("prefill", prefill.key)),
        "described": {"encoder": {"label": "FastViTHD"}},
    }
    return StoredPoint(**{**fields, **changes})  # type: ignore[arg-type]


SWEEP = {
    "name": "smoke",
    "command": "paretobench sweep +grid=smoke",
    "settings": {"fidelity": "quick"},
    "seed": 7,
    "created_at": "2026-11-20T11:59:00.000000Z",
}
