"""The verb ls: rows of a database, or of the published tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from paretobench.accuracy.current_scores import sort_out
from paretobench.api.databases import open_store
from paretobench.cli.console import emit_json_rows, print_table, say, yes_no
from paretobench.cli.options import as_json, path_option
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.store import Store

Listing = list[dict[str, Any]]

LISTINGS = ("sweeps", "points", "workloads", "failures", "environments", "scores", "published")


@click.command("ls")
@click.argument("what", type=click.Choice(LISTINGS), default="sweeps")
@path_option("--database", "-d", help="Database to list.")
@click.option("--table", metavar="NAME", help="With 'published': the rows of one table.")
@click.option("--where", metavar="COLUMN=VALUE", multiple=True, help="Keep rows with this value.")
@as_json
def ls_command(
    what: str, database: str | None, table: str | None, where: tuple[str, ...], as_json: bool
) -> None:
    """List sweeps, points, workloads, failures, environments or published rows."""
    if what == "published":
        _print(what, filtered(_published(table), where), as_json)
        return
    if table:
        raise ConfigError("--table goes with 'paretobench ls published'")
    with open_store(database) as store:
        if what == "scores":
            rows = (row for each in _scores(store) for row in filtered([each], where))
            _print(what, rows, as_json)
        else:
            _print(what, filtered(_STORED[what](store), where), as_json)
        if not as_json and what in ("sweeps", "points", "scores"):
            _say_what_is_missing(store)


def _print(what: str, rows: Iterable[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        emit_json_rows(rows)
        return
    waiting = iter(rows)
    shown = list(islice(waiting, SHOWN_ROWS))
    more = sum(1 for _ in waiting)
    if not shown:
        say(f"no {what} here")
        return
    headings = columns(shown)
    cells = ([row.get(name) for name in headings] for row in shown)
    print_table("", headings, [["" if cell is None else cell for cell in row] for row in cells])
    rest = f" of {len(shown) + more:,}; --where narrows them, --json lists all" if more else ""
    say(f"{counted(len(shown), 'row')}{rest}")


SHOWN_ROWS = 1000
"""Most rows of a table on a terminal; a million take a gigabyte to lay out."""


def _say_what_is_missing(store: Store) -> None:
    scores = store.score_count()
    if scores and not store.environments():
        say(f"{counted(scores, 'score')}, no measurement yet: 'paretobench sweep' adds latencies")


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
    cells = Counter(summary.workload_key for summary in store.cell_summaries())
    return [
        {
            "label": workload.label,
            "kind": workload.kind,
            "runtime": str(workload.runtime),
            "cells": cells[key],
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


_STORED: dict[str, Callable[[Store], Listing]] = {
    "sweeps": _sweeps,
    "points": _points,
    "workloads": _workloads,
    "failures": _failures,
    "environments": _environments,
}
"""What makes the rows of a listing that is short enough for a list."""

_SCORE_COLUMNS = "encoder resolution_px llm tiling recipe benchmark value standard_error n protocol"


def _scores(store: Store) -> Iterator[dict[str, Any]]:
    """One row per score as they are read: a database may hold a million.

    `counts` says which of several at one place a report takes: `yes`, `replaced` by a later
    version, `candidate` beside another checkpoint's, `no` for a part.
    """
    sorted_scores = sort_out(store.crowded_scores())
    special = {old.key: "replaced" for old, _ in sorted_scores.replaced}
    for contest in sorted_scores.contests:
        special |= {score.key: "candidate" for _, score in contest.candidates}
    superseded = store.superseded_keys()
    for score in store.stream_scores():
        if score.key in superseded:
            continue
        yield {name: getattr(score, name) for name in _SCORE_COLUMNS.split()} | {
            "partial": yes_no(score.is_partial),
            "counts": special.get(score.key, yes_no(not score.is_partial)),
            "source": score.source.cite(),
        }


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
