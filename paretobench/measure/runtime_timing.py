"""Which runtime is fastest here: probes timed once in an environment, and kept in the cache.

`backends.probes` says what is timed, `backends.choose` what follows from it. A plan only looks
things up; a sweep times what is missing first, under the device's lock. What other programs
disturbed is not kept: the list of `choose` decides until a later sweep finds the machine quiet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paretobench.backends import choose, probes
from paretobench.backends.probes import Timings
from paretobench.domain import Device, Workload
from paretobench.domain.records import Environment
from paretobench.durable import keep_json
from paretobench.measure import probe
from paretobench.measure.lock import DeviceLock
from paretobench.measure.process import Children
from paretobench.resources import cache_folder
from paretobench.units import counted

PROBE_MODULE = "paretobench.measure.probe"

TIMEOUT_S = 300.0
"""For all probes of one backend; they take 5 to 15 s."""


@dataclass(frozen=True)
class Permission:
    """Leave to time runtimes before a plan is made.

    Attributes:
        announce: takes lines about what is timed.
        wait: whether to wait for another sweep that holds the device.
    """

    announce: Callable[[str], None]
    wait: bool = True


def decide(
    request: Mapping[str, Any],
    environment: Environment,
    lock: DeviceLock,
    permission: Permission | None,
    children: Children | None = None,
) -> tuple[Device, Environment]:
    """The runtimes that a request comes to here, and the environment with the probes it rests on.

    Args:
        request: as for `choose.choose_device`, with `choose`.
        lock: of the device; held from the first probe on.
        permission: None only looks up what is known.

    Raises:
        BackendMissingError: if a runtime is not installed or not for this machine.
        LockError: if the device is held and waiting is not permitted.
    """
    if request.get("choose", "listed") != "measured":
        return choose.choose_device(request), environment
    wanted = choose.wanted_probes(request)
    timings = Timings(_where(environment), known(environment.key))
    missing = [one for one in wanted if one.key not in timings.seconds]
    if missing and permission is not None:
        lock.acquire(permission.wait, permission.announce)
        children = children or Children()
        children.keep_fds = (lock.fd,)
        time_probes(missing, environment.key, children, permission.announce)
        timings = replace(timings, seconds=known(environment.key))
    device = choose.choose_device(request, timings=timings)
    if any(one.key not in timings.seconds for one in wanted):
        device = replace(device, why=f"{device.why} (not timed here yet: a sweep does)")
    return device, _with_probes(environment, wanted, timings)


def known(environment_key: str) -> dict[str, float | None]:
    """Seconds of the probes that were timed in an environment, by workload key."""
    try:
        found = json.loads(_file(environment_key).read_text())
        return {str(key): None if s is None else float(s) for key, s in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def time_probes(
    workloads: Sequence[Workload],
    environment_key: str,
    children: Children,
    announce: Callable[[str], None],
) -> None:
    """Time probes, a process for each backend, and keep what was not disturbed."""
    by_backend: dict[str, list[Workload]] = {}
    for one in workloads:
        by_backend.setdefault(one.runtime.backend, []).append(one)
    artifacts, kept = cache_folder(), known(environment_key)
    for backend, batch in by_backend.items():
        announce(f"timing {backend} on {counted(len(batch), 'small network')}, once per machine")

        def orders(result: Path, batch: Sequence[Workload] = batch) -> Mapping[str, Any]:
            return probe.orders(batch, artifacts, result)

        outcome = children.ask(PROBE_MODULE, orders, TIMEOUT_S)
        answers = outcome.answer["probes"] if outcome.answer is not None else {}
        failed = {"median_s": None, "reason": outcome.reason}
        for one in batch:
            answer = answers.get(one.key, failed)
            seconds, reason = answer["median_s"], answer["reason"]
            if reason:
                announce(f"{one.label} on {one.runtime}: {reason}")
            if seconds is None or not reason:
                kept[one.key] = seconds
    keep_json(_file(environment_key), kept)


def _file(environment_key: str) -> Path:
    return cache_folder() / "runtimes" / f"{environment_key}.json"


def _where(environment: Environment) -> str:
    cores = int(environment.identity.get("cores", 1))
    return f"{environment.identity.get('chip', 'this machine')} ({counted(cores, 'core')})"


def _with_probes(
    environment: Environment, wanted: Sequence[Workload], timings: Timings
) -> Environment:
    """The environment with what was timed, for the database."""
    rows = []
    for one in wanted:
        if one.key in timings.seconds:
            seconds = timings.seconds[one.key]
            rate = None if seconds is None else round(probes.gflops(one, seconds), 1)
            rows.append({"probe": probes.rate_key(one), "seconds": seconds, "gflops": rate})
    if not rows:
        return environment
    return replace(environment, observed={**environment.observed, "probes": rows})
