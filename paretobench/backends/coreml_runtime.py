"""Every call into coremltools that only a Mac can run, and nothing else.

Not run where this was written: there was no Mac. In place of a run there is a test that finds
every name, parameter and attribute used here in coremltools' own sources (the wheel for macOS
holds the same Python files as the one for Linux), and a stand-in for its compiled binding on
which the rest of the package is exercised. Whoever runs it on a Mac first: scripts/mac_tester.py
checks each of these calls and writes down what they returned.

The package is compiled once, to a place that stays: the system keeps what it specialised for a
device (the Neural Engine's own compilation) under the compiled model's path, so a model that is
compiled for every process pays for it each time. That is why models are loaded with
`CompiledMLModel` and not with `MLModel`.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from paretobench.backends.coreml_convert import import_coremltools
from paretobench.errors import BackendMissingError, UnsupportedError

Result = TypeVar("Result")

COMPUTE_UNITS = ("cpu_and_ne", "cpu_and_gpu", "all", "cpu_only")
"""coremltools' names in small letters."""

DEVICES = {
    "MLNeuralEngineComputeDevice": "neural_engine",
    "MLGPUComputeDevice": "gpu",
    "MLCPUComputeDevice": "cpu",
}
"""coremltools' classes of compute devices and our names."""

_NS = 1e-9
_NOT_NEEDED = ("torch", "torchvision", "transformers", "sklearn", "tensorflow", "xgboost")
"""What coremltools imports for its converters; a process that measures needs none of them."""


@dataclass(frozen=True)
class PlacedOperation:
    """Where Core ML means to run one operation.

    Attributes:
        kind: the operation's type in the program, such as `ios17.conv`.
        output: the name of its first output.
        device: `neural_engine`, `gpu`, `cpu`, or empty where Core ML does not say.
        cost: its share of the program's estimated cost, 0 to 1; None where not said.
    """

    kind: str
    output: str
    device: str
    cost: float | None


def import_for_measuring() -> Any:
    """coremltools without the training frameworks that it imports if they are there.

    For a process that measures and never converts: it starts sooner and holds less. One that
    converts must not call it, since coremltools decides once whether there is torch.
    """
    with _hidden(_NOT_NEEDED):
        return import_coremltools()


def compile_package(package: Path, compiled: Path) -> float:
    """Compile an `.mlpackage` to an `.mlmodelc` folder; returns seconds.

    Raises:
        BackendMissingError: if this is not a Mac.
    """
    _require_mac()
    import_coremltools()
    from coremltools.models.utils import compile_model

    start = time.perf_counter()
    compile_model(str(package), destination_path=str(compiled))
    return time.perf_counter() - start


class LoadedModel:
    """A compiled model in this process.

    Attributes:
        load_s: wall time of loading.
        core_ml_load_s: of that, Core ML's own, as it reports it; None if it does not.
    """

    def __init__(self, compiled: Path, compute_units: str) -> None:
        _require_mac()
        tools = import_coremltools()
        units = tools.ComputeUnit[compute_units.upper()]
        start = time.perf_counter()
        self._model = tools.models.CompiledMLModel(str(compiled), compute_units=units)
        self.load_s = time.perf_counter() - start
        self.core_ml_load_s = _seconds(self._model._proxy.get_load_duration_in_nano_seconds())

    def predict(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs; returns when they are there."""
        # A new dict: coremltools changes the one it is given.
        outputs: dict[str, np.ndarray] = self._model.predict(dict(inputs))
        return outputs

    @property
    def last_prediction_s(self) -> float | None:
        """Core ML's own duration of the last prediction, without coremltools' conversions."""
        return _seconds(self._model._proxy.get_last_predict_duration_in_nano_seconds())


def placement(compiled: Path, compute_units: str) -> list[PlacedOperation]:
    """Where Core ML means to run each operation of a compiled program; constants left out.

    Raises:
        UnsupportedError: before macOS 14.4, or if it is no ML program.
    """
    _require_mac()
    tools = import_coremltools()
    from coremltools.models.compute_plan import MLComputePlan

    units = tools.ComputeUnit[compute_units.upper()]
    try:
        plan = MLComputePlan.load_from_path(str(compiled), compute_units=units)
    except (ValueError, RuntimeError) as error:
        raise UnsupportedError(f"Core ML gives no compute plan (macOS 14.4): {error}") from error
    program = plan.model_structure.program
    if program is None:
        raise UnsupportedError("Core ML gives a compute plan for ML programs only")
    operations = (one for f in program.functions.values() for one in f.block.operations)
    return [_placed(plan, one) for one in operations if _kind(one) != "const"]


def compute_devices() -> list[str]:
    """The devices Core ML may use here: `neural_engine (16 cores)`, `gpu`, `cpu`."""
    _require_mac()
    tools = import_coremltools()
    found = []
    for device in tools.models.MLModel.get_available_compute_devices():
        name = _device(device)
        cores = getattr(device, "total_core_count", None)
        found.append(f"{name} ({cores} cores)" if cores else name)
    return found


def system_build() -> str:
    """The system's version and build: `14.5 23F79`; a compiled model is made for one build."""
    answer = subprocess.run(
        ["/usr/bin/sw_vers", "-buildVersion"], capture_output=True, text=True, timeout=10
    )
    return f"{platform.mac_ver()[0]} {answer.stdout.strip()}"


class RemoteModel:
    """A package on a connected iPhone or iPad, through Xcode's tools.

    coremltools builds its runner app with `xcodebuild`, installs and starts it with
    `devicectl`, and communicates over files; a wall clock here times that traffic. So the only
    latency worth keeping is the one the device reports.

    Args:
        kind: `iphone` or `ipad`.
        development_team: of the Apple developer account that signs the app; empty signs ad hoc.

    Raises:
        UnsupportedError: if no such device is connected.
    """

    def __init__(
        self, package: Path, compute_units: str, kind: str, development_team: str = ""
    ) -> None:
        _require_mac()
        tools = import_coremltools()
        from coremltools.models.ml_program.experimental import async_wrapper, remote_device

        wanted = remote_device.DeviceType(kind)
        connected = remote_device.Device.get_connected_devices(wanted)
        if not connected:
            raise UnsupportedError(
                f"no {kind} is connected and paired; 'xcrun devicectl list devices' shows those "
                "that are, and developer mode must be on"
            )
        self.device = connected[0]
        credentials = remote_device.AppSigningCredentials(development_team=development_team)
        self._loop = asyncio.new_event_loop()
        prepared = self._wait(self.device.prepare_for_model_debugging(credentials))
        self._model = async_wrapper.MLModelAsyncWrapper.from_spec_or_path(
            spec_or_path=str(package),
            weights_dir=str(package / "Data" / "com.apple.CoreML" / "weights"),
            compute_units=tools.ComputeUnit[compute_units.upper()],
            device=prepared,
        )
        start = time.perf_counter()
        self._wait(self._model.load())
        self.load_s = time.perf_counter() - start
        self.core_ml_load_s = _seconds(self._model.load_duration_in_nano_seconds)

    def predict(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs, copied back from the device."""
        outputs: dict[str, np.ndarray] = self._wait(self._model.predict(dict(inputs)))
        return outputs

    @property
    def last_prediction_s(self) -> float | None:
        """The device's own duration of the last prediction."""
        return _seconds(self._model.last_predict_duration_in_nano_seconds)

    def describe(self) -> dict[str, str]:
        """Name, kind, system and build of the device."""
        device = self.device
        return {
            "name": device.name,
            "kind": device.type.value,
            "system": device.os_version,
            "build": device.os_build_number,
        }

    def close(self) -> None:
        """Unload the model on the device."""
        self._wait(self._model.unload())
        self._loop.close()

    def _wait(self, coming: Coroutine[Any, Any, Result]) -> Result:
        return self._loop.run_until_complete(coming)


def _placed(plan: Any, operation: Any) -> PlacedOperation:
    usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
    cost = plan.get_estimated_cost_for_mlprogram_operation(operation)
    return PlacedOperation(
        kind=operation.operator_name,
        output=operation.outputs[0].name if operation.outputs else "",
        device="" if usage is None else _device(usage.preferred_compute_device),
        cost=None if cost is None else float(cost.weight),
    )


def _kind(operation: Any) -> str:
    """The type without the opset before it: `ios17.const` is `const`."""
    return str(operation.operator_name).rsplit(".", 1)[-1]


def _device(device: Any) -> str:
    name = type(device).__name__
    return DEVICES.get(name, name)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds * _NS


def _require_mac() -> None:
    if platform.system() != "Darwin":
        raise BackendMissingError(
            f"Core ML runs on macOS only, and this is {platform.system()}; convert here, copy the "
            "artifacts to a Mac and measure there"
        )


@contextlib.contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Make modules that are not imported yet appear not to be installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
