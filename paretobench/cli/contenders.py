"""What `best` and `compare` share: rows as contenders, and a seed for their draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paretobench.analysis.points import Contender
    from paretobench.report.view.rows import Row

SEED = 0
"""Seed of the draws, so that the same question has the same answer."""


def contenders(rows: Sequence[Row]) -> list[Contender]:
    """The rows as the analysis takes them, in the same order."""
    from paretobench.report.view import front_membership

    return front_membership.contenders(rows)


def rows_by_name(rows: Sequence[Row]) -> dict[str, Row]:
    """The rows by the names of their contenders."""
    return {each.name: row for each, row in zip(contenders(rows), rows, strict=True)}
