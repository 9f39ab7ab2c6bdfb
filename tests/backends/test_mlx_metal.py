"""The MLX calls that only a Mac's GPU gives a meaning: they exist, and what is done with them."""

import ast
import inspect
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from paretobench.backends import PreparedArtifact, get, hardware, mlx_metal
from paretobench.domain import LanguageModel, Runtime, Workload

CALLS = {
    "default_device",
    "Device",
    "gpu",
    "device_info",
    "set_wired_limit",
}
COUNTS = {"reset_peak_memory", "get_peak_memory"}
"""Calls that count everywhere, and on a Mac Metal's buffers too."""

GIB = 1 << 30
TINY = LanguageModel(
    "tiny", "Tiny", "Tiny", "0.1M", "qwen2", 64, 2, 4, 2, 128, 512, 1024, 115_264
).spec()


class Metal:
    """mlx.core on a Mac, as far as the file goes; the methods' names are its stubs'."""

    gpu = "gpu"

    def __init__(self):
        self.wired = 0

    def Device(self, kind):  # noqa: N802
        return ("device", kind)

    def default_device(self):
        return ("device", "gpu")

    def device_info(self):
        return {
            "device_name": "Apple M1 Max",
            "architecture": "applegpu_g13s",
            "memory_size": 32 * GIB,
            "max_recommended_working_set_size": 21 * GIB,
            "max_buffer_length": 18 * GIB,
        }

    def set_wired_limit(self, limit):
        before, self.wired = self.wired, limit
        return before


class OnAMac(Metal):
    """The installed mlx.core, as a Mac's: its GPU is Metal's, and computes on this processor."""

    def __init__(self, core):
        super().__init__()
        self._core, self._default, self.limits, self.resets = core, "cpu", [], 0

    def __getattr__(self, name):
        return getattr(self._core, name)

    def set_default_device(self, device):
        self._default = device if device == "gpu" else "cpu"
        self._core.set_default_device(self._core.cpu)

    def default_device(self):
        return ("device", self._default)

    def set_wired_limit(self, limit):
        self.limits.append(limit)
        return super().set_wired_limit(limit)

    def reset_peak_memory(self):
        self.resets += 1
        self._core.reset_peak_memory()


@pytest.fixture
def a_mac(mlx, monkeypatch):
    """This process takes itself for a Mac's with Metal, as far as MLX goes."""
    from paretobench.backends.models import mlx_llm

    mac = OnAMac(mlx)
    monkeypatch.setattr(mlx_llm, "import_mlx", lambda: (mac, "Accelerate"))
    return mac


def session(device):
    subject = {"llm": TINY, "n_tokens": 5}
    workload = Workload("prefill", "tiny", subject, Runtime("mlx", "fp32", {"device": device}))
    return get("mlx").load(workload, PreparedArtifact())


def test_a_session_on_a_gpu_wires_memory_while_it_lasts_and_keeps_its_peak(a_mac):
    a_mac.wired = 3
    running = session("gpu")
    assert a_mac.limits == [21 * GIB] and a_mac.resets == 1
    assert running.facts["wired_limit_bytes"] == 21 * GIB
    assert running.facts["gpu"]["device_name"] == "Apple M1 Max"
    before = running.facts["mlx_peak_memory_bytes"]
    running.run()
    running.renew_input()
    assert running.facts["mlx_peak_memory_bytes"] >= before > 4 * 100_000
    running.close()
    assert a_mac.wired == 3, "the limit that was there before is put back"


def test_a_session_on_a_processor_wires_nothing(a_mac):
    running = session("cpu")
    running.close()
    assert a_mac.limits == []
    assert "gpu" not in running.facts and "wired_limit_bytes" not in running.facts


@pytest.fixture(scope="module")
def mlx():
    pytest.importorskip("mlx.core")
    from paretobench.backends.models.mlx_llm import import_mlx

    return import_mlx()[0]


def used():
    tree = ast.parse(Path(mlx_metal.__file__).read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "mlx"
    }


def test_every_call_exists_in_the_installed_mlx(mlx):
    assert used() == CALLS
    for name in CALLS | COUNTS:
        assert hasattr(mlx, name), name
    assert "limit: int" in inspect.getdoc(mlx.set_wired_limit)
    assert mlx_metal.WORKING_SET in inspect.getdoc(mlx.set_wired_limit)


def test_on_a_cpu_nothing_is_wired(mlx):
    assert mlx_metal.wire_memory(mlx) == {}
    mlx_metal.unwire_memory(mlx, {})
    assert mlx_metal.gpu_facts(mlx)["device_name"]


def test_on_a_gpu_the_recommended_working_set_is_wired_and_given_back():
    metal = Metal()
    metal.wired = 5
    facts = mlx_metal.wire_memory(metal)
    assert facts == {"wired_limit_bytes": 21 * GIB, "wired_limit_before_bytes": 5}
    assert metal.wired == 21 * GIB
    mlx_metal.unwire_memory(metal, facts)
    assert metal.wired == 5
    assert mlx_metal.gpu_facts(metal)["memory_size"] == 32 * GIB


@pytest.mark.nightly
def test_the_macos_wheels_stubs_have_every_call(tmp_path):
    version = hardware.version_of("mlx")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    wanted = ["--platform", "macosx_14_0_arm64", "--python-version", python, f"mlx=={version}"]
    if subprocess.run([*pip, *wanted, "-d", str(tmp_path)], capture_output=True).returncode:
        pytest.skip("the macOS wheel cannot be downloaded here")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        stubs = ast.parse(archive.read("mlx/core/__init__.pyi").decode())
    names = {getattr(node, "name", "") for node in stubs.body}
    names |= {node.target.id for node in stubs.body if isinstance(node, ast.AnnAssign)}
    assert names >= CALLS | COUNTS
    limit = next(node for node in stubs.body if getattr(node, "name", "") == "set_wired_limit")
    assert isinstance(limit, ast.FunctionDef)
    assert [argument.arg for argument in limit.args.args] == ["limit"]
