"""Measure workloads: rounds of fresh processes, each stored before the next one starts.

The harness decides what runs next and what became of it; `timing` knows when enough is
enough, `schedule` the order, `process` how children end, `cell` what happens inside one, and
`judging` whether a process is to be believed.
Killing it at any moment loses at most the process in flight, and the same call continues.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paretobench.analysis.levels import SESSION_GAP_S, age_s, sessions
from paretobench.analysis.stats import cell_median, check_samples, undisturbed
from paretobench.backends import PreparedArtifact
from paretobench.domain import Workload
from paretobench.domain.records import Cell, Environment, Failure, FailureKind, Fidelity, Process
from paretobench.errors import InvalidSamplesError
from paretobench.measure import cell as cell_module
from paretobench.measure import events
from paretobench.measure.by_decision import measure_by_decision
from paretobench.measure.canary import canary
from paretobench.measure.deadline import Deadline
from paretobench.measure.judging import Judge
from paretobench.measure.lock import DeviceLock
from paretobench.measure.preparation import Preparation, prepare_all, prepare_side_by_side
from paretobench.measure.process import Children, ChildResult
from paretobench.measure.schedule import round_order
from paretobench.measure.terms import Account, CellStore, Options
from paretobench.planning.question import Inquiry
from paretobench.planning.stopping import CellPlan, Decision, cell_plan
from paretobench.units import counted

CELL_MODULE = "paretobench.measure.cell"

ENVIRONMENT_PADDING_BYTES, HEAP_PADDING_BYTES = 4096, 1 << 20
"""Bounds of what is added to the environment, which moves the stack within a page, and allocated
first on the heap (Mytkowicz, Diwan, Hauswirth and Sweeney, ASPLOS 2009)."""

DISTURBED_AT_MOST = 4
"""Disturbed processes of one workload in one run, after which it is left for a later one."""

DISTURBED_LIMIT_S = 120.0
"""Seconds that they may take together, after which it is left as well."""


def needs_more(cells: Sequence[Process], plan: CellPlan, is_cheapest: bool = False) -> bool:
    """Whether a workload with these cells of one environment needs another process."""
    return plan.decide(*progress(cells, plan), is_cheapest).needs_more


USUAL_PROCESSES = 10
"""Processes without a repeat that an estimate of the time left starts from."""


def progress(cells: Sequence[Process], plan: CellPlan) -> tuple[list[float], float]:
    """The medians that count at the plan's fidelity, and the wall seconds of their processes.

    What was disturbed does not count, and what was repeated is not charged. Where a plan wants
    several sessions, those before this one count once there are enough of them.
    """
    kept = undisturbed(cells, plan.fidelity)
    if plan.sessions > 1:
        audited = [cell for cell in kept if cell.fidelity == plan.fidelity]
        kept = _of_this_session(audited, plan, datetime.now(UTC))
    return [cell_median(cell) for cell in kept], sum(cell.wall_s for cell in kept)


def _of_this_session(cells: list[Process], plan: CellPlan, now: datetime) -> list[Process]:
    """Cells of the session that goes on; all of them if there are enough sessions, else none."""
    found = sessions(cells)
    if found and age_s(found[-1][-1], now) < SESSION_GAP_S:
        return found[-1]
    return cells if len(found) >= plan.sessions else []


def run(
    workloads: Sequence[Workload],
    *,
    store: CellStore,
    environment: Environment,
    options: Options,
    children: Children | None = None,
    listen: events.Listener = events.ignore,
    lock: DeviceLock | None = None,
) -> Account:
    """Measure what the store does not hold yet; returns what was done.

    Args:
        workloads: distinct workloads, in any order.
        store: read again under the lock, so that two sweeps never measure the same thing.
        environment: of the processes; its key is stored with every cell.
        options: how.
        children: how processes are started; None for this interpreter's.
        listen: called with every event.
        lock: this machine's, where the caller holds it already; it is waited for otherwise.

    Raises:
        StoreError: if the store cannot be written; nothing is measured after that.
    """
    lock = lock or DeviceLock()
    with lock.held(announce=lambda text: listen(events.Waiting(text))):
        children = children or Children()
        children.keep_fds = (lock.fd,)
        store.add_environment(environment)
        store.add_workloads(workloads)
        sweep = Measuring(workloads, store, environment.key, options, children, listen)
        sweep.measure()
        return sweep.account


class Measuring:
    """One run's state: cells by workload, failures, canaries, the account."""

    def __init__(
        self,
        workloads: Sequence[Workload],
        store: CellStore,
        environment_key: str,
        options: Options,
        children: Children,
        listen: events.Listener,
    ) -> None:
        self.workloads = {workload.key: workload for workload in workloads}
        self.store, self.environment_key, self.options = store, environment_key, options
        self.children, self.listen = children, listen
        self.plan: CellPlan = cell_plan(options.fidelity, options.precision_goal)
        self.account = Account()
        self.judge = Judge()
        self.deadline = Deadline(options.ends_in_s)
        self.prepared: dict[str, PreparedArtifact] = {}
        if options.retry_failed:
            store.supersede_failures(environment_key, list(self.workloads))
        self.cells: dict[str, list[Cell]] = {key: [] for key in self.workloads}
        for cell in store.cells(environment_key, list(self.workloads)):
            self.cells[cell.workload_key].append(cell)
        self.failed: dict[str, Failure] = {
            failure.workload_key: failure
            for failure in store.failures(environment_key, list(self.workloads))
        }

    def measure(self) -> None:
        """Measure what a question decides, or prepare everything and go round."""
        if self.options.inquiry is not None:
            self.judge.take_reference(canary)
            inquiry = Inquiry.from_json(self.options.inquiry)
            self.account.decision = measure_by_decision(self, inquiry)
        else:
            self.measure_rounds()
        self.account.failures = list(self.failed.values())

    def measure_rounds(self) -> None:
        """Prepare, then rounds until no workload needs another process."""
        if self.active():
            keys = sorted(self.with_parts(self.active()))
            self.prepare([self.workloads[key] for key in keys])
        if self.active():
            self.judge.take_reference(canary)
        round_index = self.first_round()
        while self.active() and not self.judge.is_hopeless:
            self.visit(round_index)
            round_index += 1
        if self.judge.is_hopeless:
            self.account.stopped = self.judge.why_hopeless()

    def first_round(self) -> int:
        """The round to begin with: the one that was interrupted; a new one where checks begin,
        whose parts have been in every round so far."""
        beside = self.options.beside
        rounds = [cell.round_index for key in self.workloads for cell in self.of_sweep(key)]
        if not beside:
            return max(rounds, default=0)
        of_checks = [cell.round_index for key in beside for cell in self.of_sweep(key)]
        return max(of_checks, default=max(rounds, default=-1) + 1)

    def of_sweep(self, key: str) -> list[Cell]:
        """A workload's cells of this sweep, in order."""
        return [cell for cell in self.cells[key] if cell.sweep_key == self.options.sweep_key]

    def active(self) -> list[str]:
        """Keys of the workloads that need another process for themselves."""
        parts = {part for keys in self.options.beside.values() for part in keys}
        return [
            key
            for key in self.workloads
            if key not in self.failed and key not in parts and self.needs_more(key)
        ]

    def with_parts(self, active: Collection[str]) -> set[str]:
        """These workloads and what is measured beside them."""
        parts = {part for key in active for part in self.options.beside.get(key, ())}
        return {*active, *(part for part in parts if part not in self.failed)}

    def needs_more(self, key: str) -> bool:
        """Whether a workload needs another process; records why if not."""
        decision = self.plan.decide(
            *progress(self.cells[key], self.plan), key in self.options.cheapest
        )
        if not self.may_repeat(key):
            disturbed = counted(len(self.disturbed_s(key)), "process was", "processes were")
            decision = Decision(False, f"{disturbed} disturbed by other programs")
        if decision.needs_more and not self.fits(key):
            decision = Decision(False, "no time is left for another process")
        if not decision.needs_more and key not in self.account.reasons:
            self.account.reasons[key] = decision.why
            self.listen(events.WorkloadDone(self.workloads[key], decision.why))
        return decision.needs_more

    def disturbed_s(self, key: str) -> list[float]:
        """Wall seconds of a workload's processes that were disturbed in this run."""
        mine = [cell for cell in self.account.cells if cell.workload_key == key]
        return [cell.wall_s for cell in mine if cell.status == "disturbed"]

    def may_repeat(self, key: str) -> bool:
        """Whether what was disturbed of a workload so far leaves room for another process."""
        taken_s = self.disturbed_s(key)
        return len(taken_s) < DISTURBED_AT_MOST and sum(taken_s) <= DISTURBED_LIMIT_S

    def fits(self, key: str) -> bool:
        """Whether another process of a workload is expected to end in time."""
        return self.deadline.fits(self.cell_s(key) or 0.0)

    def prepare(self, workloads: Sequence[Workload]) -> None:
        """Make what workloads need; a failure here is theirs."""

        def announce(workload: Workload, done: int) -> None:
            self.listen(events.Preparing(workload, done, len(workloads)))

        options, limit_s = self.options, self.deadline.limit_s(self.options.cell_timeout_s)
        root, peak_bytes = options.artifacts, options.peak_bytes
        if options.ends_in_s is None:
            outcomes = prepare_side_by_side(
                workloads, self.children, root, limit_s, announce, peak_bytes
            )
        else:
            outcomes = prepare_all(workloads, self.children, root, limit_s, announce, False)
        for made in outcomes:
            self.note_preparation(made)
            if self.deadline.left_s <= 0:
                return

    def note_preparation(self, made: Preparation) -> None:
        """Remember what was made, or store why it was not."""
        self.account.prepare_s += made.wall_s
        if made.prepared is not None:
            self.prepared[made.workload.key] = made.prepared
        elif not (made.kind == "timed_out" and self.deadline.left_s <= 0):
            self.fail(made.workload, made.kind, made.reason, {**made.details, "during": "prepare"})

    def visit(self, round_index: int) -> None:
        """One round: a process for every active workload without one, then the repeats."""
        order = round_order(self.workloads, round_index, self.options.seed)
        active, again = self.with_parts(self.active()), []
        for key in order:
            if key not in active or self.visited(key, round_index) or not self.fits(key):
                continue
            if self.judge.is_hopeless:
                return
            cell = self.start(self.workloads[key], round_index)
            if cell is not None and cell.status in ("suspect", "disturbed"):
                again.append(key)
        for key in again:
            if self.judge.is_hopeless:
                return
            if self.may_repeat(key) and self.fits(key):
                self.start(self.workloads[key], round_index)

    def visited(self, key: str, round_index: int) -> bool:
        """Whether the round has a cell of this workload already, from before a kill."""
        return any(cell.round_index == round_index for cell in self.of_sweep(key))

    def start(self, workload: Workload, round_index: int, phase: str = "") -> Cell | None:
        """One process from start to stored row; None if it failed or the time was up.

        Args:
            phase: of the decision that it was started for, kept with the cell.
        """
        self.listen(events.CellStarted(workload, round_index, self.remaining_s()))
        wait_limit_s = self.deadline.wait_limit_s(self.judge.wait_limit_s)

        def orders(result: Path) -> Mapping[str, Any]:
            made = self.prepared.get(workload.key)
            sampling, artifacts = self.plan.sampling, self.options.artifacts
            given = cell_module.orders(workload, sampling, artifacts, result, made, wait_limit_s)
            return given | self.layout(workload.key, round_index)

        limit_s = self.deadline.limit_s(self.options.cell_timeout_s + wait_limit_s)
        outcome = self.children.ask(CELL_MODULE, orders, limit_s)
        self.account.device_s += outcome.wall_s
        if outcome.kind == "timed_out" and outcome.answer is None and self.deadline.left_s <= 0:
            return None
        if (cell := self.accept(workload, outcome, round_index, phase)) is None:
            return None
        self.store.add_cell(cell)
        self.cells[workload.key].append(cell)
        self.account.cells.append(cell)
        self.account.work_s += cell.work_s
        self.listen(events.CellFinished(workload, cell, self.remaining_s()))
        return cell

    def layout(self, key: str, round_index: int) -> dict[str, int]:
        """Sizes that move a process's stack and heap, drawn anew for each audited process."""
        if self.plan.fidelity != "audit":
            return {}
        n = len(self.cells[key])
        rng = random.Random(f"{self.options.seed}:{key}:{round_index}:{n}")
        return {
            "environment_padding_bytes": rng.randrange(ENVIRONMENT_PADDING_BYTES),
            "heap_padding_bytes": rng.randrange(HEAP_PADDING_BYTES),
        }

    def accept(
        self, workload: Workload, outcome: ChildResult, round_index: int, phase: str
    ) -> Cell | None:
        """The cell that an outcome makes, judged; or None after storing the failure."""
        answer = outcome.answer
        if answer is None:
            self.fail(workload, outcome.kind, outcome.reason, outcome.details)
            return None
        try:
            check_samples(answer["samples_s"], answer["runs"])
        except InvalidSamplesError as error:
            details = {"samples_s": [repr(s) for s in answer["samples_s"][:20]]}
            self.fail(workload, "invalid", str(error), details)
            return None
        key, here, options = workload.key, self.environment_key, self.options
        cell = cell_module.cell_of(
            answer, key, here, options.fidelity, round_index, outcome.wall_s, options.sweep_key
        )
        status, why = self.judge.judge(cell, self.plan.sampling, self.fastest_s(key))
        facts = {**cell.facts, "seed": options.seed}
        if why:
            facts[status] = why
        if phase:
            facts["phase"] = phase
        return replace(cell, status=status, facts=facts)

    def fastest_s(self, key: str) -> float | None:
        """The fastest counted run of a workload in its undisturbed cells; None without one."""
        runs = [s for c in self.cells[key] if c.status != "disturbed" for s in c.counted_s]
        return min(runs, default=None)

    def fail(
        self, workload: Workload, kind: FailureKind, reason: str, details: Mapping[str, Any]
    ) -> None:
        """Store a failure; the workload is not visited again."""
        failure = Failure(
            workload_key=workload.key,
            environment_key=self.environment_key,
            kind=kind,
            reason=reason,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            sweep_key=self.options.sweep_key,
            details=details,
        )
        self.store.add_failure(failure)
        self.failed[workload.key] = failure
        self.listen(events.WorkloadFailed(workload, failure))

    def remaining_s(self) -> float | None:
        """Seconds that the active workloads probably still take; None if it is not known."""
        if self.options.inquiry is not None:
            return None if self.options.ends_in_s is None else self.deadline.left_s
        known = {key: self.cell_s(key) for key in self.workloads if key not in self.failed}
        times = [seconds for seconds in known.values() if seconds is not None]
        if not times:
            return None
        usual = statistics.median(times)
        each = {key: usual if seconds is None else seconds for key, seconds in known.items()}
        left = {key: self.cells_left(key, each[key]) for key in known}
        return self.repeats() * sum(left[key] * each[key] for key in known)

    def repeats(self) -> float:
        """Processes made for each that counts, so far: what was disturbed or suspect is repeated.

        `USUAL_PROCESSES` without a repeat are assumed besides, so that the first says little.
        """
        made = counting = USUAL_PROCESSES
        for cells in self.cells.values() if self.plan.sessions == 1 else ():
            made += sum(_counts(cell, self.plan.fidelity) for cell in cells)
            counting += len(progress(cells, self.plan)[0])
        return made / counting

    def cells_left(self, key: str, each_s: float) -> int:
        """How many processes of a workload probably come yet; a part has those of its checks."""
        beside = self.options.beside
        checks = [check for check, parts in beside.items() if key in parts]
        if checks:
            active = [check for check in checks if check not in self.failed]
            return max((self.cells_left(c, self.cell_s(c) or each_s) for c in active), default=0)
        is_cheapest = key in self.options.cheapest
        return self.plan.expected_cells(*progress(self.cells[key], self.plan), each_s, is_cheapest)

    def cell_s(self, key: str) -> float | None:
        """Wall seconds of one process of a workload: measured, else the plan's estimate."""
        seen = [c.wall_s for c in self.cells[key] if _counts(c, self.plan.fidelity)]
        return statistics.fmean(seen) if seen else self.options.expected_cell_s.get(key)


def _counts(cell: Process, fidelity: Fidelity) -> bool:
    return fidelity == "quick" or cell.fidelity != "quick"
