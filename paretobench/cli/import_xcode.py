"""`import` of Xcode's Core ML performance reports: their options, and one report's result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli.options import together
from paretobench.errors import ConfigError
from paretobench.units import counted, milliseconds

if TYPE_CHECKING:
    from paretobench.accuracy.accounting import Outcome
    from paretobench.cli.importing import Destination

PRECISIONS = ("fp16", "fp32", "int8", "int4")
"""Those of the Core ML backend, which a test holds it to: nothing heavy is imported here."""


NAMES = ("precision", "device", "measured_at")
"""Options of `import` that only a performance report needs."""


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
    """Import one report; returns what became of each of its experiments.

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
    store = destination.store
    with store.transaction():
        store.add_environment(found.environment)
        store.add_workloads([found.workload])
        new = [store.add_cell(cell) for cell in found.cells]
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
