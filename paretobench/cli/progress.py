"""Progress of a sweep on stderr: what runs now, how much is left."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from paretobench.cli.console import say
from paretobench.measure import events
from paretobench.units import counted, duration, milliseconds

PLAIN_EVERY_S = 15.0
"""Without a terminal a line is printed this often at most, so that a log stays readable."""


class Progress:
    """Shows events of the harness: one live line on a terminal, sparse lines elsewhere.

    Args:
        device: begins each line where several devices measure at a time.
        is_alone: whether the terminal's live line is this one's.
    """

    def __init__(self, device: str = "", is_alone: bool = True) -> None:
        self._device = f"{device}: " if device else ""
        self._is_live = is_alone and sys.stderr.isatty()
        self._status: Any = None
        self._cells = 0
        self._last = float("-inf")

    def __enter__(self) -> Progress:
        if self._is_live:
            from rich.console import Console

            self._status = Console(stderr=True).status("starting")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def listen(self, event: events.Event) -> None:
        """Take one event of the harness."""
        if isinstance(event, events.Waiting):
            self._say(event.text)
        elif isinstance(event, events.Preparing):
            self._show(f"preparing {event.workload.label} ({event.done + 1} of {event.total})")
        elif isinstance(event, events.CellStarted):
            self._show(
                f"round {event.round_index + 1}: {event.workload.label}{_left(event.remaining_s)}"
            )
        elif isinstance(event, events.CellFinished):
            self._cells += 1
            self._finished(event)
        elif isinstance(event, events.WorkloadFailed):
            self._say(f"failed: {event.workload.label}: {event.failure.reason}")

    def _finished(self, event: events.CellFinished) -> None:
        cell = event.cell
        why = cell.facts.get(cell.status, "")
        doubt = f" ({cell.status}: {why})" if why else ""
        self._show(
            f"{event.workload.label}: {milliseconds(cell.median_s)} ms{doubt}; "
            f"{counted(self._cells, 'process', 'processes')} done{_left(event.remaining_s)}"
        )

    def _show(self, text: str) -> None:
        if self._status is not None:
            self._status.update(text)
            return
        now = time.monotonic()
        if now - self._last >= PLAIN_EVERY_S:
            self._last = now
            self._say(text)

    def _say(self, text: str) -> None:
        say(f"{self._device}{text}")


def _left(remaining_s: float | None) -> str:
    return "" if not remaining_s else f", about {duration(remaining_s)} left"
