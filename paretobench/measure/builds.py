"""Make the artifacts of a grid and measure nothing: convert here, measure there.

A conversion needs torch and memory but not the device it is for, so packages for a Mac can be
made on any machine and copied. Each is made in a child process, and a killed build leaves whole
artifacts only; running it again makes the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from paretobench import backends
from paretobench.backends import hardware
from paretobench.backends.artifacts import MANIFEST, Artifact, ArtifactStore
from paretobench.domain import Device, GridPoint, Runtime, Workload
from paretobench.errors import ConfigError
from paretobench.measure.environment import fingerprint
from paretobench.measure.lock import DeviceLock
from paretobench.measure.preparation import Preparation, prepare_all
from paretobench.measure.process import Children
from paretobench.measure.runtime_timing import decide
from paretobench.planning.cost import Machine
from paretobench.planning.plan import Refusal, plan_grid
from paretobench.resources import cache_folder

TIMEOUT_S = 3600.0
"""For one artifact. The largest conversion that was tried, ConvNeXt-XXL at 512 px, took two
minutes on two cores; on a loaded machine ten times that is still far from an hour."""

_NO_LIMIT_BYTES = 1 << 62
"""Memory of the machine that will measure: unknown here, so nothing is refused for it."""

Progress = Callable[[Workload, int, int], None]
"""Called with the workload that is next, how many are done, and of how many."""


@dataclass(frozen=True)
class Built:
    """What became of one workload's artifact.

    Attributes:
        state: `made` now, `found` whole, `nothing` to make, or `failed`.
        path: what a session is given; None if there is nothing.
        size_bytes: of the artifact's files.
        reason: of a failure.
    """

    workload: Workload
    state: Literal["made", "found", "nothing", "failed"]
    seconds: float
    path: Path | None = None
    size_bytes: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields, the workload by its label and key."""
        return {
            "workload": self.workload.label,
            "key": self.workload.key,
            "state": self.state,
            "seconds": self.seconds,
            "path": None if self.path is None else str(self.path),
            "size_bytes": self.size_bytes,
            "reason": self.reason,
        }


def device_to_build_for(request: Mapping[str, Any]) -> Device:
    """The device to build artifacts for; a Mac need not be this machine.

    Args:
        request: as for `runtime_timing.decide`; what was timed here before is looked up.

    Raises:
        BackendMissingError: if a device other than a Mac cannot run here.
    """
    if not _is_for_a_mac_elsewhere(request["encode"].get("backend")):
        return decide(request, fingerprint(measure_speed=False), DeviceLock(), None)[0]
    encode, prefill = _as_written(request["encode"]), _as_written(request["prefill"])
    why = "built here, to be measured on a Mac"
    return Device(request["name"], encode, prefill, why, request.get("executor", "local"))


def workloads_to_build(
    points: Iterable[GridPoint],
    refused: Iterable[Refusal],
    device: Device,
    weights: str = "full",
) -> tuple[list[Workload], list[Refusal]]:
    """The distinct workloads of a grid that have artifacts, and what cannot be planned.

    For a Mac elsewhere these are the encoders alone: MLX makes its weights in memory.

    Args:
        weights: as a sweep's setting.

    Raises:
        ConfigError: for the weights of checkpoints, of which nothing is made beforehand.
    """
    if weights == "checkpoint":
        raise ConfigError(
            "weights=checkpoint has nothing to build: a checkpoint is loaded as it is"
        )
    elsewhere = _is_for_a_mac_elsewhere(device.encode.backend)
    grid = plan_grid(points, refused, device, Machine(_NO_LIMIT_BYTES), weights=weights)
    distinct = sorted(grid.workloads, key=lambda one: one.kind != "encode")
    built_here = [one for one in distinct if not elsewhere or one.kind == "encode"]
    grid = grid.without(backends.refusals(built_here))
    needed = {workload.key for workload in grid.workloads}
    return [one for one in built_here if one.key in needed], list(grid.refused)


def build_artifacts(
    workloads: Sequence[Workload],
    root: Path | None = None,
    progress: Progress = lambda *_: None,
    timeout_s: float = TIMEOUT_S,
) -> list[Built]:
    """Make what is missing, in child processes; one result per workload, failures included.

    Args:
        root: of the artifact store; None for this user's.
        timeout_s: for one artifact.
    """
    root = (root or cache_folder()).absolute()
    root.mkdir(parents=True, exist_ok=True)
    before = {artifact.path: _made_ns(artifact.path) for artifact in ArtifactStore(root)}

    def announce(workload: Workload, done: int) -> None:
        progress(workload, done, len(workloads))

    outcomes = list(prepare_all(workloads, Children(), root, timeout_s, announce))
    there = {artifact.path: artifact for artifact in ArtifactStore(root)}
    return [_built(outcome, there, before) for outcome in outcomes]


def _built(
    outcome: Preparation, there: Mapping[Path, Artifact], before: Mapping[Path, int]
) -> Built:
    prepared, workload = outcome.prepared, outcome.workload
    if prepared is None:
        return Built(workload, "failed", outcome.wall_s, reason=outcome.reason)
    if prepared.path is None:
        return Built(workload, "nothing", outcome.wall_s)
    around = (prepared.path, *prepared.path.parents)
    artifact = next((there[folder] for folder in around if folder in there), None)
    size = artifact.size_bytes if artifact else 0
    is_old = artifact is not None and before.get(artifact.path) == _made_ns(artifact.path)
    state: Literal["found", "made"] = "found" if is_old else "made"
    return Built(workload, state, outcome.wall_s, prepared.path, size)


def _made_ns(artifact: Path) -> int:
    """When an artifact was made; one that was damaged is made again under the same name."""
    return (artifact / MANIFEST).stat().st_mtime_ns


def _is_for_a_mac_elsewhere(encode_backend: str | None) -> bool:
    return encode_backend == "coreml" and not hardware.detect().is_apple_silicon


def _as_written(half: Mapping[str, Any]) -> Runtime:
    """A half of a Mac's profile; `auto` is fp16 there, the only one the Neural Engine knows."""
    precision = half.get("precision", "auto")
    backend = half.get("backend", "auto")
    return Runtime(
        "mlx" if backend == "auto" else backend,
        "fp16" if precision == "auto" else precision,
        dict(half.get("options") or {}),
    )
