"""What a user asked for, checked: the points, the device and the settings of one sweep."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from paretobench.config import checking
from paretobench.config.inventory import InventoryDevice
from paretobench.domain import Encoder, GridPoint, LanguageModel
from paretobench.domain.records import Fidelity
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.planning.plan import Refusal

CHOICES: dict[str, tuple[str, ...]] = {
    "fidelity": ("quick", "standard", "rigorous"),
    "protocol": ("paper", "full"),
    "weights": ("full", "shared", "checkpoint"),
    "choose": ("measured", "listed"),
}
"""Settings that are one of a few words."""


@dataclass(frozen=True)
class Settings:
    """The settings in the root of `sweeps/config.yaml`, which says what each one means."""

    name: str = "sweep"
    database: str = "results/paretobench.db"
    reports: str = "reports"
    fidelity: Fidelity = "standard"
    precision_goal: float = 0.01
    seed: int = 0
    dry_run: bool = False
    retry_failed: bool = False
    protocol: str = "paper"
    decode: bool = False
    weights: str = "full"
    recipe: str = "all"
    check: str | int = "front"
    accuracy: str = "published"
    checkpoints: str = "checkpoints.yaml"
    mix_protocols: bool = False
    cell_timeout_s: float = 1800.0
    wait: bool = True
    horizon: str = "60s"
    choose: str = "measured"
    inventory: str = ""

    @property
    def horizon_s(self) -> float:
        """Seconds to the first token beyond which a point is not measured."""
        return seconds("horizon", self.horizon)


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
        overrides: the user's own words, for the report's footer.
        executors: options of `executor/latency`, `executor/accuracy` and `executor/conversion`,
            each with its `name`.
    """

    name: str
    points: tuple[GridPoint, ...]
    refused: tuple[Refusal, ...]
    devices: tuple[DeviceRequest, ...]
    settings: Settings
    overrides: tuple[str, ...] = ()
    executors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def seconds(name: str, text: str) -> float:
    """A duration as typed, such as `60s`, `2min` or `none` for no end.

    Raises:
        ConfigError: if it is none.

    >>> seconds("horizon", "2min"), seconds("horizon", "none")
    (120.0, inf)
    """
    if text == "none":
        return math.inf
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text)
    if match is None or float(match[1]) == 0:
        raise ConfigError(f"{name}={text} must be a duration such as 60s or 2min, or none")
    return float(match[1]) * _UNITS[match[2]]


def asked_of(
    device: DeviceRequest, points: Iterable[GridPoint], settings: Settings
) -> DeviceRequest:
    """A device that is asked for a runtime for every model of a grid, with every precision that
    they name, and for one that runs the network itself where settings need it."""
    points = tuple(points)
    whole = settings.weights != "full" or settings.decode
    encoders = {one.name: one for point in points for one in _single(point.encoder)}
    llms = {point.llm.name: point.llm for point in points}
    return replace(
        device,
        choose=settings.choose,
        encode={**device.encode, **_of_models(encoders)},
        prefill={
            **device.prefill,
            **_of_models(llms),
            **({"runs_network": True} if whole else {}),
        },
    )


def _single(encoder: Encoder) -> tuple[Encoder, ...]:
    """The encoders of a system of several, or the encoder itself."""
    return tuple(part.encoder for part in encoder.parts) or (encoder,)


def _of_models(models: Mapping[str, Encoder] | Mapping[str, LanguageModel]) -> dict[str, Any]:
    """What a half is asked for: each model with its network and precision, all precisions."""
    precisions = sorted({model.precision for model in models.values() if model.precision})
    asked = {
        name: {"spec": model.spec(), "precision": model.precision} for name, model in models.items()
    }
    return {"models": asked, **({"precisions": precisions} if precisions else {})}


def settings(data: Mapping[str, Any]) -> Settings:
    """Settings from the root of a composed configuration.

    Raises:
        ConfigError: for an unknown setting, a wrong type or a value out of range.
    """
    known = checking.field_annotations(Settings)
    for name, value in data.items():
        if name not in known:
            raise UnknownNameError("setting", name, known)
        if wanted := checking.wanted(value, known[name]):
            raise ConfigError(f"{name}={value} must be {wanted}")
        if name in CHOICES and value not in CHOICES[name]:
            raise UnknownNameError(name, str(value), CHOICES[name])
    numbers = {name: float(value) for name, value in data.items() if known[name] == "float"}
    found = Settings(**{**data, **numbers})
    if found.precision_goal <= 0:
        raise ConfigError(f"precision_goal={found.precision_goal} must be above 0, such as 0.01")
    if found.cell_timeout_s <= 0:
        raise ConfigError(f"cell_timeout_s={found.cell_timeout_s} must be above 0 seconds")
    seconds("horizon", found.horizon)
    if found.check != "front" and (isinstance(found.check, str) or found.check < 0):
        raise ConfigError(
            f"check={found.check!r} must be 'front' or a number of points, 0 for none"
        )
    return found


def device_request(data: Mapping[str, Any], name: str) -> DeviceRequest:
    """A device from its composed node.

    Raises:
        ConfigError: if a half is missing or has a field that does not exist.
    """
    halves = {half: _half(data.get(half), f"device {name}: {half}") for half in _HALVES}
    for key in data:
        if key not in (*_HALVES, "name", "executor"):
            raise UnknownNameError(f"field of device {name}", key, (*_HALVES, "name", "executor"))
    return DeviceRequest(
        str(data.get("name", name)),
        halves["encode"],
        halves["prefill"],
        str(data.get("executor", "local")),
    )


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
