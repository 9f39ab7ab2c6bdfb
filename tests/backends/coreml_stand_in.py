"""coremltools' compiled binding to Core ML, replaced by one that runs on Linux.

Only the binding (`libcoremlpython`) and the system's name are replaced: every line of Python
in coremltools runs as it would on a Mac. A "compiled" model is a copy of its package, and a
prediction really executes the saved program, through the interpreter. Method names and
arguments are those that coremltools' Python files use and that the macOS wheel's binding
contains; like the original, `predict` takes no fp16 arrays and durations are whole nanoseconds.
"""

from __future__ import annotations

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

from paretobench.backends import coreml_runtime, hardware
from tests.backends.mil_interpreter import load_program, run_program

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
