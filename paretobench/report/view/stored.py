"""The view of what a database holds: points, their measured parts, joined with scores.

Which sweep and environment a view is of is decided here. `evidence` reads what is known of the
points, `stored_rows` makes a row of each, `stored_notes` says what a reader must know beside them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from paretobench.accuracy import suites
from paretobench.analysis import levels
from paretobench.domain.records import Environment, Score
from paretobench.errors import StoreError, UnknownNameError
from paretobench.paper import published
from paretobench.planning.plan import Refusal
from paretobench.report.gc_pause import paused
from paretobench.report.view.evidence import Evidence
from paretobench.report.view.front_membership import with_front_membership
from paretobench.report.view.published import tables_cited
from paretobench.report.view.refusals import (
    refused_results,
    stored_refusals,
    without_overtaken,
)
from paretobench.report.view.rows import (
    HEADLINE,
    CanaryReading,
    MissingResult,
    Row,
    Statistics,
    View,
    identity_of,
)
from paretobench.report.view.scorecards import notes, scorecards
from paretobench.report.view.stored_notes import audit_notes, steadiness_said_once, sweep_notes
from paretobench.report.view.stored_rows import stored_rows
from paretobench.store import Store, StoredPoint, Sweep
from paretobench.units import counted


@paused()
def stored_view(
    store: Store,
    sweep: str | None = None,
    environment_key: str | None = None,
    scores: Iterable[Score] | None = None,
    benchmark: str = HEADLINE,
    recipe: str = "all",
    refusals: Sequence[Refusal] | None = None,
    mix_protocols: bool = False,
) -> View:
    """The view of one sweep, or of everything measured in one environment.

    Args:
        sweep: name or key of a sweep; the newest of that name. None for the whole database.
        environment_key: where; by default the sweep's, else the most recently used.
        scores: by default those of the store, then the published ones.
        refusals: points that cannot run, a row each; None for those that the sweeps have stored.
        mix_protocols: let scores of different scoring rules share a front, marked.

    Raises:
        StoreError: if there is no such sweep, or the database holds no environment.
        UnknownNameError: if no score has that recipe.
    """
    chosen = find_sweep(store, sweep) if sweep is not None else None
    environment = _environment(store, environment_key, chosen)
    points = store.points(chosen.key if chosen else None)
    asked = [chosen] if chosen else store.sweeps()
    left_out = stored_refusals(asked, environment.key) if refusals is None else refusals
    evidence = Evidence.of(store, points, environment, left_out)
    points, left_out = without_overtaken(points, left_out, evidence.is_timed)
    given = _scores(store, scores, benchmark, recipe)
    cards = scorecards(given, benchmark, recipe, mix_protocols)
    made = stored_rows(points, cards, evidence, left_out)
    rows, steadiness = steadiness_said_once(made, evidence.summaries)
    shown = {identity_of(point) for point in points}
    audits = _audits(evidence)
    view = View(
        rows=tuple(sorted(rows, key=_order)),
        name=chosen.name if chosen else store.path.stem,
        title=f"{chosen.name if chosen else 'all points'}: {counted(len(points), 'point')}",
        protocol=str(chosen.settings.get("protocol", "paper")) if chosen else "",
        environment=_described(environment),
        command=chosen.command if chosen else _report_command(store, environment_key),
        date=max((summary.started_at[:10] for summary in evidence.summaries), default=""),
        benchmark=benchmark,
        sources=tables_cited(source for row in rows if row.score for source in row.score.sources),
        refusals=refused_results(left_out),
        failures=_failures(evidence),
        statistics=_statistics(points, evidence),
        readings=_readings(points, evidence),
        notes=(
            *steadiness,
            *notes([s for s in given if identity_of(s) in shown], mix_protocols, benchmark),
            *(sweep_notes(store, chosen, environment) if chosen else ()),
            *audit_notes(audits),
        ),
        audits=audits,
        versions=_versions(environment),
    )
    return with_front_membership(view)


def _scores(
    store: Store, scores: Iterable[Score] | None, benchmark: str, recipe: str
) -> list[Score]:
    """The scores to join; raises where none is of that recipe or benchmark."""
    given = published.read_anew(store.scores()) if scores is None else list(scores)
    recipes = {"all", *(score.recipe for score in given)}
    if recipe not in recipes:
        raise UnknownNameError("recipe", recipe, recipes)
    benchmarks = {*suites.BENCHMARKS, *(score.benchmark for score in given)}
    if benchmark not in benchmarks:
        raise UnknownNameError("benchmark", benchmark, benchmarks)
    return given


FEWEST_DIGITS = 6
"""Of a sweep's key: fewer could be the name of another sweep."""


def find_sweep(store: Store, name_or_key: str) -> Sweep:
    """The newest sweep of that name, or the one whose key begins so, as `ls` prints it.

    Raises:
        StoreError: if there is none; the message lists the names there are.
    """
    sweeps = store.sweeps()
    for sweep in sweeps:
        if name_or_key in (sweep.name, sweep.key):
            return sweep
    begins = [sweep for sweep in sweeps if sweep.key.startswith(name_or_key)]
    if len(begins) == 1 and len(name_or_key) >= FEWEST_DIGITS:
        return begins[0]
    names = ", ".join(dict.fromkeys(sweep.name for sweep in sweeps)) or "none yet"
    raise StoreError(
        f"{store.path} holds no sweep {name_or_key!r}; it holds: {names}.\n"
        "'paretobench ls' lists them; 'paretobench sweep +grid=NAME' adds one."
    )


def _environment(store: Store, key: str | None, sweep: Sweep | None) -> Environment:
    key = key or (sweep.environment_key if sweep else None)
    found = store.environments()
    for environment in found:
        if key is None or environment.key == key:
            return environment
    scores = store.score_count()
    none = f"{counted(scores, 'score')}, no measurement yet" if scores else "no measurement"
    what = none if key is None else f"no environment {key[:12]}"
    raise StoreError(
        f"{store.path} holds {what}.\n'paretobench sweep +grid=smoke' measures a first one."
    )


def _described(environment: Environment) -> str:
    """Chip, cores, memory and system in one line, from what the fingerprint holds."""
    cores, memory_gib = (environment.identity.get(name) for name in ("cores", "memory_gib"))
    sizes = [f"{cores} cores"] if cores else []
    sizes += [f"{memory_gib} GiB"] if memory_gib else []
    return ", ".join([environment.label, *sizes])


def _versions(environment: Environment) -> dict[str, str]:
    """What was installed where it was measured, by the environment's name."""
    facts = environment.identity
    named = {"Python": facts.get("python"), **dict(facts.get("packages") or {})}
    text = ", ".join(f"{name} {version}" for name, version in named.items() if version)
    return {environment.label: text} if text else {}


def _report_command(store: Store, environment_key: str | None) -> str:
    """What makes the report of everything in a database again."""
    path = store.path.absolute()
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
    where = f" --environment {environment_key[:12]}" if environment_key else ""
    return f"paretobench report --database {shlex.quote(str(shown))}{where}"


def _audits(evidence: Evidence) -> tuple[levels.Audit, ...]:
    """What audited workloads say beyond a median, in the order of their names."""
    found = (
        levels.audit(cells, evidence.workloads[key].label) for key, cells in evidence.cells.items()
    )
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.label))


def _failures(evidence: Evidence) -> tuple[MissingResult, ...]:
    return tuple(
        MissingResult(evidence.workloads[key].label, failure.kind, failure.reason)
        for key, failure in evidence.failures.items()
    )


def _statistics(points: Iterable[StoredPoint], evidence: Evidence) -> Statistics:
    counting = [
        point
        for point in points
        if identity_of(point) not in evidence.refused or evidence.is_timed(point)
    ]
    keys = [link.workload_key for point in counting for link in point.summed_links]
    distinct = set(keys)
    summaries = [summary for summary in evidence.summaries if summary.workload_key in distinct]
    wall_s: dict[str, list[float]] = {}
    for summary in summaries:
        wall_s.setdefault(summary.workload_key, []).append(summary.wall_s)
    spent = {key: sum(each) for key, each in wall_s.items()}
    return Statistics(
        points=len(counting),
        parts=len(keys),
        workloads=len(distinct),
        cells=len(summaries),
        samples=sum(summary.sample_count for summary in summaries),
        measuring_s=sum(spent.values()),
        product_s=sum(spent.get(key, 0.0) for key in keys),
    )


def _readings(points: Iterable[StoredPoint], evidence: Evidence) -> tuple[CanaryReading, ...]:
    keys = {link.workload_key for point in points for link in point.links}
    return tuple(
        CanaryReading(
            summary.started_at,
            evidence.workloads[summary.workload_key].label,
            summary.canary_before_s,
            summary.canary_after_s,
            summary.status,
        )
        for summary in evidence.summaries
        if summary.workload_key in keys and summary.canary_before_s is not None
    )


def _order(row: Row) -> tuple[object, ...]:
    return (row.family, row.encoder, row.resolution_px, row.tiling, row.llm, row.recipe)
