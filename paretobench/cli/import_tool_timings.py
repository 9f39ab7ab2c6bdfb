"""`import` of other tools' timings: their networks named by options, what came of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from paretobench.units import counted, milliseconds

if TYPE_CHECKING:
    from paretobench.accuracy.accounting import Outcome
    from paretobench.cli.importing import Destination
    from paretobench.measure.tool_timings import ToolTimings


def import_timings(
    destination: Destination, path: Path, found: ToolTimings, flags: Mapping[str, Any]
) -> list[tuple[str, Outcome, str]]:
    """Store the stages of one file; returns what became of each.

    Args:
        destination: opened once the file is placed.

    Raises:
        UnknownNameError: if an option names no encoder or language model.
        DataError: if a network or the device is not named.
    """
    from paretobench.config import find_encoder, load_catalogue
    from paretobench.errors import UnknownNameError
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
    store = destination.store
    entries: list[tuple[str, Outcome, str]] = []
    with store.transaction():
        store.add_environment(placed.environment)
        store.add_workloads([workload for workload, _ in placed.cells])
        for workload, cell in placed.cells:
            is_new = store.add_cell(cell)
            detail = (
                f"{milliseconds(median(cell.samples_s))} ms by {found.tool} on "
                f"{placed.environment.label}, {cell.facts['statistic']}: "
                f"{counted(len(cell.samples_s), 'value')}"
            )
            entries.append((workload.label, "new" if is_new else "known", detail))
    return entries
