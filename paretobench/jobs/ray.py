"""Accuracy and conversion units on a Ray cluster: one named, detached actor for each unit.

A Ray task dies with the program that submitted it, and a resource that no node has is waited for
without a word. So a unit is an actor that outlives its coordinator, is found again by its name
(which also keeps it from being submitted twice), and leaves when its worker has ended, which
frees what it held; and demands are compared with what the nodes offer before anything is
submitted. A custom resource of which a node has one, such as `{h200_slot: 1}`, makes a device
exclusive.

References: https://docs.ray.io/en/latest/ray-core/actors/named-actors.html and
https://docs.ray.io/en/latest/ray-core/scheduling/resources.html
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paretobench.errors import ExecutorError
from paretobench.installation import install_command, not_installed
from paretobench.jobs import State
from paretobench.jobs.command import UnitCommand
from paretobench.jobs.shared_folder import JobProgress

NAMESPACE = "paretobench"
"""Actors' names are looked up in it, by whichever program connects."""

CONNECT_TIMEOUT_S = 10.0
"""A cluster on another site answers a connection in well under a second."""


@dataclass(frozen=True)
class RayResources:
    """What each unit holds while it runs: `resources` are Ray's custom ones."""

    cpus: float = 1.0
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)

    def as_ray_counts(self) -> dict[str, float]:
        """By Ray's own names of resources, without zeros.

        >>> RayResources(2, 0, {'slot': 1}).as_ray_counts()
        {'CPU': 2, 'slot': 1}
        """
        counts = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        return {name: count for name, count in counts.items() if count}


class WorkerActor:
    """The actor: starts the unit's worker, waits for it beside the actor's loop, and leaves."""

    def __init__(self, command: UnitCommand) -> None:
        import ray

        self._command = command
        self._me = ray.get_runtime_context().current_actor
        threading.Thread(target=self._carry, name="unit", daemon=True).start()

    def _carry(self) -> None:
        with contextlib.suppress(RuntimeError):  # written down in the unit's folder
            self._command()
        self._me.leave.remote()

    def leave(self) -> None:
        """End this actor, which frees what it held."""
        import ray

        ray.actor.exit_actor()


class RayEngine:
    """Named actors of a Ray cluster; see `shared_folder.Engine`.

    Args:
        address: of the cluster, as for `ray.init`; `auto` finds the one this machine is part of.
        demands: of each unit.
    """

    at_once: int | None = None
    most_at_once: int | None = None
    is_here = False
    settle_s = 5.0

    def __init__(self, address: str, demands: RayResources) -> None:
        self._address, self.demands = address, demands
        self.gpus = demands.gpus
        self.name = f"ray {address}"

    def check(self) -> None:
        """Raises ExecutorError if no cluster answers or no node of it offers the demands."""
        refuse_unknown_resources(self.demands.as_ray_counts(), self.offers())

    def offers(self) -> dict[str, Mapping[str, float]]:
        """What each living node has, by resource.

        Raises:
            ExecutorError: if no cluster answers.
        """
        nodes = self._connected().nodes()
        return {node["NodeName"]: node["Resources"] for node in nodes if node["Alive"]}

    def start(self, batch: str, commands: Sequence[UnitCommand]) -> list[str]:
        """One actor per command, named by the batch and the position in it."""
        ray, demands = self._connected(), self.demands
        names = [f"{batch}-{index}" for index in range(len(commands))]
        for name, command in zip(names, commands, strict=True):
            ray.remote(WorkerActor).options(
                name=name, namespace=NAMESPACE, lifetime="detached", max_restarts=0,
                num_cpus=demands.cpus, num_gpus=demands.gpus, resources=dict(demands.resources),
            ).remote(command)  # fmt: skip
        return names

    def find(self, batch: str) -> dict[int, str]:
        """Actors of a batch that are waiting or alive."""
        names = self._living()
        return {int(n.rpartition("-")[2]): n for n in names if n.startswith(f"{batch}-")}

    def progress_of(self, jobs: Sequence[str]) -> dict[str, JobProgress]:
        """Those that Ray knows; the worker's lock shows whether one waits or works."""
        known = self._living()
        return {job: JobProgress(State.QUEUED) for job in jobs if job in known}

    def _living(self) -> set[str]:
        """The names of our actors that are waiting or alive."""
        found = self._connected().util.list_named_actors(all_namespaces=True)
        return {one["name"] for one in found if one["namespace"] == NAMESPACE}

    def cancel(self, job: str) -> None:
        """Kill the actor; its worker ends with it."""
        ray = self._connected()
        with contextlib.suppress(ValueError):
            ray.kill(ray.get_actor(job, namespace=NAMESPACE))

    def _connected(self) -> Any:
        try:
            import ray
        except ImportError as error:
            raise ExecutorError(
                f"{not_installed('ray')}; {install_command('ray')}, the version of the cluster"
            ) from error
        if not ray.is_initialized():
            refuse_silence(self._address)
            try:
                ray.init(address=self._address, namespace=NAMESPACE, log_to_driver=False,
                         logging_level="ERROR")  # fmt: skip
            except Exception as error:  # ConnectionError, ValueError, RuntimeError by version
                reason = next(iter(str(error).splitlines()), type(error).__name__)
                raise _silent(self._address, reason) from error
        return ray


def refuse_silence(address: str) -> None:
    """Refuse an address `host:port` where no process listens.

    Ray's own client ends the whole process when it cannot connect, and a sweep with it.

    Raises:
        ExecutorError: if no process listens there.
    """
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise _silent(address, error.strerror or str(error)) from error


def _silent(address: str, reason: str) -> ExecutorError:
    return ExecutorError(
        f"no Ray cluster answers at {address!r}: {reason}\n"
        f"start one with `ray start --head --resources=...`, or name its address"
    )


def refuse_unknown_resources(
    demanded: Mapping[str, float], offered: Mapping[str, Mapping[str, float]]
) -> None:
    """Refuse demands that no single node can meet, which Ray would wait for without end.

    Args:
        demanded: count by resource.
        offered: by node, its whole count by resource.

    Raises:
        ExecutorError: naming what is missing and what there is.
    """
    if any(
        all(node.get(name, 0) >= count for name, count in demanded.items())
        for node in offered.values()
    ):
        return
    shown = [
        f"{node}: {listed({k: v for k, v in counts.items() if _is_for_people(k)})}"
        for node, counts in offered.items()
    ]
    raise ExecutorError(
        f"no node of the Ray cluster offers {listed(demanded)}; Ray would wait for it without "
        f"end.\nThe nodes offer {'; '.join(shown) or 'nothing'}"
    )


def listed(counts: Mapping[str, float]) -> str:
    """Counts by resource, for people.

    >>> listed({'slot': 1, 'CPU': 2.0})
    'CPU 2, slot 1'
    """
    return ", ".join(f"{name} {count:g}" for name, count in sorted(counts.items())) or "nothing"


def _is_for_people(resource: str) -> bool:
    """Ray adds a resource for each node and its memory in bytes."""
    return not resource.startswith("node:") and "memory" not in resource
