"""Rows for `ls` and `show`: plain dicts from the store or from the published tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from paretobench.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from paretobench.report.view.rows import Row
    from paretobench.store import Store

Listing = list[dict[str, Any]]


def stored(store: Store, what: str) -> Listing:
    """The rows of one listing of a database."""
    makers: dict[str, Callable[[Store], Listing]] = {
        "sweeps": _sweeps,
        "points": _points,
        "workloads": _workloads,
        "failures": _failures,
        "environments": _environments,
        "scores": _scores,
    }
    return makers[what](store)


def _sweeps(store: Store) -> Listing:
    return [
        {
            "name": sweep.name,
            "key": sweep.key[:12],
            "started": sweep.created_at,
            "finished": sweep.finished_at or "did not finish",
            "exit_status": sweep.exit_status,
            "environment": (sweep.environment_key or "")[:12],
            "command": sweep.command,
        }
        for sweep in store.sweeps()
    ]


def _points(store: Store) -> Listing:
    return [
        {
            **point.identity(),
            "tile_px": point.tile_px,
            "passes": point.passes,
            "visual_tokens": point.visual_tokens,
            "newline_tokens": point.newline_tokens,
        }
        for point in store.points()
    ]


def _workloads(store: Store) -> Listing:
    cells: dict[str, int] = {}
    for summary in store.cell_summaries():
        cells[summary.workload_key] = cells.get(summary.workload_key, 0) + 1
    return [
        {
            "label": workload.label,
            "kind": workload.kind,
            "runtime": str(workload.runtime),
            "cells": cells.get(key, 0),
            "key": key[:12],
        }
        for key, workload in store.workloads().items()
    ]


def _failures(store: Store) -> Listing:
    workloads = store.workloads()
    return [
        {
            "workload": workloads[failure.workload_key].label,
            "kind": failure.kind,
            "reason": failure.reason,
            "at": failure.at,
            "environment": failure.environment_key[:12],
        }
        for failure in store.failures()
    ]


def _environments(store: Store) -> Listing:
    return [
        {"key": environment.key[:12], "label": environment.label, **environment.identity}
        for environment in store.environments()
    ]


def _scores(store: Store) -> Listing:
    from paretobench.store.scores import without_superseded

    names = "encoder resolution_px llm tiling recipe benchmark value standard_error n protocol"
    return [
        {name: getattr(score, name) for name in names.split()}
        | {"partial": "yes" if score.is_partial else "no", "source": score.source.cite()}
        for score in without_superseded(store.scores())
    ]


def published(table: str | None) -> Listing:
    """The names of the published tables, or the rows of one.

    Raises:
        UnknownNameError: if there is no such table.
    """
    from paretobench.paper import tables

    if table is None:
        return [{"table": name, "rows": len(tables.table(name).rows)} for name in tables.names()]
    if table not in tables.names():
        raise UnknownNameError("table", table, tables.names())
    return [dict(row) for row in tables.table(table).rows]


def filtered(rows: Listing, conditions: Sequence[str]) -> Listing:
    """Rows that have all the values asked for, compared as text without case.

    Raises:
        ConfigError: if a condition is not COLUMN=VALUE.
        UnknownNameError: if no row has such a column.

    >>> filtered([{'llm': 'Vicuna'}, {'llm': 'Qwen2'}], ['llm=vicuna'])
    [{'llm': 'Vicuna'}]
    """
    for condition in conditions:
        name, equals, wanted = condition.partition("=")
        if not equals:
            raise ConfigError(f"--where {condition!r} must be COLUMN=VALUE, such as llm=Vicuna")
        if rows and name not in columns(rows):
            raise UnknownNameError("column", name, columns(rows))
        rows = [row for row in rows if str(row.get(name, "")).lower() == wanted.lower()]
    return rows


def columns(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Every column of some rows, in the order of first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


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
