"""The rows of a point that a user names, for `show` and `export`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paretobench.errors import UnknownNameError

if TYPE_CHECKING:
    from paretobench.report.view.rows import Row


def find_rows(rows: Sequence[Row], text: str) -> list[Row]:
    """The rows of the point that a user names, such as `fastvithd@1024+qwen2_0_5b`.

    Raises:
        UnknownNameError: if no point carries that name; offers the nearest.
    """
    wanted = "".join(text.lower().split())
    names = {id(row): _spellings(row) for row in rows}
    found = [row for row in rows if wanted in names[id(row)]]
    if not found:
        raise UnknownNameError("point", wanted, {names[id(row)][0] for row in rows})
    return found


def _spellings(row: Row) -> tuple[str, ...]:
    tiling = "" if row.tiling in ("", "none") else f"@{row.tiling}"
    by_name = f"{row.encoder}@{row.resolution_px}{tiling}+{row.llm}"
    return by_name, "".join(str(row).lower().split())
