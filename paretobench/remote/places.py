"""Where one device's share of a sweep is measured: in this process, or over a session.

A sweep asks a site the same four things wherever it is: which runtimes, which environment,
what they refuse, and to measure into the store.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from paretobench.domain import Device, Workload
from paretobench.domain.records import Environment, Failure
from paretobench.errors import ExecutorError
from paretobench.jobs import FinishedUnit, State
from paretobench.measure import events, harness
from paretobench.measure.lock import DeviceLock
from paretobench.remote import local, ssh
from paretobench.remote.device import DeviceExecutor, latency_unit, runtime
from paretobench.remote.session import Target
from paretobench.store import Store, spool
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.config import DeviceRequest, InventoryDevice

INGEST_EVERY_S = 0.5
"""Pause between two looks into the spool: a killed coordinator leaves files of so long."""

RECONNECTS = 3
"""How often a lost connection is opened again, as long as each brought something new."""


class MeasuringDevice(Protocol):
    """What a sweep needs of the place where a device measures."""

    name: str
    where: str

    def describe(self, request: DeviceRequest) -> tuple[Device, Environment]:
        """The runtimes that a profile comes to there, and the environment."""

    def refusals(self, workloads: Iterable[Workload]) -> Mapping[str, str]:
        """What the runtimes there say against workloads, by key."""

    def measure(
        self,
        workloads: Sequence[Workload],
        store: Store,
        environment: Environment,
        options: harness.Options,
        listen: events.Listener = events.ignore,
        wait: bool = True,
    ) -> harness.Account:
        """Measure into the store; the device stays locked until `close`."""

    def close(self) -> None:
        """Give the device back; again does nothing."""


class LocalDevice:
    """This machine, measured by this process straight into its store."""

    where = "this machine"

    def __init__(self, name: str = "here") -> None:
        self.name = name
        self._lock = DeviceLock()

    def describe(self, request: DeviceRequest) -> tuple[Device, Environment]:
        """See `MeasuringDevice`.

        Raises:
            BackendMissingError: if a runtime is not installed or not for this machine.
        """
        from paretobench.backends.choose import choose_device
        from paretobench.measure.environment import fingerprint

        return choose_device(asdict(request)), fingerprint()

    def refusals(self, workloads: Iterable[Workload]) -> dict[str, str]:
        """See `MeasuringDevice`."""
        from paretobench import backends

        found = {}
        for workload in workloads:
            reason = backends.get(workload.runtime.backend).refuses(workload)
            if reason is not None:
                found[workload.key] = reason
        return found

    def measure(
        self,
        workloads: Sequence[Workload],
        store: Store,
        environment: Environment,
        options: harness.Options,
        listen: events.Listener = events.ignore,
        wait: bool = True,
    ) -> harness.Account:
        """See `MeasuringDevice`.

        Raises:
            LockError: if the device is held and `wait` is false.
        """
        if not self._lock.is_held:
            self._lock.acquire(wait, lambda text: listen(events.Waiting(text)))
        return local.run(
            workloads,
            store=store,
            environment=environment,
            options=options,
            listen=listen,
            lock=self._lock,
        )

    def close(self) -> None:
        """Release the lock."""
        self._lock.release()


class RemoteDevice:
    """A device behind a session: another host, or this one beside others in one sweep."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.name, self.where = target.name, target.where
        self._executor = DeviceExecutor(target, folder)
        self._is_closed = False

    def describe(self, request: DeviceRequest) -> tuple[Device, Environment]:
        """See `MeasuringDevice`.

        Raises:
            ExecutorError: if the device cannot be reached or used, or the profile cannot run.
        """
        profile = {"name": request.name, "encode": request.encode, "prefill": request.prefill}
        environment, found = self._executor.describe(_plain(profile))
        why = "; ".join(part for part in (f"over {self.where}", found["why"]) if part)
        halves = (runtime(found["encode"]), runtime(found["prefill"]))
        return Device(request.name, *halves, why, request.executor), environment

    def refusals(self, workloads: Iterable[Workload]) -> dict[str, str]:
        """See `MeasuringDevice`; a checkpoint's folder is on this machine only."""
        workloads = list(workloads)
        own = {
            workload.key: "a checkpoint's own weights are timed on the machine that has them"
            for workload in workloads
            if workload.checkpoint
        }
        rest = [workload for workload in workloads if workload.key not in own]
        return own | self._executor.refusals(rest)

    def measure(
        self,
        workloads: Sequence[Workload],
        store: Store,
        environment: Environment,
        options: harness.Options,
        listen: events.Listener = events.ignore,
        wait: bool = True,
    ) -> harness.Account:
        """See `MeasuringDevice`; opens a lost connection again while that brings something new.

        Raises:
            ExecutorError: if the device is lost, with what arrived in the store.
        """
        keys = [workload.key for workload in workloads]
        if options.retry_failed:
            store.supersede_failures(environment.key, keys)
        account = harness.Account()
        self._executor.listen = _noting(account, listen)
        for attempt in range(RECONNECTS + 1):
            before = len(account.cells)
            known = store.cells(environment.key, keys), store.failures(environment.key, keys)
            unit = latency_unit(self.name, workloads, options, *known, wait=wait)
            ended = self._run(unit, store)
            if ended.state is State.DONE:
                return _completed(account, ended, store.failures(environment.key, keys))
            is_lost = ended.facts.get("is_lost") and not self._is_closed
            is_worth_it = is_lost and len(account.cells) > before
            if not is_worth_it or attempt == RECONNECTS:
                break
            listen(events.Waiting(f"{ended.reason}; connecting again"))
        raise ExecutorError(f"{ended.reason}; {_kept(account)}")

    def close(self) -> None:
        """End the session."""
        self._is_closed = True
        self._executor.close()
        with contextlib.suppress(OSError):  # the spool is removed once nothing waits in it
            self._executor.folder.rmdir()
            self._executor.folder.parent.rmdir()

    def _run(self, unit: Any, store: Store) -> FinishedUnit:
        """One unit from submission to its end; its files go into the store on the way."""
        (handle,) = self._executor.submit([unit])
        try:
            while not self._executor.poll(handle).is_final:
                time.sleep(INGEST_EVERY_S)
                take_in(store, self._executor.folder)
        except BaseException:
            self._executor.cancel(handle)
            raise
        (ended,) = self._executor.collect()
        take_in(store, self._executor.folder)
        return ended


def take_in(store: Store, folder: Path) -> None:
    """Bring a spool folder's whole files into the store, and remove those that are in it."""
    waiting = spool.pending(folder)
    if waiting:
        spool.ingest(store, waiting, remove=True)


def spool_folder(database: Path, device: str) -> Path:
    """Where the results of a device wait for their coordinator: beside the database."""
    return database.with_name(f"{database.name}.spool") / device


def measuring_device(request: DeviceRequest, database: Path, is_alone: bool) -> MeasuringDevice:
    """Where a device's share of a sweep is measured.

    Args:
        database: the store's file; what arrives from afar waits beside it.
        is_alone: whether it is the sweep's only device. This machine is then measured by this
            process; beside others, or with variables of its own, it gets a session like any
            other device.
    """
    has_variables = request.place is not None and bool(request.place.environment)
    if request.executor == "local" and is_alone and not has_variables:
        return LocalDevice(request.name)
    return RemoteDevice(target(request.name, request.executor, request.place),
                spool_folder(database, request.name))  # fmt: skip


def target(name: str, executor: str, place: InventoryDevice | None) -> Target:
    """How a session with a device is started: on its host, or here with its variables."""
    if executor == "local" or place is None:
        words = [sys.executable, "-m", "paretobench", "measure", "-"]
        environment = {**os.environ, **(place.environment if place else {})}
        return Target(name, "this machine", words, partial(_ended_here, name), environment)
    words = list(ssh.command(
        place.host, place.command, place.environment, place.ssh_options, place.connect_timeout_s
    ))  # fmt: skip
    return Target(
        name,
        f"ssh {place.host}",
        words,
        ssh.explainer(place.host),
        free_bytes=round(place.limits.min_free_gib * 2**30),
        clock_skew_s=place.limits.clock_skew_s,
    )


def _ended_here(name: str, status: int, said: str) -> str:
    last = said.splitlines()[-1] if said else "it said nothing"
    return f"its session ended with status {status} ({last})"


def _noting(account: harness.Account, listen: events.Listener) -> Callable[[events.Event], None]:
    """A listener that counts what arrives before it passes it on."""

    def note(event: events.Event) -> None:
        if isinstance(event, events.CellFinished):
            account.cells.append(event.cell)
            account.device_s += event.cell.wall_s
            account.work_s += event.cell.work_s
        listen(event)

    return note


def _completed(
    account: harness.Account, ended: FinishedUnit, failures: Iterable[Failure]
) -> harness.Account:
    account.reasons.update(ended.facts["reasons"])
    account.prepare_s += ended.facts["prepare_s"]
    account.failures = list(failures)
    return account


def _kept(account: harness.Account) -> str:
    n = len(account.cells)
    kept = f"{counted(n, 'process', 'processes')} that arrived are stored"
    return f"{kept}, the same command continues" if n else "nothing had arrived"


def _plain(profile: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(half) if isinstance(half, Mapping) else half
            for name, half in profile.items()}  # fmt: skip
