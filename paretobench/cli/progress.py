"""Progress of a sweep on stderr: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from paretobench.cli.console import say
from paretobench.sweeping.progress import Progress

REFRESH_PER_S = 2
"""A terminal's bar is drawn so often: the machine that draws it is the one that is timed."""


class TerminalProgress(Progress):
    """Lines in a log; on a terminal one bar with what runs, for how long, and what is left.

    Args:
        device: begins each line where several devices measure at a time.
        besides_s: see `Progress`.
    """

    def __init__(self, device: str = "", besides_s: float = 0.0) -> None:
        super().__init__(say, device, besides_s)
        self._bar: Any = None
        if not device and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, SpinnerColumn, TextColumn
            from rich.progress import Progress as Bar

            columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.description}"))
            self._bar = Bar(
                *columns,
                console=Console(stderr=True),
                refresh_per_second=REFRESH_PER_S,
                transient=True,
            )
            self._task = self._bar.add_task(self.text(), total=None)

    def __enter__(self) -> TerminalProgress:
        super().__enter__()
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        if self._bar is not None:
            self._bar.stop()

    def remind(self) -> None:
        """Draw the bar again, or print a line where there is none and nothing was printed."""
        if self._bar is None:
            super().remind()
            return
        left_s = self.left_s
        total = None if left_s is None else self.elapsed_s + left_s
        self._bar.update(self._task, description=self.text(), completed=self.elapsed_s, total=total)

    def _say_now_and_then(self, text: str) -> None:
        if self._bar is None:
            super()._say_now_and_then(text)

    def _say(self, text: str) -> None:
        if self._bar is None:
            super()._say(text)
        else:
            self._bar.print(text, markup=False, highlight=False)
