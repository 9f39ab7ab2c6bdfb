"""Core ML: encoders on Apple's Neural Engine, GPU and CPU. Measuring needs a Mac.

What is made, in the order of its cost, each kept for ever and apart from the others:

    package    converted once for a network, a size and a precision, on any machine
    compiled   once for a package and a build of the system, on the Mac that measures
    first load once for a compiled package and its compute units: the system specialises the
               program for its devices, which takes the Neural Engine seconds to minutes; where
               each operation will run is looked up at the same time

A cell then loads what is compiled and specialised, and predicts. The harness times the
prediction as a caller sees it; Core ML's own duration of each is kept beside it in the facts.
With `remote` (`iphone` or `ipad`) the prediction runs on a connected device, and only the
duration which that device reports counts.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import Availability, PreparedArtifact, hardware
from paretobench.backends import coreml_runtime as runtime
from paretobench.backends.artifacts import Artifact, ArtifactStore, Recipe
from paretobench.backends.coreml_convert import (
    INPUT,
    OUTPUT,
    PACKAGE,
    PRECISIONS,
    TARGETS,
    PackageSpec,
    can_convert,
    write_package,
)
from paretobench.backends.coreml_placement import summarise
from paretobench.backends.inputs import check_finite, random_pixels
from paretobench.domain import Workload
from paretobench.errors import BackendMissingError, UnsupportedError
from paretobench.installation import install_command

INSTALL = install_command("apple")


def convert_elsewhere(profile: str = "apple") -> str:
    """What a machine without Core ML can still do for one that has it, with a device profile.

    >>> convert_elsewhere('apple_int4').split(',')[0]
    "build its packages here with 'paretobench artifacts build +grid=NAME device=apple_int4'"
    """
    grid = f"+grid=NAME device={profile}"
    return (
        f"build its packages here with 'paretobench artifacts build {grid}', copy the cache "
        f"folder to a Mac, and run 'paretobench sweep {grid}' there"
    )


OPTIONS = ("compute_units", "target", "projector_width", "remote", "development_team")
REMOTE_KINDS = ("iphone", "ipad")
COMPILED = "encoder.mlmodelc"
PLACEMENT = "placement.json"
DEFAULT_UNITS = "cpu_and_ne"


class CoreMLBackend:
    """The backend; see the module."""

    name = "coreml"

    def available(self) -> Availability:
        """Whether this is a Mac with Apple silicon and coremltools is installed."""
        machine = hardware.detect()
        if not machine.is_apple_silicon:
            where = f"{machine.system} {machine.machine}"
            reason = f"Core ML runs on Apple silicon, and this is {where}: {convert_elsewhere()}"
            return Availability(False, reason, hardware.version_of("coremltools"))
        return Availability.of(("coremltools",), INSTALL)

    def refuses(self, workload: Workload) -> str | None:
        """Anything but encoding; precisions, compute units and options that do not exist."""
        if workload.kind != "encode":
            return f"coreml encodes only; {workload.kind} runs on mlx"
        precision, options = workload.runtime.precision, workload.runtime.options
        if precision not in PRECISIONS:
            return f"coreml runs {', '.join(PRECISIONS)}, not {precision}"
        for name, known in (
            ("compute_units", runtime.COMPUTE_UNITS),
            ("target", tuple(TARGETS)),
            ("remote", REMOTE_KINDS),
        ):
            if name in options and options[name] not in known:
                return f"coreml knows {name}={' or '.join(known)}, not {options[name]}"
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            return f"coreml has no option {unknown[0]!r}; it has {', '.join(OPTIONS)}"
        return None

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Convert; on a Mac also compile, load for the first time and look up the placement.

        Returns:
            The path of the compiled model on a Mac, of the package elsewhere and for a remote
            device; facts of every step.

        Raises:
            BackendMissingError: if it must be converted and torch, timm or coremltools is missing.
            ArtifactError: if the cache cannot be written.
        """
        store = ArtifactStore(root)
        package = find_package(store, PackageSpec.of(workload)) or _converted(store, workload)
        facts = {"package": package.facts, "package_path": str(package.path / PACKAGE)}
        is_remote = bool(workload.runtime.options.get("remote"))
        if is_remote or not hardware.detect().is_apple_silicon:
            return PreparedArtifact(package.path / PACKAGE, facts)
        compiled = _compiled(store, package)
        first = _first_load(store, compiled, _units(workload))
        facts |= {"compiled": compiled.facts, "first_load": first.facts}
        return PreparedArtifact(compiled.path / COMPILED, facts)

    def load(self, workload: Workload, prepared: PreparedArtifact) -> CoreMLSession:
        """Load what was compiled, or send the package to a remote device.

        Raises:
            BackendMissingError: if this is not a Mac with coremltools.
        """
        state = self.available()
        if not state.is_available:
            raise BackendMissingError(state.reason)
        if prepared.path is None:
            raise UnsupportedError(f"{workload.label}: coreml needs a prepared package")
        runtime.import_for_measuring()
        if workload.runtime.options.get("remote"):
            return RemoteSession(workload, prepared)
        return CoreMLSession(workload, prepared)


class CoreMLSession:
    """A loaded encoder; `run` is one prediction, synchronised."""

    def __init__(self, workload: Workload, prepared: PreparedArtifact) -> None:
        assert prepared.path is not None
        self.label = workload.label
        self._spec = PackageSpec.of(workload)
        self._units = _units(workload)
        self._model: Any = self._load(workload, prepared.path)
        self._outputs: dict[str, np.ndarray] = {}
        self.facts: dict[str, Any] = {
            "precision": workload.runtime.precision,
            "arithmetic": "fp32" if self._spec.is_fp32 else "fp16",
            "compute_units": self._units,
            "device": self._units,
            "version": hardware.version_of("coremltools"),
            "weights": "random",
            "load_wall_s": self._model.load_s,
            "core_ml_load_s": self._model.core_ml_load_s,
            "core_ml_predictions_s": [],
            **_made(prepared),
        }
        self.renew_input()

    def renew_input(self) -> None:
        """New random pixels; also refuses a last result that was not finite."""
        if self._outputs:
            check_finite(self.output(), self.label)
        self.set_input(random_pixels(self._spec.subject.shape))

    def set_input(self, pixels: np.ndarray) -> None:
        """Given pixels instead of random ones: [batch, 3, resolution, resolution]."""
        self._pixels = np.ascontiguousarray(pixels, np.float32)

    def run(self) -> None:
        """One prediction; Core ML's own duration of it joins the facts."""
        self._outputs = self._model.predict({INPUT: self._pixels})
        self.facts["core_ml_predictions_s"].append(self._model.last_prediction_s)

    def output(self) -> np.ndarray:
        """The last result: [batch, tokens, channels]."""
        return np.asarray(self._outputs[OUTPUT])

    def close(self) -> None:
        """Free the model."""
        self._model = None

    def _load(self, workload: Workload, path: Path) -> Any:
        return runtime.LoadedModel(path, self._units)


class RemoteSession(CoreMLSession):
    """An encoder on a connected iPhone or iPad.

    A wall clock here would time the cable. `clock` is the sum of the durations that the device
    reported, so a harness that reads it before and after `run` gets the device's latency.
    """

    def __init__(self, workload: Workload, prepared: PreparedArtifact) -> None:
        super().__init__(workload, prepared)
        self.facts["remote_device"] = self._model.describe()
        self.facts["clock"] = "the device's own duration of each prediction"

    def clock(self) -> float:
        """Seconds that the device has predicted for, so far."""
        durations = self.facts["core_ml_predictions_s"]
        if None in durations:
            raise UnsupportedError(f"{self.label}: the device reports no duration")
        return float(sum(durations))

    def close(self) -> None:
        """Unload the model on the device."""
        if self._model is not None:
            self._model.close()
        super().close()

    def _load(self, workload: Workload, path: Path) -> Any:
        options = workload.runtime.options
        team = str(options.get("development_team", ""))
        return runtime.RemoteModel(path, self._units, str(options["remote"]), team)


def find_package(store: ArtifactStore, spec: PackageSpec) -> Artifact | None:
    """The package, if it was converted before.

    One that another kind of machine converted, or other versions did, is as good where it
    cannot be converted again, and on a Mac if it comes from Linux: nothing is converted twice.
    """
    found = store.find(spec.recipe())
    if found is not None:
        return found
    other = store.find_other_versions(spec.recipe())
    if other is None:
        return None
    machine = hardware.detect()
    here = f"{machine.system} {machine.machine}"
    was_copied = other.facts.get("converted_on") != here
    return other if was_copied or not can_convert() else None


def _converted(store: ArtifactStore, workload: Workload) -> Artifact:
    if not can_convert():
        raise BackendMissingError(
            f"converting {workload.label} needs coremltools, torch and timm: {INSTALL}"
        )
    spec = PackageSpec.of(workload)
    return store.get(spec.recipe(), lambda folder: write_package(spec, folder))


def _compiled(store: ArtifactStore, package: Artifact) -> Artifact:
    """The compiled package for this build of the system."""

    def make(folder: Path) -> dict[str, Any]:
        seconds = runtime.compile_package(package.path / PACKAGE, folder / COMPILED)
        return {"compile_s": seconds}

    # The hashes of its files: packages made by two versions of a converter differ.
    files = {name: entry["sha256"] for name, entry in package.manifest["files"].items()}
    recipe = Recipe("coreml_compiled", {"package": files}, {"system": runtime.system_build()})
    return store.get(recipe, make)


def _first_load(store: ArtifactStore, compiled: Artifact, units: str) -> Artifact:
    """Load for the first time, which specialises; with it, where each operation will run.

    The compiled model must be compiled where it will stay: the system keeps its specialisation by
    path.
    """

    def make(folder: Path) -> dict[str, Any]:
        model = runtime.LoadedModel(compiled.path / COMPILED, units)
        facts: dict[str, Any] = {
            "first_load_s": model.load_s,
            "core_ml_first_load_s": model.core_ml_load_s,
            "compute_devices": runtime.compute_devices(),
        }
        try:
            placed = runtime.placement(compiled.path / COMPILED, units)
        except UnsupportedError as error:
            return facts | {"placement": None, "no_placement": str(error)}
        rows = [asdict(operation) for operation in placed]
        (folder / PLACEMENT).write_text(json.dumps(rows, indent=1), encoding="utf-8")
        return facts | {"placement": summarise(placed, units)}

    subject = {"compiled": str(compiled.path), "compute_units": units}
    return store.get(Recipe("coreml_first_load", subject, compiled.manifest["versions"]), make)


def _made(prepared: PreparedArtifact) -> dict[str, Any]:
    """What was made beforehand, apart from one another and from what a cell times."""
    facts = prepared.facts
    first = dict(facts.get("first_load") or {})
    return {
        "artifact": dict(facts.get("package") or {}),
        "compile_s": (facts.get("compiled") or {}).get("compile_s"),
        "first_load_s": first.get("first_load_s"),
        "core_ml_first_load_s": first.get("core_ml_first_load_s"),
        "compute_devices": first.get("compute_devices"),
        "placement": first.get("placement"),
    }


def _units(workload: Workload) -> str:
    return str(workload.runtime.options.get("compute_units", DEFAULT_UNITS))
