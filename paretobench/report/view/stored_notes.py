"""What a reader must know of a sweep beside its rows: the notes of a view.

How steady the machine was, which rules scored the points, why the measuring ended, which device
was promised, and what is still missing of an audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from paretobench.analysis import levels, stats
from paretobench.domain.records import CellSummary, Environment
from paretobench.paper import machine as paper_machine
from paretobench.report.view.rows import Row
from paretobench.store import Store, Sweep
from paretobench.units import counted


def steadiness_said_once(
    rows: list[Row], summaries: Sequence[CellSummary]
) -> tuple[list[Row], tuple[str, ...]]:
    """Notes of how steady the machine was. Where most processes were not judged by their canaries,
    one stands in place of a label in every row."""
    disturbed = _disturbance_notes(rows)
    unjudged = sum(one.status == "unjudged" for one in summaries)
    if unjudged * 2 <= len(summaries):
        return rows, disturbed
    kept = [
        replace(row, labels=tuple(each for each in row.labels if each != stats.UNJUDGED))
        for row in rows
    ]
    return kept, (
        *disturbed,
        f"{unjudged} of {counted(len(summaries), 'process', 'processes')} were not judged by their "
        "canaries, which scatter by more than 10 % on this machine or ran beside other programs: a "
        "slower clock would go unnoticed",
    )


def _disturbance_notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """That the machine was never quiet for some rows, by how much and through whom."""
    disturbed = {row.identity: row for row in rows if row.is_disturbed}
    if not disturbed:
        return ()
    said = [text for row in disturbed.values() for text in row.labels if "quiet" in text]
    timed = {row.identity for row in rows if row.ttft is not None}
    measured = "was measured" if len(disturbed) == 1 else "were measured"
    return (
        f"{len(disturbed)} of {len(timed)} points {measured} on a machine that was "
        f"{said[0] if said else 'never quiet'}; "
        "they are on no front, and their ranges are what was seen",
    )


def sweep_notes(store: Store, sweep: Sweep, environment: Environment) -> tuple[str, ...]:
    """What a sweep itself says: its device, how it decided, others of its name."""
    device = str(sweep.settings.get("device", {}).get("name", ""))
    promised = paper_machine.note_for(device, environment)
    return (
        *([promised] if promised else []),
        *decision_notes(str(sweep.summary.get("decision", ""))),
        *_namesakes(store, sweep),
    )


def decision_notes(decision: str) -> tuple[str, ...]:
    """Why the measuring ended of a sweep that a question or a budget decided.

    >>> decision_notes("the front is known (P = 0.971)")
    ('Measuring ended: the front is known (P = 0.971).',)
    """
    return (f"Measuring ended: {decision}.",) if decision else ()


def _namesakes(store: Store, chosen: Sweep) -> tuple[str, ...]:
    """That other sweeps have the same name, and how to see them."""
    others = [s for s in store.sweeps() if s.name == chosen.name and s.key != chosen.key]
    if not others:
        return ()
    keys = ", ".join(f"{each.key[:12]} ({each.created_at[:10]})" for each in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return (
        f"{counted(len(others) + 1, 'sweep')} are named {chosen.name}; this is that of "
        f"{chosen.created_at[:16].replace('T', ' ')}. --sweep KEY shows another: {keys}{more}.",
    )


def audit_notes(audits: Sequence[levels.Audit]) -> tuple[str, ...]:
    """How many audited workloads still lack sittings, and how to add one."""
    fewest = levels.FEWEST_GROUPS
    lacking = [one for one in audits if one.groups("session") < fewest]
    if not lacking:
        return ()
    return (
        f"{len(lacking)} of {counted(len(audits), 'audited workload')} have fewer than {fewest} "
        "sittings: the same command an hour after the last process adds one",
    )
