"""Databases made by hand: one sweep of two points, measured on several devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paretobench.domain import (
    GridPoint,
    LanguageModel,
    Runtime,
    TilePlan,
    encode_workload,
    prefill_workload,
)
from paretobench.domain.records import Environment
from paretobench.store import Link, Store, StoredPoint
from tests.report.test_stored import ENCODER, LLM, cell, score

SPEED = {"cpu": 1.0, "gpu": 0.1, "auto": 2.0}
"""How long a device takes, in times of the first."""


def place(name: str) -> Environment:
    return Environment({"chip": f"A {name} chip", "os": "Linux 6.1", "cores": 2, "memory_gib": 8})


def two_device_database(
    path: Path,
    devices: Sequence[str] = ("cpu", "gpu"),
    same_place: bool = False,
    name: str = "demo",
) -> Path:
    """The sweep `name` once on each device, in the order given; scored at 64 px."""
    with Store.open(path) as store:
        for number, device in enumerate(devices):
            environment = place("shared" if same_place else device)
            _measure(store, device, environment, number, name)
        store.add_scores([score(0.5), score(0.6, recipe="other")])
    return path


def _measure(store: Store, device: str, environment: Environment, number: int, name: str) -> None:
    key = store.add_environment(environment)
    runtime = Runtime("torch", "bf16" if device == "gpu" else "fp32")
    profile = {"name": device, "encode": {"backend": "torch", "precision": runtime.precision}}
    settings = {"protocol": "paper", "device": profile | {"prefill": profile["encode"]}}
    made_at = f"2026-11-20T1{number}:00:00Z"
    sweep = store.add_sweep(name, f"paretobench sweep device={device}", settings, 0, key, made_at)
    _add_points(store, sweep, LLM, runtime, environment, SPEED[device])


def _add_points(
    store: Store,
    sweep: str,
    llm: LanguageModel,
    runtime: Runtime,
    environment: Environment,
    factor: float,
) -> None:
    prefill = prefill_workload(llm, 16, runtime)
    encodes = {side: encode_workload(ENCODER, side, runtime) for side in (64, 128)}
    store.add_workloads([prefill, *encodes.values()])
    for side, encode in encodes.items():
        links = [Link("encode", encode.key, 2), Link("prefill", prefill.key)]
        plan = TilePlan(side, 2, 16)
        store.add_points(sweep, [StoredPoint.of(GridPoint(ENCODER, side, llm), plan, links)])
    for workload, seconds in ((prefill, 0.3), (encodes[64], 0.1), (encodes[128], 0.4)):
        for index in range(3):
            store.add_cell(cell(workload, seconds * factor * (1 + index / 500), index, environment))
