"""All figures of a report, side by side where that is safe: the first here, the rest in forks.

A report has a dozen figures of half a second each. Forked processes inherit the view and the
drawings as they are, so nothing is copied or imported again. Where forking is not safe (macOS,
Windows, a process with other threads) or of no use (one processor, two figures) all are drawn
here, one after the other.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from paretobench.report.figures import Drawing, save
from paretobench.report.style import Style

MOST_PROCESSES = 4
"""Beside this one; a dozen figures keep no more busy."""

_INHERITED: dict[str, Callable[[], list[Path]]] = {}
"""What a fork draws, by the figure's name: drawings hold closures, which cannot be sent."""


def save_all(
    chosen: Mapping[str, Drawing],
    folder: Path,
    style: Style,
    formats: Sequence[str],
    meanwhile: Callable[[], list[Path]] = list,
) -> list[Path]:
    """Draw and write every figure; returns the paths written, in the order of the figures.

    Args:
        meanwhile: run here once the first figure is written, while the others are drawn; what
            it writes comes last in the list.

    Raises:
        DataError: if the folder cannot be written.
    """
    tasks: dict[str, Callable[[], list[Path]]] = {
        name: partial(save, draw, folder / name, style, formats) for name, draw in chosen.items()
    }
    first, rest = list(tasks)[:1], list(tasks)[1:]
    written: dict[str, list[Path]] = {}
    with _forks(tasks, len(rest)) as fork:
        others = {name: fork(name) for name in rest}
        written |= {name: tasks[name]() for name in first}
        last = meanwhile()
        written |= {name: wait() for name, wait in others.items()}
    return [path for name in chosen for path in written[name]] + last


@contextmanager
def _forks(
    tasks: Mapping[str, Callable[[], list[Path]]], count: int
) -> Iterator[Callable[[str], Callable[[], list[Path]]]]:
    """A function that starts a figure and returns one that waits for it."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    workers = min(usable - 1, MOST_PROCESSES, count // 2)
    if workers < 1 or threading.active_count() > 1:
        yield lambda name: tasks[name]
        return
    _INHERITED.clear()
    _INHERITED.update(tasks)
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:

            def start(name: str) -> Callable[[], list[Path]]:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # of forks with threads
                    future: Future[list[Path]] = pool.submit(_inherited, name)
                return future.result

            yield start
    finally:
        _INHERITED.clear()


def _inherited(name: str) -> list[Path]:
    return _INHERITED[name]()
