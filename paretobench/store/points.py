"""Rows about what was planned: points, their workloads, and which sweep planned them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from paretobench.domain import Workload
from paretobench.store.database import Database, Row, where
from paretobench.store.rows import (
    POINT_NAMES,
    TILE_COUNTS,
    Link,
    StoredPoint,
    stored_json,
)


class PointRows(Database):
    """Workloads, points and the links between them."""

    def add_workloads(self, workloads: Iterable[Workload]) -> int:
        """Store workloads; returns how many were new.

        A label is no part of a workload's key. Where two differ, the one that sorts first is
        kept, so that databases come out alike in whatever order they are joined.
        """
        rows = [
            (
                workload.key,
                workload.kind,
                workload.label,
                workload.runtime.backend,
                workload.runtime.precision,
                workload.batch,
                workload.protocol_version,
                stored_json(workload.spec(), "a workload"),
            )
            for workload in workloads
        ]
        with self.transaction():
            new = self._insert("workload", rows)
            self._connection.executemany(
                "UPDATE workload SET label = ? WHERE key = ? AND label > ?",
                [(row[2], row[0], row[2]) for row in rows],
            )
        return new

    def workloads(self, keys: Iterable[str] | None = None) -> dict[str, Workload]:
        """Workloads by key: the named ones that are stored, or all."""
        clause, parameters = where(key=keys)
        rows = self._rows(f"SELECT * FROM workload{clause} ORDER BY key", parameters)
        return {
            row["key"]: Workload.from_json({"label": row["label"], **json.loads(row["spec"])})
            for row in rows
        }

    def add_points(self, sweep_key: str | None, points: Iterable[StoredPoint]) -> int:
        """Store points with their links, and that a sweep planned them; returns how many were new.

        The workloads they link to must be stored before.
        """
        points = list(points)
        planned = [
            (
                point.key,
                point.point_key,
                *(getattr(point, name) for name in TILE_COUNTS),
                stored_json(dict(point.described), "a point's description"),
            )
            for point in points
        ]
        links = [
            (point.key, link.role, link.workload_key, link.passes)
            for point in points
            for link in point.links
        ]
        with self.transaction():
            named = [(point.point_key, *point.identity().values()) for point in points]
            self._insert("point", named)
            new = self._insert("planned_point", planned)
            self._insert("point_workload", links)
            if sweep_key is not None:
                self.add_sweep_points((sweep_key, point.key) for point in points)
        return new

    def add_sweep_points(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Store which sweep planned which point; returns how many pairs were new."""
        return self._insert("sweep_point", pairs)

    def sweep_points(self) -> list[tuple[str, str]]:
        """Every pair of a sweep's key and a planned point's key."""
        rows = self._rows("SELECT sweep_key, planned_point_key FROM sweep_point")
        return [(row[0], row[1]) for row in rows]

    def points(self, sweep: str | None = None) -> list[StoredPoint]:
        """The points of one sweep, by its key, or of the whole database, each once.

        Where the same four names were planned twice onto the same parts (a label changed, or
        the sum was later checked end to end), the newest plan is given, with every check.
        """
        newest: dict[tuple[Any, ...], StoredPoint] = {}
        for plan in self.all_plans(sweep):
            place = (plan.point_key, plan.summed_links)
            links = tuple(sorted({*newest.get(place, plan).links, *plan.links}))
            newest[place] = replace(plan, links=links)
        return list(newest.values())

    def all_plans(self, sweep: str | None = None) -> list[StoredPoint]:
        """Every plan of every point, superseded ones included; the oldest first."""
        clause = "" if sweep is None else _OF_SWEEP
        rows = self._rows(_POINTS.format(where=clause), [] if sweep is None else [sweep])
        return [_point(row) for row in rows]


_OF_SWEEP = "WHERE pp.key IN (SELECT planned_point_key FROM sweep_point WHERE sweep_key = ?)"

_POINTS = """
SELECT p.encoder, p.resolution_px, p.llm, p.tiling,
    pp.tile_px, pp.passes, pp.visual_tokens, pp.newline_tokens, pp.described,
    (
        SELECT json_group_array(json_array(role, workload_key, passes))
        FROM point_workload WHERE planned_point_key = pp.key
    ) AS links,
    (
        SELECT max(s.created_at) FROM sweep_point AS sp JOIN sweep AS s ON s.key = sp.sweep_key
        WHERE sp.planned_point_key = pp.key
    ) AS wanted_at
FROM planned_point AS pp JOIN point AS p ON p.key = pp.point_key
{where}
ORDER BY wanted_at, p.encoder, p.llm, p.tiling, p.resolution_px, pp.key
"""


def _point(row: Row) -> StoredPoint:
    names = (*POINT_NAMES, *TILE_COUNTS)
    links = sorted(Link(*link) for link in json.loads(row["links"]))
    return StoredPoint(
        **{name: row[name] for name in names},
        links=tuple(links),
        described=json.loads(row["described"]),
    )
