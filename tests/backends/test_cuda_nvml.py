"""NVML's facts: what is asked exists in the package, and what is answered is understood."""

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest

from paretobench.backends import cuda_nvml
from paretobench.backends.cuda_nvml import BoardWatch
from paretobench.measure import environment, hardware

FUNCTIONS = {
    "nvmlInit": (),
    "nvmlDeviceGetCount": (),
    "nvmlSystemGetDriverVersion": (),
    "nvmlDeviceGetHandleByIndex": ("index",),
    "nvmlDeviceGetName": ("handle",),
    "nvmlDeviceGetUUID": ("handle",),
    "nvmlDeviceGetClockInfo": ("handle", "type"),
    "nvmlDeviceGetTemperature": ("handle", "sensor"),
    "nvmlDeviceGetPowerUsage": ("handle",),
    "nvmlDeviceGetEnforcedPowerLimit": ("handle",),
    "nvmlDeviceGetTotalEnergyConsumption": ("handle",),
    "nvmlDeviceGetMigMode": ("device",),
    "nvmlDeviceGetPersistenceMode": ("handle",),
    "nvmlDeviceGetComputeRunningProcesses": ("handle",),
    "nvmlDeviceGetCurrentClocksEventReasons": ("handle",),
    "nvmlDeviceGetCurrentClocksThrottleReasons": ("handle",),
}
CONSTANTS = ("NVML_CLOCK_SM", "NVML_CLOCK_MEM", "NVML_TEMPERATURE_GPU", "NVML_DEVICE_MIG_ENABLE")


class NotSupportedError(Exception):
    """NVMLError's place."""


def silent(*arguments):
    raise NotSupportedError


def nvml(boards=1, **answers):
    """pynvml's functions as far as the file goes: answers by function, errors for the rest."""
    given = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: boards,
        "nvmlSystemGetDriverVersion": lambda: "580.95.05",
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: "NVIDIA H100 80GB HBM3",
        "nvmlDeviceGetUUID": lambda handle: f"GPU-{handle}",
        "nvmlDeviceGetClockInfo": lambda handle, kind: {1: 1755, 2: 2619}[kind],
        "nvmlDeviceGetTemperature": lambda handle, sensor: 41,
        "nvmlDeviceGetPowerUsage": lambda handle: 123456,
        "nvmlDeviceGetEnforcedPowerLimit": lambda handle: 700000,
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: 5_000_000,
        "nvmlDeviceGetMigMode": lambda handle: [0, 0],
        "nvmlDeviceGetPersistenceMode": lambda handle: 1,
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: [SimpleNamespace(pid=77)],
        "nvmlDeviceGetCurrentClocksEventReasons": lambda handle: 0x4,
        "nvmlDeviceGetCurrentClocksThrottleReasons": silent,
    } | answers
    assert set(given) == set(FUNCTIONS)
    constants = dict(zip(CONSTANTS, (1, 2, 0, 1), strict=True))
    return SimpleNamespace(NVMLError=NotSupportedError, **constants, **given)


def test_every_function_that_is_asked_is_in_the_package():
    pynvml = pytest.importorskip("pynvml")
    for name, parameters in FUNCTIONS.items():
        assert tuple(inspect.signature(getattr(pynvml, name)).parameters)[: len(parameters)] == (
            parameters
        )
    assert all(hasattr(pynvml, name) for name in CONSTANTS)
    assert issubclass(pynvml.NVMLError, Exception)
    for bit in (0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100):
        names = [n for n, v in vars(pynvml).items() if v == bit and n.startswith("nvmlClocksEvent")]
        assert names and bit in cuda_nvml.REASONS


def test_the_list_of_functions_is_what_the_file_uses():
    tree = ast.parse(Path(cuda_nvml.__file__).read_text(encoding="utf-8"))
    words = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and str(node.value).startswith("nvmlDevice")
    } | {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("nvml")
    }
    assert words == set(FUNCTIONS)


def test_a_board_is_read_in_seconds_watts_and_words():
    (state,) = cuda_nvml.boards(nvml())
    assert state.name == "NVIDIA H100 80GB HBM3" and state.driver == "580.95.05"
    assert (state.sm_clock_mhz, state.memory_clock_mhz) == (1755, 2619)
    assert (state.power_w, state.power_limit_w, state.energy_j) == (123.456, 700.0, 5000.0)
    assert state.limits == ["power cap"] and state.neighbours == (77,)
    assert state.mig is False and state.persistence is True


def test_what_a_board_does_not_tell_is_left_out():
    quiet = {name: silent for name in FUNCTIONS if name.startswith("nvmlDeviceGet")}
    quiet |= {"nvmlDeviceGetCount": lambda: 1, "nvmlDeviceGetHandleByIndex": lambda index: index}
    (state,) = cuda_nvml.boards(nvml(**quiet, nvmlSystemGetDriverVersion=silent))
    assert state == cuda_nvml.BoardState(0)


def test_drivers_before_535_tell_their_limits_under_the_old_name():
    old = nvml(
        nvmlDeviceGetCurrentClocksEventReasons=silent,
        nvmlDeviceGetCurrentClocksThrottleReasons=lambda handle: 0x8,
    )
    assert cuda_nvml.boards(old)[0].limits == ["hardware slowdown"]


def test_a_machine_without_boards_or_without_nvml_says_nothing(monkeypatch):
    assert cuda_nvml.boards(nvml(nvmlDeviceGetCount=silent)) == []
    monkeypatch.setattr(cuda_nvml, "library", lambda: None)
    assert cuda_nvml.boards() == [] and cuda_nvml.identity() == []
    assert cuda_nvml.energy_j() is None and cuda_nvml.observed() == []


def test_the_environment_is_told_apart_by_board_driver_power_limit_and_mig(monkeypatch):
    monkeypatch.setattr(cuda_nvml, "library", lambda: nvml(nvmlDeviceGetMigMode=lambda _: [1, 1]))
    words = ["NVIDIA H100 80GB HBM3, driver 580.95.05, 700 W, MIG"]
    assert cuda_nvml.identity() == words
    monkeypatch.setattr(hardware, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(hardware, "has_nvidia_driver", lambda: True)
    assert hardware.gpus() == words


def test_clocks_heat_and_power_are_observed_beside_the_identity(monkeypatch):
    monkeypatch.setattr(cuda_nvml, "library", lambda: nvml(boards=2))
    first, second = environment.observed(measure_speed=False)["boards"]
    assert first == {
        "index": 0,
        "sm_clock_mhz": 1755,
        "memory_clock_mhz": 2619,
        "temperature_c": 41,
        "power_w": 123.456,
        "persistence": True,
        "limits": ["power cap"],
    }
    assert second["index"] == 1


def test_energy_is_the_sum_of_all_boards_or_unknown(monkeypatch):
    monkeypatch.setattr(cuda_nvml, "library", lambda: nvml(boards=2))
    assert cuda_nvml.energy_j() == 10_000.0
    one = iter([1000])
    monkeypatch.setattr(
        cuda_nvml,
        "library",
        lambda: nvml(
            boards=2,
            nvmlDeviceGetTotalEnergyConsumption=lambda _: next(one, None) or silent(),
        ),
    )
    assert cuda_nvml.energy_j() is None


def test_a_watch_keeps_the_extremes_of_its_board_and_looks_once_a_second(monkeypatch):
    now = iter([0.0, 0.2, 1.5])
    clocks = iter([1980, 1200])
    monkeypatch.setattr(
        cuda_nvml,
        "boards",
        lambda: [
            cuda_nvml.BoardState(0, uuid="GPU-a"),
            cuda_nvml.BoardState(
                1,
                uuid="GPU-b",
                sm_clock_mhz=next(clocks),
                temperature_c=60,
                power_w=300.0,
                reasons=0x20,
                mig=False,
            ),
        ],
    )
    watch = BoardWatch("b", clock=lambda: next(now))
    for _ in range(3):
        watch.look()
    assert watch.facts() == {
        "looks": 2,
        "driver": "",
        "sm_clock_mhz": [1200, 1980],
        "temperature_c": 60,
        "power_w": 300.0,
        "limits": ["thermal slowdown by the driver"],
        "mig": False,
    }
    assert BoardWatch("elsewhere", clock=lambda: 0.0).facts() == {}
