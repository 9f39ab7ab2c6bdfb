"""Is the machine quiet enough: each check on values that tests choose."""

from __future__ import annotations

import subprocess
import sys

import pytest

from paretobench.backends.cuda_nvml import BoardState
from paretobench.measure import quiet
from paretobench.measure.quiet import Busy, Finding


def test_a_quiet_machine_has_only_fine_findings() -> None:
    fine = [
        quiet.load(0.1, 8),
        *quiet.others([Busy(1, "idle", 0.01, 0.02)]),
        quiet.memory(0.9),
        quiet.swap(0, 0),
        quiet.swap(1, 1000),
        *quiet.governor("performance"),
        *quiet.heat({"x86_pkg_temp": 45.0}),
    ]
    assert all(finding.is_fine for finding in fine)


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (quiet.load(3.0, 2), "load: 3.00 (allowed: up to 0.2 on 2 cores); wait a minute"),
        (quiet.others([Busy(7, "make", 0.9, 0.1)])[0], "process make (7): 90% of a core"),
        (quiet.memory(0.3), "available memory: 30% (allowed: at least 50%); close what holds"),
        (quiet.swap(500, 1000), "swap in use: 50% (allowed: up to 1%); free memory"),
        (quiet.governor("powersave")[0], "frequency governor: powersave (allowed: performance)"),
        (quiet.heat({"cpu": 91.0, "disk": 40.0})[0], "temperature: 91 C (cpu) (allowed: below"),
    ],
)
def test_what_disturbs_is_named_with_its_value_and_what_to_do(finding: Finding, text: str) -> None:
    assert not finding.is_fine
    assert str(finding).startswith(text)
    assert finding.advice


def test_what_a_machine_does_not_have_is_not_mentioned() -> None:
    assert quiet.governor(None) == []
    assert quiet.heat({}) == []


def test_only_the_five_heaviest_processes_are_listed() -> None:
    busy = [Busy(i, f"p{i}", 0.2 + 0.01 * i, 0.0) for i in range(9)]
    assert [f.what for f in quiet.others(busy)] == [f"process p{i} ({i})" for i in (8, 7, 6, 5, 4)]


def test_a_busy_neighbour_is_seen_but_not_ones_own_children() -> None:
    spin = [sys.executable, "-c", "while True: pass"]
    child = subprocess.Popen(spin)
    stranger = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; p = subprocess.Popen({spin!r}); print(p.pid, "
         "flush=True)"],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert stranger.stdout is not None
    orphan = int(stranger.stdout.readline())
    stranger.wait()
    try:
        seen = {busy.pid: busy for busy in quiet.busy_processes(0.4)}
        while not seen[orphan].cpu:  # a machine on which much else runs gives it nothing at times
            seen = {busy.pid: busy for busy in quiet.busy_processes(0.4)}
        assert child.pid not in seen
    finally:
        child.kill()
        child.wait()
        quiet.psutil.Process(orphan).kill()


def test_findings_are_those_that_are_not_fine() -> None:
    assert all(not finding.is_fine for finding in quiet.findings())


def test_low_power_mode_and_a_speed_limit_of_a_mac_are_found() -> None:
    said = {
        ("pmset", "-g"): "System-wide power settings:\n lowpowermode         1\n sleep 1",
        ("pmset", "-g", "therm"): "2026-01-01 CPU Power notify\n\tCPU_Speed_Limit \t= 70",
    }
    found = quiet.macos(lambda *command: said[command])
    assert [(f.what, f.value, f.is_fine) for f in found] == [
        ("low-power mode", "on", False),
        ("CPU speed limit", "70%", False),
    ]


def test_a_mac_that_is_fine_or_silent() -> None:
    said = {("pmset", "-g"): " lowpowermode 0", ("pmset", "-g", "therm"): "No thermal warning"}
    assert all(f.is_fine for f in quiet.macos(lambda *command: said[command]))
    assert quiet.macos(lambda *command: None) == []


def test_a_throttled_hot_shared_gpu_has_three_findings() -> None:
    state = BoardState(0, temperature_c=85, reasons=0x40 | 0x1, neighbours=(123,))
    found = quiet.board(state)
    assert [f.is_fine for f in found] == [False, False, False]
    assert "limited (thermal slowdown by the board)" in found[0].value


def test_an_idle_gpu_is_fine() -> None:
    assert all(f.is_fine for f in quiet.board(BoardState(0, temperature_c=40, reasons=0x1)))


def test_a_gpu_that_does_not_tell_its_temperature_has_no_finding_about_it() -> None:
    assert [f.what for f in quiet.board(BoardState(1))] == ["GPU 1 clocks", "GPU 1 processes"]


def test_a_gpu_cut_into_instances_is_not_quiet() -> None:
    (mig,) = [f for f in quiet.board(BoardState(0, mig=True)) if not f.is_fine]
    assert "MIG: on (allowed: off); its instances share clocks" in str(mig)
