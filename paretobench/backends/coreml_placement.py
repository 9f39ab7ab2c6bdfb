"""Where a Core ML program's operations run, summed up. Pure.

The Neural Engine takes an operation or leaves it to another unit, and each change of unit
costs a transfer. Apple's compute plan says, before anything runs, which unit each operation
will get and its share of the estimated cost. The shares off the Neural Engine show whether a
latency is one of the Neural Engine at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Protocol

UNSTATED = "unstated"
"""The device of an operation that Core ML says nothing about."""

NOTABLE_SHARE = 0.01
"""Share of the estimated cost off the Neural Engine from which a result must say so: 1 % is
the half width that a rigorous measurement aims at."""


class Placed(Protocol):
    """An operation with its device and its share of the cost."""

    @property
    def kind(self) -> str:
        """Type of the operation."""

    @property
    def device(self) -> str:
        """Device, or empty."""

    @property
    def cost(self) -> float | None:
        """Share of the estimated cost, 0 to 1, or None."""


def summarise(operations: Iterable[Placed], compute_units: str) -> dict[str, Any]:
    """Operations and estimated cost by device, and the shares off the Neural Engine.

    Args:
        compute_units: what the model was loaded for; the shares are None where the Neural Engine
            was not asked for.

    Returns:
        `operations`; `by_device` (operations, cost); `operations_off_neural_engine` and
        `cost_off_neural_engine` as fractions; `types_off_neural_engine` with their counts;
        `warning`, empty if there is nothing to say.
    """
    placed = list(operations)
    by_device: dict[str, dict[str, float]] = defaultdict(lambda: {"operations": 0, "cost": 0.0})
    for one in placed:
        entry = by_device[one.device or UNSTATED]
        entry["operations"] += 1
        entry["cost"] += one.cost or 0.0
    wanted = compute_units in ("cpu_and_ne", "all")
    off = [one for one in placed if one.device != "neural_engine"]
    total = sum(one.cost or 0.0 for one in placed)
    cost_off = sum(one.cost or 0.0 for one in off) / total if total else None
    summary = {
        "operations": len(placed),
        "by_device": {name: dict(entry) for name, entry in sorted(by_device.items())},
        "operations_off_neural_engine": len(off) / len(placed) if wanted and placed else None,
        "cost_off_neural_engine": cost_off if wanted else None,
        "types_off_neural_engine": dict(sorted(Counter(one.kind for one in off if wanted).items())),
    }
    return summary | {"warning": warning(summary)}


def warning(summary: dict[str, Any]) -> str:
    """What a plot must say of this placement; empty if all that counts is where it should be.

    >>> warning({'cost_off_neural_engine': 0.12, 'operations_off_neural_engine': 0.3})
    '12.0 % of the estimated cost is off the Neural Engine'
    >>> warning({'cost_off_neural_engine': 0.0, 'operations_off_neural_engine': 0.01})
    ''
    """
    cost, count = summary["cost_off_neural_engine"], summary["operations_off_neural_engine"]
    if cost is not None:
        share, of_what = cost, "the estimated cost"
    elif count is not None:
        share, of_what = count, "the operations"
    else:
        return ""
    if share <= NOTABLE_SHARE:
        return ""
    return f"{share * 100:.1f} % of {of_what} is off the Neural Engine"
