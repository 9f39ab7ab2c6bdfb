"""Where Core ML ran the encoders: the shares off the Neural Engine, from cells to rows.

Core ML moves what the Neural Engine cannot run to another unit without notice, so a row whose
encoder was not all there says so: two columns, and a dagger where the share is not near zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from paretobench.domain import Workload
from paretobench.domain.records import Cell
from paretobench.report.view.rows import Caution, Placement, Row
from paretobench.store import StoredPoint

CAUTION = Caution("placement", "encoder partly off the Neural Engine")


def placements(
    workloads: Mapping[str, Workload], cells: Mapping[str, Sequence[Cell]]
) -> dict[str, Mapping[str, Any]]:
    """What the newest cell of each Core ML workload says of it, by the workload's key.

    Args:
        workloads: by key.
        cells: by the workload's key, the newest last.
    """
    return {
        key: cell.facts["placement"]
        for key, of_one in cells.items()
        if workloads[key].runtime.backend == "coreml"
        for cell in of_one
        if cell.facts.get("placement")
    }


def with_placement(row: Row, point: StoredPoint, known: Mapping[str, Mapping[str, Any]]) -> Row:
    """The row with its encoder's shares: of several encoder workloads the one furthest off."""
    encodes = [link.workload_key for link in point.links if link.role == "encode"]
    found = [known[key] for key in encodes if key in known]
    if not found:
        return row
    operations, cost = (
        _largest([one.get(f"{name}_off_neural_engine") for one in found])
        for name in ("operations", "cost")
    )
    is_notable = any(one.get("warning") for one in found)
    cautions = (*row.cautions, CAUTION) if is_notable else row.cautions
    return replace(row, cautions=cautions, placement=Placement(operations, cost))


def _largest(shares: Sequence[float | None]) -> float | None:
    return max((share for share in shares if share is not None), default=None)
