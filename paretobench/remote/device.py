"""A device behind a session: another host, or this one beside others in one sweep.

Each cell goes into the store as it arrives, by the same call as a local one, so neither a lost
connection nor a killed sweep costs more than the process in flight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from paretobench.domain import Device, Workload
from paretobench.domain.records import Cell, Environment, Failure
from paretobench.errors import ExecutorError
from paretobench.measure import events, terms
from paretobench.remote.session import Connection, Hello, LostError, Target
from paretobench.store import Store
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.config import DeviceRequest
    from paretobench.measure.runtime_timing import Permission

RECONNECTS = 3
"""How often a lost connection is opened again, as long as each delivered something new."""


class RemoteDevice:
    """A `MeasuringDevice` that is reached by a session.

    Args:
        target: how a session is started there.
    """

    def __init__(self, target: Target) -> None:
        self.name, self.where = target.name, target.where
        self._target = target
        self._environment: Environment | None = None
        self._connection: Connection | None = None
        self._is_closed = False

    def connect(self) -> Hello:
        """Open the session and compare what the device says of itself with its limits.

        Raises:
            ExecutorError: if it cannot be reached, is of another version, its disk is full or
                its clock is wrong.
        """
        connection = Connection(self._target)
        try:
            hello = connection.open()
            connection.check(hello)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return hello

    def profile(
        self, device: Mapping[str, Any] | None = None, permission: Permission | None = None
    ) -> tuple[Environment, Mapping[str, Any]]:
        """The device's environment, and what a profile comes to there.

        Args:
            device: a profile's `name`, `encode`, `prefill`; None asks for the environment only.
            permission: to time runtimes there first.

        Raises:
            ExecutorError: if the profile cannot run there, or the connection is lost.
        """
        allowed = {} if permission is None else {"time_runtimes": {"wait": permission.wait}}
        answer: Mapping[str, Any] = {}
        for answer in self._session().ask("describe", device=device, **allowed):
            if answer["say"] == "event" and permission is not None:
                permission.announce(f"{self.name}: {answer['text']}")
        self._environment = Environment(**answer["environment"])
        return self._environment, answer["device"]

    def describe(
        self, request: DeviceRequest, permission: Permission | None = None
    ) -> tuple[Device, Environment]:
        """See `MeasuringDevice`.

        Raises:
            ExecutorError: if the device cannot be reached or used, or the profile cannot run.
        """
        halves = {"encode": dict(request.encode), "prefill": dict(request.prefill)}
        wish = {"name": request.name, "choose": request.choose, **halves}
        environment, found = self.profile(wish, permission)
        why = "; ".join(part for part in (f"over {self.where}", found["why"]) if part)
        choice = {**found, "why": why}
        return Device.of_choice(request.name, choice, request.executor), environment

    def refusals(self, workloads: Iterable[Workload]) -> dict[str, str]:
        """See `MeasuringDevice`; a checkpoint's folder is on this machine only."""
        workloads = list(workloads)
        own = {
            workload.key: "a checkpoint's own weights are timed on the machine that has them"
            for workload in workloads
            if workload.checkpoint
        }
        sent = [workload.to_json() for workload in workloads if workload.key not in own]
        (answer,) = self._session().ask("refusals", workloads=sent)
        return own | dict(answer["reasons"])

    def measure(
        self,
        workloads: Sequence[Workload],
        store: Store,
        environment: Environment,
        options: terms.Options,
        listen: events.Listener = events.ignore,
        wait: bool = True,
    ) -> terms.Account:
        """See `MeasuringDevice`; opens a lost connection again while that delivers something new.

        Raises:
            ExecutorError: if the device is lost, with what arrived in the store.
            StoreError: if the store cannot be written.
        """
        with store.transaction():
            store.add_environment(environment)
            store.add_workloads(workloads)
            if options.retry_failed:
                store.supersede_failures(environment.key, [one.key for one in workloads])
        arriving, began_at = _Arriving(workloads, store, listen), monotonic()
        for attempt in range(RECONNECTS + 1):
            before = len(arriving.account.cells)
            try:
                self._ask_for(arriving, environment, _since(options, began_at), wait)
                return arriving.account
            except BaseException as error:
                self._end_session()
                if not isinstance(error, ExecutorError):
                    raise
                is_lost = isinstance(error, LostError) and not self._is_closed
                has_new = len(arriving.account.cells) > before
                if not (is_lost and has_new) or attempt == RECONNECTS:
                    raise ExecutorError(f"{error}; {_kept(arriving.account)}") from error
                listen(events.Waiting(f"{error}; connecting again"))
        raise AssertionError  # the last attempt returns or raises

    def close(self) -> None:
        """End the session; nothing stays behind on the device."""
        self._is_closed = True
        self._end_session()

    def _session(self) -> Connection:
        if self._is_closed:
            raise ExecutorError(f"{self.name}: it was given back")
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        return self._connection

    def _end_session(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask_for(
        self, arriving: _Arriving, environment: Environment, options: terms.Options, wait: bool
    ) -> None:
        """One question for all workloads, with what is known of them; each answer is stored."""
        if self._connection is None:
            _check_same(self.name, environment, self.profile()[0])
        keys, store = list(arriving.workloads), arriving.store
        question = {
            "workloads": [workload.to_json() for workload in arriving.workloads.values()],
            "options": _travelling(options, arriving.workloads),
            "cells": [cell.to_json() for cell in store.cells(environment.key, keys)],
            "failures": [asdict(one) for one in store.failures(environment.key, keys)],
            "wait": wait,
        }
        for message in self._session().ask("measure", **question):
            try:
                arriving.take(message)
            except (KeyError, TypeError, ValueError) as error:
                raise ExecutorError(
                    f"{self.name}: a message that cannot be read ({type(error).__name__}: {error})"
                ) from error
        arriving.account.failures = store.failures(environment.key, keys)


class _Arriving:
    """What a session sends while it measures: stored, added to the account, reported."""

    def __init__(
        self, workloads: Sequence[Workload], store: Store, listen: events.Listener
    ) -> None:
        self.workloads = {workload.key: workload for workload in workloads}
        self.store, self.listen = store, listen
        self.account = terms.Account()

    def take(self, message: Mapping[str, Any]) -> None:
        """One message."""
        if message["say"] == "cell":
            self._cell(Cell.from_json(message["cell"]))
        elif message["say"] == "failure":
            failure = Failure(**message["failure"])
            self.store.add_failure(failure)
            self.listen(events.WorkloadFailed(self.workloads[failure.workload_key], failure))
        elif message["say"] == "event":
            self.listen(_event(message, self.workloads))
        elif message["say"] == "done":
            self.account.reasons.update(message["reasons"])
            self.account.prepare_s += message["prepare_s"]
            self.account.stopped = message.get("stopped", "")
            self.account.decision = message.get("decision", "")

    def _cell(self, cell: Cell) -> None:
        self.store.add_cell(cell)
        self.account.cells.append(cell)
        self.account.device_s += cell.wall_s
        self.account.work_s += cell.work_s
        self.listen(events.CellFinished(self.workloads[cell.workload_key], cell, None))


def _since(options: terms.Options, began_at: float) -> terms.Options:
    """Options with as much less time as has passed."""
    if options.ends_in_s is None:
        return options
    return replace(options, ends_in_s=max(0.0, options.ends_in_s - (monotonic() - began_at)))


def _travelling(options: terms.Options, wanted: Mapping[str, Workload]) -> dict[str, Any]:
    """Options as JSON. The folder of artifacts is the device's own; failures that are to be
    tried again were marked as such in the store before it was asked what failed."""
    given = vars(replace(options, retry_failed=False)).copy()
    del given["artifacts"]
    expected = {k: v for k, v in options.expected_cell_s.items() if k in wanted}
    return given | {"expected_cell_s": expected}


def _event(message: Mapping[str, Any], workloads: Mapping[str, Workload]) -> events.Event:
    if message["event"] == "waiting":
        return events.Waiting(message["text"])
    workload = workloads[message["workload"]]
    if message["event"] == "preparing":
        return events.Preparing(workload, message["done"], message["total"])
    if message["event"] == "started":
        return events.CellStarted(workload, message["round_index"], message["remaining_s"])
    return events.WorkloadDone(workload, message["why"])


def _check_same(name: str, before: Environment, now: Environment) -> None:
    """A device that reconnects as another environment cannot go on with the same plan."""
    from paretobench.measure.environment import differences

    if before.key != now.key:
        changed = ", ".join(differences(before, now))
        raise ExecutorError(
            f"{name}: it came back with a different {changed}, so what it measures now is of "
            "another environment; run the same command again"
        )


def _kept(account: terms.Account) -> str:
    n = len(account.cells)
    kept = f"{counted(n, 'process', 'processes')} that arrived are stored"
    return f"{kept}, the same command continues" if n else "nothing had arrived"
