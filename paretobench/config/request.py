"""What a user asked for, checked: the points, the devices and the settings of one sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretobench.config.catalogue import yaml_group
from paretobench.config.inventory import InventoryDevice
from paretobench.config.settings import Settings
from paretobench.domain import Encoder, GridPoint, LanguageModel
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.planning.plan import Refusal


@dataclass(frozen=True)
class DeviceRequest:
    """A device as written in `sweeps/device/`; `auto` is decided by the backends.

    `encode` and `prefill` each have `backend`, `precision` and `options`; `place` is the
    machine of the inventory, None for a bare profile. With `choose=measured` probes on the device
    decide what is left open.
    """

    name: str
    encode: Mapping[str, Any]
    prefill: Mapping[str, Any]
    executor: str = "local"
    place: InventoryDevice | None = None
    choose: str = "listed"


@dataclass(frozen=True)
class Request:
    """One sweep, ready to be planned.

    Attributes:
        name: of the sweep, and of its report's folder.
        points: what can be tried, in the grid's order, without duplicates.
        refused: what was asked for and cannot exist, each with its reason.
        devices: every device, in the order asked for; at least one.
        executors: options of `executor/latency`, `executor/accuracy` and `executor/conversion`,
            each with its `name`.
    """

    name: str
    points: tuple[GridPoint, ...]
    refused: tuple[Refusal, ...]
    devices: tuple[DeviceRequest, ...]
    settings: Settings
    executors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def asked_of(
    device: DeviceRequest, points: Iterable[GridPoint], settings: Settings
) -> DeviceRequest:
    """A device that is asked for a runtime for every model of a grid, with every precision that
    they name, and for one that runs the network itself or decodes where settings need it."""
    points = tuple(points)
    encoders = {
        one.name: one
        for point in points
        for one in [part.encoder for part in point.encoder.parts] or [point.encoder]
    }
    llms = {point.llm.name: point.llm for point in points}
    return replace(
        device,
        choose=settings.choose,
        encode={**device.encode, **_of_models(encoders)},
        prefill={
            **device.prefill,
            **_of_models(llms),
            **({"runs_network": True} if settings.weights != "full" else {}),
            **({"decodes": True} if settings.decode else {}),
        },
    )


def _of_models(models: Mapping[str, Encoder] | Mapping[str, LanguageModel]) -> dict[str, Any]:
    """What a half is asked for: each model with its network and precision, all precisions."""
    precisions = sorted({model.precision for model in models.values() if model.precision})
    asked = {
        name: {"spec": model.spec(), "precision": model.precision} for name, model in models.items()
    }
    return {"models": asked, **({"precisions": precisions} if precisions else {})}


def load_devices(user_sweeps: Path | None = None) -> list[DeviceRequest]:
    """Every profile in `sweeps/device/`, read without Hydra; the user's own in place of bundled
    ones.

    Raises:
        ConfigError: if a file is no YAML or not a device.
    """
    return [device_request(data, name) for name, data, _ in yaml_group("device", user_sweeps)]


def device_request(data: Mapping[str, Any], name: str) -> DeviceRequest:
    """A device from its composed node.

    Raises:
        ConfigError: if a half is missing or has a field that does not exist.
    """
    encode, prefill = (_half(data.get(half), f"device {name}: {half}") for half in _HALVES)
    for key in data:
        if key not in (*_HALVES, "name", "executor"):
            raise UnknownNameError(f"field of device {name}", key, (*_HALVES, "name", "executor"))
    executor = str(data.get("executor", "local"))
    return DeviceRequest(str(data.get("name", name)), encode, prefill, executor)


def reached(
    device: DeviceRequest, latency: str, place: InventoryDevice | None = None
) -> DeviceRequest:
    """A device with the machine it is on, reached the way that `executor/latency` names.

    Raises:
        ConfigError: if it is to be reached over ssh and has no host.
    """
    if place is not None:
        device = replace(device, name=place.name, executor=place.executor, place=place)
    if latency == "local":
        return replace(device, executor="local")
    if latency == "ssh" and device.executor != "ssh":
        raise ConfigError(
            f"executor/latency=ssh needs a host, and device={device.name} has none;\n"
            "give it one in devices.yaml: {host: user@machine}"
        )
    return device


_HALVES = ("encode", "prefill")


def _half(data: Any, what: str) -> dict[str, Any]:
    allowed = ("backend", "precision", "options")
    if not isinstance(data, Mapping):
        raise ConfigError(f"{what} must be {{backend: NAME, precision: auto}}, not {data!r}")
    for key in data:
        if key not in allowed:
            raise UnknownNameError(f"field of {what}", key, allowed)
    return {"backend": "auto", "precision": "auto", "options": {}, **data}
