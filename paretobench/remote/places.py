"""Where one device's share of a sweep is measured: in this process, or over a session.

A sweep asks a site the same four things wherever it is: which runtimes, which environment,
what they refuse, and to measure into the store.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Protocol

from paretobench.domain import Device, Workload
from paretobench.domain.records import Environment
from paretobench.measure import events, harness, terms
from paretobench.measure.lock import DeviceLock
from paretobench.remote import ssh
from paretobench.remote.device import RemoteDevice
from paretobench.remote.session import Target
from paretobench.store import Store

if TYPE_CHECKING:
    from paretobench.config import DeviceRequest, InventoryDevice
    from paretobench.measure.runtime_timing import Permission


class MeasuringDevice(Protocol):
    """What a sweep needs of the place where a device measures."""

    name: str
    where: str

    def describe(
        self, request: DeviceRequest, permission: Permission | None = None
    ) -> tuple[Device, Environment]:
        """The runtimes that a profile comes to there, and the environment; with permission what
        has not been timed there is timed first."""

    def refusals(self, workloads: Iterable[Workload]) -> Mapping[str, str]:
        """What the runtimes there say against workloads, by key."""

    def measure(
        self,
        workloads: Sequence[Workload],
        store: Store,
        environment: Environment,
        options: terms.Options,
        listen: events.Listener = events.ignore,
        wait: bool = True,
    ) -> terms.Account:
        """Measure into the store; the device stays locked until `close`."""

    def close(self) -> None:
        """Give the device back; again does nothing."""


class LocalDevice:
    """This machine, measured by this process straight into its store."""

    where = "this machine"

    def __init__(self, name: str = "here") -> None:
        self.name = name
        self._lock = DeviceLock()

    def describe(
        self, request: DeviceRequest, permission: Permission | None = None
    ) -> tuple[Device, Environment]:
        """See `MeasuringDevice`.

        Raises:
            BackendMissingError: if a runtime is not installed or not for this machine.
            LockError: if runtimes are to be timed and the device is held.
        """
        from paretobench.measure.environment import fingerprint
        from paretobench.measure.runtime_timing import decide

        return decide(asdict(request), fingerprint(), self._lock, permission)

    def refusals(self, workloads: Iterable[Workload]) -> dict[str, str]:
        """See `MeasuringDevice`."""
        from paretobench import backends

        return backends.refusals(workloads)

    def measure(
        self,
        workloads: Sequence[Workload],
        store: Store,
        environment: Environment,
        options: terms.Options,
        listen: events.Listener = events.ignore,
        wait: bool = True,
    ) -> terms.Account:
        """See `MeasuringDevice`.

        Raises:
            LockError: if the device is held and `wait` is false.
        """
        self._lock.acquire(wait, lambda text: listen(events.Waiting(text)))
        return harness.run(
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


def measuring_device(request: DeviceRequest, is_alone: bool) -> MeasuringDevice:
    """Where a device's share of a sweep is measured.

    Args:
        is_alone: whether it is the sweep's only device. This machine is then measured by this
            process; beside others, or with variables of its own, it gets a session like any
            other device.
    """
    has_variables = request.place is not None and bool(request.place.environment)
    if request.executor == "local" and is_alone and not has_variables:
        return LocalDevice(request.name)
    return RemoteDevice(target(request.name, request.executor, request.place))


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
        partial(ssh.explain, place.host),
        free_bytes=round(place.limits.min_free_gib * 2**30),
        clock_skew_s=place.limits.clock_skew_s,
    )


def _ended_here(name: str, status: int, said: str) -> str:
    last = said.splitlines()[-1] if said else "it said nothing"
    return f"its session ended with status {status} ({last})"
