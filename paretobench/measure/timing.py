"""Timed repetitions of one process: the cold first run, the warm-up, the samples.

When each phase ends is decided by `planning.stopping`; the clock is passed in.
"""

from __future__ import annotations

from collections.abc import Callable

from paretobench.measure.contention import Watch
from paretobench.planning.stopping import SamplingPlan, is_warm

Clock = Callable[[], float]
"""Seconds from a monotonic clock, such as `time.perf_counter`."""


class Repetition:
    """One timed repetition per call: new input outside the clock's two readings, `run` inside.

    Args:
        run: one synchronised repetition.
        renew_input: called before each, untimed.
        clock: monotonic seconds.
    """

    def __init__(
        self, run: Callable[[], None], renew_input: Callable[[], None], clock: Clock
    ) -> None:
        self._run, self._renew_input, self.clock = run, renew_input, clock
        self.count = 0
        """Repetitions so far; the log that the number of samples is checked against."""

    def __call__(self) -> float:
        """Run once; returns seconds."""
        self._renew_input()
        start = self.clock()
        self._run()
        elapsed = self.clock() - start
        self.count += 1
        return elapsed


def warm_up(repeat: Repetition, plan: SamplingPlan) -> tuple[float, list[float]]:
    """The cold first run, then repetitions until the process is warm; all of them in order."""
    first_run_s = repeat()
    discarded: list[float] = []
    start = repeat.clock()
    while not plan.is_slow(first_run_s) and not is_warm(discarded, plan):
        if repeat.clock() - start >= plan.warmup_limit_s:
            break
        discarded.append(repeat())
    return first_run_s, discarded


def sample(
    repeat: Repetition,
    plan: SamplingPlan,
    overhead_s: float = 0.0,
    worked_s: float = 0.0,
    watch: Watch | None = None,
) -> list[float]:
    """Samples, in order, until the plan has enough that count.

    After a sample that others disturbed, sampling waits for a quiet reading and goes on; once the
    time for waiting or for disturbed samples is spent, the plan counts every sample, so that there
    is an end.

    Args:
        overhead_s, worked_s: seconds the process has spent before, as in `target_s`.
        watch: reads what others do; None where that says nothing of the samples (a phone).
    """
    samples: list[float] = []
    start, target_s = repeat.clock(), plan.target_s(overhead_s, worked_s)
    if watch is None:
        while plan.needs_sample(samples, repeat.clock() - start, target_s):
            samples.append(repeat())
        return samples
    waited_before_s = watch.waited_s
    while True:
        counted = watch.counted(samples)
        if not watch.can_wait or not plan.replaces(samples, counted):
            counted = samples
        elapsed_s = repeat.clock() - start - (watch.waited_s - waited_before_s)
        if plan.needs_sample(counted, elapsed_s, target_s):
            seconds, is_quiet = watch.time(repeat)
            samples.append(seconds)
        elif watch.has_judged_all:
            return samples
        else:
            is_quiet = watch.judge()
        if not is_quiet:
            watch.wait()
