"""The device inventory: which machines there are, how they are reached, what they allow.

A YAML file of the user's, `devices.yaml` here or in `~/.config/paretobench/`, or any file named
by `inventory=FILE`:

    macbook:
      host: anna@macbook.local      # as ssh takes it
      kind: MacBook Pro M1 Max      # for people
      profile: apple                # of sweeps/device/; auto where not given
      command: ~/pb/bin/paretobench # where it is not on the path
      environment: {OMP_NUM_THREADS: 8}
      limits: {memory_gib: 24, min_free_gib: 5, cell_timeout_s: 600, clock_skew_s: 60}

The names can then be used as `device=macbook`. Read without Hydra, so that `doctor` is quick.

What runs commands (most options of ssh, a command with arguments, variables such as LD_PRELOAD) is
taken from the user's own configuration folder alone: a `devices.yaml` in the folder of a sweep may
have come with another person's files. See `inventory_trust`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretobench.config import checking
from paretobench.config.catalogue import read_yaml
from paretobench.config.inventory_trust import refuse_commands
from paretobench.errors import ConfigError, UnknownNameError

FILE = "devices.yaml"


@dataclass(frozen=True)
class Limits:
    """What a device allows, and what it must have.

    Attributes:
        memory_gib: workloads that need more are refused in the plan; None for all there is.
        cell_timeout_s: one process may take this long; None for the sweep's own limit.
        min_free_gib: free disk without which nothing is started.
        clock_skew_s: how far its clock may be from this one's.
    """

    memory_gib: float | None = None
    cell_timeout_s: float | None = None
    min_free_gib: float = 1.0
    clock_skew_s: float = 60.0


@dataclass(frozen=True)
class InventoryDevice:
    """A machine of the inventory.

    Attributes:
        host: as ssh takes it; empty for this machine.
        kind: what it is, as the user describes it.
        profile: the file in `sweeps/device/` that says what encodes and what prefills.
        command: paretobench there.
        environment: variables that its processes get.
        ssh_options: further arguments of ssh.
        connect_timeout_s: after which it counts as unreachable; whole seconds.
    """

    name: str
    host: str = ""
    kind: str = ""
    profile: str = "auto"
    command: str = "paretobench"
    environment: Mapping[str, str] = field(default_factory=dict)
    ssh_options: tuple[str, ...] = ()
    connect_timeout_s: int = 10
    limits: Limits = field(default_factory=Limits)

    @property
    def executor(self) -> str:
        """How it is reached: `ssh`, or `local` without a host."""
        return "ssh" if self.host else "local"


def inventory_file(chosen: str = "") -> Path | None:
    """The inventory to read: the chosen one, else the first default there is; else None.

    Raises:
        ConfigError: if a chosen file does not exist.
    """
    if chosen:
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise ConfigError(f"there is no inventory at {chosen}; inventory=FILE names one")
        return path
    return next((p for p in (Path(FILE), own_inventory_file()) if p.is_file()), None)


def own_inventory_file() -> Path:
    """The inventory in the user's configuration folder, whether it exists or not."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "paretobench" / FILE


def load_inventory(chosen: str = "", profiles: Iterable[str] = ()) -> dict[str, InventoryDevice]:
    """The machines of the inventory by name; none without a file.

    Args:
        chosen: a file; empty for the default places.
        profiles: names in `sweeps/device/`; None of the machines may be called so, and each
            machine's profile must be one of them. Not checked if empty.

    Raises:
        ConfigError: naming the file, the machine and the field that is wrong.
    """
    path = inventory_file(chosen)
    if path is None:
        return {}
    known = set(profiles)
    is_own = path.resolve() == own_inventory_file().resolve()
    places = {}
    for name, data in read_yaml(path).items():
        at = f"{path}: {name}"
        place = _place(str(name), data, at)
        if not is_own:
            refuse_commands(place.command, place.ssh_options, place.environment, at)
        if known and place.name in known:
            raise ConfigError(f"{at}: a device profile has that name; call the machine otherwise")
        if known and place.profile not in known:
            raise UnknownNameError(f"profile of {at}", place.profile, known)
        places[place.name] = place
    return places


def _place(name: str, data: Any, at: str) -> InventoryDevice:
    values = _fields(InventoryDevice, data, at, without="name")
    if "limits" in values:
        values["limits"] = Limits(**_fields(Limits, values["limits"], f"{at}: limits"))
    if isinstance(values.get("environment"), Mapping):
        values["environment"] = {str(k): str(v) for k, v in values["environment"].items()}
    place = InventoryDevice(name, **{**values, "ssh_options": tuple(values.get("ssh_options", ()))})
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ConfigError(f"{at}: a machine's name has letters, digits, '.', '_' and '-' only")
    if place.host.startswith("-") or any(c.isspace() for c in place.host):
        raise ConfigError(f"{at}: host {place.host!r} is nothing that ssh takes")
    return place


_ABOVE_ZERO = ("connect_timeout_s", "memory_gib", "cell_timeout_s")
_NOT_NEGATIVE = ("min_free_gib", "clock_skew_s")


def _fields(kind: type[Any], data: Any, at: str, without: str = "") -> dict[str, Any]:
    """Data as fields of `kind`, each known and of its type."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{at} must hold `name: value` lines such as host: me@there")
    known = {k: v for k, v in checking.field_annotations(kind).items() if k != without}
    for name, value in data.items():
        if name not in known:
            raise UnknownNameError(f"field of {at}", str(name), known)
        if wanted := checking.wanted(value, known[name]):
            raise ConfigError(f"{at}: {name} must be {wanted}, not {value!r}")
        if name in _ABOVE_ZERO and value is not None and not value > 0:
            raise ConfigError(f"{at}: {name} must be above 0, not {value!r}")
        if name in _NOT_NEGATIVE and not value >= 0:
            raise ConfigError(f"{at}: {name} must be 0 or more, not {value!r}")
    return dict(data)
