"""Two builds or settings on one machine, in turn: fresh processes in mirrored rounds.

A side is an interpreter (a virtual environment with another build), environment variables, changes
to the runtime, or several of these. Both sides time the same workloads; never at the same time,
since two processes on two cores share memory, caches and power. What the numbers mean is in
`analysis.duel`; how one process times a workload is in `cell`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretobench.analysis.duel import DETECT, MAX_ROUNDS, Pair, needs_round, ratio_of
from paretobench.analysis.stats import check_samples
from paretobench.backends import PreparedArtifact
from paretobench.domain import Workload
from paretobench.domain.records import Cell
from paretobench.errors import ConfigError, MeasurementError
from paretobench.measure import cell as cell_module
from paretobench.measure.canary import canary
from paretobench.measure.judging import Judge
from paretobench.measure.lock import DeviceLock
from paretobench.measure.preparation import prepare_all
from paretobench.measure.process import Children
from paretobench.planning.stopping import SamplingPlan, cell_plan

MAX_ATTEMPTS = 2 * MAX_ROUNDS
"""Rounds of one workload, those that did not count included."""


@dataclass(frozen=True)
class Side:
    """What one side changes; nothing for this interpreter as it is.

    Attributes:
        text: as it was asked for.
        python: the interpreter.
        variables: environment variables of its processes.
        runtime: precision, backend or options of the runtime, by name.
    """

    text: str
    python: Path = Path(sys.executable)
    variables: Mapping[str, str] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)

    def workload(self, workload: Workload) -> Workload:
        """The workload as this side runs it."""
        named = {k: v for k, v in self.runtime.items() if k in ("backend", "precision")}
        options = {k: v for k, v in self.runtime.items() if k not in named}
        found = replace(workload.runtime, **named)
        found = replace(found, options={**found.options, **options})
        return replace(workload, runtime=found)

    def children(self) -> Children:
        """How its processes are started."""
        return Children(launcher=(str(self.python), "-m"), variables=self.variables)


def parse_side(text: str) -> Side:
    """A side from its parts, separated by commas.

    Each part is a virtual environment or an interpreter, `NAME=VALUE` with a name in capitals for
    an environment variable, `name=value` for the runtime, or `.` for nothing.

    Raises:
        ConfigError: if a part is none of these.

    >>> parse_side("OMP_NUM_THREADS=1,precision=bf16").variables
    {'OMP_NUM_THREADS': '1'}
    """
    side = Side(text)
    for part in filter(None, text.split(",")):
        name, is_setting, value = part.partition("=")
        if part == ".":
            continue
        if is_setting and name.isidentifier():
            if name == name.upper():
                side = replace(side, variables={**side.variables, name: value})
            else:
                side = replace(side, runtime={**side.runtime, name: _option(value)})
        else:
            side = replace(side, python=_interpreter(part))
    return side


def _option(text: str) -> Any:
    """A runtime's option: a number or a truth value where it reads as one, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _interpreter(text: str) -> Path:
    path = Path(text).expanduser()
    for found in (path / "bin" / "python", path):
        if found.is_file():
            return found.absolute()  # not resolved: a virtual environment is its link's place
    raise ConfigError(
        f"{text} is neither a virtual environment nor an interpreter.\n"
        "A side is such a path, NAME=VALUE, precision=bf16, '.' for this one, or several of them "
        "with commas."
    )


@dataclass(frozen=True)
class DuelRun:
    """What one workload's duel gave.

    Attributes:
        pairs: medians of A and B by round that counts.
        cells: every process of A and of B, in order.
        dropped: rounds that did not count, for a disturbed or suspect process.
        failure: why it could not be timed, or not to its end; empty if it could.
        stop: the interrupt that ended it with the rounds that it had.
    """

    workload: Workload
    pairs: tuple[Pair, ...]
    cells: tuple[tuple[Cell, Cell], ...]
    dropped: int = 0
    failure: str = ""
    stop: KeyboardInterrupt | None = None

    @property
    def wall_s(self) -> float:
        """Seconds of all its processes."""
        return sum(cell.wall_s for both in self.cells for cell in both)


Progress = Callable[[str], None]


def duel(
    workloads: Sequence[Workload],
    a: Side,
    b: Side,
    artifacts: Path,
    detect: float = DETECT,
    progress: Progress = lambda _: None,
    timeout_s: float = 1800.0,
    sides: tuple[Children, Children] | None = None,
) -> list[DuelRun]:
    """Time workloads on both sides in turn, until each difference is resolved or rounds run out.

    An interrupt ends it with the rounds so far: the last run then has a `stop`.

    Args:
        artifacts: the folder of prepared artifacts.
        detect: the relative difference to find.
        progress: called with a text about each step.
        sides: how both start processes; None for the sides' own interpreters.

    Raises:
        LockError: if the device is held.
        MeasurementError: if the machine is never quiet.
    """
    lock = DeviceLock()
    with lock.held(wait=True, announce=progress):
        children = sides or (a.children(), b.children())
        for one in children:
            one.keep_fds = (lock.fd,)
        ring = _Ring((a, b), children, artifacts, timeout_s, progress)
        ring.judge.take_reference(canary)
        runs: list[DuelRun] = []
        for workload in workloads:
            runs.append(ring.run(workload, detect))
            if runs[-1].stop is not None:
                break
        return runs


@dataclass
class _Rounds:
    """The rounds of one workload so far."""

    workload: Workload
    pairs: list[Pair] = field(default_factory=list)
    cells: list[tuple[Cell, Cell]] = field(default_factory=list)

    def add(self, a: Cell, b: Cell) -> None:
        """Another round; it counts if neither process was disturbed or suspect."""
        self.cells.append((a, b))
        if all(cell.status in ("ok", "unjudged") for cell in (a, b)):
            self.pairs.append((a.median_s or 0.0, b.median_s or 0.0))

    def progress(self) -> str:
        """How many rounds count, and what they say so far."""
        count = f"{self.workload.label}: {len(self.pairs)} of {len(self.cells)} rounds count"
        ratio = ratio_of(self.pairs)
        if ratio is None or ratio.low is None or ratio.high is None:
            return count
        return f"{count}, B / A {ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"

    def ended(self, failure: str = "", stop: KeyboardInterrupt | None = None) -> DuelRun:
        """What they gave."""
        dropped = len(self.cells) - len(self.pairs)
        return DuelRun(self.workload, tuple(self.pairs), tuple(self.cells), dropped, failure, stop)


class _Ring:
    """The two sides and what is known of the machine."""

    def __init__(
        self,
        sides: tuple[Side, Side],
        children: tuple[Children, Children],
        artifacts: Path,
        timeout_s: float,
        progress: Progress,
    ) -> None:
        self.sides, self.children = sides, children
        self.artifacts, self.timeout_s, self.progress = artifacts, timeout_s, progress
        self.judge = Judge()
        self.sampling: SamplingPlan = cell_plan("standard").sampling

    def run(self, workload: Workload, detect: float) -> DuelRun:
        """All rounds of one workload; fewer after Ctrl-C."""
        rounds = _Rounds(workload)
        try:
            return rounds.ended(self.take_rounds(rounds, detect))
        except KeyboardInterrupt as stop:
            return rounds.ended("stopped with the rounds that it had; they are not stored", stop)

    def take_rounds(self, rounds: _Rounds, detect: float) -> str:
        """Prepare both sides and take the rounds that they need; returns why they ended early."""
        both = [side.workload(rounds.workload) for side in self.sides]
        prepared: list[PreparedArtifact] = []
        for one, children in zip(both, self.children, strict=True):
            (made,) = prepare_all([one], children, self.artifacts, self.timeout_s, lambda *_: None)
            if made.prepared is None:
                return made.reason
            prepared.append(made.prepared)
        while needs_round(rounds.pairs, detect) and len(rounds.cells) < MAX_ATTEMPTS:
            found: dict[int, Cell] = {}
            for which in (0, 1) if len(rounds.cells) % 2 == 0 else (1, 0):
                said = self.cell(both[which], prepared[which], which, len(rounds.cells))
                if isinstance(said, str):
                    return f"{'AB'[which]}: {said}"
                found[which] = said
            rounds.add(found[0], found[1])
            self.progress(rounds.progress())
        return ""

    def cell(
        self, workload: Workload, prepared: PreparedArtifact, which: int, index: int
    ) -> Cell | str:
        """One process of one side, or why there is none."""

        def orders(result: Path) -> Mapping[str, Any]:
            limit_s = self.judge.wait_limit_s
            return cell_module.orders(
                workload, self.sampling, self.artifacts, result, prepared, limit_s
            )

        outcome = self.children[which].ask(cell_module.__name__, orders, self.timeout_s)
        answer = outcome.answer
        if answer is None:
            return outcome.reason
        check_samples(answer["samples_s"], answer["runs"])
        where = self.sides[which].text
        cell = cell_module.cell_of(answer, workload.key, where, "standard", index, outcome.wall_s)
        status, _ = self.judge.judge(cell, self.sampling, None)
        if self.judge.is_hopeless:
            raise MeasurementError(self.judge.why_hopeless())
        return replace(cell, status=status)
