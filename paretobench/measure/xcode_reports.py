"""Xcode's Core ML performance reports, so that a measurement taken by hand joins the store.

A report (Xcode, a package's Performance tab, exported) is a folder `NAME.mlperf` with a
`report.json`. Apple documents no format; what is read here is what two independent public
readers of such files agree on, and nobody has run this reader on a report of this package:

    deviceInfo       modelName, osNameAndVersionWithoutBuildNumber
    computeUnit      MLComputeUnits as a number, see `COMPUTE_UNITS`
    deviceResults    predict, load, compile: each with samples in seconds
                     modelStructure: operations with deviceUsage and cost, in some versions

A report is one process: its cell counts as one replicate, without an interval of its own.
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paretobench.backends.coreml_placement import summarise
from paretobench.domain import Encoder, Runtime, Workload, encode_workload
from paretobench.domain.records import Cell, Environment
from paretobench.errors import DataError

SUFFIX, REPORT = ".mlperf", "report.json"
_MARK = b'"deviceResults"'
COMPUTE_UNITS = {0: "cpu_only", 1: "cpu_and_gpu", 2: "all", 3: "cpu_and_ne"}
"""Values of MLComputeUnits (Core ML's MLModelConfiguration.h) and our names."""

UNKNOWN_TIME = "1970-01-01T00:00:00.000+00:00"
"""A report does not say when it was taken. A constant, so that importing twice adds nothing."""

_DEVICES = {"neuralEngine": "neural_engine", "gpu": "gpu", "cpu": "cpu"}


@dataclass(frozen=True)
class XcodeReport:
    """One performance report.

    Attributes:
        device, system: such as `iPhone 16`, `iOS 18.1`; empty where the report does not say.
        compute_units: our name of what the report was made for.
        predictions_s, loads_s, compiles_s: as sampled; loads and compiles may be missing.
        placement: as `backends.coreml_placement.summarise` gives it; None if not in the report.
        sha256: of the report's JSON.
    """

    name: str
    device: str
    system: str
    compute_units: str
    predictions_s: tuple[float, ...]
    loads_s: tuple[float, ...]
    compiles_s: tuple[float, ...]
    placement: Mapping[str, Any] | None
    sha256: str


@dataclass(frozen=True)
class ImportedReport:
    """What a report becomes in the store."""

    workload: Workload
    environment: Environment
    cell: Cell


@dataclass(frozen=True)
class _Operation:
    kind: str
    device: str
    cost: float | None = field(default=None)


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
    predictions = _samples(results, "predict", file)
    if not predictions:
        raise DataError(f"{file} has no prediction times; run the report for 'Prediction' too")
    units = _compute_units(data.get("computeUnit"), file)
    return XcodeReport(
        name=path.stem,
        device=str(info.get("modelName") or info.get("displayName") or ""),
        system=str(info.get("osNameAndVersionWithoutBuildNumber") or ""),
        compute_units=units,
        predictions_s=predictions,
        loads_s=_samples(results, "load", file),
        compiles_s=_samples(results, "compile", file),
        placement=_placement(results.get("modelStructure"), units),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def import_report(
    path: Path,
    encoder: Encoder,
    resolution_px: int,
    precision: str = "fp16",
    device: str = "",
    measured_at: str = UNKNOWN_TIME,
) -> ImportedReport:
    """A report as a cell of the workload that it timed.

    Args:
        encoder, resolution_px, precision: what package it was made of; Xcode knows its file's name
            only.
        device: name of the device, such as `iPhone 16`; the report's own if empty.
        measured_at: ISO 8601, where somebody knows; without an offset it is UTC.

    Raises:
        DataError: as `read_report`; if the encoder does not take that resolution, if nobody
            names the device, or if the time is none.
    """
    if not encoder.resolutions.accepts(resolution_px):
        allowed = encoder.resolutions.describe()
        raise DataError(f"{encoder.label} takes {allowed} px, not {resolution_px}")
    report = read_report(path)
    chip = device or report.device
    if not chip:
        raise DataError(f"{path} does not name its device; say which with --device 'iPhone 16'")
    at = _utc(measured_at)
    runtime = Runtime("coreml", precision, {"compute_units": report.compute_units})
    workload = encode_workload(encoder, resolution_px, runtime)
    identity = {"chip": chip, "os": report.system, "measured_by": "Xcode"}
    environment = Environment({name: value for name, value in identity.items() if value})
    return ImportedReport(workload, environment, _cell(report, workload, environment, at))


def _cell(
    report: XcodeReport, workload: Workload, environment: Environment, measured_at: str
) -> Cell:
    load_s = statistics.median(report.loads_s) if report.loads_s else 0.0
    compile_s = statistics.median(report.compiles_s) if report.compiles_s else None
    return Cell(
        workload_key=workload.key,
        environment_key=environment.key,
        started_at=measured_at,
        fidelity="standard",
        round_index=0,
        load_s=load_s,
        first_run_s=report.predictions_s[0],
        warmup_s=(),
        samples_s=report.predictions_s,
        canary_before_s=None,
        canary_after_s=None,
        wall_s=sum(report.predictions_s) + sum(report.loads_s) + sum(report.compiles_s),
        peak_memory_bytes=None,
        facts={
            "source": "Xcode performance report",
            "report": report.name,
            "report_sha256": report.sha256,
            "compute_units": report.compute_units,
            "compile_s": compile_s,
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
