"""One sweep in a straight line: request, device, plan, measurements, scores, report.

The command line parses before and prints after; nothing here knows a terminal. A sweep that
was killed goes on where it was: cells are stored as they end, and an unfinished sweep with the
same settings in the same environment keeps its key, so its rounds go on too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.domain import Workload
from paretobench.errors import ParetobenchError
from paretobench.measure import events
from paretobench.measure.timing import cell_plan
from paretobench.plan import Plan, PlannedPoint
from paretobench.planning import (
    FEWEST_CHECKED,
    MOST_CHECKED,
    Prepared,
    finished,
    known_cells,
    prepare,
)
from paretobench.records import Score
from paretobench.store import Link, Store, StoredPoint

if TYPE_CHECKING:
    from paretobench.measure.harness import Account
    from paretobench.report.view import View

__all__ = ["Outcome", "Prepared", "prepare", "run"]

Announce = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """A sweep that ended.

    Attributes:
        account: what the harness did; None where nothing had to be measured.
        elapsed_s: from the plan to the report.
        paths: the report's files.
        unscored: checkpoints or tasks that could not be scored, each with the reason.
    """

    plan: Plan
    view: View
    account: Account | None
    paths: tuple[Path, ...]
    elapsed_s: float
    unscored: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """Non-zero if a point has no TTFT, or a checkpoint could not be scored."""
        return 1 if self.view.untimed or self.unscored else 0


def run(
    prepared: Prepared,
    store: Store,
    command: str,
    listen: events.Listener = events.ignore,
    announce: Announce = lambda _: None,
) -> Outcome:
    """Carry out a plan: measure, check sums, join scores, render the report.

    Raises:
        LockError: if the device is held and the request does not wait.
        StoreError: if the database cannot be written.
    """
    from paretobench.report import render

    start = time.monotonic()
    request, plan = prepared.request, prepared.plan
    sweep_key = _begin(store, prepared, command)
    account = _measure(prepared, store, sweep_key, [one.workload for one in plan.pending], listen)
    unscored = _score(prepared, store, announce)
    checked = _check_sums(prepared, store, sweep_key, listen, announce)
    view = _view(store, prepared, sweep_key)
    paths = render(view, Path(request.settings.reports) / request.name)
    elapsed_s = time.monotonic() - start
    outcome = Outcome(plan, view, _joined(account, checked), tuple(paths), elapsed_s, unscored)
    store.finish_sweep(sweep_key, _now(), outcome.exit_status, _summary(outcome))
    return outcome


def _score(prepared: Prepared, store: Store, announce: Announce) -> tuple[str, ...]:
    """Bring in the scores that the request asks for; returns what could not be scored.

    A checkpoint that fails costs no latency and no other score.
    """
    settings = prepared.request.settings
    if settings.accuracy in ("published", "lmms_eval"):
        from paretobench.accuracy import published

        store.add_scores(published.scores())
    if settings.accuracy != "lmms_eval":
        return ()
    from paretobench.accuracy.lmms.checkpoints import score_points

    def keep(scores: Sequence[Score]) -> None:
        store.add_scores(scores)

    done = score_points(
        [planned.point for planned in prepared.plan.points],
        Path(settings.checkpoints),
        on_event=announce,
        on_scores=keep,
    )
    reasons: list[str] = []
    for job, outcome in done:
        failures = [outcome] if isinstance(outcome, str) else [str(f) for f in outcome.failures]
        reasons += [f"{job.checkpoint}: {failure}" for failure in failures]
    return tuple(reasons)


def _joined(first: Account | None, second: Account | None) -> Account | None:
    if first is None or second is None:
        return first or second
    return replace(
        first,
        cells=[*first.cells, *second.cells],
        failures=[*first.failures, *second.failures],
        reasons={**first.reasons, **second.reasons},
        device_s=first.device_s + second.device_s,
        work_s=first.work_s + second.work_s,
        prepare_s=first.prepare_s + second.prepare_s,
    )


def _begin(store: Store, prepared: Prepared, command: str) -> str:
    """Store the sweep and its points; an unfinished twin is continued under its own key."""
    request, plan = prepared.request, prepared.plan
    settings = _settings(prepared)
    with store.transaction():
        environment_key = store.add_environment(prepared.environment)
        key = _unfinished(store, request.name, environment_key, settings) or store.add_sweep(
            request.name, command, settings, request.settings.seed, environment_key, _now()
        )
        store.add_workloads(one.workload for one in plan.workloads)
        store.add_points(key, [_stored(point) for point in plan.points])
    return key


def _unfinished(
    store: Store, name: str, environment_key: str, settings: Mapping[str, Any]
) -> str | None:
    """The key of a sweep that asked for the same here and was interrupted."""
    for sweep in store.sweeps():
        is_same = (sweep.name, sweep.environment_key) == (name, environment_key)
        if is_same and sweep.finished_at is None and dict(sweep.settings) == settings:
            return sweep.key
    return None


def _settings(prepared: Prepared) -> dict[str, Any]:
    """The settings that decide what a sweep measures and shows, as plain JSON."""
    passing = ("dry_run", "retry_failed", "wait", "database", "reports")
    kept = {k: v for k, v in asdict(prepared.request.settings).items() if k not in passing}
    device = prepared.device
    return kept | {
        "device": {
            "name": device.name,
            "encode": device.encode.spec(),
            "prefill": device.prefill.spec(),
            "why": device.why,
        },
        "refused": [refusal.to_json() for refusal in prepared.plan.refused],
    }


def _stored(planned: PlannedPoint, checks: Sequence[Workload] = ()) -> StoredPoint:
    links = [Link("encode", workload.key, passes) for workload, passes in planned.encodes]
    links.append(Link("prefill", planned.prefill.key))
    links += [Link("end_to_end", workload.key) for workload in checks]
    return StoredPoint.of(planned.point, planned.tiles, links)


def _measure(
    prepared: Prepared,
    store: Store,
    sweep_key: str,
    workloads: Sequence[Workload],
    listen: events.Listener,
) -> Account | None:
    if not workloads:
        return None
    from paretobench.backends.artifacts import default_root
    from paretobench.executors import local
    from paretobench.measure.harness import Options

    settings = prepared.request.settings
    options = Options(
        artifacts=default_root(),
        fidelity=settings.fidelity,  # type: ignore[arg-type]
        precision_goal=settings.precision_goal,
        seed=settings.seed,
        sweep_key=sweep_key,
        retry_failed=settings.retry_failed,
        cell_timeout_s=settings.cell_timeout_s,
        expected_cell_s={one.workload.key: one.expected.cell_s for one in prepared.plan.workloads},
    )
    return local.run(
        workloads,
        store=store,
        environment=prepared.environment,
        options=options,
        listen=listen,
        wait=settings.wait,
    )


def _check_sums(
    prepared: Prepared,
    store: Store,
    sweep_key: str,
    listen: events.Listener,
    announce: Announce,
) -> Account | None:
    """Measure chosen points end to end, so that the report can say how well the sum held."""
    if prepared.request.settings.check == 0:
        return None
    from paretobench.domain import end_to_end_workload

    view = _view(store, prepared, sweep_key)
    chosen = _checked_points(view, prepared.plan.points, prepared.request.settings.check)
    workloads: dict[str, Workload] = {}
    for planned in chosen:
        if planned.prefill.checkpoint:
            announce(f"{planned.point} is not checked end to end: its halves are a checkpoint's")
            continue
        try:
            n_tokens = int(planned.prefill.subject["n_tokens"])
            workload = end_to_end_workload(planned.point, planned.tiles, prepared.device, n_tokens)
        except ParetobenchError as error:
            announce(f"{planned.point} is not checked end to end: {error}")
            continue
        workloads[workload.key] = workload
        store.add_workloads([workload])
        store.add_points(sweep_key, [_stored(planned, [workload])])
    rules = cell_plan(prepared.request.settings.fidelity)  # type: ignore[arg-type]
    done = finished(known_cells(store, prepared.environment), rules)
    pending = [workload for key, workload in workloads.items() if key not in done]
    return _measure(prepared, store, sweep_key, pending, listen)


def _checked_points(
    view: View, points: Sequence[PlannedPoint], check: str | int
) -> list[PlannedPoint]:
    """Points of the front, spread over it, or a number of points; filled up with others."""
    timed = sorted(
        {row.identity: row for row in view.rows if row.ttft is not None}.values(),
        key=lambda row: row.ttft.value if row.ttft else 0.0,
    )
    on_front: Collection[tuple[str, int, str, str]] = {
        row.identity for row in view.rows if row.is_on_front
    }
    front = [row.identity for row in timed if row.identity in on_front]
    rest = [row.identity for row in timed if row.identity not in on_front]
    of_front = min(max(len(front), FEWEST_CHECKED), MOST_CHECKED)
    wanted = of_front if check == "front" else int(check)
    names = [front[i] for i in _spread(len(front), min(wanted, len(front)))]
    names += [rest[i] for i in _spread(len(rest), wanted - len(names))]
    by_name = {tuple(point.point.identity().values()): point for point in points}
    return [by_name[name] for name in names if name in by_name]


def _spread(n: int, wanted: int) -> list[int]:
    """`wanted` indices spread evenly over `range(n)`, ends first.

    >>> _spread(9, 3), _spread(2, 3), _spread(5, 0)
    ([0, 4, 8], [0, 1], [])
    """
    if wanted <= 0 or n == 0:
        return []
    if wanted >= n:
        return list(range(n))
    if wanted == 1:
        return [0]
    return [round(i * (n - 1) / (wanted - 1)) for i in range(wanted)]


def _view(store: Store, prepared: Prepared, sweep_key: str) -> View:
    from paretobench.report.stored import stored_view

    return stored_view(
        store,
        sweep_key,
        prepared.environment.key,
        recipe=prepared.request.settings.recipe,
        mix_protocols=prepared.request.settings.mix_protocols,
        refusals=prepared.plan.refused,
    )


def _summary(outcome: Outcome) -> dict[str, Any]:
    account = outcome.account
    return {
        "elapsed_s": round(outcome.elapsed_s, 3),
        "cells": len(account.cells) if account else 0,
        "device_s": round(account.device_s, 3) if account else 0.0,
        "work_s": round(account.work_s, 3) if account else 0.0,
        "prepare_s": round(account.prepare_s, 3) if account else 0.0,
        "estimated_s": round(outcome.plan.summary.estimated_s, 3),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
