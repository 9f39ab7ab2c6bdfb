"""The front so far, drawn while a sweep that a question decides is measuring.

Drawing disturbs what is timed on the same machine, so there it happens between two processes; it
takes less than a tenth of the time. What is drawn is the front's figure and the tables; the whole
report comes at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from paretobench.errors import ParetobenchError
from paretobench.measure import events
from paretobench.remote.places import LocalDevice
from paretobench.store import Store
from paretobench.sweeping.budget import Budget
from paretobench.sweeping.device_sweep import DeviceSweep
from paretobench.sweeping.prepare import Announce

if TYPE_CHECKING:
    from paretobench.config import Request

FIRST_SHARE, EVERY_SHARE = 0.1, 0.1
"""Of a budget: when the first front is tried, and how long a drawing is good for."""

USUAL_S = 60.0
"""The same where there is no budget."""

COST_SHARE = 0.1
"""Most of the time that drawing takes."""


class InterimReport:
    """Draws now and then, between two processes.

    Args:
        draw: draws what there is; returns whether there was anything to draw.
    """

    def __init__(self, draw: Callable[[], bool], budget: Budget) -> None:
        self._draw, self._budget = draw, budget
        total_s = budget.total_s
        first_s = USUAL_S if total_s is None else FIRST_SHARE * total_s
        self._every_s = USUAL_S if total_s is None else EVERY_SHARE * total_s
        self._due_at = monotonic() + first_s

    def listen(self, event: events.Event) -> None:
        """After a process, draw if it is time."""
        if not isinstance(event, events.CellFinished) or monotonic() < self._due_at:
            return
        began_at = monotonic()
        is_drawn = self._draw()
        took_s = monotonic() - began_at
        if is_drawn:
            self._budget.note_drawing(took_s)
        wait_s = max(self._every_s, took_s / COST_SHARE) if is_drawn else took_s / COST_SHARE
        self._due_at = monotonic() + wait_s


def draw_meanwhile(devices: Sequence[DeviceSweep], store: Store) -> None:
    """Have the front drawn while a device alone measures what a question decides.

    This machine behind a session would be timing meanwhile, so nothing is drawn there.
    """
    device, prepared = devices[0], devices[0].prepared
    is_session_here = prepared.asked.executor == "local" and not isinstance(
        prepared.site, LocalDevice
    )
    if len(devices) > 1 or not prepared.request.settings.is_decided or is_session_here:
        return
    folder = report_folder(device)

    def draw() -> bool:
        with Store.open(store.path, read_only=True) as own:
            return bool(_draw_front(device, own, folder))

    device.listeners.append(InterimReport(draw, device.budget).listen)


def _draw_front(device: DeviceSweep, store: Store, folder: Path) -> list[Path]:
    from paretobench.report import render_front

    return render_front(device.view(store), folder)


def draw_so_far(devices: Sequence[DeviceSweep], store: Store, announce: Announce) -> None:
    """After an interruption, the front of what is stored."""
    for device in devices:
        if not device.has_cells:
            continue
        try:
            if paths := _draw_front(device, store, report_folder(device)):
                announce(f"the front so far is in {paths[0]}")
        except ParetobenchError as error:
            announce(f"the front so far is not drawn: {error}")


def report_folder(device: DeviceSweep) -> Path:
    """Where a device's report goes; where several were asked for, each in a folder of its own."""
    request = device.prepared.request
    folder = sweep_folder(request)
    return folder if len(request.devices) == 1 else folder / device.prepared.device.name


def sweep_folder(request: Request) -> Path:
    """Where all reports of a sweep go."""
    from paretobench.report.files import file_stem

    return Path(request.settings.reports) / file_stem(request.name)
