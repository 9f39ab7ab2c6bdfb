"""The schema, as the numbered steps that lead to it.

A step that has been released is never edited: databases out there were made by it. A change
is a new step, and `SCHEMA_VERSION` in `opening` rises with it. Views hold no data, so they are
dropped and created again after the last step and live in `views`.

Rules of every table: STRICT; the primary key is the SHA-256 of the row's content, so rows are
only ever inserted and the union of two databases is the union of their rows; seconds, bytes and
fractions, with the unit in the column's name; JSON columns are checked, by the spelling that
also holds on old SQLite, where `json_valid(NULL)` is 0.

sqlite-utils is imported here alone, and only when a database has steps to go: it imports pandas
along, which costs half a second.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database, Migrations

from paretobench.store.views import VIEWS

migrations = Migrations("paretobench")

_TABLES = (
    """CREATE TABLE environment (
        key TEXT PRIMARY KEY,
        label TEXT NOT NULL,
        identity TEXT NOT NULL CHECK (json_valid(identity))
    ) STRICT""",
    """CREATE TABLE environment_observation (
        key TEXT PRIMARY KEY,
        environment_key TEXT NOT NULL REFERENCES environment(key),
        observed TEXT NOT NULL CHECK (json_valid(observed))
    ) STRICT""",
    """CREATE TABLE sweep (
        key TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        command TEXT NOT NULL,
        settings TEXT NOT NULL CHECK (json_valid(settings)),
        seed INTEGER NOT NULL,
        environment_key TEXT REFERENCES environment(key),
        created_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE sweep_end (
        key TEXT PRIMARY KEY,
        sweep_key TEXT NOT NULL REFERENCES sweep(key),
        finished_at TEXT NOT NULL,
        exit_status INTEGER NOT NULL,
        summary TEXT NOT NULL CHECK (json_valid(summary))
    ) STRICT""",
    """CREATE TABLE point (
        key TEXT PRIMARY KEY,
        encoder TEXT NOT NULL,
        resolution_px INTEGER NOT NULL,
        llm TEXT NOT NULL,
        tiling TEXT NOT NULL
    ) STRICT""",
    # One way a point was planned: what its tiles came to and how it was described then. A user
    # may redefine a tiling or a label under the same name; both plans are then kept.
    """CREATE TABLE planned_point (
        key TEXT PRIMARY KEY,
        point_key TEXT NOT NULL REFERENCES point(key),
        tile_px INTEGER NOT NULL,
        passes INTEGER NOT NULL,
        visual_tokens INTEGER NOT NULL,
        newline_tokens INTEGER NOT NULL,
        described TEXT NOT NULL CHECK (json_valid(described))
    ) STRICT""",
    """CREATE TABLE sweep_point (
        sweep_key TEXT NOT NULL REFERENCES sweep(key),
        planned_point_key TEXT NOT NULL REFERENCES planned_point(key),
        PRIMARY KEY (sweep_key, planned_point_key)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE workload (
        key TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        label TEXT NOT NULL,
        backend TEXT NOT NULL,
        precision TEXT NOT NULL,
        batch INTEGER NOT NULL,
        protocol_version INTEGER NOT NULL,
        spec TEXT NOT NULL CHECK (json_valid(spec))
    ) STRICT""",
    """CREATE TABLE point_workload (
        planned_point_key TEXT NOT NULL REFERENCES planned_point(key),
        role TEXT NOT NULL,
        workload_key TEXT NOT NULL REFERENCES workload(key),
        passes INTEGER NOT NULL CHECK (passes > 0),
        PRIMARY KEY (planned_point_key, role, workload_key)
    ) STRICT, WITHOUT ROWID""",
    # median_s and sample_count are derived from samples_s, so that a view or an index need not
    # read the samples. sweep_key has no foreign key: a cell that came alone, as a spool file
    # from another machine, may name a sweep that this database does not hold.
    """CREATE TABLE cell (
        key TEXT PRIMARY KEY,
        workload_key TEXT NOT NULL REFERENCES workload(key),
        environment_key TEXT NOT NULL REFERENCES environment(key),
        sweep_key TEXT,
        started_at TEXT NOT NULL,
        fidelity TEXT NOT NULL,
        round_index INTEGER NOT NULL,
        status TEXT NOT NULL,
        median_s REAL,
        sample_count INTEGER NOT NULL,
        load_s REAL NOT NULL,
        first_run_s REAL NOT NULL,
        canary_before_s REAL,
        canary_after_s REAL,
        wall_s REAL NOT NULL,
        peak_memory_bytes INTEGER,
        energy_j REAL,
        warmup_s TEXT NOT NULL CHECK (json_valid(warmup_s)),
        samples_s TEXT NOT NULL CHECK (json_valid(samples_s)),
        facts TEXT NOT NULL CHECK (json_valid(facts))
    ) STRICT""",
    """CREATE TABLE failure (
        key TEXT PRIMARY KEY,
        workload_key TEXT NOT NULL REFERENCES workload(key),
        environment_key TEXT NOT NULL REFERENCES environment(key),
        sweep_key TEXT,
        kind TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        details TEXT NOT NULL CHECK (json_valid(details))
    ) STRICT""",
    """CREATE TABLE failure_superseded (
        failure_key TEXT PRIMARY KEY REFERENCES failure(key)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE source (
        key TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        version TEXT NOT NULL,
        "table" TEXT NOT NULL,
        row TEXT NOT NULL,
        provenance TEXT,
        url TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        note TEXT NOT NULL
    ) STRICT""",
    # A score names its point by the same four names as `point` does, and may be here before it.
    """CREATE TABLE score (
        key TEXT PRIMARY KEY,
        encoder TEXT NOT NULL,
        resolution_px INTEGER NOT NULL,
        llm TEXT NOT NULL,
        tiling TEXT NOT NULL,
        recipe TEXT NOT NULL,
        benchmark TEXT NOT NULL,
        value REAL NOT NULL,
        source_key TEXT NOT NULL REFERENCES source(key),
        standard_error REAL,
        n INTEGER,
        harness TEXT NOT NULL,
        protocol TEXT NOT NULL,
        checkpoint TEXT NOT NULL,
        is_partial INTEGER NOT NULL CHECK (is_partial IN (0, 1))
    ) STRICT""",
    """CREATE TABLE artifact (
        key TEXT PRIMARY KEY,
        sha256 TEXT NOT NULL,
        kind TEXT NOT NULL,
        path TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        workload_key TEXT REFERENCES workload(key),
        facts TEXT NOT NULL CHECK (json_valid(facts))
    ) STRICT""",
)

_INDICES = (
    # Answers `cell_counts` and the views from the index alone, at a million cells.
    "CREATE INDEX cell_by_workload ON cell"
    " (environment_key, workload_key, status, fidelity, median_s, sample_count)",
    "CREATE INDEX cell_by_time ON cell (environment_key, started_at)",
    "CREATE INDEX sweep_point_by_point ON sweep_point (planned_point_key)",
    "CREATE INDEX planned_point_by_point ON planned_point (point_key)",
    "CREATE INDEX point_workload_by_workload ON point_workload (workload_key)",
    "CREATE INDEX failure_by_workload ON failure (environment_key, workload_key)",
    "CREATE INDEX score_by_point ON score (encoder, resolution_px, llm, tiling)",
)


@migrations()
def m001_tables(db: Database) -> None:
    """The tables of the first release."""
    for statement in _TABLES:
        db.execute(statement)


@migrations()
def m002_indices(db: Database) -> None:
    """What keeps a plan and a report quick at a million cells."""
    for statement in _INDICES:
        db.execute(statement)


@migrations()
def m003_task_runs(db: Database) -> None:
    """What the scoring of tasks took, for the estimate of GPU hours."""
    db.execute("""CREATE TABLE task_run (
        key TEXT PRIMARY KEY,
        checkpoint TEXT NOT NULL,
        encoder TEXT NOT NULL,
        resolution_px INTEGER NOT NULL,
        llm TEXT NOT NULL,
        tiling TEXT NOT NULL,
        task TEXT NOT NULL,
        n INTEGER NOT NULL CHECK (n > 0),
        wall_s REAL NOT NULL,
        load_s REAL,
        processes INTEGER NOT NULL CHECK (processes > 0),
        executor TEXT NOT NULL,
        is_partial INTEGER NOT NULL CHECK (is_partial IN (0, 1)),
        sha256 TEXT NOT NULL
    ) STRICT""")


@migrations()
def m004_contention(db: Database) -> None:
    """What other programs did while a cell was timed; nothing in cells from before."""
    db.execute(
        "ALTER TABLE cell ADD COLUMN contention TEXT"
        " CHECK (contention IS NULL OR json_valid(contention))"
    )


@migrations()
def m005_dated_scores(db: Database) -> None:
    """When a score's result was written: of two versions of one the later counts."""
    db.execute("ALTER TABLE score ADD COLUMN dated TEXT NOT NULL DEFAULT ''")


@migrations()
def m006_no_artifacts(db: Database) -> None:
    """Artifacts are listed by their own folder; nothing ever wrote this table."""
    db.execute("DROP TABLE artifact")


@migrations()
def m007_decode(db: Database) -> None:
    """Points have decode workloads beside their TTFT: the view `ttft` is made anew without them."""


@migrations()
def m008_images(db: Database) -> None:
    """Points may be means over image sizes: the view `ttft` is made anew and divides by them."""


def apply_migrations(connection: sqlite3.Connection, until: int | None = None) -> int:
    """Take every pending step, then create the views again. Call it inside `BEGIN IMMEDIATE`.

    Args:
        connection: an open connection that already holds the write lock.
        until: how many steps to take in all; None for every one. Tests make old databases so.

    Returns:
        The schema version reached: the number of steps taken so far.
    """
    names = [step.name for step in migrations.pending(Database(memory=True))]
    target = len(names) if until is None else until
    database = Database(connection, execute_plugins=False)
    # Views first: a step may change a table that a view reads.
    for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'"):
        connection.execute(f'DROP VIEW "{view}"')
    if any(step.name not in names[:target] for step in migrations.pending(database)):
        migrations.apply(database, stop_before=names[target : target + 1])
    else:
        migrations.apply(database)
    if target == len(names):
        for statement in VIEWS:
            connection.execute(statement)
    return target
