"""Xcode's Core ML performance reports, so that a measurement taken by hand joins the store.

A report (Xcode, a package's Performance tab, exported) is a folder `NAME.mlperf` with a
`report.json`. Apple documents no format; what is read here is what two independent public
readers of such files agree on, and nobody has run this reader on a report of this package:

    deviceInfo       modelName, osNameAndVersionWithoutBuildNumber; displayName, serialNumber and
                     deviceID too, which name the device's owner and are never kept
    modelMetadata    storage precision and input shape, in some versions (`xcode_metadata`)
    computeUnit      MLComputeUnits as a number, see `COMPUTE_UNITS`
    deviceResults    predict, load, compile: each with samples in seconds
                     modelStructure: operations with deviceUsage and cost, in some versions

                     experiments, in some versions: several of these, each a process of its own

Each experiment is one process, so one cell; a report without any is one. Where predict has more
than one sample, the first is the cold prediction and is kept apart.
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paretobench.backends.coreml_placement import summarise
from paretobench.domain import Encoder, Runtime, Workload, encode_workload
from paretobench.domain.records import Cell, Environment
from paretobench.errors import DataError
from paretobench.measure.tool_timings import UNKNOWN_TIME, check_resolution
from paretobench.measure.xcode_metadata import StatedPackage, stated_package

SUFFIX, REPORT = ".mlperf", "report.json"
_MARK = b'"deviceResults"'
COMPUTE_UNITS = {0: "cpu_only", 1: "cpu_and_gpu", 2: "all", 3: "cpu_and_ne"}
"""Values of MLComputeUnits (Core ML's MLModelConfiguration.h) and our names."""

_DEVICES = {"neuralEngine": "neural_engine", "gpu": "gpu", "cpu": "cpu"}


@dataclass(frozen=True)
class Experiment:
    """One process of a report: its samples in seconds; loads and compiles may be missing."""

    predictions_s: tuple[float, ...]
    loads_s: tuple[float, ...] = ()
    compiles_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class XcodeReport:
    """One performance report.

    Attributes:
        device, system: such as `iPhone 16`, `iOS 18.1`; empty where the report does not say.
        compute_units: our name of what the report was made for.
        experiments: its processes, at least one.
        placement: as `backends.coreml_placement.summarise` gives it; None if not in the report.
        stated: what the report says of its package: precision, resolution, start.
        sha256: of the report's JSON.
    """

    name: str
    device: str
    system: str
    compute_units: str
    experiments: tuple[Experiment, ...]
    placement: Mapping[str, Any] | None
    stated: StatedPackage
    sha256: str


@dataclass(frozen=True)
class ImportedReport:
    """What a report becomes in the store."""

    workload: Workload
    environment: Environment
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class _Operation:
    kind: str
    device: str
    cost: float | None


def is_report(path: Path) -> bool:
    """Whether a path looks like an exported report; `read_report` says what is wrong with one."""
    if path.suffix.lower() == SUFFIX:
        return True
    return path.suffix.lower() == ".json" and path.is_file() and _MARK in path.read_bytes()


def read_report(path: Path) -> XcodeReport:
    """Read an exported report: the `.mlperf` folder, or the JSON in it.

    Raises:
        DataError: if it is no such report, or holds no usable prediction times.
    """
    file = path / REPORT if path.is_dir() else path
    try:
        content = file.read_bytes()
        data = json.loads(content)
    except OSError as error:
        raise DataError(
            f"cannot read {file}: {error.strerror}; export the report from Xcode's Performance tab"
        ) from error
    except ValueError as error:
        raise DataError(f"{file} is not JSON, so it is no report of Xcode 16 or later") from error
    results = data.get("deviceResults") if isinstance(data, dict) else None
    if not isinstance(results, dict):
        raise DataError(f"{file} has no 'deviceResults', so it is no Core ML performance report")
    info = data.get("deviceInfo") or {}
    experiments = tuple(_experiments(results, file))
    if not experiments:
        raise DataError(f"{file} has no prediction times; run the report for 'Prediction' too")
    units = _compute_units(data.get("computeUnit"), file)
    return XcodeReport(
        name=path.stem,
        device=str(info.get("modelName") or ""),
        system=str(info.get("osNameAndVersionWithoutBuildNumber") or ""),
        compute_units=units,
        experiments=experiments,
        placement=_placement(results.get("modelStructure"), units),
        stated=stated_package(data),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def import_report(
    path: Path,
    encoder: Encoder,
    resolution_px: int,
    precision: str = "",
    device: str = "",
    measured_at: str = "",
) -> ImportedReport:
    """A report as cells of the workload that it timed, one for each experiment.

    Args:
        encoder, resolution_px, precision: what package it was made of, where the report does not
            say; fp16 if none is given.
        device: name of the device, such as `iPhone 16`; the report's own if empty.
        measured_at: ISO 8601, where it is known; without an offset it is UTC.

    Raises:
        DataError: as `read_report`; if the encoder does not take that resolution, if the report
            contradicts what was said, if no device is named, or if the time is none.
    """
    check_resolution(encoder, resolution_px)
    report = read_report(path)
    chip = device or report.device
    if not chip:
        raise DataError(f"{path} does not name its device; say which with --device 'iPhone 16'")
    report.stated.check(path, resolution_px, precision)
    at = _utc(measured_at or report.stated.started_at or UNKNOWN_TIME)
    precision = precision or report.stated.precision or "fp16"
    runtime = Runtime("coreml", precision, {"compute_units": report.compute_units})
    workload = encode_workload(encoder, resolution_px, runtime)
    identity = {"chip": chip, "os": report.system, "measured_by": "Xcode"}
    environment = Environment({name: value for name, value in identity.items() if value})
    cells = tuple(
        _cell(report, number, workload, environment, at)
        for number in range(len(report.experiments))
    )
    return ImportedReport(workload, environment, cells)


def _cell(
    report: XcodeReport, number: int, workload: Workload, environment: Environment, measured_at: str
) -> Cell:
    """One experiment: the cold load and the cold prediction apart from the warm ones."""
    found = report.experiments[number]
    loads, compiles = found.loads_s, found.compiles_s
    return Cell(
        workload_key=workload.key,
        environment_key=environment.key,
        started_at=measured_at,
        fidelity="standard",
        round_index=number,
        load_s=loads[0] if loads else 0.0,
        first_run_s=found.predictions_s[0],
        warmup_s=(),
        samples_s=found.predictions_s[1:] or found.predictions_s,
        canary_before_s=None,
        canary_after_s=None,
        wall_s=sum(found.predictions_s) + sum(loads) + sum(compiles),
        peak_memory_bytes=None,
        facts={
            "source": "Xcode performance report",
            "report": report.name,
            "report_sha256": report.sha256,
            "compute_units": report.compute_units,
            "compile_s": statistics.median(compiles) if compiles else None,
            "warm_load_s": statistics.median(loads[1:]) if len(loads) > 1 else None,
            "experiment": f"{number + 1} of {len(report.experiments)}",
            "placement": report.placement,
        },
    )


def _utc(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError(
            f"{text!r} is no time; write it as 2026-11-20 or 2026-11-20T14:30"
        ) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds")


def _experiments(results: Mapping[str, Any], file: Path) -> Iterator[Experiment]:
    """The processes of a report: its experiments, else its one set of samples."""
    given = results.get("experiments")
    listed = given if isinstance(given, list) else []
    parts: list[Mapping[str, Any]] = [each for each in listed if isinstance(each, dict)]
    for part in parts or [results]:
        predictions = _samples(part, "predict", file)
        if predictions:
            yield Experiment(
                predictions, _samples(part, "load", file), _samples(part, "compile", file)
            )


def _samples(results: Mapping[str, Any], part: str, file: Path) -> tuple[float, ...]:
    """The samples of `predict`, `load` or `compile`, in seconds; empty if there are none."""
    found = (results.get(part) or {}).get("samples") or []
    for value in found:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value <= 0:
            raise DataError(f"{file}: {part} has the sample {value!r}; allowed: seconds above 0")
    return tuple(float(value) for value in found)


def _compute_units(value: Any, file: Path) -> str:
    if isinstance(value, bool) or value not in COMPUTE_UNITS:
        known = ", ".join(f"{number} ({name})" for number, name in COMPUTE_UNITS.items())
        raise DataError(f"{file}: computeUnit is {value!r}; known are {known}")
    return COMPUTE_UNITS[value]


def _placement(structure: Any, compute_units: str) -> dict[str, Any] | None:
    """Where operations run, if this version of the report says so."""
    operations = [
        operation
        for operation in _operations(structure)
        if operation.kind.split(".")[-1] != "const"
    ]
    is_stated = any(operation.device for operation in operations)
    return summarise(operations, compute_units) if is_stated else None


def _operations(node: Any) -> Iterator[_Operation]:
    """Every operation below a node, however deep the versions of Xcode nest them."""
    if isinstance(node, list):
        for item in node:
            yield from _operations(item)
    if not isinstance(node, dict):
        return
    if "operatorName" in node:
        yield _Operation(str(node["operatorName"]), _device(node), _cost(node))
    for value in node.values():
        yield from _operations(value)


def _device(operation: Mapping[str, Any]) -> str:
    """The preferred device's name; its type is a key (`{"neuralEngine": {}}`) or a string."""
    usage = operation.get("deviceUsage") or {}
    kind = (usage.get("preferred") or {}).get("deviceType") or ()
    return next((ours for theirs, ours in _DEVICES.items() if theirs in kind), "")


def _cost(operation: Mapping[str, Any]) -> float | None:
    weight = (operation.get("cost") or {}).get("weight")
    return float(weight) if isinstance(weight, (int, float)) else None
