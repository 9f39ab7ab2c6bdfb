"""Readings between samples: who else computed, which samples count, and when to go on."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.domain.contention import Contention, Neighbour
from paretobench.errors import ConfigError
from paretobench.measure.contention import (
    LIMIT_VARIABLE,
    MachineProbe,
    Reading,
    Watch,
    allowed_here,
    foreign_share,
    is_quiet,
    noise_now,
)
from paretobench.measure.timing import Repetition, sample
from paretobench.planning.stopping import SamplingPlan


@dataclass
class ScriptedMachine:
    """Two cores on a clock of its own; others take what `busy` says at each moment."""

    busy: Callable[[float], float] = lambda at_s: 0.0
    cores: int = 2
    now: float = 0.0
    idle_s: float = 0.0
    own_s: float = 0.0
    stalled_s: float = 0.0
    has_pressure: bool = True
    reads: int = field(default=0)

    def read(self) -> Reading:
        self.reads += 1
        pressure_s = self.stalled_s if self.has_pressure else None
        return Reading(self.now, self.idle_s, self.own_s, 0.0, pressure_s, None, 0)

    def _pass(self, seconds: float, own_cores: float) -> None:
        steps = max(1, round(seconds / 0.001))
        for _ in range(steps):
            step, others = seconds / steps, self.busy(self.now)
            own = min(own_cores, self.cores - others)
            self.own_s += own * step
            self.idle_s += (self.cores - own - others) * step
            self.stalled_s += step if own < own_cores else 0.0
            self.now += step

    def sleep(self, seconds: float) -> None:
        self._pass(seconds, 0.0)

    def run(self, seconds: float) -> Callable[[], float]:
        def once() -> float:
            self._pass(seconds, 2.0)
            return seconds

        return once


def watch(machine: ScriptedMachine, wait_limit_s: float = 30.0) -> Watch:
    noisy = Neighbour("noisy", 1.0)
    return Watch(machine, wait_limit_s, machine.sleep, lambda: [noisy], allowed=0.03)


def test_on_a_quiet_machine_every_sample_counts() -> None:
    machine = ScriptedMachine()
    own = watch(machine)
    samples = [own.time(machine.run(0.5))[0] for _ in range(5)]
    seen = own.record((0.0, 0.0))
    assert seen.disturbed == () and seen.counted(samples) == tuple(samples)
    assert max(seen.foreign) == pytest.approx(0.0, abs=1e-6)


def test_a_sample_during_which_others_computed_is_kept_and_does_not_count() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0 if 1.0 <= at_s < 1.4 else 0.0)
    own = watch(machine)
    samples = [own.time(machine.run(0.5))[0] for _ in range(5)]
    seen = own.record((None, None))
    assert seen.disturbed == (2,)
    assert len(seen.foreign) == len(samples) == 5
    assert seen.foreign[2] == pytest.approx(0.4, abs=0.01)


def test_short_samples_share_a_reading_and_pressure_says_which_were_met() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0 if 0.3 <= at_s < 0.4 else 0.0)
    own = watch(machine)
    for _ in range(30):
        own.time(machine.run(0.02))
    disturbed = own.record((None, None)).disturbed
    assert set(range(15, 20)) <= set(disturbed) <= set(range(14, 21))


def test_without_pressure_the_whole_window_of_short_samples_is_in_doubt() -> None:
    machine = ScriptedMachine(
        busy=lambda at_s: 1.0 if 0.3 <= at_s < 0.4 else 0.0, has_pressure=False
    )
    own = watch(machine)
    for _ in range(30):
        own.time(machine.run(0.02))
    disturbed = own.record((None, None)).disturbed
    assert disturbed == tuple(range(10, 20))


def test_waiting_ends_with_the_first_quiet_look_and_names_who_was_at_work() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0 if at_s < 1.2 else 0.0)
    own = watch(machine)
    assert own.wait()
    assert 1.2 <= machine.now <= 2.1
    assert own.neighbours == (Neighbour("noisy", 1.0),)
    assert own.record((None, None)).waited_s == pytest.approx(machine.now, abs=0.01)


def test_waiting_has_an_end_on_a_machine_that_is_never_quiet() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0)
    own = watch(machine, wait_limit_s=3.0)
    assert not own.wait() and not own.can_wait
    assert machine.now <= 3.5


def test_the_first_short_run_after_a_wait_does_not_count() -> None:
    machine = ScriptedMachine()
    own = watch(machine)
    own.wait()
    for _ in range(3):
        own.time(machine.run(0.3))
    assert own.record((None, None)).disturbed == (0,)


@given(st.floats(0.01, 20.0), st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.integers(1, 128))
def test_a_share_lies_between_nothing_and_everything(
    elapsed_s: float, idle: float, own: float, cores: int
) -> None:
    start = Reading(0.0, 0.0, 0.0, None, None, None, 0)
    end = Reading(elapsed_s, idle * elapsed_s, own * elapsed_s, None, None, None, 0)
    assert 0.0 <= foreign_share(start, end, cores) <= 1.0


def test_what_the_counters_cannot_resolve_is_no_disturbance() -> None:
    tick_in_a_short_look = 0.01 / (2 * 0.2)
    assert is_quiet(tick_in_a_short_look, 0.2, cores=2, allowed=0.03)
    assert not is_quiet(0.06, 2.0, cores=2, allowed=0.03)


def test_what_was_seen_comes_back_from_json() -> None:
    seen = Contention(
        2,
        (0.0, 0.4),
        disturbed=(1,),
        allowed=0.05,
        pressure=(0.0, 0.9),
        switches=(3, 7),
        canary_foreign=(0.01, None),
        waited_s=1.5,
        neighbours=(Neighbour("make", 1.9),),
    )
    assert Contention.from_json(seen.to_json()) == seen
    empty = Contention(4, ())
    assert Contention.from_json(empty.to_json()) == empty


def _spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
def test_a_real_disturber_is_seen_and_own_work_is_not() -> None:
    probe = MachineProbe()

    def share_during(act: Callable[[], object]) -> float:
        before = probe.read()
        act()
        return foreign_share(before, probe.read(), probe.cores)

    code = "import time\nend = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass"
    other = subprocess.Popen(["setsid", sys.executable, "-c", code])
    time.sleep(0.3)
    with_other = share_during(lambda: time.sleep(0.8))
    before = probe.read()
    other.wait()  # from now on its time counts as this process's own
    assert with_other > 0.4 / probe.cores
    assert probe.read().own_s > before.own_s + 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
def test_counters_only_grow_and_idle_and_own_time_fit_into_the_cores() -> None:
    probe = MachineProbe()
    before = probe.read()
    child = multiprocessing.get_context("spawn").Process(target=_spin, args=(0.2,))
    child.start()
    _spin(0.3)
    child.join()
    after = probe.read()
    elapsed_s = after.at_s - before.at_s
    assert after.own_s > before.own_s + 0.05
    assert 0.0 <= after.idle_s - before.idle_s <= probe.cores * (elapsed_s + 0.05)


def test_the_limit_of_a_machine_that_is_never_quiet_is_its_owners(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "0.4")
    assert allowed_here(2) == 0.4
    monkeypatch.delenv(LIMIT_VARIABLE)
    assert allowed_here(2) == 0.03
    for wrong in ("much", "0", "1.5", "nan"):
        monkeypatch.setenv(LIMIT_VARIABLE, wrong)
        with pytest.raises(ConfigError, match=LIMIT_VARIABLE):
            allowed_here(2)


def plan() -> SamplingPlan:
    return SamplingPlan(sample_s=2.0, share=0.0, sample_limit_s=2.0, min_samples=5)


def repetition(machine: ScriptedMachine, seconds: float) -> Repetition:
    run = machine.run(seconds)

    def timed() -> None:
        run()

    return Repetition(timed, lambda: None, lambda: machine.now)


def test_sampling_waits_for_a_quiet_moment_and_goes_on() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0 if 1.0 <= at_s < 5.0 else 0.0)
    own = watch(machine)
    samples = sample(repetition(machine, 0.4), plan(), watch=own)
    seen = own.record((None, None))
    counted = seen.counted(samples)
    assert len(counted) >= 5 and max(counted) < 0.41
    assert 3.0 <= seen.waited_s <= 5.5


def test_sampling_ends_on_a_machine_that_is_never_quiet() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0)
    own = watch(machine, wait_limit_s=4.0)
    samples = sample(repetition(machine, 0.4), plan(), watch=own)
    seen = own.record((None, None))
    assert 5 <= len(samples) <= 8 and seen.counted(samples) == ()
    assert machine.now < 10.0


def test_slow_samples_that_others_meet_again_and_again_are_not_replaced_without_end() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0 if at_s % 30.0 < 5.0 else 0.0)
    own = watch(machine)
    samples = sample(repetition(machine, 60.0), SamplingPlan(), watch=own)
    assert len(samples) == 2 and own.record((None, None)).counted(samples) == ()


def test_a_disturbance_in_the_last_window_of_short_samples_is_found() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0 if 1.93 <= at_s < 1.99 else 0.0)
    own = watch(machine)
    samples = sample(repetition(machine, 0.03), plan(), watch=own)
    seen = own.record((None, None))
    assert seen.disturbed and max(seen.counted(samples)) < 0.031


def test_slowness_is_judged_by_undisturbed_samples() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.9 if at_s < 3.0 else 0.0)
    own = watch(machine)
    samples = sample(repetition(machine, 0.5), plan(), watch=own)
    assert len(own.record((None, None)).counted(samples)) >= 5


def test_noise_now_says_how_much_is_taken_and_by_whom() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.0)
    watch = Watch(
        machine,
        sleep=machine.sleep,
        name_neighbours=lambda: [Neighbour("make", 1.0)],
        allowed=0.03,
    )
    assert noise_now(watch) == (
        "others take 50% of the cores (up to 3% is quiet), most by make (1.00 cores)"
    )


def test_a_quiet_machine_has_no_noise_to_name() -> None:
    machine = ScriptedMachine()
    assert noise_now(Watch(machine, sleep=machine.sleep, allowed=0.03)) == ""


def test_at_a_limit_of_one_everything_counts_whatever_the_pressure() -> None:
    machine = ScriptedMachine(busy=lambda at_s: 1.5)
    watch = Watch(machine, sleep=machine.sleep, allowed=1.0)

    def run() -> float:
        machine._pass(0.5, 2.0)
        return 0.5

    assert all(watch.time(run)[1] for _ in range(4))
    assert watch.record((None, None)).disturbed == ()
