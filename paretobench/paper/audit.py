"""Whether the published tables agree with themselves: every number that can be recomputed, is.

Five questions, each asked of every row that can answer it: is a printed Avg-5 the mean of its
columns; is a printed TTFT the sum of the printed parts; is a printed standard deviation that of
the printed runs; is a tiled encoder's latency its passes times the tile; does a number that
several tables print agree. Nothing is hard-coded about which ones fail.

A recomputed number agrees when it is within half a unit of the printed one's last digit.
The inputs are rounded too; where that alone could explain a difference the row says so.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from paretobench.accuracy import suites
from paretobench.paper import published, tables
from paretobench.paper.published import PublishedPoint
from paretobench.paper.tables import Row, Table

Verdict = Literal["agrees", "differs"]

_SLACK = 1e-9
"""Absolute slack for binary fractions: 62.65 is stored a little below itself."""


@dataclass(frozen=True)
class AuditRow:
    """One recomputed number.

    Attributes:
        check: `avg5`, `ttft_sum`, `standard_deviation`, `passes` or `repeated`.
        what: which number, for people.
        printed, recomputed, difference: in `unit`; the difference is recomputed - printed.
        unit: as printed.
        tolerance: half a unit of the printed number's last digit.
        verdict: `agrees` when the difference is within the tolerance.
        within_input_rounding: whether the rounding of the inputs alone could explain it.
        arithmetic: how it was recomputed.
        source: the cell, and the cells it was recomputed from.
    """

    check: str
    what: str
    printed: float
    recomputed: float
    difference: float
    unit: str
    tolerance: float
    verdict: Verdict
    within_input_rounding: bool
    arithmetic: str
    source: str


def audit() -> list[AuditRow]:
    """Every check of every table; mismatches are the rows whose verdict is `differs`."""
    return [*_avg5(), *_ttft_sums(), *_standard_deviations(), *_passes(), *_repeated()]


def half_unit(text: str) -> float:
    """Half a unit of the last digit of a printed number: what rounding can hide.

    >>> half_unit('62.6'), half_unit('166'), half_unit('0.041')
    (0.05, 0.5, 0.0005)
    """
    decimals = len(text.partition(".")[2])
    return float(f"{0.5 * 10**-decimals:.{decimals + 1}f}")


def _compare(
    check: str,
    what: str,
    printed: str,
    recomputed: float,
    unit: str,
    input_rounding: float,
    arithmetic: str,
    source: str,
) -> AuditRow:
    """Hold a recomputed number against a printed one, given as text with its digits."""
    tolerance = half_unit(printed)
    difference = recomputed - float(printed)
    return AuditRow(
        check=check,
        what=what,
        printed=float(printed),
        recomputed=round(recomputed, 6),
        difference=round(difference, 6),
        unit=unit,
        tolerance=tolerance,
        verdict="agrees" if abs(difference) <= tolerance + _SLACK else "differs",
        within_input_rounding=abs(difference) <= tolerance + input_rounding + _SLACK,
        arithmetic=arithmetic,
        source=source,
    )


def _cite(of: Table, row: Row) -> str:
    return f"{of.version}, {of.label}, {row['row']}"


def _avg5() -> Iterator[AuditRow]:
    """Printed Avg-5 against the mean of the five columns beside it."""
    members = [suites.BENCHMARKS[name].column + "_pct" for name in suites.SUITES["avg5"].members]
    for of in tables.every_table():
        for row in of.rows:
            cells = [row.get(column, "") for column in members]
            if not row.get("Avg5_pct") or not all(cells):
                continue
            yield _compare(
                "avg5",
                f"Avg-5 of {row['vision_encoder']} at {row.get('input_res_px') or '?'} px",
                row["Avg5_pct"],
                math.fsum(map(float, cells)) / len(cells),
                "percent",
                math.fsum(map(half_unit, cells)) / len(cells),
                f"({' + '.join(cells)}) / {len(cells)}",
                _cite(of, row),
            )


def _printed() -> list[tuple[Table, Row, PublishedPoint]]:
    """Every row of a printed table that can be placed."""
    return [found for found in published.placed() if found[0].provenance == "printed"]


def _system(where: PublishedPoint) -> PublishedPoint:
    """What decides a latency; the recipe does not."""
    return replace(where, recipe="")


def _ttft_sums() -> Iterator[AuditRow]:
    """Printed TTFT against encoder latency plus prefill, matched by system (labels differ)."""
    parts: dict[PublishedPoint, tuple[Table, Row]] = {}
    prints: dict[tuple[PublishedPoint, str], list[str]] = defaultdict(list)
    for of, row, where in _printed():
        if row.get("llm_prefill_ms"):
            parts[_system(where)] = (of, row)
        if row.get("TTFT_ms"):
            prints[_system(where), row["TTFT_ms"]].append(_cite(of, row))
    for (system, printed), cites in prints.items():
        if system not in parts:
            continue
        of, row = parts[system]
        cells = [*row["vision_encoder_latency_ms"].split(";"), row["llm_prefill_ms"]]
        yield _compare(
            "ttft_sum",
            f"TTFT of {system.system} at {system.resolution_px} px with {system.llm}",
            printed,
            math.fsum(map(float, cells)),
            "ms",
            math.fsum(map(half_unit, cells)),
            " + ".join(cells),
            f"{'; '.join(cites)}; parts: {_cite(of, row)}",
        )


def _standard_deviations() -> Iterator[AuditRow]:
    """Table 11's last row against the runs above it, as population deviations (ddof 0)."""
    of = tables.table("v1_table11")
    runs, printed = of.rows[:-1], of.rows[-1]
    for column in filter(tables.is_value, printed):
        cells = [run[column] for run in runs]
        yield _compare(
            "standard_deviation",
            f"standard deviation of {column.rpartition('_')[0]} over {len(runs)} runs",
            printed[column],
            statistics.pstdev(map(float, cells)),
            tables.unit_of(column),
            max(map(half_unit, cells)),
            f"population sd of {', '.join(cells)}",
            f"{_cite(of, printed)}, {column}",
        )


def _passes() -> Iterator[AuditRow]:
    """The printed latency of one tile against a tiled encoder's latency over its passes."""
    of = tables.table("derived_encoder_latency")
    tile_ms = {
        (_encoder_alone(row), row["input_res_px"]): row["latency_ms"]
        for row in of.rows
        if row["encoder_passes"] == "1" and "T4 series" not in row["note"]
    }
    for row in of.rows:
        passes, (_, _, tile_px) = int(row["encoder_passes"]), row["encoder"].partition(" tile")
        if passes == 1:
            continue
        yield _compare(
            "passes",
            f"one pass of {row['encoder']} at {row['input_res_px']} px",
            tile_ms[_encoder_alone(row), tile_px],
            float(row["latency_ms"]) / passes,
            "ms",
            half_unit(row["latency_ms"]) / passes,
            f"{row['latency_ms']} / {passes}",
            row["source"],
        )


def _encoder_alone(row: Row) -> str:
    """`ViT-L/14` from `ViT-L/14 2x2+1 tile336`, `ViT-SO400M` from `ViT-SO400M(SigLIP)`."""
    return row["encoder"].partition(" ")[0].partition("(")[0]


def _repeated() -> Iterator[AuditRow]:
    """Numbers that several tables print for one system, each against the first print of it."""
    prints: dict[tuple[object, ...], list[tuple[Table, Row, str]]] = defaultdict(list)
    for of, row, where in _printed():
        for column in _comparable_columns(row):
            prints[_identity(where, column)].append((of, row, column))
    for (*_, label), ((first_of, first_row, column), *others) in prints.items():
        cites: dict[str, list[str]] = defaultdict(list)
        for of, row, _ in others:
            cites[row[column]].append(_cite(of, row))
        first = first_row[column]
        for printed, repeats in cites.items():
            yield _compare(
                "repeated",
                str(label),
                printed,
                float(first),
                tables.unit_of(column),
                0.0,
                f"{first} is printed first",
                f"{'; '.join(repeats)}; first: {_cite(first_of, first_row)}",
            )


def _comparable_columns(row: Row) -> list[str]:
    kept = ("vision_encoder_latency_ms", "TTFT_ms")
    return [
        column
        for column, cell in row.items()
        if cell and ";" not in cell and (column in kept or suites.of_column(column))
    ]


def _identity(where: PublishedPoint, column: str) -> tuple[object, ...]:
    """What two prints of the same number share: an encoder's latency depends on it alone."""
    if column == "vision_encoder_latency_ms":
        label = f"encoder latency of {where.encoder} at {where.resolution_px} px"
        return (where.encoder, where.resolution_px, where.tiling, column, label)
    label = f"{column.rpartition('_')[0]} of {where.system} at {where.resolution_px} px"
    label += f" with {where.llm}"
    if column == "TTFT_ms":
        return (_system(where), column, label)
    return (where, column, f"{label}, {where.recipe}")
