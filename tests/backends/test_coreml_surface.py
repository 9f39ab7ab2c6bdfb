"""Every name that the Mac-only file uses exists in coremltools' sources, with its arguments.

The wheel for macOS and the one for Linux hold the same Python files (a nightly test compares
them), so the installed sources stand for those on a Mac. Of the compiled binding there are only
the names that the Python files call, and the strings inside the macOS library.
"""

import ast
import hashlib
import inspect
import re
import subprocess
import sys
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest

pytest.importorskip("coremltools")

import coremltools
from coremltools.models import compute_device, compute_plan, utils
from coremltools.models.ml_program.experimental import (
    async_wrapper,
    remote_device,
)

import paretobench
from paretobench.backends import coreml_runtime

BINDING = ("get_load_duration_in_nano_seconds", "get_last_predict_duration_in_nano_seconds")
MAC_ONLY = (
    "CompiledMLModel",
    "compile_model",
    "MLComputePlan",
    "get_available_compute_devices",
    "remote_device",
    "libcoremlpython",
    "_proxy",
)
PACKAGE = Path(paretobench.__file__).parent


def parameters(function):
    return list(inspect.signature(function).parameters)


def names(cls):
    return {field.name for field in fields(cls)}


def test_no_other_file_makes_a_call_that_only_a_mac_can_run():
    found = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if "coreml" in path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in MAC_ONLY)
        or (isinstance(node, ast.alias) and node.name.rsplit(".", 1)[-1] in MAC_ONLY)
    }
    assert found == {"coreml_runtime.py"}


def test_all_that_the_file_imports_from_coremltools_is_checked_here():
    tree = ast.parse(Path(coreml_runtime.__file__).read_text(encoding="utf-8"))
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("coremltools")
        for alias in node.names
    }
    assert imported == {
        "coremltools.models.utils.compile_model",
        "coremltools.models.compute_plan.MLComputePlan",
        "coremltools.models.ml_program.experimental.async_wrapper",
        "coremltools.models.ml_program.experimental.remote_device",
    }


def test_compiling():
    assert parameters(utils.compile_model) == ["model", "destination_path"]
    assert "_MLModelProxy.compileModel(source_model_path)" in inspect.getsource(utils.compile_model)


def test_loading_a_compiled_model_and_predicting():
    model = coremltools.models.CompiledMLModel
    assert parameters(model.__init__)[1:3] == ["path", "compute_units"]
    assert parameters(model.predict)[1] == "data"
    assert "self._proxy = _MLModelProxy(" in inspect.getsource(model.__init__)


@pytest.mark.parametrize("name", BINDING)
def test_the_bindings_durations_are_nanoseconds(name):
    """They are public on MLModel, whose binding is the class that CompiledMLModel holds too."""
    public = getattr(coremltools.models.MLModel, name.removeprefix("get_"))
    assert f"self.__proxy__.{name}()" in inspect.getsource(public.fget)
    assert "nanoseconds" in public.__doc__


def test_compute_units():
    for name in map(str.upper, coreml_runtime.COMPUTE_UNITS):
        assert coremltools.ComputeUnit[name].name == name


def test_the_compute_plan():
    plan = compute_plan.MLComputePlan
    assert parameters(plan.load_from_path) == ["path", "compute_units"]
    usage = plan.get_compute_device_usage_for_mlprogram_operation
    cost = plan.get_estimated_cost_for_mlprogram_operation
    assert parameters(usage) == parameters(cost) == ["self", "operation"]
    assert isinstance(plan.model_structure, property)
    assert "program" in names(compute_plan.MLModelStructure)
    assert "functions" in names(compute_plan.MLModelStructureProgram)
    assert "block" in names(compute_plan.MLModelStructureProgramFunction)
    assert "operations" in names(compute_plan.MLModelStructureProgramBlock)
    operation = names(compute_plan.MLModelStructureProgramOperation)
    assert {"operator_name", "outputs"} <= operation
    assert "name" in names(compute_plan.MLModelStructureProgramNamedValueType)
    assert "preferred_compute_device" in names(compute_plan.MLComputePlanDeviceUsage)
    assert "weight" in names(compute_plan.MLComputePlanCost)


def test_compute_devices():
    assert parameters(coremltools.models.MLModel.get_available_compute_devices) == []
    for name in coreml_runtime.DEVICES:
        assert issubclass(getattr(compute_device, name), compute_device.MLComputeDevice)
    engine = compute_device.MLNeuralEngineComputeDevice
    assert isinstance(engine.total_core_count, property)


def test_remote_devices():
    device = remote_device.Device
    assert parameters(device.get_connected_devices) == ["device_type"]
    for kind in ("iphone", "ipad"):
        assert remote_device.DeviceType(kind).value == kind
    assert parameters(device.prepare_for_model_debugging)[:2] == ["self", "credentials"]
    assert inspect.iscoroutinefunction(device.prepare_for_model_debugging)
    assert {"name", "type", "os_version", "os_build_number"} <= names(device)
    assert "development_team" in names(remote_device.AppSigningCredentials)


def test_models_on_remote_devices():
    wrapper = async_wrapper.MLModelAsyncWrapper
    given = {"spec_or_path", "weights_dir", "compute_units", "device"}
    assert given <= set(parameters(wrapper.from_spec_or_path))
    remote = async_wrapper.RemoteMLModelAsyncWrapper
    for name in ("load", "predict", "unload"):
        assert inspect.iscoroutinefunction(getattr(remote, name))
    for name in ("load_duration_in_nano_seconds", "last_predict_duration_in_nano_seconds"):
        assert isinstance(getattr(remote, name), property)


def test_frameworks_are_hidden_while_coremltools_is_imported_for_measuring():
    program = (
        "import sys; from paretobench.backends import coreml_runtime as runtime; "
        "tools = runtime.import_for_measuring(); from coremltools.models import CompiledMLModel; "
        "assert 'torch' not in sys.modules and not tools._deps._HAS_TORCH; import torch"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.nightly
def test_the_macos_wheel_has_the_same_python_files_and_the_bindings_methods(tmp_path):
    command = ["download", "--no-deps", "--only-binary=:all:", "--platform", "macosx_11_0_arm64"]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    wanted = ["--python-version", version, f"coremltools=={coremltools.__version__}"]
    pip = [sys.executable, "-m", "pip", *command, *wanted, "-d", str(tmp_path)]
    if subprocess.run(pip, capture_output=True).returncode:
        pytest.skip("the macOS wheel cannot be downloaded here")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "mac")
    mac, here = tmp_path / "mac" / "coremltools", Path(coremltools.__file__).parent
    used = [Path(inspect.getfile(module)).relative_to(here) for module in
            (utils, compute_plan, compute_device, async_wrapper, remote_device)]  # fmt: skip
    for name in (*used, Path("models/_compiled_model.py"), Path("models/model.py")):
        assert digest(mac / name) == digest(here / name), name
    binding = (mac / "libcoremlpython.so").read_bytes()
    for name in (*BINDING, "compileModel", "get_compute_plan", "get_available_compute_devices"):
        assert re.search(name.encode() + rb"\0", binding), name


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
