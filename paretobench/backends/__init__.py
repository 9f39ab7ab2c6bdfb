"""The backend protocol: what a runtime must offer to be timed, and the names of all runtimes.

A backend is one module in this package with a class of the protocol `Backend`. Nothing
heavy is imported until a backend is used; `available()` answers from installed metadata alone.
To add one, add its module, and its name and class to `CLASSES`: there is no other registry.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from paretobench.backends import hardware
from paretobench.backends.models import is_tower
from paretobench.domain import Workload
from paretobench.errors import UnknownNameError
from paretobench.installation import not_installed

CLASSES = {
    "openvino": "OpenVINOBackend",
    "onnxruntime": "ONNXRuntimeBackend",
    "llamacpp": "LlamaCppBackend",
    "torch": "TorchBackend",
    "mlx": "MLXBackend",
    "coreml": "CoreMLBackend",
    "end_to_end": "EndToEndBackend",
}
"""The class in each backend's module."""

COMPOSED = ("end_to_end",)
"""Not a runtime of its own: an encoder's and a language model's sessions in one process."""

NAMES = tuple(name for name in CLASSES if name not in COMPOSED)


@dataclass(frozen=True)
class Availability:
    """Whether a backend can run here, and if not, why and how to get it."""

    is_available: bool
    reason: str = ""
    version: str = ""

    @staticmethod
    def of(distributions: Sequence[str], install: str) -> Availability:
        """Whether distributions are all installed; the version is the first one's.

        Args:
            install: the command that installs them.
        """
        missing = [name for name in distributions if not hardware.version_of(name)]
        if missing:
            return Availability(False, f"{not_installed(*missing)}: {install}")
        return Availability(True, version=hardware.version_of(distributions[0]))


@dataclass(frozen=True)
class PreparedArtifact:
    """What was made once per machine for a workload: an exported graph, prepared weights.

    `path` is inside the artifact store; None when nothing needs preparing.
    """

    path: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Session(Protocol):
    """A loaded workload. The harness times `run()` and nothing else."""

    facts: dict[str, Any]
    """What was really used: precision, threads, BLAS, attention kernel, weights."""

    def renew_input(self) -> None:
        """Make a new random input (not timed), so that no runtime can reuse a result."""

    def run(self) -> None:
        """One repetition, synchronised: returns when the result is really there."""

    def close(self) -> None:
        """Free what is held."""


class Backend(Protocol):
    """A runtime that can time workloads."""

    name: str

    def available(self) -> Availability:
        """Whether it can run on this machine; cheap, imports no framework."""

    def refuses(self, workload: Workload) -> str | None:
        """Why it cannot run this workload, or None; cheap, imports no framework."""

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Make artifacts under `root` (content-addressed, atomic), or find them made."""

    def load(self, workload: Workload, prepared: PreparedArtifact) -> Session:
        """Load the workload; everything that is not `run()` happens here."""


def get(name: str) -> Backend:
    """The backend called `name`; imports its module, not yet its framework.

    Raises:
        UnknownNameError: if no backend has that name.
    """
    if name not in NAMES + COMPOSED:
        raise UnknownNameError("backend", name, NAMES)
    module = importlib.import_module(f"paretobench.backends.{name}")
    found: Backend = getattr(module, CLASSES[name])()
    return found


TIMES_CHECKPOINTS = ("torch", "mlx")
"""Backends that time a checkpoint's own weights."""

BUILDS_TOWERS = ("torch", *COMPOSED)
"""Backends that build a vision tower with its projector from transformers' classes."""


def refusal(workload: Workload) -> str | None:
    """Why the backend that a workload is meant for cannot run it; None if it can."""
    backend = workload.runtime.backend
    if backend not in BUILDS_TOWERS and is_tower(workload.subject.get("encoder", {})):
        return f"{backend} builds no tower of transformers; choose device.encode.backend=torch"
    if workload.checkpoint and backend not in TIMES_CHECKPOINTS:
        return f"{backend} does not time a checkpoint's own weights; choose device=torch or cuda"
    return get(backend).refuses(workload)


def refusals(workloads: Iterable[Workload]) -> dict[str, str]:
    """The reasons against those workloads that cannot run here, by key; imports no framework."""
    found = {workload.key: refusal(workload) for workload in workloads}
    return {key: reason for key, reason in found.items() if reason is not None}
