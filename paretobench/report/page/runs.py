"""The timed runs of a part as the page's script draws them: few digits, each part once.

Runs travel as whole thousandths above or below their middle, which is less than a pixel of a
plot this small, each process as its fastest run and the steps from run to run; the texts
beside it carry what people read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from paretobench.report.runs import RUNS_SHOWN, thinned
from paretobench.report.view.rows import Runs
from paretobench.units import counted, milliseconds

NAMES = {"encode": "one encoder pass", "prefill": "prefill", "end_to_end": "in one piece"}
"""What a part is called in a story; another one keeps its role."""

NUMBERS_ON_PAGE = 12_000
"""Runs that a page carries of all parts together, some 40 kB: parts share them evenly."""

FEWEST_RUNS = 3
"""Of a process: its fastest, its middle and its slowest one."""

Packed = tuple[str, str, str, tuple[tuple[int, ...], ...]]


def for_page(runs: Runs, parts: int) -> Runs:
    """The runs, thinned once more where a page has many parts.

    Args:
        parts: distinct parts on the page.

    >>> few = for_page(Runs('prefill', ((1.0, 2.0, 3.0, 4.0, 5.0),) * 4, 20, 4), parts=4000)
    >>> few.processes
    ((1.0, 3.0, 5.0),)
    """
    share = NUMBERS_ON_PAGE // max(parts, 1)
    processes = thinned(runs.processes, max(share // FEWEST_RUNS, 1))
    most = RUNS_SHOWN if len(processes) * RUNS_SHOWN <= share else FEWEST_RUNS
    return replace(runs, processes=tuple(tuple(thinned(each, most)) for each in processes))


def packed_runs(runs: Runs) -> Packed:
    """What it is and how many, its fastest and slowest run as text, and the runs themselves.

    >>> packed_runs(Runs('prefill', ((0.099, 0.1, 0.102),), 3, 1))
    ('prefill: 1 process, 3 timed runs', '99.0 ms', '102 ms', ((-10, 10, 20),))
    """
    every = [run for process in runs.processes for run in process]
    middle = median(median(process) for process in runs.processes)
    steps = tuple(_steps([run / middle - 1 for run in process]) for process in runs.processes)
    ends = (f"{milliseconds(min(every))} ms", f"{milliseconds(max(every))} ms")
    return (_caption(runs, len(every)), *ends, steps)


def _steps(shares: Sequence[float]) -> tuple[int, ...]:
    """Thousandths: the first as it is, the others from their predecessor."""
    whole = [round(1000 * share) for share in shares]
    return (whole[0], *(b - a for a, b in pairwise(whole)))


def _caption(runs: Runs, shown: int) -> str:
    processes = counted(runs.total_processes, "process", "processes")
    if len(runs.processes) < runs.total_processes:
        processes = f"{len(runs.processes)} of {processes}"
    timed = counted(runs.total, "timed run")
    if shown < runs.total:
        timed = f"{shown} of {timed}"
    return f"{NAMES.get(runs.part, runs.part)}: {processes}, {timed}"


def has_runs(runs: Runs) -> bool:
    """Whether there is anything to draw: a run that took any time."""
    return any(run > 0 for process in runs.processes for run in process)
