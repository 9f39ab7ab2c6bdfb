"""The inventory, machine by machine from end to end: what a sweep would find on each.

Reaches every machine at the same time, asks what a sweep asks before it starts, and measures
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from paretobench.errors import ParetobenchError
from paretobench.remote.device import RemoteDevice
from paretobench.remote.places import target

if TYPE_CHECKING:
    from paretobench.config import DeviceRequest, InventoryDevice


@dataclass(frozen=True)
class DeviceCheck:
    """What one machine answered.

    Attributes:
        problem: why it cannot take part in a sweep, with what to do; empty if it can.
        version: of paretobench there; this and the rest are empty where it was not reached.
        environment: the fingerprint's key.
        label: its chip and system.
        runtimes: what its profile comes to there.
        free_bytes: of the folder with the least.
        clock_skew_s: its clock minus this one's.
        round_trip_s: of the first answer, the start of Python there included.
    """

    name: str
    kind: str
    where: str
    problem: str = ""
    version: str = ""
    environment: str = ""
    label: str = ""
    runtimes: str = ""
    free_bytes: int | None = None
    clock_skew_s: float | None = None
    round_trip_s: float | None = None
    observed: Mapping[str, Any] = field(default_factory=dict)


def inspect(
    places: Mapping[str, InventoryDevice], profiles: Mapping[str, DeviceRequest]
) -> Sequence[DeviceCheck]:
    """Ask every machine of an inventory; in its order, whatever the answers.

    Args:
        profiles: device profiles by the name of their file.
    """
    if not places:
        return []
    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(lambda p: _one(p, profiles.get(p.profile)), places.values()))


def _one(place: InventoryDevice, profile: DeviceRequest | None) -> DeviceCheck:
    goal = target(place.name, place.executor, place)
    known: dict[str, Any] = {"name": place.name, "kind": place.kind, "where": goal.where}
    device = RemoteDevice(goal)
    try:
        hello = device.connect()
        known |= {
            "version": hello.version,
            "clock_skew_s": round(hello.clock_skew_s, 1),
            "round_trip_s": round(hello.round_trip_s, 1),
            "free_bytes": min((b for b in hello.disk_free.values() if b is not None), default=None),
        }
        environment, _ = device.profile()
        known |= {
            "environment": environment.key,
            "label": environment.label,
            "observed": dict(environment.observed),
        }
        if profile is not None:
            halves = ("encode", "prefill")
            _, chosen = device.profile({name: asdict(profile)[name] for name in ("name", *halves)})
            known["runtimes"] = ", ".join(_half(half, chosen[half]) for half in halves)
    except ParetobenchError as error:
        return DeviceCheck(**known, problem=str(error))
    finally:
        device.close()
    return DeviceCheck(**known)


def _half(half: str, spec: Mapping[str, Any]) -> str:
    return f"{half} {spec['backend']} {spec['precision']}"
