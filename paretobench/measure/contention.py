"""Who else computes on this machine: readings between samples, and waiting for a quiet moment.

What others took of the cores is what is left of them after idleness and after this process (its
children included): cores x elapsed - idle - own. Idle time from `/proc/stat` (proc(5)), own time
from `getrusage`, which is exact; on macOS the ticks of `host_processor_info` through psutil
(*not run here*). A reading took 41 us on two cores and is outside the timed part.

The kernel counts idle time in ticks of 10 ms, so samples under `WINDOW_S` share one reading.
Within such a window pressure (`/proc/pressure/cpu`, in microseconds) says which of its samples
the neighbour met; without pressure the run delay (`/proc/self/task/*/schedstat`) does.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paretobench.domain.contention import Contention, Neighbour, allowed_share
from paretobench.errors import ConfigError

LIMIT_VARIABLE = "PARETOBENCH_FOREIGN_LIMIT"
"""Environment variable with the share of the cores that others may take while a sample counts, for
machines that are never quiet; 1 counts everything, and repeats no process for its spread. It is
stored with each cell."""

WINDOW_S = 0.2
"""Samples shorter than this are judged together: 20 ticks on each core."""

LOOK_S = 0.5
"""How long one reading of the idle machine takes: 50 ticks on each core."""

PROCESS_WAIT_LIMIT_S = 30.0
"""Longest wait for quiet readings within one process."""

SWEEP_WAIT_LIMIT_S = 240.0
"""Longest wait for quiet readings within one sweep."""

SLIGHT = 0.5
"""Share of the limit that pressure may reach while foreign CPU time is above a tick and below the
limit: a burst of a tenth of a second in a sample of two seconds is 2 % of two cores, and makes
eager torch 3 % slower. Pressure resolves microseconds, so it is held to less: in simulation the
bias of workloads of seconds fell from 1.8 to 0.4 %."""

COLD_RUN_S = 2.0
"""A shorter run than this does not count right after a wait: caches and clocks went cold. Longer
ones amortise that, as in `SamplingPlan.slow_run_s`."""

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Reading:
    """Counters at one moment, all in seconds since some fixed time, switches apart.

    Attributes:
        at_s: monotonic clock.
        idle_s: idle time of the usable cores together.
        own_s: CPU time of this process and its children.
        steal_s, pressure_s, delay_s: None where the system does not report them.
        switches: involuntary context switches of this process.
    """

    at_s: float
    idle_s: float
    own_s: float
    steal_s: float | None
    pressure_s: float | None
    delay_s: float | None
    switches: int


class Probe(Protocol):
    """What takes readings; tests script one."""

    cores: int

    def read(self) -> Reading:
        """The counters now."""


class MachineProbe:
    """Readings of this machine, restricted to the cores that this process may use."""

    def __init__(self) -> None:
        self._usable = usable_cores()
        self.cores = len(self._usable)
        self._idle_and_steal: Callable[[], tuple[float, float | None]] = (
            self._from_proc_stat if sys.platform == "linux" else self._from_psutil
        )
        self._pressure = Path("/proc/pressure/cpu")
        self._has_pressure = _pressure_s(self._pressure) is not None

    def read(self) -> Reading:
        """The counters now."""
        idle_s, steal_s = self._idle_and_steal()
        own, children = (
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        own_s = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        pressure_s = _pressure_s(self._pressure) if self._has_pressure else None
        delay_s = None if self._has_pressure else _run_delay_s()
        return Reading(
            time.perf_counter(), idle_s, own_s, steal_s, pressure_s, delay_s, own.ru_nivcsw
        )

    def _from_proc_stat(self) -> tuple[float, float]:
        idle = steal = 0
        with Path("/proc/stat").open("rb") as file:
            for line in file:
                if not line.startswith(b"cpu"):
                    break
                name, *fields = line.split()
                if name[3:] and int(name[3:]) in self._usable:
                    idle += int(fields[3]) + int(fields[4])  # idle and waiting for a disk
                    steal += int(fields[7])
        return idle * _TICK_S, steal * _TICK_S

    def _from_psutil(self) -> tuple[float, None]:
        import psutil

        return sum(core.idle for core in psutil.cpu_times(percpu=True)), None


def usable_cores() -> frozenset[int]:
    """The numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _pressure_s(path: Path) -> float | None:
    """Seconds in which some task waited for a core; None where the kernel keeps no count."""
    try:
        first = path.read_bytes().split(b"\n", 1)[0]
    except OSError:
        return None
    _, _, total = first.partition(b"total=")
    return int(total) / 1e6 if first.startswith(b"some") and total else None


def _run_delay_s() -> float | None:
    """Seconds that the threads of this process waited on a run queue; None if not reported."""
    try:
        tasks = list(Path("/proc/self/task").iterdir())
        return sum(int((task / "schedstat").read_bytes().split()[1]) for task in tasks) / 1e9
    except (OSError, IndexError, ValueError):
        return None


def foreign_share(before: Reading, after: Reading, cores: int) -> float:
    """The share of the cores that others took between two readings, 0 to 1.

    >>> quiet = Reading(0.0, 0.0, 0.0, None, None, None, 0)
    >>> foreign_share(quiet, Reading(1.0, 0.5, 1.0, None, None, None, 0), cores=2)
    0.25
    """
    elapsed_s = after.at_s - before.at_s
    if elapsed_s <= 0:
        return 0.0
    left_s = cores * elapsed_s - (after.idle_s - before.idle_s) - (after.own_s - before.own_s)
    return min(max(left_s / (cores * elapsed_s), 0.0), 1.0)


def allowed_here(cores: int) -> float:
    """The share that others may take on this machine: `LIMIT_VARIABLE`, else the usual one.

    Raises:
        ConfigError: if the variable is no share.
    """
    text = os.environ.get(LIMIT_VARIABLE, "")
    if not text:
        return allowed_share(cores)
    try:
        chosen = float(text)
    except ValueError:
        chosen = -1.0
    if not 0.0 < chosen <= 1.0:
        raise ConfigError(
            f"{LIMIT_VARIABLE}={text} is no share of the cores.\n"
            "Give a number above 0 and up to 1, or unset it (0.03 is the usual limit)."
        )
    return chosen


def is_quiet(share: float, elapsed_s: float, cores: int, allowed: float) -> bool:
    """Whether a share seen over some time is within what is allowed and a tick of the counters."""
    return share <= allowed + tick_share(elapsed_s, cores)


def tick_share(elapsed_s: float, cores: int) -> float:
    """What one tick of the counters is as a share of the cores' time.

    The ticks of several cores are cut off independently, so their error grows with the root.
    """
    return _TICK_S * (cores / 2.0) ** 0.5 / (cores * elapsed_s) if elapsed_s > 0 else 1.0


@dataclass(frozen=True)
class QuietCheck:
    """The machine watched for a moment: the share that others took, and whether that is quiet."""

    share: float
    is_quiet: bool


NAMED_CORES = 0.05
"""Cores' worth of work from which another program is named."""

MOST_NAMED = 5


def neighbours() -> list[Neighbour]:
    """Who is at work beside this process and its family, the busiest first; takes `LOOK_S`."""
    from paretobench.measure.quiet import busy_processes  # psutil, needed on a busy machine alone

    busy = [one for one in busy_processes(LOOK_S) if one.cpu >= NAMED_CORES]
    busy.sort(key=lambda one: -one.cpu)
    return [Neighbour(one.name, round(one.cpu, 2)) for one in busy[:MOST_NAMED]]


GLANCE_S = 0.2
"""How long a plan looks: 20 ticks on each core."""


def noise_now(watch: Watch | None = None) -> str:
    """Who takes how much of this machine's cores now; empty if it is quiet."""
    watch = watch or Watch(MachineProbe(), name_neighbours=neighbours)
    look = watch.look(GLANCE_S)
    if look.is_quiet:
        return ""
    seen = Contention(0, (), neighbours=tuple(watch.name_neighbours()))
    most = f", most by {seen.disturbers()}" if seen.neighbours else ""
    return f"others take {look.share:.0%} of the cores (up to {watch.allowed:.0%} is quiet){most}"


class Watch:
    """Readings around every sample of one process, and the waits between them.

    Args:
        probe: takes the readings.
        wait_limit_s: how long this process may wait in all.
        sleep: lets time pass; tests move a clock.
        name_neighbours: returns the other processes; called once, after the first reading that was
            not quiet.
        allowed: the share that others may take; None for this machine's.
    """

    def __init__(
        self,
        probe: Probe,
        wait_limit_s: float = PROCESS_WAIT_LIMIT_S,
        sleep: Callable[[float], None] = time.sleep,
        name_neighbours: Callable[[], Sequence[Neighbour]] = tuple,
        allowed: float | None = None,
    ) -> None:
        self._probe, self._limit_s = probe, wait_limit_s
        self.allowed = allowed_here(probe.cores) if allowed is None else allowed
        self._sleep, self.name_neighbours = sleep, name_neighbours
        self._edges: list[tuple[Reading, Reading]] = []
        self._disturbed: set[int] = set()
        self._judged = 0
        self._has_resumed = False
        self.waited_s = 0.0
        self.neighbours: tuple[Neighbour, ...] = ()

    def time(self, run: Callable[[], float]) -> tuple[float, bool]:
        """One sample with a reading on each side.

        Returns:
            Its seconds, and whether the machine was quiet as far as is known: a window of short
            samples is judged once it is long enough.
        """
        before = self._probe.read()
        seconds = run()
        after = self._probe.read()
        self._edges.append((before, after))
        if self._has_resumed and seconds < COLD_RUN_S:
            self._disturbed.add(len(self._edges) - 1)
        self._has_resumed = False
        if after.at_s - self._edges[self._judged][0].at_s >= WINDOW_S:
            return seconds, self.judge()
        return seconds, True

    def judge(self) -> bool:
        """Judge the samples since the last verdict; whether the machine was quiet meanwhile."""
        window = self._edges[self._judged :]
        if not window:
            return True
        first, last = window[0][0], window[-1][1]
        look = self._look_between(first, last)
        allowed = self.allowed * (SLIGHT if look.is_quiet else 1.0)
        met = [i for i, edges in enumerate(window) if self.allowed < 1 and _met(*edges, allowed)]
        if look.is_quiet:
            is_there = look.share > tick_share(last.at_s - first.at_s, self._probe.cores)
            chosen = met if is_there else []
        else:
            # Where no single sample shows it, the whole window is in doubt.
            chosen = met if met and len(window) > 1 else list(range(len(window)))
        self._disturbed.update(self._judged + i for i in chosen)
        self._judged = len(self._edges)
        return not chosen

    def counted(self, samples_s: Sequence[float]) -> list[float]:
        """Of the samples so far, those that count as far as is known."""
        return [s for i, s in enumerate(samples_s) if i not in self._disturbed]

    @property
    def has_judged_all(self) -> bool:
        """Whether no sample awaits its verdict."""
        return self._judged == len(self._edges)

    @property
    def can_wait(self) -> bool:
        """Whether any of the time for waiting is left."""
        return self.waited_s < self._limit_s

    def look(self, seconds: float = LOOK_S) -> QuietCheck:
        """Watch the machine while this process does nothing."""
        before = self._probe.read()
        self._sleep(seconds)
        return self._look_between(before, self._probe.read())

    def _look_between(self, before: Reading, after: Reading) -> QuietCheck:
        cores = self._probe.cores
        share = foreign_share(before, after, cores)
        return QuietCheck(share, is_quiet(share, after.at_s - before.at_s, cores, self.allowed))

    def wait(self) -> bool:
        """Wait for a quiet reading, as long as there is time; returns whether one came."""
        while self.can_wait:
            started_s = self._probe.read().at_s
            look = self.look()
            if not look.is_quiet and not self.neighbours:
                self.neighbours = tuple(self.name_neighbours())
            self.waited_s += max(self._probe.read().at_s - started_s, LOOK_S)
            if look.is_quiet:
                self._has_resumed = True
                return True
        return False

    def around(self, run: Callable[[], float]) -> tuple[float, QuietCheck]:
        """Run something that is no sample (a canary), once more if others met it and a wait helps.

        Returns:
            Its result, and what others took meanwhile.
        """
        for is_last in (False, True):
            before = self._probe.read()
            result = run()
            look = self._look_between(before, self._probe.read())
            if look.is_quiet or is_last or not self.wait():
                break
        self._has_resumed = False
        return result, look

    def record(self, canary_foreign: tuple[float | None, float | None]) -> Contention:
        """What was seen, as a cell keeps it; shares to four digits."""
        self.judge()
        edges, cores = self._edges, self._probe.cores
        return Contention(
            cores=cores,
            foreign=tuple(round(foreign_share(*edge, cores), 4) for edge in edges),
            disturbed=tuple(sorted(self._disturbed)),
            allowed=self.allowed,
            steal=_shares(edges, lambda r: r.steal_s, cores),
            pressure=_shares(edges, lambda r: r.pressure_s, 1),
            switches=tuple(after.switches - before.switches for before, after in edges),
            canary_foreign=canary_foreign,
            waited_s=round(self.waited_s, 3),
            neighbours=self.neighbours,
        )


def _met(before: Reading, after: Reading, allowed: float) -> bool:
    """Whether tasks waited for a core during one sample of a window that was not quiet."""
    waits = (before.pressure_s, after.pressure_s), (before.delay_s, after.delay_s)
    for start_s, end_s in waits:
        if start_s is not None and end_s is not None:
            return end_s - start_s > allowed * (after.at_s - before.at_s)
    return False


def _shares(
    edges: Sequence[tuple[Reading, Reading]], of: Callable[[Reading], float | None], cores: int
) -> tuple[float, ...]:
    """A counter's share of every sample's time; empty where it is not reported."""
    found = []
    for before, after in edges:
        start_s, end_s = of(before), of(after)
        if start_s is None or end_s is None:
            return ()
        found.append(round((end_s - start_s) / (cores * max(after.at_s - before.at_s, 1e-9)), 4))
    return tuple(found)
