"""The verb ls: rows of a database, or of the published tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from paretobench.api.results import open_store
from paretobench.cli import completion
from paretobench.cli.console import emit_json, print_table, say
from paretobench.cli.options import as_json
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.store import Store

Listing = list[dict[str, Any]]


LISTINGS = ("sweeps", "points", "workloads", "failures", "environments", "scores", "published")


@click.command("ls")
@click.argument("what", type=click.Choice(LISTINGS), default="sweeps")
@click.option(
    "--database", "-d", metavar="FILE", shell_complete=completion.files, help="Database to list."
)
@click.option("--table", metavar="NAME", help="With 'published': the rows of one table.")
@click.option("--where", metavar="COLUMN=VALUE", multiple=True, help="Keep rows with this value.")
@as_json
def ls_command(
    what: str, database: str | None, table: str | None, where: tuple[str, ...], as_json: bool
) -> None:
    """List sweeps, points, workloads, failures, environments or published rows."""
    if what == "published":
        rows = _published(table)
    elif table:
        raise ConfigError("--table goes with 'paretobench ls published'")
    else:
        with open_store(database) as store:
            rows = _stored(store, what)
    rows = filtered(rows, where)
    if as_json:
        emit_json(rows)
    elif rows:
        headings = columns(rows)
        print_table("", headings, [[_cell(row.get(name)) for name in headings] for row in rows])
        say(counted(len(rows), "row"))
    else:
        say(f"no {what} here")


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _stored(store: Store, what: str) -> Listing:
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


def _published(table: str | None) -> Listing:
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
