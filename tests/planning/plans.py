"""Plans in one call: the grid's workloads, what a device refuses, and what they will take."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

from paretobench.domain import Device, GridPoint, Workload
from paretobench.planning.cost import Machine, PastMeasurement, Rates
from paretobench.planning.estimate import Estimator
from paretobench.planning.plan import Plan, Refusal, plan_grid, price, within_horizon
from paretobench.planning.stopping import cell_plan


def make_plan(
    points: Iterable[GridPoint],
    refused: Iterable[Refusal],
    device: Device,
    machine: Machine,
    *,
    done: Collection[str] = (),
    failed: Collection[str] = (),
    refuses: Callable[[Workload], str | None] = lambda _: None,
    past: Iterable[PastMeasurement] = (),
    horizon_s: float = math.inf,
    **settings: Any,
) -> Plan:
    """What a sweep at `standard` would do, without a store."""
    grid = plan_grid(points, refused, device, machine, **settings)
    reasons = {one.key: reason for one in grid.workloads if (reason := refuses(one))}
    estimator = Estimator(Rates(machine, past), cell_plan("standard"))
    grid = within_horizon(grid.without(reasons), estimator, done, horizon_s)
    return price(grid, estimator, done, failed)
