"""A model of sweeps larger than anybody has run: messages, bytes, time, and what gives first.

Pure arithmetic on constants that `store.py`, `plan.py` and reports of a large database gave;
docs/scale.md holds what this prints, and a test keeps the two equal.

    python benchmarks/scale.py
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Constants:
    """What one of each costs. Processor times are of one core of a shared 2-core x86 server."""

    cell_bytes: float = 1212
    sweep_point_bytes: float = 322
    point_bytes: float = 1700
    order_bytes: float = 580
    result_bytes: float = 2500
    ingest_us: float = 204
    union_us: float = 55
    plan_point_us: float = 61
    plan_cell_us: float = 21
    view_point_us: float = 340
    page_bytes: float = 565
    view_point_bytes: float = 30_000
    open_files: float = 3
    cell_s: float = 8


MEASURED = Constants()

SOURCES = {
    "cell_bytes": "a cell in the database, its indices included (dbstat of 1,000,000 cells)",
    "sweep_point_bytes": "that one device's sweep wants one point (the same)",
    "point_bytes": "a point, its plan, links and score, once for all devices (the same)",
    "order_bytes": "a workload as JSON, to the device (mean of 1,483)",
    "result_bytes": "a result with its workload and environment, back (a spool file)",
    "ingest_us": "reading, checking and storing one result (`store.py`)",
    "union_us": "importing one cell from another database (`store.py`, 1,000,000 cells)",
    "plan_point_us": "planning one point for one device (`plan.py`, 10,000 points)",
    "plan_cell_us": "one known cell of the device in a plan (`plan.py`)",
    "view_point_us": "one point of one device in a report's table (10,000 points)",
    "page_bytes": "one point in a report's page (the same)",
    "view_point_bytes": "memory of one point while its report is made (the same)",
    "open_files": "pipes to one connected device's ssh process",
    "cell_s": "one process on the device: start, load, warm up, sample (assumed)",
}
"""What each constant is of, and where it comes from."""


@dataclass(frozen=True)
class Sweep:
    """How much is asked for.

    Attributes:
        workloads: distinct workloads of one device; all devices measure all of them.
        cells: processes for each workload.
    """

    devices: int
    points: int
    workloads: int
    cells: int = 3

    @property
    def cells_in_all(self) -> int:
        """Results that arrive."""
        return self.devices * self.workloads * self.cells

    @staticmethod
    def of(devices: int, points: int) -> Sweep:
        """A grid whose two sides grow alike: workloads rise with the root of the points.

        10,000 points of this package's catalogue have 1,483 distinct workloads.

        >>> Sweep.of(1, 10_000).workloads, Sweep.of(1, 1_000_000).workloads
        (1483, 14830)
        """
        return Sweep(devices, points, round(1483 * math.sqrt(points / 10_000)))


@dataclass(frozen=True)
class Quantity:
    """One thing that a sweep uses, in `unit`, and where it ends; infinite if nothing ends it."""

    name: str
    value: float
    unit: str
    limit: float = math.inf
    what_ends_it: str = ""


def quantities(sweep: Sweep, one: Constants = MEASURED) -> Iterator[Quantity]:
    """Everything the model says of a sweep."""
    cells = sweep.cells_in_all
    known = sweep.workloads * sweep.cells
    # Devices work side by side, and nothing takes longer than they do.
    duration_s = known * one.cell_s
    hours = duration_s / 3600
    plan_s = (sweep.points * one.plan_point_us + known * one.plan_cell_us) / 1e6
    stored = cells * one.cell_bytes + sweep.points * one.point_bytes
    pairs = sweep.devices * sweep.points * one.sweep_point_bytes
    yield Quantity("measuring, all devices side by side", hours, "h")
    yield Quantity("cells", cells / 1e6, "million")
    yield Quantity("messages, one out and one back for each cell", 2 * cells / 1e6, "million")
    yield Quantity("bytes on the wires", cells * (one.order_bytes + one.result_bytes) / 1e9, "GB")
    yield Quantity(
        "results that arrive each second",
        cells / duration_s,
        "1/s",
        1e6 / one.ingest_us,
        "one core that ingests",
    )
    yield Quantity(
        "ingesting them all", cells * one.ingest_us / 3.6e9, "core h", hours, "measuring"
    )
    yield Quantity("planning for one device", plan_s, "s", 30.0, "patience")
    yield Quantity(
        "planning for all devices", sweep.devices * plan_s / 3600, "core h", hours, "measuring"
    )
    yield Quantity("importing it elsewhere", cells * one.union_us / 3.6e9, "core h", 8.0, "a night")
    yield Quantity("database: cells and points", stored / 1e9, "GB", 100.0, "a laptop's disk")
    yield Quantity("database: which device wants which point", pairs / 1e9, "GB", 100.0, "the same")
    yield Quantity(
        "report of one device", sweep.points * one.view_point_us / 1e6, "s", 120.0, "patience"
    )
    yield Quantity(
        "memory for it", sweep.points * one.view_point_bytes / 1e9, "GB", 8.0, "a laptop's memory"
    )
    yield Quantity("its page", sweep.points * one.page_bytes / 1e6, "MB", 20.0, "a browser")
    yield Quantity(
        "open files of the coordinator",
        sweep.devices * one.open_files,
        "",
        1024.0,
        "the usual `ulimit -n`",
    )


def constants_table() -> str:
    """The constants as Markdown."""
    lines = ["| constant | value | what it is of |", "|---|---:|---|"]
    lines += [f"| `{f.name}` | {f.default:g} | {SOURCES[f.name]} |" for f in fields(Constants)]
    return "\n".join(lines)


def model_table(sweeps: tuple[Sweep, ...]) -> str:
    """What the model says of some sweeps, as Markdown; what gives first stands first.

    The last column says how many times the last sweep's size would reach the limit: below 1,
    that sweep is beyond it already.
    """
    headings = [f"{s.devices:,} devices, {s.points:,} points" for s in sweeps]
    rows = list(zip(*(list(quantities(sweep)) for sweep in sweeps), strict=True))
    rows.sort(key=lambda row: row[-1].limit / row[-1].value)
    lines = [
        f"| quantity | {' | '.join(headings)} | ends at | reached at |",
        "|---|" + "---:|" * len(sweeps) + "---|---:|",
    ]
    for row in rows:
        last = row[-1]
        shown = " | ".join(f"{_short(one.value)} {one.unit}".strip() for one in row)
        if math.isinf(last.limit):
            lines.append(f"| {last.name} | {shown} | | |")
            continue
        end = f"{_short(last.limit)} {last.unit}".strip() + f" ({last.what_ends_it})"
        lines.append(f"| {last.name} | {shown} | {end} | {_short(last.limit / last.value)} x |")
    return "\n".join(lines)


def _short(value: float) -> str:
    """Two significant digits, or whole numbers from 100 on.

    >>> _short(0.0123), _short(3.14159), _short(31.4), _short(3140.2)
    ('0.012', '3.1', '31', '3,140')
    """
    if value >= 10:
        return f"{value:,.0f}"
    return f"{float(f'{value:.2g}'):g}"


SWEEPS = (Sweep.of(100, 10_000), Sweep.of(1_000, 100_000))
"""The size that was measured, and the one that is modelled."""


def main() -> int:
    """Print both tables."""
    print(constants_table())
    print()
    print(model_table(SWEEPS))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
