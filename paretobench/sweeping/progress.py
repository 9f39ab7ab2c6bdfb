"""Progress of a device's sweep in lines: what runs, for how long, how much is left.

The time left counts down between the harness's estimates and includes what comes after the
workloads (end-to-end checks, the report). Without news a line is printed every 30 s, so that a log
never stands still. A terminal's bar takes its text and its numbers from the same object.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from paretobench.measure import events
from paretobench.units import counted, duration, milliseconds

QUIET_S = 30.0
"""The longest time without a line."""

EVERY_S = 15.0
"""Between lines about single processes: a log stays readable."""


class Progress:
    """Follows the events of one device; a context manager.

    Args:
        write: takes a line.
        device: begins each line where several devices measure at a time.
        besides_s: the plan's estimate of what a sweep takes besides its workloads.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        device: str = "",
        besides_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._prefix = write, f"{device}: " if device else ""
        self._besides_s, self._clock = besides_s, clock
        self._started_at = clock()
        self._said_at = self._started_at - EVERY_S
        self._running, self._running_since = "", self._started_at
        self._left: tuple[float, float] | None = None
        self._done = 0
        self._ended = threading.Event()

    def __enter__(self) -> Progress:
        threading.Thread(target=self._tick, daemon=True, name="progress").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._started_at

    @property
    def left_s(self) -> float | None:
        """Seconds that are probably left, what comes after the workloads included; None if
        nobody can tell yet."""
        if self._left is None:
            return None
        estimated_s, at = self._left
        return max(estimated_s - (self._clock() - at), 0.0) + self._besides_s

    def text(self) -> str:
        """What runs now, for how long, what is done and left."""
        since_s = self._clock() - self._running_since
        parts = [f"{self._running}, for {duration(since_s)}" if self._running else "starting"]
        if self._done:
            parts.append(f"{counted(self._done, 'process', 'processes')} done")
        if (left_s := self.left_s) is not None:
            parts.append(f"about {duration(left_s)} left")
        return "; ".join(parts)

    def listen(self, event: events.Event) -> None:
        """Take one event of the harness."""
        if isinstance(event, events.Waiting):
            self._say(event.text)
        elif isinstance(event, events.Preparing):
            self._run(f"preparing {event.workload.label} ({event.done + 1} of {event.total})")
        elif isinstance(event, events.CellStarted):
            self._estimate(event.remaining_s)
            self._run(f"round {event.round_index + 1}: {event.workload.label}")
        elif isinstance(event, events.CellFinished):
            self._done += 1
            self._estimate(event.remaining_s)
            self._finished(event)
        elif isinstance(event, events.WorkloadFailed):
            self._say(f"failed: {event.workload.label}: {event.failure.reason}")

    def _finished(self, event: events.CellFinished) -> None:
        median_s = event.cell.median_s
        latency = "" if median_s is None else f" {milliseconds(median_s)} ms"
        status = "" if event.cell.status == "ok" else f" ({event.cell.status})"
        left = "" if self.left_s is None else f", about {duration(self.left_s)} left"
        self._say_now_and_then(
            f"{event.workload.label}:{latency}{status}; "
            f"{counted(self._done, 'process', 'processes')} done{left}"
        )

    def _estimate(self, remaining_s: float | None) -> None:
        if remaining_s is not None:
            self._left = remaining_s, self._clock()

    def _run(self, text: str) -> None:
        self._running, self._running_since = text, self._clock()
        left = "" if self.left_s is None else f", about {duration(self.left_s)} left"
        self._say_now_and_then(f"{text}{left}")

    def _tick(self) -> None:
        while not self._ended.wait(1.0):
            self.remind()

    def remind(self) -> None:
        """Print what runs if nothing was printed for `QUIET_S`."""
        if self._clock() - self._said_at >= QUIET_S:
            self._say(self.text())

    def _say_now_and_then(self, text: str) -> None:
        if self._clock() - self._said_at >= EVERY_S:
            self._say(text)

    def _say(self, text: str) -> None:
        self._said_at = self._clock()
        self._write(f"{self._prefix}{text}")
