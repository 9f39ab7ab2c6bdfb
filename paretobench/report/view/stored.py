"""The view of what a database holds: points, their measured parts, joined with scores.

Estimates come from `analysis.stats`, over all cells of the environment with one pool per
backend and kind of work; TTFT is composed from its parts. Every point that a sweep asked for
has a row: with a TTFT, or with the reason why not.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from paretobench.accuracy import suites
from paretobench.analysis import levels, pooling, stats
from paretobench.analysis.prediction import Prediction
from paretobench.domain import Workload
from paretobench.domain.records import (
    Cell,
    CellSummary,
    Environment,
    Estimate,
    Failure,
    Measurement,
    Score,
)
from paretobench.errors import StoreError, UnknownNameError
from paretobench.paper import machine as paper_machine
from paretobench.paper import published
from paretobench.planning.plan import Refusal
from paretobench.report import same_model
from paretobench.report.gc_pause import paused
from paretobench.report.placement import placements, with_placement
from paretobench.report.runs import runs_of
from paretobench.report.view.front_membership import with_front_membership
from paretobench.report.view.images import ttft_p90
from paretobench.report.view.one_piece import TimedCells, contradiction, in_one_piece
from paretobench.report.view.predictions import predicted_parts, predicted_sum
from paretobench.report.view.published import tables_cited
from paretobench.report.view.refusals import (
    Identity,
    identity_of,
    refused_results,
    refused_rows,
    stored_refusals,
    without_overtaken,
)
from paretobench.report.view.rows import (
    HEADLINE,
    CanaryReading,
    Caution,
    MissingResult,
    OnePiece,
    Row,
    Runs,
    Statistics,
    View,
)
from paretobench.report.view.scorecards import Scorecard, cards_of, notes, scorecards
from paretobench.store import Link, Store, StoredPoint, Sweep
from paretobench.store.rows import BESIDE_THE_SUM
from paretobench.units import counted

NO_SCORE = Scorecard("", None, ())
HINT = (
    "no score: import an lmms-eval result or a scores.csv with 'paretobench import', or score a "
    "checkpoint with 'paretobench score'"
)


@dataclass(frozen=True)
class _Known:
    """What the rows of one view are made from.

    Attributes:
        predictions: by workload, of parts without a measurement.
        refused: why points were left out, by identity.
    """

    environment: Environment
    workloads: Mapping[str, Workload]
    measurements: Mapping[str, Measurement]
    cells: Mapping[str, Sequence[Cell]]
    pools: Mapping[str, pooling.Pool | None]
    predictions: Mapping[str, Prediction]
    refused: Mapping[Identity, str]
    failures: Mapping[str, Failure]
    runs: Mapping[tuple[str, str], Runs]
    summaries: Sequence[CellSummary]


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
        refusals: points that were asked for and cannot run; each becomes a row. None for those
            that the sweep, or every sweep of the environment, has stored.
        mix_protocols: let scores of different scoring rules share a front, marked.

    Raises:
        StoreError: if there is no such sweep, or the database holds no environment.
        UnknownNameError: if no score has that recipe.
    """
    chosen = find_sweep(store, sweep) if sweep is not None else None
    own = chosen.environment_key if chosen else None
    environment = _environment(store, environment_key or own)
    points = store.points(chosen.key if chosen else None)
    asked = [chosen] if chosen else store.sweeps()
    left_out = stored_refusals(asked, environment.key) if refusals is None else refusals
    known = _gather(store, points, environment, left_out)
    points, left_out = without_overtaken(points, left_out, lambda point: _is_timed(point, known))
    given = _scores(store, scores, benchmark, recipe)
    cards = scorecards(given, benchmark, recipe, mix_protocols)
    audits = _audits(known)
    made = _rows(store, points, cards, known, left_out)
    rows, steadiness = _steadiness_said_once(made, known.summaries)
    view = View(
        rows=tuple(sorted(rows, key=_order)),
        name=chosen.name if chosen else store.path.stem,
        title=_title(chosen, points),
        protocol=str(chosen.settings.get("protocol", "paper")) if chosen else "",
        environment=describe_environment(environment),
        command=chosen.command if chosen else _report_command(store, environment_key),
        date=max((summary.started_at[:10] for summary in known.summaries), default=""),
        benchmark=benchmark,
        sources=tables_cited(source for row in rows if row.score for source in row.score.sources),
        refusals=refused_results(left_out),
        failures=tuple(_missing_result(failure, known) for failure in known.failures.values()),
        statistics=_statistics(points, known),
        readings=_readings(points, known),
        notes=(
            *steadiness,
            *_notes(given, points, mix_protocols, benchmark),
            *_sweep_notes(store, chosen, environment, audits),
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
    check_recipe(recipe, (score.recipe for score in given))
    check_benchmark(benchmark, (score.benchmark for score in given))
    return given


def _is_timed(point: StoredPoint, known: _Known) -> bool:
    parts = _parts(point)
    return bool(parts) and all(link.workload_key in known.measurements for link in parts)


def _parts(point: StoredPoint) -> list[Link]:
    """What a point's TTFT is the sum of."""
    return [link for link in point.links if link.role not in BESIDE_THE_SUM]


def _rows(
    store: Store,
    points: Sequence[StoredPoint],
    cards: Mapping[Identity, Sequence[Scorecard]],
    known: _Known,
    left_out: Sequence[Refusal],
) -> list[Row]:
    """A row for each point and each of its scorecards, and for what was left out."""
    placed = placements(store, known.environment.key, known.workloads)
    return [
        with_placement(_row(point, card, known), point, placed)
        for point in points
        for card in cards_of(identity_of(point), cards) or (NO_SCORE,)
    ] + refused_rows(left_out, points)


FEWEST_DIGITS = 6
"""Of a sweep's key: fewer could be the name of another sweep."""


def _report_command(store: Store, environment_key: str | None) -> str:
    """What makes the report of everything in a database again."""
    path = store.path.absolute()
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
    where = f" --environment {environment_key[:12]}" if environment_key else ""
    return f"paretobench report --database {shlex.quote(str(shown))}{where}"


def _namesakes(store: Store, chosen: Sweep | None) -> tuple[str, ...]:
    """That other sweeps have the same name, and how to see them."""
    if chosen is None:
        return ()
    others = [s for s in store.sweeps() if s.name == chosen.name and s.key != chosen.key]
    if not others:
        return ()
    keys = ", ".join(f"{each.key[:12]} ({each.created_at[:10]})" for each in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return (
        f"{counted(len(others) + 1, 'sweep')} are named {chosen.name}; this is that of "
        f"{chosen.created_at[:16].replace('T', ' ')}. --sweep KEY shows another: {keys}{more}.",
    )


def _versions(environment: Environment) -> dict[str, str]:
    """What was installed where it was measured, by the environment's name."""
    facts = environment.identity
    packages = dict(facts.get("packages") or {})
    named = {"Python": facts.get("python"), **packages}
    text = ", ".join(f"{name} {version}" for name, version in named.items() if version)
    return {environment.label: text} if text else {}


def check_recipe(recipe: str, known: Iterable[str]) -> None:
    """Let only `all` or a recipe with a score pass.

    Raises:
        UnknownNameError: for any other one; the message lists those there are.
    """
    recipes = {"all", *known}
    if recipe not in recipes:
        raise UnknownNameError("recipe", recipe, recipes)


def check_benchmark(benchmark: str, scored: Iterable[str]) -> None:
    """Let only a known benchmark, or one with a score, pass.

    Raises:
        UnknownNameError: for any other one; the message lists those there are.
    """
    benchmarks = {*suites.BENCHMARKS, *scored}
    if benchmark not in benchmarks:
        raise UnknownNameError("benchmark", benchmark, benchmarks)


def _disturbance_notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """That the machine was never quiet for some rows, by how much and through whom."""
    points = {row.identity: row for row in rows if row.ttft is not None and row.ttft.is_disturbed}
    if not points:
        return ()
    said = dict.fromkeys(text for row in points.values() for text in row.labels if "quiet" in text)
    first = next(iter(said), "never quiet")
    measured = len({row.identity for row in rows if row.ttft is not None})
    return (
        f"{len(points)} of {measured} points were measured on a machine that was {first}; "
        "they are on no front, and their ranges are what was seen",
    )


def _steadiness_said_once(
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


def _notes(
    scores: Iterable[Score], points: Iterable[StoredPoint], mix_protocols: bool, benchmark: str
) -> tuple[str, ...]:
    """What must be known of the scores of these points."""
    shown = {identity_of(point) for point in points}
    of_points = [s for s in scores if (s.encoder, s.resolution_px, s.llm, s.tiling) in shown]
    return notes(of_points, mix_protocols, benchmark)


def _audits(known: _Known) -> tuple[levels.Audit, ...]:
    """What audited workloads say beyond a median, in the order of their names."""
    found = (levels.audit(known.cells[k], known.workloads[k].label) for k in known.cells)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.label))


def _audit_notes(audits: Sequence[levels.Audit]) -> tuple[str, ...]:
    """How many audited workloads still lack sittings, and how to add one."""
    fewest = levels.FEWEST_GROUPS
    lacking = [one for one in audits if one.groups("session") < fewest]
    if not lacking:
        return ()
    return (
        f"{len(lacking)} of {counted(len(audits), 'audited workload')} have fewer than {fewest} "
        "sittings: the same command an hour after the last process adds one",
    )


def decision_notes(decision: str) -> tuple[str, ...]:
    """Why the measuring ended of a sweep that a question or a budget decided.

    >>> decision_notes("the front is known (P = 0.971)")
    ('Measuring ended: the front is known (P = 0.971).',)
    """
    return (f"Measuring ended: {decision}.",) if decision else ()


def _sweep_notes(
    store: Store, sweep: Sweep | None, environment: Environment, audits: Sequence[levels.Audit]
) -> tuple[str, ...]:
    """What a sweep itself says: its device, how it decided, others of its name, what it audited."""
    decision = str(sweep.summary.get("decision", "")) if sweep else ""
    return (
        *_device_notes(sweep, environment),
        *decision_notes(decision),
        *_namesakes(store, sweep),
        *_audit_notes(audits),
    )


def _device_notes(sweep: Sweep | None, environment: Environment) -> tuple[str, ...]:
    """What a sweep's device profile promises that this machine is not."""
    device = sweep.settings.get("device", {}) if sweep else {}
    note = paper_machine.note_for(str(device.get("name", "")), environment)
    return (note,) if note else ()


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


def _environment(store: Store, key: str | None) -> Environment:
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


def describe_environment(environment: Environment) -> str:
    """Chip, cores, memory and system in one line, from what the fingerprint holds."""
    facts = environment.identity
    cores, memory_gib = facts.get("cores"), facts.get("memory_gib")
    sizes = (
        f"{cores} cores" if cores else "",
        f"{memory_gib} GiB" if memory_gib else "",
    )
    return ", ".join(part for part in (environment.label, *sizes) if part)


def _gather(
    store: Store,
    points: Sequence[StoredPoint],
    environment: Environment,
    refusals: Iterable[Refusal],
) -> _Known:
    keys = {link.workload_key for point in points for link in point.links}
    workloads = store.workloads(keys)
    cells: dict[str, list[Cell]] = {}
    for cell in store.cells(environment.key, keys):
        cells.setdefault(cell.workload_key, []).append(cell)
    failures = {failure.workload_key: failure for failure in store.failures(environment.key, keys)}
    pools = _pools(cells, workloads)
    measurements = {key: levels.measurement(cells[key], pools[key]) for key in cells}
    runs = _runs(cells, {(link.workload_key, link.role) for p in points for link in p.links})
    summaries = store.cell_summaries(environment.key)
    needed = {link.workload_key for point in points for link in _parts(point)}
    missing = {key: workloads[key] for key in sorted(needed - set(measurements))}
    predictions = predicted_parts(store, environment, summaries, missing)
    refused = {identity_of(refusal): refusal.reason for refusal in refusals}
    return _Known(
        environment,
        workloads,
        measurements,
        cells,
        pools,
        predictions,
        refused,
        failures,
        runs,
        summaries,
    )


def _runs(
    cells: Mapping[str, Sequence[Cell]], wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Runs]:
    """The timed runs of every measured workload in every role it has."""
    shown = {
        key: runs_of("", [cell.counted_s for cell in stats.replicates(of_one)])
        for key, of_one in cells.items()
    }
    return {(key, role): replace(shown[key], part=role) for key, role in wanted if key in shown}


def _pools(
    cells: Mapping[str, list[Cell]], workloads: Mapping[str, Workload]
) -> dict[str, pooling.Pool | None]:
    """A pool per workload; those of one backend and kind share what they say of spread.

    A sweep has too few end-to-end checks for a pool of their own; a check is an encode and a
    prefill in one process, so it borrows from all of them. Disturbed cells teach nothing.
    """
    medians = {key: _undisturbed_medians(cells[key]) for key in cells}
    groups: dict[tuple[str, str], list[str]] = {}
    for key in cells:
        workload = workloads[key]
        groups.setdefault((workload.runtime.backend, workload.kind), []).append(key)
    found: dict[str, pooling.Pool | None] = {}
    for (_, kind), keys in groups.items():
        pool = pooling.fit(medians[key] for key in (medians if kind == "end_to_end" else keys))
        found |= dict.fromkeys(keys, pool)
    return found


def _undisturbed_medians(cells: Sequence[Cell]) -> list[float]:
    return [stats.cell_median(cell) for cell in stats.undisturbed(cells)]


def _newest_check(point: StoredPoint, known: _Known) -> list[Link]:
    """The check that was measured under the newest protocol: one link, or none."""
    checks = [link for link in point.links if link.role == "end_to_end"]
    measured = [link for link in checks if link.workload_key in known.measurements] or checks
    return sorted(measured, key=lambda link: known.workloads[link.workload_key].protocol_version)[
        -1:
    ]


def _row(point: StoredPoint, card: Scorecard, known: _Known) -> Row:
    parts = _parts(point)
    checks = _newest_check(point, known)
    encode = [link for link in parts if link.role == "encode"]
    prefill = [link for link in parts if link.role == "prefill"]
    one_pass = [Link("encode", link.workload_key) for link in encode]
    images = point.image_count
    ttft, end_to_end = _sum(parts, known, images), _sum(checks, known)
    predicted = None if ttft else _predicted(parts, known, images)
    one_piece = _one_piece(checks, parts, known, images)
    workloads = [w for link in parts if (w := known.workloads.get(link.workload_key)) is not None]
    other = same_model.other_weights(card.headline, workloads)
    headline = None if other else card.headline
    return Row(
        **_names(point),
        passes=point.passes,
        visual_tokens=point.visual_tokens,
        newline_tokens=point.newline_tokens,
        encode=_sum(one_pass, known) if len(one_pass) == images == 1 else None,
        encode_total=_sum(encode, known, images),
        prefill=_sum(prefill, known, images),
        ttft=ttft,
        predicted=predicted,
        ttft_p90=ttft_p90(point, known.measurements),
        end_to_end=end_to_end,
        one_piece=one_piece,
        tpot=_time_per_token(point, known),
        runs=tuple(
            known.runs[link.workload_key, link.role]
            for link in (*parts, *checks)
            if (link.workload_key, link.role) in known.runs
        ),
        encode_key=_shared_key(encode, known, images),
        prefill_key=_shared_key(prefill, known, images),
        **_runtimes(encode, prefill, known),
        **_circumstances(parts, ttft, known),
        latency_source="measured" if ttft else "predicted" if predicted else "",
        recipe=card.recipe,
        score=headline,
        task_scores=card.tasks,
        **_models(point, card, workloads, contradiction(ttft, end_to_end, one_piece)),
        reason="" if ttft else _reason(point, known),
        hint="" if headline else "; ".join(map(str, other)) or HINT,
    )


def _models(
    point: StoredPoint,
    card: Scorecard,
    workloads: Sequence[Workload],
    of_sum: tuple[Caution, ...],
) -> dict[str, Any]:
    """Which weights were timed, and what keeps the score from being of the same model."""
    timed = {workload.checkpoint for workload in workloads}
    return {
        "timed_checkpoint": timed.pop() if len(timed) == 1 else "",
        "cautions": (
            *card.cautions,
            *same_model.cautions(card.headline, workloads, point, card.names_precision),
            *of_sum,
        ),
    }


def _circumstances(parts: Sequence[Link], ttft: Estimate | None, known: _Known) -> dict[str, Any]:
    """How and where the parts were timed, as fields of a row."""
    found = [known.measurements.get(link.workload_key) for link in parts]
    measured = [measurement for measurement in found if measurement is not None]
    peaks = [m.peak_memory_bytes for m in measured if m.peak_memory_bytes is not None]
    fidelities = [m.fidelity for m in measured]
    return {
        "environment": known.environment.label,
        "fidelity": min(fidelities, key=_FIDELITIES.index) if ttft else "",
        "peak_memory_bytes": max(peaks, default=None),
        "labels": _labels(parts, ttft, known),
    }


_FIDELITIES = ("quick", "standard", "rigorous", "audit")


def _sum(links: Sequence[Link], known: _Known, images: int = 1) -> Estimate | None:
    """The composed estimate of some parts, the mean where they sum over several images; None if
    there is none or one is not measured."""
    found = [known.measurements.get(link.workload_key) for link in links]
    pairs = [(k.passes / images, m.latency) for k, m in zip(links, found, strict=True) if m]
    if not pairs or len(pairs) < len(links):
        return None
    return pairs[0][1] if len(pairs) == 1 and pairs[0][0] == 1 else stats.compose(pairs)


def _one_piece(
    checks: Sequence[Link], parts: Sequence[Link], known: _Known, images: int
) -> OnePiece | None:
    """A point timed end to end against its parts; None where it was not."""

    def timed(link: Link, passes: float) -> TimedCells:
        key = link.workload_key
        return TimedCells(link.role, known.cells.get(key, ()), passes, known.pools.get(key))

    if not checks:
        return None
    return in_one_piece(timed(checks[0], 1.0), [timed(k, k.passes / images) for k in parts])


def _predicted(links: Sequence[Link], known: _Known, images: int) -> Prediction | None:
    """The sum of measured and predicted parts; None if one is neither."""
    found = [
        (link.passes / images, known.measurements.get(link.workload_key), link.workload_key)
        for link in links
    ]
    return predicted_sum(
        [(n, m.latency if m else None, known.predictions.get(key)) for n, m, key in found]
    )


def _shared_key(links: Sequence[Link], known: _Known, images: int) -> str:
    """What was timed where: points with the same key share the number and its error.

    The passes of a single workload are counted beside the key; a sum's are part of it.
    """
    is_sum = len(links) > 1 or images > 1
    parts = [f"{k.passes / images:g} x {k.workload_key}" if is_sum else k.workload_key
             for k in links]  # fmt: skip
    return "+".join((*sorted(parts), known.environment.key))


def _time_per_token(point: StoredPoint, known: _Known) -> Estimate | None:
    """Seconds of one output token: a decode run's over the tokens that it generates."""
    parts: list[tuple[float, Estimate]] = []
    for link in (link for link in point.links if link.role == "decode"):
        found = known.measurements.get(link.workload_key)
        if found is None:
            return None
        steps = int(known.workloads[link.workload_key].subject["steps"])
        parts.append((link.passes / point.image_count / steps, found.latency))
    return stats.compose(parts) if parts else None


def _reason(point: StoredPoint, known: _Known) -> str:
    """Why there is no TTFT: what happened to each part that has no measurement."""
    parts, refused = _parts(point), known.refused.get(identity_of(point))
    if refused is not None and not any(link.workload_key in known.failures for link in parts):
        return f"refused: {refused}"
    reasons = []
    for link in parts:
        if link.workload_key in known.measurements:
            continue
        failure = known.failures.get(link.workload_key)
        workload = known.workloads.get(link.workload_key)
        label = workload.label if workload else link.role
        kind = failure.kind.replace("_", " ") if failure else ""
        why = f"{kind}: {failure.reason}" if failure else "not measured yet"
        reasons.append(f"{label} {why}")
    return "; ".join(reasons) or "the sweep planned no workload for it"


def _names(point: StoredPoint) -> dict[str, Any]:
    """The point's names and labels, as its sweep knew them."""
    encoder, llm = (point.described.get(part, {}) for part in ("encoder", "llm"))
    printed = encoder.get("published_parameters_m")
    return {
        **point.identity(),
        "encoder_label": encoder.get("label", point.encoder),
        "family": encoder.get("family", point.encoder),
        "llm_label": llm.get("label", point.llm),
        "size_label": llm.get("size_label", ""),
        "tiling_label": point.described.get("tiling", {}).get("label", "") or point.tiling,
        "encoder_parameters": printed * 1e6 if printed else encoder.get("parameters"),
    }


def _runtimes(encode: Sequence[Link], prefill: Sequence[Link], known: _Known) -> dict[str, Any]:
    found = {}
    for role, links in (("encode", encode), ("prefill", prefill)):
        workload = known.workloads.get(links[0].workload_key) if links else None
        found[f"{role}_backend"] = workload.runtime.backend if workload else ""
        found[f"{role}_precision"] = workload.runtime.precision if workload else ""
    return found


def _labels(parts: Sequence[Link], ttft: Estimate | None, known: _Known) -> tuple[str, ...]:
    workloads = [known.workloads.get(link.workload_key) for link in parts]
    is_shared = any(w and w.runtime.options.get("weights") == "shared" for w in workloads)
    shared = ("shared layer weights",) if is_shared else ()
    return tuple(dict.fromkeys((*shared, *(ttft.labels if ttft else ()))))


def _missing_result(failure: Failure, known: _Known) -> MissingResult:
    workload = known.workloads.get(failure.workload_key)
    label = workload.label if workload else failure.workload_key[:12]
    return MissingResult(label, failure.kind, failure.reason)


def _statistics(points: Sequence[StoredPoint], known: _Known) -> Statistics:
    points = [p for p in points if identity_of(p) not in known.refused or _is_timed(p, known)]
    links = [link for point in points for link in _parts(point)]
    keys = {link.workload_key for link in links}
    summaries = [summary for summary in known.summaries if summary.workload_key in keys]
    wall: dict[str, list[float]] = {}
    for summary in summaries:
        wall.setdefault(summary.workload_key, []).append(summary.wall_s)
    spent = {key: sum(seconds) for key, seconds in wall.items()}
    return Statistics(
        points=len(points),
        parts=len(links),
        workloads=len(keys),
        cells=len(summaries),
        samples=sum(summary.sample_count for summary in summaries),
        measuring_s=sum(spent.values()),
        product_s=sum(spent.get(link.workload_key, 0.0) for link in links),
    )


def _readings(points: Sequence[StoredPoint], known: _Known) -> tuple[CanaryReading, ...]:
    keys = set(chain.from_iterable((k.workload_key for k in point.links) for point in points))
    return tuple(
        CanaryReading(
            summary.started_at,
            known.workloads[summary.workload_key].label,
            summary.canary_before_s,
            summary.canary_after_s,
            summary.status,
        )
        for summary in known.summaries
        if summary.workload_key in keys and summary.canary_before_s is not None
    )


def _title(sweep: Sweep | None, points: Sequence[StoredPoint]) -> str:
    name = sweep.name if sweep else "all points"
    return f"{name}: {counted(len(points), 'point')}"


def _order(row: Row) -> tuple[object, ...]:
    return (row.family, row.encoder, row.resolution_px, row.tiling, row.llm, row.recipe)
