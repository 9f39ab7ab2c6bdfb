"""Plans and sweeps from Python: what `paretobench plan` and `sweep` do, as values."""

from __future__ import annotations

import html
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.errors import PlanError

if TYPE_CHECKING:
    import pandas as pd

    from paretobench.api.results import Results
    from paretobench.config import Request
    from paretobench.store import Store
    from paretobench.sweeping.prepare import PlannedSweep
    from paretobench.sweeping.progress import Progress
    from paretobench.sweeping.run import SweepOutcome


@dataclass(frozen=True, repr=False)
class Plans:
    """What a sweep would measure, on each of its devices; made by `plan`.

    Attributes:
        devices: each device's plan, by name.
        missing: why other devices cannot take part, by name.
    """

    devices: Mapping[str, PlannedSweep]
    missing: Mapping[str, str]

    @property
    def points(self) -> pd.DataFrame:
        """Every point on every device: its names, passes, tokens, and the keys of its parts."""
        return self._frame("points")

    @property
    def workloads(self) -> pd.DataFrame:
        """Every distinct workload: its state, estimated seconds and bytes."""
        return self._frame("workloads")

    @property
    def refused(self) -> pd.DataFrame:
        """Every point that is left out, with the reason."""
        return self._frame("refused")

    @property
    def estimated_s(self) -> float:
        """Seconds until the report, the slowest device's."""
        return max(one.plan.estimated_s for one in self.devices.values())

    def _frame(self, what: str) -> pd.DataFrame:
        import pandas as pd

        found = [
            {"device": name, **each.to_json()}
            for name, one in self.devices.items()
            for each in getattr(one.plan, what)
        ]
        return pd.DataFrame(found)

    def __str__(self) -> str:
        lines = [f"{name}: {one.plan.summary}" for name, one in self.devices.items()]
        return "\n".join([*lines, *(f"left out: {why}" for why in self.missing.values())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = html.escape(str(self))
        return f"<pre>{said}</pre>{self.points.to_html(max_rows=20)}"


def plan(*overrides: str) -> Plans:
    """What a sweep with these overrides would measure; runs nothing and needs no runtime.

    Args:
        overrides: Hydra's, as on the command line: `"+grid=qwen2_family", "llm=qwen2_0_5b"`.

    Raises:
        ConfigError: if a word, a file or every point is wrong.
    """
    from paretobench.config import expand
    from paretobench.sweeping.prepare import prepare

    request = expand(list(overrides))
    with results_so_far(request.settings.database, only_looks=True) as known:
        prepared, missing = prepare(request, known, must_run=False)
    for one in prepared:
        one.site.close()
    return Plans({one.device.name: one for one in prepared}, missing)


def sweep(*overrides: str, progress: Callable[[str], None] | None = None) -> Results:
    """Plan, measure, join scores, store and report a grid; returns its results.

    The same call again measures nothing that is stored already; an interrupted one goes on.

    Args:
        overrides: as for `plan`.
        progress: takes lines about what runs and what is left; None writes them to stderr, where
            a notebook shows them too.

    Raises:
        ConfigError: if a word, a file or every point is wrong.
        PlanError: if no point can run here.
        BackendMissingError: if a runtime is not installed.
        LockError: if another sweep holds the device and `wait=false`.
    """
    from paretobench.api.results import Results
    from paretobench.config import expand
    from paretobench.sweeping.prepare import prepare
    from paretobench.sweeping.progress import Progress

    request = expand(list(overrides))
    write = progress or partial(print, file=sys.stderr, flush=True)
    with results_so_far(request.settings.database, only_looks=False) as known:
        prepared, missing = prepare(request, known, announce=write)
    for name, reason in missing.items():
        write(f"{name} is left out: {reason}")
    try:
        require_points(prepared)
        if not request.settings.dry_run:
            command = f"paretobench sweep {shlex.join(overrides)}"
            carry_out(request, prepared, command, partial(Progress, write), write)
    finally:
        for one in prepared:
            one.site.close()
    return Results(Path(request.settings.database), sweep=request.name)


def require_points(prepared: Sequence[PlannedSweep]) -> None:
    """Stop before anything is stored if no device can run a single point.

    Raises:
        PlanError: with the first reason; the plans have them all.
    """
    if any(one.plan.points for one in prepared):
        return
    names = " or ".join(one.device.name for one in prepared)
    reasons = [refusal for one in prepared for refusal in one.plan.refused]
    because = f": {reasons[0]}" if reasons else ""
    raise PlanError(f"no point can run on device {names}{because}")


@contextmanager
def results_so_far(database: str, only_looks: bool) -> Iterator[Store | None]:
    """The store to plan against, or None where there is none yet: planning makes no file.

    Args:
        only_looks: nothing is going to be measured, so an existing file stays as it is.

    Raises:
        StoreError: if there is a file that cannot be opened.
    """
    from paretobench.store import Store

    path = Path(database).expanduser()
    if path.exists():
        with Store.open(path, read_only=only_looks) as store:
            yield store
    else:
        yield None


def carry_out(
    request: Request,
    prepared: Sequence[PlannedSweep],
    command: str,
    follow: Callable[[str, float], Progress],
    write: Callable[[str], None],
) -> SweepOutcome:
    """Measure on all devices, each with its own progress.

    Args:
        follow: makes a device's progress of its name (empty if it is alone) and `besides_s`.
        write: takes lines about all devices.
    """
    from paretobench.store import Store
    from paretobench.sweeping.run import run

    is_alone = len(request.devices) == 1
    with Store.open(request.settings.database) as store, ExitStack() as shown:
        listeners = {
            one.device.name: shown.enter_context(
                follow("" if is_alone else one.device.name, one.besides_s)
            ).listen
            for one in prepared
        }
        return run(prepared, store, command, listeners, write)
