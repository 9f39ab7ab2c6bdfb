"""The time that a sweep may take, and what of it is kept for what comes after the parts.

A budget is a contract: the whole sweep, from the first preparation to the report, ends within 1.1
times it. So the parts have to end early enough for scoring, the end-to-end checks and the report,
scoring for the checks, and the checks for the report. Time spent waiting for another sweep that
holds the device does not count.
"""

from __future__ import annotations

from time import monotonic

from paretobench.config import Settings
from paretobench.measure import events

CONTRACT = 1.1
"""A sweep ends within so many times its budget."""

REPORT_S = 15.0
"""A whole report, until one of this sweep's drawings says more: 6 to 9 s on two server cores."""

REPORT_OVER_FIRST = 6.0
"""A whole report over the front's figure and tables: 13 figures for one, some drawn in turn."""

CHECKING_SHARE, REPORT_SHARE = 0.12, 0.2
"""Most of a budget that is kept for end-to-end checks, and for the report."""

SCORING_SHARE = 0.5
"""Of a budget: what is kept for scoring checkpoints, where they are scored; a score of few items
takes as long as dozens of parts."""

BEFORE_SHARE = 0.2
"""Of a budget: what may have passed before it, mostly timing runtimes before a machine's first
sweep. More than that was spent waiting for another sweep."""


class Budget:
    """Counts down from `total_s`; None never ends.

    Args:
        has_checks: whether points are to be measured end to end.
        has_scoring: whether checkpoints are to be scored.
        began_at: when the sweep began, by `time.monotonic`; None for now. At most `BEFORE_SHARE`
            of the budget is counted for what came before.
    """

    def __init__(
        self,
        total_s: float | None,
        has_checks: bool = True,
        has_scoring: bool = False,
        began_at: float | None = None,
    ) -> None:
        self.total_s = total_s
        self._has_checks, self._has_scoring = has_checks, has_scoring
        now = monotonic()
        earliest = now - BEFORE_SHARE * (total_s or 0.0)
        self._began_at = now if began_at is None else max(began_at, earliest)
        self._waiting_since: float | None = None
        self._report_s = REPORT_S

    def listen(self, event: events.Event) -> None:
        """Stop the clock while another sweep holds the device."""
        if isinstance(event, events.Waiting):
            self._waiting_since = self._waiting_since or monotonic()
        elif self._waiting_since is not None:
            self._began_at += monotonic() - self._waiting_since
            self._waiting_since = None

    def note_drawing(self, seconds: float) -> None:
        """Learn from a drawing of the front how long a whole report will take."""
        self._report_s = REPORT_OVER_FIRST * seconds

    @property
    def elapsed_s(self) -> float:
        """Seconds that count so far."""
        return monotonic() - self._began_at

    @property
    def reserved_s(self) -> float:
        """Seconds kept for scoring, checks and report."""
        scoring_s = SCORING_SHARE * (self.total_s or 0.0) if self._has_scoring else 0.0
        return scoring_s + self._checking_s + self._reporting_s

    @property
    def _checking_s(self) -> float:
        return CHECKING_SHARE * (self.total_s or 0.0) if self._has_checks else 0.0

    @property
    def _reporting_s(self) -> float:
        if self.total_s is None:
            return 0.0
        return min(self._report_s, REPORT_SHARE * self.total_s)

    @property
    def parts_end_in_s(self) -> float | None:
        """Seconds until parts have to be measured; None for no end."""
        return self._left_s(self.reserved_s)

    @property
    def scoring_ends_in_s(self) -> float | None:
        """Seconds until checkpoints have to be scored; None for no end."""
        return self._left_s(self._checking_s + self._reporting_s)

    @property
    def checks_end_in_s(self) -> float | None:
        """Seconds until checks have to be measured; None for no end."""
        return self._left_s(self._reporting_s)

    def _left_s(self, reserved_s: float) -> float | None:
        if self.total_s is None:
            return None
        return max(0.0, self.total_s - reserved_s - self.elapsed_s)

    @property
    def is_held(self) -> bool:
        """Whether the contract holds so far."""
        return self.total_s is None or self.elapsed_s <= CONTRACT * self.total_s


def budget_of(settings: Settings, began_at: float | None = None) -> Budget:
    """The budget that a sweep's settings ask for, with what has to fit into it."""
    return Budget(settings.budget_s, settings.check != 0, settings.is_scoring, began_at)
