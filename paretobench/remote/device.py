"""Latency units on one device, one after the other over one measuring session.

A unit's payload is a device's workloads with the cells that are known for them, and how to
measure. Each cell is written to the spool folder as it arrives, so that neither a lost
connection nor a killed coordinator costs more than the process in flight.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from paretobench.domain import Runtime, Workload
from paretobench.domain.records import Cell, Environment, Failure
from paretobench.errors import ExecutorError, ParetobenchError
from paretobench.jobs import FinishedUnit, Handle, State, Unit
from paretobench.measure import events, harness
from paretobench.remote.session import Connection, Hello, LostError, Target
from paretobench.store import spool
from paretobench.store.rows import failure_to_json


def latency_unit(
    name: str,
    workloads: Sequence[Workload],
    options: harness.Options,
    cells: Iterable[Cell],
    failures: Iterable[Failure],
    wait: bool = True,
) -> Unit:
    """A unit that measures workloads on the device `name`.

    Args:
        options: how; its folder of artifacts is the device's own affair and does not travel.
        cells, failures: what is known of these workloads in the device's environment.
        wait: for the device's lock.
    """
    wanted = {workload.key for workload in workloads}
    given = {**vars(options), "expected_cell_s": dict(options.expected_cell_s)}
    del given["artifacts"]
    given["expected_cell_s"] = {k: v for k, v in given["expected_cell_s"].items() if k in wanted}
    payload = {
        "workloads": [workload.to_json() for workload in workloads],
        "options": given,
        "cells": [cell.to_json() for cell in cells],
        "failures": [failure_to_json(failure) for failure in failures],
        "wait": wait,
    }
    return Unit("latency", f"{len(workloads)} workloads on {name}", payload)


class DeviceExecutor:
    """An `Executor` of latency units on one device.

    Args:
        target: how a session is started there.
        folder: of the spool; whole files appear in it while a unit runs.
        listen: called with the harness's events, from a thread of its own.
    """

    def __init__(
        self, target: Target, folder: Path, listen: events.Listener = events.ignore
    ) -> None:
        self.target, self.folder, self.listen = target, folder, listen
        self.environment: Environment | None = None
        self._connection: Connection | None = None
        self._states: dict[str, State] = {}
        self._waiting: queue.Queue[Handle] = queue.Queue()
        self._ended: queue.Queue[FinishedUnit] = queue.Queue()
        self._under_way = 0

    @property
    def name(self) -> str:
        """How the device is reached."""
        return self.target.where

    def connect(self) -> Hello:
        """Open the session and hold the device against its limits; again does nothing new.

        Raises:
            ExecutorError: if it cannot be reached, is of another version, its disk is full or
                its clock is wrong.
        """
        connection = Connection(self.target)
        try:
            hello = connection.open()
            connection.check(hello)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return hello

    def describe(
        self, device: Mapping[str, Any] | None = None
    ) -> tuple[Environment, Mapping[str, Any]]:
        """The device's environment, and what a profile comes to there.

        Args:
            device: a profile's `name`, `encode`, `prefill`; None asks for the environment only.

        Raises:
            ExecutorError: if the profile cannot run there, or the connection is lost.
        """
        (answer,) = self._session().ask("describe", device=device)
        self.environment = Environment(**answer["environment"])
        return self.environment, answer["device"]

    def refusals(self, workloads: Iterable[Workload]) -> dict[str, str]:
        """What the device's runtimes say against workloads, by key."""
        sent = [workload.to_json() for workload in workloads]
        (answer,) = self._session().ask("refusals", workloads=sent)
        return dict(answer["reasons"])

    def submit(self, units: Sequence[Unit]) -> Sequence[Handle]:
        """Queue units; a thread carries them out one after the other.

        Raises:
            ExecutorError: for a unit that is no latency.
        """
        for unit in units:
            if unit.kind != "latency":
                raise ExecutorError(f"{self.name} measures latency; {unit.label} is {unit.kind}")
        handles = [Handle(unit, f"session {self.target.name}", self.name) for unit in units]
        for handle in handles:
            self._states[handle.unit.key] = State.QUEUED
            self._waiting.put(handle)
        self._under_way += len(handles)
        threading.Thread(target=self._work, daemon=True, name=self.target.name).start()
        return handles

    def poll(self, handle: Handle) -> State:
        """How a unit stands."""
        return self._states[handle.unit.key]

    def collect(self) -> Iterator[FinishedUnit]:
        """Each unit as it ends."""
        while self._under_way:
            ended = self._ended.get()
            self._under_way -= 1
            yield ended

    def cancel(self, handle: Handle) -> None:
        """Take a unit out of the queue, or end its session and what is timed in it."""
        state = self._states[handle.unit.key]
        if state.is_final:
            return
        self._states[handle.unit.key] = State.CANCELLED
        if state is State.RUNNING:
            self.close()

    def close(self) -> None:
        """End the session; nothing stays behind on the device."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _session(self) -> Connection:
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        return self._connection

    def _work(self) -> None:
        while True:
            try:
                handle = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._ended.put(self._carry_out(handle))

    def _carry_out(self, handle: Handle) -> FinishedUnit:
        key, started = handle.unit.key, time.monotonic()
        if self._states[key] is State.CANCELLED:
            return FinishedUnit(handle, State.CANCELLED, reason="cancelled before it began")
        self._states[key] = State.RUNNING
        facts: dict[str, Any] = {}
        state, reason = State.DONE, ""
        files: list[Path] = []
        try:
            facts.update(self._measure(handle.unit, files))
        except ParetobenchError as error:
            state, reason = State.FAILED, str(error)
            facts["is_lost"] = isinstance(error, LostError)
            self.close()
        except Exception as error:  # a message that cannot be understood
            state, reason = State.FAILED, f"{self.target.name}: {type(error).__name__}: {error}"
            self.close()
        if self._states[key] is State.CANCELLED:
            state, reason = State.CANCELLED, "cancelled"
        self._states[key] = state
        return FinishedUnit(handle, state, tuple(files), reason, time.monotonic() - started, facts)

    def _measure(self, unit: Unit, files: list[Path]) -> Mapping[str, Any]:
        """Ask for the unit and spool what comes; returns the device's own account."""
        if self.environment is None or self._connection is None:
            before, (now, _) = self.environment, self.describe()
            _check_same(self.target.name, before, now)
        workloads = {
            workload.key: workload
            for workload in map(Workload.from_json, unit.payload["workloads"])
        }
        account: Mapping[str, Any] = {}
        for message in self._session().ask("measure", **unit.payload):
            if message["say"] == "done":
                account = {name: value for name, value in message.items() if name != "say"}
            else:
                self._take(message, workloads, files)
        return account

    def _take(
        self, message: Mapping[str, Any], workloads: Mapping[str, Workload], files: list[Path]
    ) -> None:
        """One message of a measurement: spooled, and told to whoever listens."""
        assert self.environment is not None
        if message["say"] == "cell":
            cell = Cell.from_json(message["cell"])
            workload = workloads[cell.workload_key]
            result = spool.Result((workload,), (self.environment,), cells=(cell,))
            files.append(spool.write(self.folder, result))
            self.listen(events.CellFinished(workload, cell, None))
        elif message["say"] == "failure":
            failure = Failure(**message["failure"])
            workload = workloads[failure.workload_key]
            result = spool.Result((workload,), (self.environment,), failures=(failure,))
            files.append(spool.write(self.folder, result))
            self.listen(events.WorkloadFailed(workload, failure))
        elif message["say"] == "event":
            self.listen(_event(message, workloads))


def runtime(spec: Mapping[str, Any]) -> Runtime:
    """A runtime from its JSON."""
    return Runtime(spec["backend"], spec["precision"], dict(spec.get("options") or {}))


def _event(message: Mapping[str, Any], workloads: Mapping[str, Workload]) -> events.Event:
    if message["event"] == "waiting":
        return events.Waiting(message["text"])
    workload = workloads[message["workload"]]
    if message["event"] == "preparing":
        return events.Preparing(workload, message["done"], message["total"])
    if message["event"] == "started":
        return events.CellStarted(workload, message["round_index"], message["remaining_s"])
    return events.WorkloadDone(workload, message["why"])


def _check_same(name: str, before: Environment | None, now: Environment) -> None:
    """A device that comes back as another environment cannot go on with the same plan."""
    from paretobench.measure.environment import differences

    if before is not None and before.key != now.key:
        changed = ", ".join(differences(before, now))
        raise ExecutorError(
            f"{name}: it came back with a different {changed}, so what it measures now is of "
            "another environment; run the same command again"
        )
