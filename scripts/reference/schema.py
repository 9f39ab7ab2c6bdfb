"""The page of the database: every table and view, from the migrations and what describes them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from paretobench.store.datasette import datasette_metadata
from paretobench.store.migrations import apply_migrations
from scripts.reference.markup import GENERATED, code, table

INTRO = """\
One SQLite file holds everything: what was asked, every sample, the machine, the scores and their
sources. Primary keys are SHA-256 hashes of the row's content, so merging two databases is a set
union and importing twice changes nothing. Tables are STRICT, in seconds, bytes and fractions; the
views give milliseconds and percent for people. Rows are only ever inserted.

Datasette shows the same descriptions and a dozen ready queries beside the data."""


def page() -> str:
    """The whole page."""
    connection = sqlite3.connect(":memory:")
    try:
        version = apply_migrations(connection)
        made = datasette_metadata(Path("x.db"))["databases"]["x"]
        parts = ["# Database", GENERATED, INTRO, f"Schema version {version}."]
        for kind, title in (("view", "Views"), ("table", "Tables")):
            parts.append(f"## {title}")
            names = [name for name in made["tables"] if _kind(connection, name) == kind]
            parts += [_section(connection, name, made["tables"][name]) for name in names]
        parts.append(_queries(made["queries"]))
    finally:
        connection.close()
    return "\n\n".join(parts) + "\n"


def _kind(connection: sqlite3.Connection, name: str) -> str:
    row = connection.execute("SELECT type FROM sqlite_master WHERE name = ?", [name]).fetchone()
    return str(row[0]) if row else ""


def _section(connection: sqlite3.Connection, name: str, said: dict[str, Any]) -> str:
    refers = {
        row[3]: f"[`{row[2]}`](#{row[2]})"
        for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')
    }
    rows = []
    for _, column, kind, must, _, is_key in connection.execute(f'PRAGMA table_info("{name}")'):
        is_null = "" if must or is_key or _kind(connection, name) == "view" else "may be null"
        place = "key" if is_key else refers.get(column, is_null)
        if is_key and column in refers:
            place = f"key, {refers[column]}"
        rows.append((code(column), kind, place, said["columns"].get(column, "")))
    head = f"### {name} {{ #{name} }}\n\n{said['title']}. {said['description']}\n\n"
    return head + table(("column", "type", "key", "what it holds"), rows)


def _queries(queries: dict[str, Any]) -> str:
    rows = [(code(name), query["title"], query["description"]) for name, query in queries.items()]
    return "## Ready queries\n\n" + table(("name", "title", "answers"), rows)
