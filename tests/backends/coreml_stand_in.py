"""coremltools' compiled binding to Core ML, replaced by one that runs on Linux.

Only the binding (`libcoremlpython`) and the system's name are replaced: every line of Python
in coremltools runs as it would on a Mac. A "compiled" model is a copy of its package, and a
prediction really executes the saved program, through the interpreter. Method names and
arguments are those that coremltools' Python files use and that the macOS wheel's binding
contains; like the original, `predict` takes no fp16 arrays and durations are whole nanoseconds.
"""

from __future__ import annotations

import atexit
import functools
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paretobench.backends import coreml_runtime, get, hardware
from paretobench.domain import Runtime, Workload
from tests.backends.mil_interpreter import load_program, run_program

TINY = {"builder": "timm", "architecture": "test_convnext", "options": {}}
"""The encoder that tests convert: 207,000 parameters."""

SOURCE = "source.mlpackage"
OFF_NEURAL_ENGINE = "layer_norm"
"""The type of operation that this stand-in's compute plan leaves to the CPU."""


class Binding:
    """What `install` put in place, and what was asked of it.

    Attributes:
        loads: path and compute units of every model loaded.
        compiled: the package paths that were compiled.
        inputs: every array that was predicted on.
    """

    def __init__(self) -> None:
        self.loads: list[tuple[str, str]] = []
        self.compiled: list[str] = []
        self.inputs: list[np.ndarray] = []
        self.spoils_outputs = False


def tiny(**options: Any) -> Workload:
    """One pass of the tiny encoder in fp16."""
    subject = {"encoder": TINY, "resolution_px": 64}
    return Workload("encode", "tiny", subject, Runtime("coreml", "fp16", options))


@functools.cache
def converted() -> Path:
    """A store with the tiny encoder's package, made once per test run; copy it to change it.

    Call it before `install`: it is to be made on Linux.
    """
    root = Path(tempfile.mkdtemp(prefix="paretobench-tests-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    get("coreml").prepare(tiny(), root)
    return root


def install(monkeypatch: pytest.MonkeyPatch) -> Binding:
    """Make this process look like a Mac with Core ML."""
    import coremltools
    from coremltools.models import _compiled_model, compute_device, compute_plan, model, utils

    binding = Binding()
    classes = _classes(binding, compute_plan, compute_device)
    library = types.ModuleType("coremltools.libcoremlpython")
    for name, value in classes.items():
        setattr(library, name, value)
        for module in (_compiled_model, compute_device, compute_plan, model):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "coremltools.libcoremlpython", library)
    monkeypatch.setattr(coremltools, "libcoremlpython", library, raising=False)
    for module in (utils, _compiled_model):
        monkeypatch.setattr(module, "_macos_version", lambda: (14, 5))
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("14.5", ("", "", ""), "arm64"))
    monkeypatch.setattr(coreml_runtime.subprocess, "run", _run)
    monkeypatch.setattr(
        hardware, "detect", lambda: hardware.Hardware("Darwin", "arm64", False, False)
    )
    return binding


_real_run = subprocess.run


def _run(command: Any, **options: Any) -> Any:
    if list(command) == ["/usr/bin/sw_vers", "-buildVersion"]:
        return types.SimpleNamespace(stdout="23F79\n", returncode=0)
    return _real_run(command, **options)


def _classes(binding: Binding, compute_plan: Any, compute_device: Any) -> dict[str, Any]:
    class ModelProxy:
        def __init__(
            self, path: str, units: str, function: str, hints: dict[str, str], asset: Any
        ) -> None:
            assert path.endswith(".mlmodelc") and asset is None and hints == {}
            start = time.perf_counter_ns()
            binding.loads.append((path, units))
            self._program = load_program(Path(path) / SOURCE)
            self._load_ns = time.perf_counter_ns() - start
            self._predict_ns: int | None = None

        def predict(self, data: dict[str, np.ndarray], state: Any) -> dict[str, np.ndarray]:
            assert state is None
            for array in data.values():
                assert array.dtype == np.float32, "the binding takes no fp16"
                binding.inputs.append(array.copy())
            start = time.perf_counter_ns()
            outputs = run_program(self._program, data)
            self._predict_ns = time.perf_counter_ns() - start
            if binding.spoils_outputs:
                outputs = {name: array * np.inf for name, array in outputs.items()}
            return outputs

        def get_load_duration_in_nano_seconds(self) -> int:
            return self._load_ns

        def get_last_predict_duration_in_nano_seconds(self) -> int | None:
            return self._predict_ns

        @staticmethod
        def compileModel(path: str) -> str:  # noqa: N802  (the binding's name)
            binding.compiled.append(path)
            folder = Path(tempfile.mkdtemp()) / "model.mlmodelc"
            shutil.copytree(path, folder / SOURCE)
            return str(folder)

        @staticmethod
        def get_compute_plan(path: str, units: str) -> Any:
            return compute_plan.MLComputePlan(PlanProxy(Path(path), units))

        @staticmethod
        def get_available_compute_devices() -> list[Any]:
            return [
                compute_device.MLCPUComputeDevice(CPUProxy()),
                compute_device.MLNeuralEngineComputeDevice(NeuralEngineProxy()),
            ]

    class PlanProxy:
        def __init__(self, path: Path, units: str) -> None:
            self._program, self._units = load_program(path / SOURCE), units
            self.model_structure = _structure(compute_plan, self._program)
            self._count = len(self._operations())

        def _operations(self) -> list[Any]:
            function = self.model_structure.program.functions["main"]
            return [op for op in function.block.operations if op.operator_name != "ios17.const"]

        def get_compute_device_usage_for_mlprogram_operation(self, operation: Any) -> Any:
            if operation.operator_name == "ios17.const":
                return None
            stays = self._units == "CPU_ONLY" or OFF_NEURAL_ENGINE in operation.operator_name
            cpu = compute_device.MLCPUComputeDevice(CPUProxy())
            engine = compute_device.MLNeuralEngineComputeDevice(NeuralEngineProxy())
            preferred = cpu if stays else engine
            return compute_plan.MLComputePlanDeviceUsage(preferred, [cpu, engine])

        def get_estimated_cost_for_mlprogram_operation(self, operation: Any) -> Any:
            if operation.operator_name == "ios17.const":
                return None
            return compute_plan.MLComputePlanCost(1.0 / self._count)

    class CPUProxy:
        pass

    class NeuralEngineProxy:
        def get_total_core_count(self) -> int:
            return 16

    return {
        "_MLModelProxy": ModelProxy,
        "_MLComputePlanProxy": PlanProxy,
        "_MLCPUComputeDeviceProxy": CPUProxy,
        "_MLNeuralEngineComputeDeviceProxy": NeuralEngineProxy,
    }


def _structure(plan: Any, program: Any) -> Any:
    """The program as coremltools' own structure classes describe it."""
    operations = [
        plan.MLModelStructureProgramOperation(
            inputs={},
            operator_name=f"ios17.{op.op_type}",
            outputs=[
                plan.MLModelStructureProgramNamedValueType(
                    var.name, plan.MLModelStructureProgramValueType()
                )
                for var in op.outputs
            ],
            blocks=[],
            __proxy__=None,
        )
        for op in program.functions["main"].operations
    ]
    block = plan.MLModelStructureProgramBlock([], operations, [])
    function = plan.MLModelStructureProgramFunction([], block)
    return plan.MLModelStructure(
        neuralnetwork=None, program=plan.MLModelStructureProgram({"main": function}), pipeline=None
    )


class Phone:
    """A connected iPhone, as coremltools' remote service speaks to it.

    Each prediction takes the time that the device says, which has nothing to do with the wall
    clock here.
    """

    DURATION_NS = 7_000_000

    def __init__(self, compiled: Path, units: str) -> None:
        self.units = units
        self.is_loaded = True
        self.load_duration_in_nano_seconds = 250_000_000
        self.last_predict_duration_in_nano_seconds: int | None = None
        self._program = load_program(compiled / SOURCE)

    async def predict(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.last_predict_duration_in_nano_seconds = self.DURATION_NS
        return run_program(self._program, inputs)

    async def unload(self) -> None:
        self.is_loaded = False


def connect_phone(monkeypatch: pytest.MonkeyPatch) -> list[Phone]:
    """Connect an iPhone to the Mac of `install`; returns the services it will run."""
    from coremltools.models.ml_program.experimental import async_wrapper, remote_device

    kind, state = remote_device.DeviceType.IPHONE, remote_device.DeviceState.CONNECTED
    device = remote_device.Device(
        name="test phone",
        type=kind,
        identifier="1",
        udid="1",
        os_version="17.5",
        os_build_number="21F79",
        developer_mode_state="enabled",
        state=state,
        session=None,
    )
    services: list[Phone] = []

    async def load_on_device(**given: Any) -> Phone:
        services.append(Phone(given["compiled_model_path"], given["compute_units"].name))
        return services[-1]

    monkeypatch.setattr(remote_device.Device, "get_devices", staticmethod(lambda: [device]))
    monkeypatch.setattr(
        remote_device.Device,
        "_build_and_launch_model_runner_app",
        lambda self, *given: "a session",
    )
    service = types.SimpleNamespace(load_on_device=load_on_device)
    monkeypatch.setattr(async_wrapper, "_RemoteMLModelService", service)
    return services
