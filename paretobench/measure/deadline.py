"""When the processes of a sweep have to have ended, and what still fits."""

from __future__ import annotations

import math
from time import monotonic

from paretobench.planning.deciding import FIT

OVERRUN_SHARE, OVERRUN_S = 0.03, 3.0
"""A process that takes longer than expected may run over the end by so much; it is then ended."""

WAIT_SHARE = 0.05
"""Of the time left: the longest that one process waits for a quiet machine."""


class Deadline:
    """A moment by which processes end.

    Args:
        seconds: from now; None for no end.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._ends_at = math.inf if seconds is None else monotonic() + seconds
        self._overrun_s = 0.0 if seconds is None else max(OVERRUN_S, OVERRUN_SHARE * seconds)

    @property
    def left_s(self) -> float:
        """Seconds until then; infinite without an end, never below 0."""
        return max(0.0, self._ends_at - monotonic())

    def fits(self, expected_s: float) -> bool:
        """Whether something that takes so long is expected to end in time."""
        return FIT * expected_s <= self.left_s

    def limit_s(self, usual_s: float) -> float:
        """How long a process may take that otherwise may take `usual_s`."""
        return min(usual_s, self.left_s + self._overrun_s)

    def wait_limit_s(self, usual_s: float) -> float:
        """How long a process may wait for a quiet machine that otherwise may wait `usual_s`."""
        return min(usual_s, WAIT_SHARE * self.left_s)
