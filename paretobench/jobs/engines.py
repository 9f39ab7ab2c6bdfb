"""From the settings of `executor/accuracy` or `executor/conversion` to an executor.

Both name the same engines with the same settings; what differs is what their units do.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from paretobench.errors import ConfigError, UnknownNameError
from paretobench.jobs import ray, submitit
from paretobench.jobs.shared_folder import SharedFolderExecutor

Role = Literal["accuracy", "conversion"]

FOLDERS: Mapping[Role, Path] = {
    "accuracy": Path("results/accuracy/units"),
    "conversion": Path("results/conversions/units"),
}
"""The shared folder, unless the configuration names another."""

POLL_S = {"submitit": 5.0, "ray": 2.0}
"""Pause between two polls of the engine: `squeue` is a request to a controller that all share."""

_COMMON = ("folder", "python", "poll_s", "wait", "cancel_on_interrupt")


@dataclass(frozen=True)
class Chosen:
    """An executor with how its jobs are waited for.

    Attributes:
        wait: whether collecting waits for all units.
        cancel_on_interrupt: whether Ctrl-C while waiting stops the jobs as well.
    """

    executor: SharedFolderExecutor
    wait: bool = True
    cancel_on_interrupt: bool = False

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """While inside, Ctrl-C stops what is under way, if that is asked for."""
        try:
            yield
        except KeyboardInterrupt:
            if self.cancel_on_interrupt:
                for handle in self.executor.under_way():
                    self.executor.cancel(handle)
            raise


def choose(settings: Mapping[str, Any], role: Role) -> Chosen | None:
    """What `executor/<role>` asks for; None for this process.

    Raises:
        ConfigError: for a name, a setting or a value that does not exist.
    """
    given = dict(settings)
    name = str(given.pop("name", "local"))
    if name == "local":
        return None
    if name not in _ENGINES:
        raise UnknownNameError(f"{role} executor", name, ["local", *_ENGINES])
    common = {key: given.pop(key) for key in _COMMON if key in given}
    root = Path(common.get("folder") or FOLDERS[role]).expanduser().absolute()
    python = str(common.get("python") or sys.executable)
    engine, environment = _ENGINES[name](given, root, python, role)
    poll_s = float(common.get("poll_s") or POLL_S[name])
    return Chosen(
        SharedFolderExecutor(engine, root, python, environment, poll_s),
        bool(common.get("wait", True)),
        bool(common.get("cancel_on_interrupt", False)),
    )


def _submitit(
    given: dict[str, Any], root: Path, python: str, role: Role
) -> tuple[Any, dict[str, str]]:
    cluster, at_once = given.pop("cluster", "slurm"), given.pop("at_once", 1)
    where = f"executor/{role}=submitit"
    demands: submitit.SlurmResources = _made(
        submitit.SlurmResources, given, where, ("cluster", "at_once")
    )
    if cluster == "slurm":
        return submitit.SlurmEngine(root / "submitit", demands, python), {}
    if cluster != "local":
        raise UnknownNameError(f"cluster of {where}", cluster, ["slurm", "local"])
    engine = submitit.LocalEngine(root / "submitit", demands, int(at_once))
    return engine, submitit.visible_gpus() if demands.gpus is None else {}


def _ray(given: dict[str, Any], root: Path, python: str, role: Role) -> tuple[Any, dict[str, str]]:
    address = str(given.pop("address", "auto"))
    demands: ray.RayResources = _made(ray.RayResources, given, f"executor/{role}=ray", ("address",))
    return ray.RayEngine(address, demands), {}


_ENGINES = {"submitit": _submitit, "ray": _ray}


def _made(cls: type[Any], given: Mapping[str, Any], where: str, others: Sequence[str]) -> Any:
    """A dataclass of settings; None keeps its default.

    Raises:
        ConfigError: for an unknown setting, or a value that is none.
    """
    known = {one.name: one for one in fields(cls)}
    dotted = where.partition("=")[0].replace("/", ".")
    for key, value in given.items():
        if key not in known:
            raise UnknownNameError(f"setting of {where}", key, [*known, *others, *_COMMON])
        wanted = known[key].default_factory
        if wanted is dict and not isinstance(value, Mapping):
            raise ConfigError(f"{dotted}.{key}={value!r} must be {{name: value}}")
        if wanted is MISSING and isinstance(value, str) and key != "partition":
            raise ConfigError(f"{dotted}.{key}={value!r} must be a number")
    values = {key: value for key, value in given.items() if value is not None}
    return cls(**{k: tuple(v) if k == "setup" else v for k, v in values.items()})
