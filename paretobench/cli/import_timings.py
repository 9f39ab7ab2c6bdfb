"""`import` of what other programs timed: Xcode's Core ML performance reports, and tools' timings.

Which networks a file is about, options say; each thing that it timed has a line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli.options import together
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.units import counted, milliseconds

if TYPE_CHECKING:
    from paretobench.accuracy.accounting import Outcome
    from paretobench.cli.importing import Destination
    from paretobench.domain import Workload
    from paretobench.domain.records import Cell, Environment
    from paretobench.measure.tool_timings import ToolTimings

PRECISIONS = ("fp16", "fp32", "int8", "int4")
"""Those of the Core ML backend, which a test holds it to: nothing heavy is imported here."""


NAMES = ("precision", "device", "measured_at")
"""Options of `import` that only timings need."""


report_options = together(
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        help="Of the package of an Xcode report [default: what it says, else fp16].",
    ),
    click.option(
        "--device", metavar="NAME", help="The device of an Xcode report that does not name it."
    ),
    click.option(
        "--measured-at", metavar="TIME", help="When an Xcode report was taken: 2026-11-20."
    ),
)
"""What a performance report does not say itself; encoder and resolution are shared."""


def without_report_options(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that are not for performance reports."""
    return {name: value for name, value in flags.items() if name not in NAMES}


def import_report(
    destination: Destination, path: Path, flags: Mapping[str, Any]
) -> list[tuple[str, Outcome, str]]:
    """Import one performance report; returns what became of it.

    Args:
        destination: opened once the report is read.

    Raises:
        ConfigError: if encoder or resolution are not given.
        DataError: if it is no report, or contradicts the flags.
    """
    from paretobench.config import find_encoder
    from paretobench.measure import xcode_reports

    if "encoder" not in flags or "resolution_px" not in flags:
        raise ConfigError(
            f"{path} is a Core ML performance report, and those know a file's name only;\n"
            "say what it timed: --encoder fastvithd --resolution 1024 (--precision, if not fp16)"
        )
    said = {name: flags[name] for name in NAMES if name in flags}
    found = xcode_reports.import_report(
        path, find_encoder(flags["encoder"]), flags["resolution_px"], **said
    )
    new = _stored(destination, found.environment, [found.workload], found.cells)
    samples = [sample for cell in found.cells for sample in cell.samples_s]
    runtime = found.workload.runtime
    warning = (found.cells[0].facts["placement"] or {}).get("warning")
    detail = (
        f"{found.workload.label} ({runtime}, {runtime.options['compute_units']}) "
        f"on {found.environment.label}: {milliseconds(median(samples))} ms, "
        f"{counted(len(samples), 'warm prediction')} of "
        f"{counted(len(found.cells), 'process', 'processes')}" + (f"; {warning}" if warning else "")
    )
    return [(found.workload.label, "new" if any(new) else "known", detail)]


def import_timings(
    destination: Destination, path: Path, found: ToolTimings, flags: Mapping[str, Any]
) -> list[tuple[str, Outcome, str]]:
    """Import the stages of one tool's file; returns what became of each.

    Args:
        destination: opened once the file is placed.

    Raises:
        UnknownNameError: if an option names no encoder or language model.
        DataError: if a network or the device is not named.
    """
    from paretobench.config import find_encoder, load_catalogue
    from paretobench.measure import tool_timings

    encoder = find_encoder(flags["encoder"]) if "encoder" in flags else None
    llms = load_catalogue().llms if "llm" in flags else {}
    if "llm" in flags and flags["llm"] not in llms:
        raise UnknownNameError("language model", flags["llm"], llms)
    placed = tool_timings.as_cells(
        path,
        found,
        encoder,
        flags.get("resolution_px"),
        llms.get(flags.get("llm", "")),
        flags.get("precision", ""),
        flags.get("device", ""),
    )
    workloads, cells = zip(*placed.cells, strict=True)
    new = _stored(destination, placed.environment, workloads, cells)
    entries: list[tuple[str, Outcome, str]] = []
    for workload, cell, is_new in zip(workloads, cells, new, strict=True):
        detail = (
            f"{milliseconds(median(cell.samples_s))} ms by {found.tool} on "
            f"{placed.environment.label}, {cell.facts['statistic']}: "
            f"{counted(len(cell.samples_s), 'value')}"
        )
        entries.append((workload.label, "new" if is_new else "known", detail))
    return entries


def _stored(
    destination: Destination,
    environment: Environment,
    workloads: Sequence[Workload],
    cells: Sequence[Cell],
) -> list[bool]:
    """Store cells with what they belong to; returns which of them are new."""
    store = destination.store
    with store.transaction():
        store.add_environment(environment)
        store.add_workloads(workloads)
        return [store.add_cell(cell) for cell in cells]
