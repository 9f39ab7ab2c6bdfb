"""The shipped metadata describes every table and view as it is, and each ready query runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from paretobench.store import Store
from paretobench.store.datasette import datasette_metadata
from tests.store import examples
from tests.store.contract import ENCODE, HERE, PREFILL

DESCRIBED: dict[str, Any] = datasette_metadata(Path("any.db"))["databases"]["any"]
UNITS = {"_ms": "milliseconds", "_s": "seconds", "_px": "pixels", "_bytes": "bytes"}


@pytest.fixture
def filled(known: Store) -> Store:
    """A database with a point on the front and a failure."""
    known.add_points(None, [examples.point(ENCODE, PREFILL)])
    known.add_cells([examples.cell(ENCODE, HERE, 0, 0.02), examples.cell(PREFILL, HERE, 1, 0.05)])
    known.add_scores([examples.score(0), examples.score(0, 0.25, source=examples.source(5))])
    known.add_failure(examples.failure(ENCODE, HERE))
    return known


def test_every_table_and_view_has_a_title_and_a_description(store: Store) -> None:
    views = {row[0] for row in store._rows("SELECT name FROM sqlite_master WHERE type = 'view'")}
    assert set(DESCRIBED["tables"]) == views | set(store.table_names())
    assert all(table["title"] and table["description"] for table in DESCRIBED["tables"].values())


@pytest.mark.parametrize("table", DESCRIBED["tables"])
def test_every_column_is_described_and_names_its_unit(store: Store, table: str) -> None:
    rows = store._rows("SELECT name FROM pragma_table_info(?)", [table])
    described = DESCRIBED["tables"][table].get("columns", {})
    assert set(described) == {row[0] for row in rows}
    for column, text in described.items():
        for ending, unit in UNITS.items():
            assert not column.endswith(ending) or unit in text, column


@pytest.mark.parametrize("query", DESCRIBED["queries"])
def test_each_ready_query_runs_and_finds_something(filled: Store, query: str) -> None:
    entry = DESCRIBED["queries"][query]
    with_nothing_typed = dict.fromkeys(entry.get("params", []), "")
    assert filled._connection.execute(entry["sql"], with_nothing_typed).fetchall()


def test_the_best_under_a_budget_keeps_to_it(filled: Store) -> None:
    sql = DESCRIBED["queries"]["best_under"]["sql"]

    def ask(budget_ms: str) -> list[tuple[float, ...]]:
        typed = {"budget_ms": budget_ms, "benchmark": "avg5"}
        return [tuple(row) for row in filled._connection.execute(sql, typed)]

    assert ask("69") == []
    assert [row[6] for row in ask("71")] == [50.0, 25.0]


def test_the_real_datasette_serves_tables_views_and_queries(filled: Store) -> None:
    app = pytest.importorskip("datasette.app")

    async def walk() -> None:
        served = app.Datasette([str(filled.path)], metadata=datasette_metadata(filled.path))
        await served.invoke_startup()
        name = filled.path.stem
        for table in DESCRIBED["tables"]:
            page = await served.client.get(f"/{name}/{table}.json?_shape=objects")
            assert page.status_code == 200, page.text
        for query in DESCRIBED["queries"]:
            page = await served.client.get(f"/{name}/{query}.json?budget_ms=&benchmark=&label=")
            assert page.status_code == 200 and json.loads(page.text)["rows"], page.text
        front = await served.client.get(f"/{name}/front")
        assert "Pareto fronts" in front.text and "is_on_front" in front.text

    asyncio.run(walk())
