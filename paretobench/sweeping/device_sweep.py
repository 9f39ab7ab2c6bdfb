"""One device's part of a sweep: begin it, measure, check sums, read what there is.

A part that was killed goes on where it was: cells are stored as they end, and an unfinished
sweep with the same settings in the same environment keeps its key, so its rounds go on too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from paretobench.domain import Device, Workload, end_to_end_workload
from paretobench.domain.records import Fidelity, now
from paretobench.errors import ParetobenchError, PlanError
from paretobench.measure import events
from paretobench.planning.planned import PlannedPoint
from paretobench.planning.stopping import cell_plan, check_fidelity
from paretobench.store import Link, Store, StoredPoint
from paretobench.sweeping.asking import inquiry_for, preparations_of
from paretobench.sweeping.budget import budget_of
from paretobench.sweeping.prepare import (
    FEWEST_CHECKED,
    MOST_CHECKED,
    Announce,
    PlannedSweep,
    finished,
    known_cells,
)

if TYPE_CHECKING:
    from paretobench.config import Request
    from paretobench.measure.terms import Account, Options
    from paretobench.report.view.rows import View

Checks = Mapping[str, tuple[Workload, PlannedPoint]]
"""By key, a workload that checks the sum of a point's parts, and that point."""


class DeviceSweep:
    """What one device does in a sweep.

    Attributes:
        account: what the harness did so far; None while nothing had to be measured.
        sweep_key: of the device's own sweep in the store; empty before `begin`.
        stopped: why the device dropped out, or was too disturbed to go on; empty while it was
            neither.
        budget: the time that it may take.
        listeners: of the harness's events.
        has_cells: whether a process of this run has ended well.
    """

    def __init__(
        self,
        prepared: PlannedSweep,
        listen: events.Listener = events.ignore,
        announce: Announce = lambda _: None,
    ) -> None:
        self.prepared, self.announce = prepared, announce
        settings = prepared.request.settings
        self.budget = budget_of(settings, prepared.began_at)
        self.listeners: list[events.Listener] = [self.budget.listen, listen]
        self.has_cells = False
        self.account: Account | None = None
        self.sweep_key = ""
        self.stopped = ""

    def begin(self, store: Store, command: str) -> None:
        """Store the sweep and its points; an unfinished sweep of the same plan is continued under
        its own key."""
        prepared = self.prepared
        request, plan = prepared.request, prepared.plan
        settings = _settings(prepared)
        with store.transaction():
            environment_key = store.add_environment(prepared.environment)
            key = _unfinished(store, request, environment_key, settings) or store.add_sweep(
                request.name, command, settings, request.settings.seed, environment_key, now()
            )
            store.add_workloads(one.workload for one in plan.workloads)
            left_out = [one.planned for one in plan.refused if one.planned]
            store.add_workloads(part for point in left_out for part in point.workloads)
            store.add_points(key, [_stored(point) for point in (*plan.points, *left_out)])
        self.sweep_key = key

    def listen(self, event: events.Event) -> None:
        """Pass an event of the harness on."""
        self.has_cells = self.has_cells or isinstance(event, events.CellFinished)
        for listener in self.listeners:
            listener(event)

    def measure(self, store: Store) -> None:
        """Measure what the plan left to do, or what the question decides."""
        prepared = self.prepared
        settings = prepared.request.settings
        options = _options(prepared, self.sweep_key, settings.fidelity)
        if not settings.is_decided:
            pending = [one.workload for one in prepared.plan.pending]
            self._measure(store, pending, options)
            return
        options = replace(
            options,
            inquiry=inquiry_for(prepared, store).to_json(),
            preparation_s=preparations_of(prepared),
            ends_in_s=self.budget.parts_end_in_s,
        )
        self._measure(store, [one.workload for one in prepared.plan.workloads], options)

    def check(self, store: Store) -> None:
        """Measure chosen points end to end, in rounds with their parts, so that a report can say
        how well the sum held."""
        settings = self.prepared.request.settings
        if settings.check == 0:
            return
        checks = self._end_to_end(store, self._points_to_check(store))
        fidelity = check_fidelity(settings.fidelity)
        known = known_cells(store, self.prepared.environment, checks)
        done = finished(known, cell_plan(fidelity))
        accepted = self._accepted([one for key, (one, _) in checks.items() if key not in done])
        options = _options(self.prepared, self.sweep_key, fidelity)
        options = replace(
            options,
            expected_cell_s={**options.expected_cell_s, **self._costs(store, checks)},
            ends_in_s=self.budget.checks_end_in_s,
        )
        beside: dict[str, list[Workload]] = {}
        if self.budget.total_s is None:  # a budget has no time for parts that are known
            for workload in accepted:
                _, planned = checks[workload.key]
                parts = (*planned.encodes, *planned.prefills)
                beside[workload.key] = [part for part, _ in parts]
        each = {part.key: part for of_one in beside.values() for part in of_one}
        keys = {key: [part.key for part in of_one] for key, of_one in beside.items()}
        self._measure(store, [*accepted, *each.values()], replace(options, beside=keys))
        self._say_no_time(store, accepted)

    def _points_to_check(self, store: Store) -> list[PlannedPoint]:
        """The points that this sweep chose before it was interrupted, or else chooses now.

        Where three points of the front, or all of it, were checked before, it checks no others.
        """
        points, check = self.prepared.plan.points, self.prepared.request.settings.check
        names = {
            tuple(one.identity().values())
            for one in store.points(self.sweep_key)
            if any(link.role == "end_to_end" for link in one.links)
        }
        if names:
            return [one for one in points if one.point.names in names]
        return checked_points(self.view(store), points, check)

    def view(self, store: Store) -> View:
        """The device's front as the store knows it now."""
        from paretobench.report.view.stored import stored_view

        settings = self.prepared.request.settings
        return stored_view(
            store,
            self.sweep_key,
            self.prepared.environment.key,
            recipe=settings.recipe,
            mix_protocols=settings.mix_protocols,
            refusals=self.prepared.plan.refused,
        )

    def close(self) -> None:
        """Give the device back; it was held from the first cell to the last check."""
        self.prepared.site.close()

    def _end_to_end(self, store: Store, chosen: Sequence[PlannedPoint]) -> Checks:
        """The workloads that check points, stored with them; what cannot be checked is said."""
        checks: dict[str, tuple[Workload, PlannedPoint]] = {}
        for planned in chosen:
            try:
                workload = _check_of(planned, self.prepared.device)
            except ParetobenchError as error:
                self._say_unchecked(planned.point, error)
                continue
            checks[workload.key] = workload, planned
            store.add_workloads([workload])
            store.add_points(self.sweep_key, [_stored(planned, [workload])])
        return checks

    def _costs(self, store: Store, checks: Checks) -> dict[str, float]:
        """Seconds of a process of each check: it loads and runs both halves."""
        halves = {
            key: (planned.encodes[0][0].key, planned.images[0].prefill.key)
            for key, (_, planned) in checks.items()
        }
        known = known_cells(store, self.prepared.environment, chain.from_iterable(halves.values()))
        seconds = {key: max(cell.wall_s for cell in cells) for key, cells in known.items()}
        costs = {key: sum(seconds.get(half, 0.0) for half in two) for key, two in halves.items()}
        return {key: cost for key, cost in costs.items() if cost}

    def _say_unchecked(self, what: object, reason: object) -> None:
        self.announce(f"{what} is not checked end to end: {reason}")

    def _say_no_time(self, store: Store, workloads: Sequence[Workload]) -> None:
        """Which checks had no time within the budget."""
        if self.budget.total_s is None:
            return
        known = known_cells(store, self.prepared.environment, [one.key for one in workloads])
        for workload in workloads:
            if workload.key not in known:
                self._say_unchecked(workload.label, "no time was left for it")

    def _accepted(self, workloads: Sequence[Workload]) -> list[Workload]:
        """Of some checks, those that the device does not refuse."""
        reasons = self.prepared.site.refusals(workloads) if workloads else {}
        for workload in workloads:
            if workload.key in reasons:
                self._say_unchecked(workload.label, reasons[workload.key])
        return [workload for workload in workloads if workload.key not in reasons]

    def _measure(self, store: Store, workloads: Sequence[Workload], options: Options) -> None:
        if not workloads:
            return
        prepared = self.prepared
        done = prepared.site.measure(
            workloads,
            store,
            prepared.environment,
            options,
            self.listen,
            prepared.request.settings.wait,
        )
        self.account = done if self.account is None else _joined(self.account, done)
        if self.budget.total_s is None:
            self.stopped = self.stopped or done.stopped
        elif done.stopped:  # a budget promises what can be had in it, on any machine
            self.announce(done.stopped)


def _check_of(planned: PlannedPoint, device: Device) -> Workload:
    """The workload that checks the sum of a point's parts.

    Raises:
        PlanError: if the point cannot be checked.
    """
    if len(planned.images) > 1:
        raise PlanError("it is a mean of images")
    prefill = planned.images[0].prefill
    if prefill.checkpoint:
        raise PlanError("its halves are a checkpoint's")
    device = replace(device, encode=planned.encodes[0][0].runtime, prefill=prefill.runtime)
    n_tokens = int(prefill.subject["n_tokens"])
    return end_to_end_workload(planned.point, planned.tiles, device, n_tokens)


def _options(prepared: PlannedSweep, sweep_key: str, fidelity: Fidelity) -> Options:
    from paretobench.measure.terms import Options
    from paretobench.resources import cache_folder

    settings = prepared.request.settings
    limit_s = prepared.asked.place.limits.cell_timeout_s if prepared.asked.place else None
    expected = {one.workload.key: one.expected.cell_s for one in prepared.plan.workloads}
    return Options(
        artifacts=cache_folder(),
        fidelity=fidelity,
        precision_goal=settings.precision_goal,
        seed=settings.seed,
        sweep_key=sweep_key,
        retry_failed=settings.retry_failed,
        cell_timeout_s=min(settings.cell_timeout_s, limit_s or settings.cell_timeout_s),
        expected_cell_s=expected,
        cheapest=sorted(prepared.plan.cheapest),
        peak_bytes={one.workload.key: one.peak_memory_bytes for one in prepared.plan.workloads},
    )


def _joined(first: Account, second: Account) -> Account:
    return replace(
        first,
        cells=[*first.cells, *second.cells],
        failures=[*first.failures, *second.failures],
        reasons={**first.reasons, **second.reasons},
        device_s=first.device_s + second.device_s,
        work_s=first.work_s + second.work_s,
        prepare_s=first.prepare_s + second.prepare_s,
        stopped=first.stopped or second.stopped,
        decision=first.decision or second.decision,
    )


def _unfinished(
    store: Store, request: Request, environment_key: str, settings: Mapping[str, Any]
) -> str | None:
    """The key of a sweep that asked for the same here, and for no other points, and was
    interrupted.

    What was refused does not count: what is measured meanwhile moves a point across the horizon.
    """
    names = {point.names for point in request.points}
    for sweep in store.sweeps():
        is_same = (sweep.name, sweep.environment_key) == (request.name, environment_key)
        asked_before, asked = ({**each, "refused": []} for each in (sweep.settings, settings))
        if is_same and sweep.finished_at is None and asked_before == asked:
            stored = {tuple(one.identity().values()) for one in store.points(sweep.key)}
            if stored <= names:
                return sweep.key
    return None


def _settings(prepared: PlannedSweep) -> dict[str, Any]:
    """The settings that decide what a sweep measures and shows, as plain JSON."""
    passing = ("dry_run", "retry_failed", "wait", "database", "reports", "inventory", "budget")
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
    links += [Link("prefill", workload.key, times) for workload, times in planned.prefills]
    links += [Link("decode", workload.key, times) for workload, times in planned.decodes]
    links += [Link("end_to_end", workload.key) for workload in checks]
    images = None
    if len(planned.images) > 1:
        sizes = [one.to_json() for one in planned.images]
        images = {"count": planned.image_count, "sizes": sizes}
    return StoredPoint.of(planned.point, planned.tiles, links, images)


def checked_points(
    view: View, points: Sequence[PlannedPoint], check: str | int
) -> list[PlannedPoint]:
    """Points of the front, spread over it, or a number of points; filled up with others."""
    timed = sorted(
        {row.identity: row for row in view.rows if row.ttft is not None}.values(),
        key=lambda row: row.ttft.value if row.ttft else 0.0,
    )
    on_front: Collection[tuple[str, int, str, str]] = {
        row.identity for row in view.rows if row.front.is_on
    }
    front = [row.identity for row in timed if row.identity in on_front]
    checked = [row.identity for row in timed if row.one_piece is not None]
    rest = [row.identity for row in timed if row.identity not in on_front]
    of_front = min(max(len(front), FEWEST_CHECKED), MOST_CHECKED)
    wanted = of_front if check == "front" else int(check)
    names = [front[i] for i in _spread(len(front), wanted)]
    names += [rest[i] for i in _spread(len(rest), wanted - len(names))]
    if check == "front" and _are_enough(checked, front, timed):
        names = checked
    by_name = {point.point.names: point for point in points}
    return [by_name[name] for name in names if name in by_name]


def _are_enough(
    checked: Sequence[object], front: Sequence[object], timed: Sequence[object]
) -> bool:
    """Whether the points checked before are as many as a check needs, and on the front.

    >>> _are_enough("abc", "abcd", "abcdef"), _are_enough("ab", "ab", "ab")
    (True, True)
    >>> _are_enough("abc", "bcd", "abcdef"), _are_enough("ab", "ab", "abc")
    (False, False)
    """
    of_front = sum(one in front for one in checked)
    return of_front >= min(FEWEST_CHECKED, len(front)) and len(checked) >= min(
        FEWEST_CHECKED, len(timed)
    )


def _spread(n: int, wanted: int) -> list[int]:
    """`wanted` indices spread evenly over `range(n)`, ends first.

    >>> _spread(9, 3), _spread(2, 3), _spread(5, 1), _spread(5, 0)
    ([0, 4, 8], [0, 1], [0], [])
    """
    wanted = min(wanted, n)
    return [round(i * (n - 1) / max(wanted - 1, 1)) for i in range(wanted)]
