"""One sweep in a straight line: prepare, measure, score, check, report.

The command line parses before and prints after; nothing here knows a terminal. What one device
does is its `DeviceSweep`; here every step is taken on all devices at the same time, and what they
found becomes a report. One device is a list of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.domain import GridPoint
from paretobench.domain.records import now
from paretobench.errors import ConfigError, DataError, ExecutorError, ParetobenchError
from paretobench.measure import events
from paretobench.planning.plan import Plan
from paretobench.store import Store
from paretobench.sweeping.device_sweep import DeviceSweep
from paretobench.sweeping.interim import draw_meanwhile, draw_so_far, report_folder, sweep_folder
from paretobench.sweeping.prepare import Announce, PlannedSweep, on_each, prepare

if TYPE_CHECKING:
    from paretobench.jobs.scoring import Scoring
    from paretobench.jobs.scoring_cost import ScoringEffort
    from paretobench.measure.terms import Account
    from paretobench.report.view.rows import View

__all__ = ["DeviceOutcome", "PlannedSweep", "SweepOutcome", "prepare", "run", "scoring_effort"]


@dataclass(frozen=True)
class DeviceOutcome:
    """A device's part of a sweep that ended.

    Attributes:
        account: what the harness did; None where nothing had to be measured.
        elapsed_s: from the plan to the report.
        paths: the report's files.
        unscored: checkpoints or tasks that could not be scored, each with the reason.
        stopped: why the device dropped out before its end; empty if it did not.
        is_decided: whether a question decided what was measured, so that not every point has to be.
        is_budget_held: whether it ended within its budget; true without one.
    """

    plan: Plan
    view: View
    account: Account | None
    paths: tuple[Path, ...]
    elapsed_s: float
    unscored: tuple[str, ...] = ()
    stopped: str = ""
    is_decided: bool = False
    is_budget_held: bool = True

    @property
    def exit_status(self) -> int:
        """Non-zero if a planned point has no TTFT, a checkpoint no score, the device is lost, or
        a budget was not held.

        A refused point was in no plan: to leave it out is what was announced. Where a question
        decides what is measured, a point without a TTFT is wrong only if a part of it failed.
        """
        if self.is_decided:
            wrong = self.view.failures or self.unscored or self.stopped
            return 1 if wrong or not self.is_budget_held else 0
        refused = {
            (one.encoder, one.resolution_px, one.llm, one.tiling) for one in self.plan.refused
        }
        missing = [row for row in self.view.untimed if row.identity not in refused]
        return 1 if missing or self.unscored or self.stopped else 0


@dataclass(frozen=True)
class SweepOutcome:
    """A sweep that ended.

    Attributes:
        outcomes: by device; a front for each.
        paths: the files that set several devices against one another.
    """

    outcomes: Mapping[str, DeviceOutcome]
    paths: tuple[Path, ...]

    @property
    def exit_status(self) -> int:
        """Non-zero if one device's is."""
        return max(outcome.exit_status for outcome in self.outcomes.values())


def run(
    prepared: Sequence[PlannedSweep],
    store: Store,
    command: str,
    listeners: Mapping[str, events.Listener] | None = None,
    announce: Announce = lambda _: None,
) -> SweepOutcome:
    """Carry out the plans of some devices: measure, join scores, check sums, report.

    A device elsewhere that is lost ends its measuring, not the sweep: what arrived is reported.
    Whatever stops one of several devices leaves the others alone.

    Args:
        listeners: of the harness's events, by device.

    Raises:
        LockError: if the only device is held and the request does not wait.
        StoreError: if the database cannot be written.
    """
    started, listeners = time.monotonic(), listeners or {}
    devices = [
        DeviceSweep(one, listeners.get(one.device.name, events.ignore), announce)
        for one in prepared
    ]
    try:
        try:
            for device in devices:
                device.begin(store, command)
            _add_published(prepared, store)
            draw_meanwhile(devices, store)
            scoring = _send_scoring(prepared, announce)
            _take_step(devices, store, DeviceSweep.measure)
            unscored = _score(devices, store, announce, scoring)
            _take_step(devices, store, DeviceSweep.check)
        finally:
            _close(devices)
    except KeyboardInterrupt:
        draw_so_far(devices, store, announce)
        raise
    return _report(devices, store, started, unscored, announce)


def _take_step(
    devices: Sequence[DeviceSweep], store: Store, step: Callable[[DeviceSweep, Store], None]
) -> None:
    """The next step of every device that is still there, each over its own connection to the
    store; what stops one of them is noted."""

    def act(device: DeviceSweep) -> None:
        if device.stopped:
            return
        try:
            with Store.open(store.path) as own:
                step(device, own)
        except ParetobenchError as error:
            if len(devices) == 1 and not isinstance(error, ExecutorError):
                raise
            device.stopped = str(error)

    on_each(devices, act, lambda: _close(devices))


def _close(devices: Sequence[DeviceSweep]) -> None:
    """Give the devices back; this ends what still runs on them."""
    for device in devices:
        device.close()


def _report(
    devices: Sequence[DeviceSweep],
    store: Store,
    started: float,
    unscored: tuple[str, ...],
    announce: Announce,
) -> SweepOutcome:
    """A report for each device, and over several."""
    outcomes = {
        device.prepared.device.name: _finish(device, store, started, unscored) for device in devices
    }
    folder = sweep_folder(devices[0].prepared.request)
    return SweepOutcome(outcomes, _side_by_side(outcomes, folder, announce))


def _finish(
    device: DeviceSweep, store: Store, started: float, unscored: tuple[str, ...]
) -> DeviceOutcome:
    """Render a device's report and store the end of its sweep; one that stopped has no end."""
    from paretobench.report import render
    from paretobench.report.view.stored_notes import decision_notes

    view = device.view(store)
    decision = device.account.decision if device.account else ""
    view = replace(view, notes=(*view.notes, *decision_notes(decision)))
    paths = render(view, report_folder(device))
    outcome = DeviceOutcome(
        device.prepared.plan,
        view,
        device.account,
        tuple(paths),
        time.monotonic() - started,
        unscored,
        device.stopped,
        device.prepared.request.settings.is_decided,
        device.budget.is_held,
    )
    if not device.stopped:
        store.finish_sweep(device.sweep_key, now(), outcome.exit_status, _summary(outcome))
    return outcome


def _side_by_side(
    outcomes: Mapping[str, DeviceOutcome], folder: Path, announce: Announce
) -> tuple[Path, ...]:
    """The report over all devices; none where there is nothing to compare."""
    from paretobench.report import render_devices

    views = {name: outcome.view for name, outcome in outcomes.items()}
    try:
        return tuple(render_devices(views, folder)) if len(views) > 1 else ()
    except DataError as error:
        announce(f"the devices are not set against one another: {error}")
        return ()


def _send_scoring(prepared: Sequence[PlannedSweep], announce: Announce) -> Scoring | None:
    """Have checkpoints scored elsewhere while devices measure; None to score them here."""
    asked = _asked_scoring(prepared)
    if asked is None:
        return None
    from paretobench.jobs.scoring import begin

    return begin(*asked, announce)


def scoring_effort(prepared: Sequence[PlannedSweep], store: Store | None) -> ScoringEffort | None:
    """What scoring the checkpoints of a sweep will take; None if it scores none.

    Raises:
        ConfigError: if the settings or the checkpoints file are wrong.
    """
    asked = _asked_scoring(prepared)
    if asked is None:
        return None
    from paretobench.jobs.scoring_cost import effort_of

    return effort_of(*asked, store.task_runs() if store is not None else [])


def _asked_scoring(
    prepared: Sequence[PlannedSweep],
) -> tuple[list[GridPoint], Path, Mapping[str, Any]] | None:
    """Points, checkpoints file and executor of a sweep that scores; None for one that does not."""
    request = prepared[0].request
    if not request.settings.is_scoring:
        return None
    executor = request.executors.get("accuracy", {})
    _check_budgeted_scoring(prepared, executor)
    return _points(prepared), Path(request.settings.checkpoints), executor


def _check_budgeted_scoring(prepared: Sequence[PlannedSweep], executor: Mapping[str, Any]) -> None:
    """Refuse what cannot be scored within a budget, before anything is measured.

    Raises:
        ConfigError: if it is scored elsewhere, or its checkpoints cannot be compared item by item.
    """
    settings = prepared[0].request.settings
    if settings.budget_s is None:
        return
    from paretobench.accuracy.lmms.checkpoints import for_points, read_jobs
    from paretobench.accuracy.lmms.race import by_place, check_race

    if executor.get("name", "local") != "local":
        raise ConfigError(
            f"budget={settings.budget} covers what this machine scores, and executor/accuracy="
            f"{executor['name']} scores elsewhere;\nleave one of the two out"
        )
    jobs, _ = for_points(_points(prepared), read_jobs(Path(settings.checkpoints)))
    check_race(by_place(jobs).values())


def _points(prepared: Sequence[PlannedSweep]) -> list[GridPoint]:
    """The points of all devices, each once."""
    points = {planned.point.key: planned.point for one in prepared for planned in one.plan.points}
    return list(points.values())


def _add_published(prepared: Sequence[PlannedSweep], store: Store) -> None:
    """Add published scores before anything is measured: they decide what is measured first."""
    if prepared[0].request.settings.accuracy in ("published", "lmms_eval"):
        from paretobench.paper import published

        store.add_scores(published.scores())


def _score(
    devices: Sequence[DeviceSweep], store: Store, announce: Announce, carry: Scoring | None = None
) -> tuple[str, ...]:
    """Have checkpoints scored, if the request asks for it; returns what could not be scored. A
    checkpoint that fails costs no latency and no other score."""
    prepared = [device.prepared for device in devices]
    settings = prepared[0].request.settings
    if not settings.is_scoring:
        return ()
    if settings.budget_s is not None:
        return _score_within_budget(devices, store, announce)
    from paretobench.accuracy.lmms.checkpoints import score_points

    done = score_points(
        _points(prepared),
        Path(settings.checkpoints),
        on_event=announce,
        on_scores=store.add_scores,
        carry=carry,
    )
    reasons: list[str] = []
    for job, outcome in done:
        if not isinstance(outcome, str):
            store.add_task_runs(outcome.runs)
        failures = [outcome] if isinstance(outcome, str) else [str(f) for f in outcome.failures]
        reasons += [f"{job.checkpoint}: {failure}" for failure in failures]
    return tuple(reasons)


def _score_within_budget(
    devices: Sequence[DeviceSweep], store: Store, announce: Announce
) -> tuple[str, ...]:
    """Score by the latencies of the first device that has them, until the budget's scoring ends."""
    from paretobench.accuracy.lmms.checkpoints import race_points

    ttft_s: dict[tuple[str, int, str, str], float] = {}
    for device in devices:
        for row in device.view(store).rows:
            if row.ttft is not None:
                ttft_s.setdefault(row.identity, row.ttft.value)
            elif row.predicted is not None:
                ttft_s.setdefault(row.identity, row.predicted.latency_s)

    left_s = min(device.budget.scoring_ends_in_s or 0.0 for device in devices)
    settings = devices[0].prepared.request.settings
    found = race_points(
        _points([device.prepared for device in devices]),
        Path(settings.checkpoints),
        ttft_s,
        time.monotonic() + left_s,
        on_event=announce,
        on_scores=store.add_scores,
    )
    store.add_task_runs(found.runs)
    for line in found.report():
        announce(line)
    return tuple(f"{name}: {each}" for name, of_one in found.failures.items() for each in of_one)


def _summary(outcome: DeviceOutcome) -> dict[str, Any]:
    from paretobench.measure.terms import Account

    account = outcome.account or Account()
    return {
        "elapsed_s": round(outcome.elapsed_s, 3),
        "cells": len(account.cells),
        "device_s": round(account.device_s, 3),
        "work_s": round(account.work_s, 3),
        "prepare_s": round(account.prepare_s, 3),
        "measured_s": round(account.device_s + account.prepare_s, 3),
        "estimated_s": round(outcome.plan.estimated_s, 3),
        **({"decision": account.decision} if account.decision else {}),
        **({"unscored": list(outcome.unscored)} if outcome.unscored else {}),
    }
