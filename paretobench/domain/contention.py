"""What other programs did while a process was timed, and which of its samples count.

One reading per sample, taken outside its two clock readings: the CPU time of everybody else,
the time the hypervisor took (steal), the time in which some task waited for a core (pressure)
and involuntary context switches. How they are read is in `measure.contention`.

A sample counts while others took at most `FOREIGN_LIMIT` of the cores. One that was disturbed is
kept and marked; nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FOREIGN_LIMIT = 0.03
"""Share of the usable cores that other programs may take during a sample. Keeping only what lay
below it changed medians that were 21 to 237 % off to within 1 % of the quiet machine's (tried on
two cores with torch, OpenVINO and numpy); the detector's AUC was 0.97 to 1.00."""

FOREIGN_LIMIT_CORES = 0.25
"""The same in cores, where that is less: a program with a thread on each of 64 cores waits for
the slowest, whatever small share of the machine one neighbour is."""


def allowed_share(cores: int) -> float:
    """The share of all usable cores that others may take while a sample counts.

    >>> allowed_share(2), allowed_share(32)
    (0.03, 0.0078125)
    """
    return min(FOREIGN_LIMIT, FOREIGN_LIMIT_CORES / max(cores, 1))


@dataclass(frozen=True)
class Neighbour:
    """Another program that was seen at work: its name and how many cores' worth it took."""

    name: str
    cores: float


@dataclass(frozen=True)
class Contention:
    """What one process saw of the rest of the machine.

    Attributes:
        cores: cores that the process may use.
        allowed: the share of these cores that others might take.
        foreign: per sample, the share of these cores that others took (0 to 1).
        disturbed: indices of the samples that do not count, ascending.
        steal: per sample, the share that the hypervisor took; empty where it is not reported.
        pressure: per sample, the share of its time in which some task of the machine waited for a
            core; empty where the kernel does not report it.
        switches: per sample, involuntary context switches of the process.
        canary_foreign: share that others took around the canary before and after; None where
            there was no reading.
        waited_s: time spent waiting for a quiet machine.
        neighbours: other processes that computed when it was disturbed, the busiest first.
    """

    cores: int
    foreign: tuple[float, ...]
    disturbed: tuple[int, ...] = ()
    allowed: float = FOREIGN_LIMIT
    steal: tuple[float, ...] = ()
    pressure: tuple[float, ...] = ()
    switches: tuple[int, ...] = ()
    canary_foreign: tuple[float | None, float | None] = (None, None)
    waited_s: float = 0.0
    neighbours: tuple[Neighbour, ...] = ()

    def is_quiet_canary(self, which: int) -> bool:
        """Whether the canary before (0) or after (1) ran on a quiet machine."""
        seen = self.canary_foreign[which]
        return seen is not None and seen <= self.allowed

    def counted(self, samples_s: Sequence[float]) -> tuple[float, ...]:
        """The samples that count, in order; shorter than what was given where some do not.

        >>> Contention(2, (0.0, 0.4, 0.01), disturbed=(1,)).counted([1.0, 3.1, 1.1])
        (1.0, 1.1)
        """
        out = frozenset(self.disturbed)
        return tuple(s for i, s in enumerate(samples_s) if i not in out)

    def disturbers(self) -> str:
        """The other processes as text; empty if none is known.

        >>> Contention(2, (), neighbours=(Neighbour('python', 0.98),)).disturbers()
        'python (0.98 cores)'
        """
        return ", ".join(f"{one.name} ({one.cores:.2f} cores)" for one in self.neighbours)

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON; what is empty is left out."""
        fields: dict[str, Any] = {
            "cores": self.cores,
            "foreign": list(self.foreign),
            "disturbed": list(self.disturbed),
            "allowed": float(self.allowed),
            "steal": list(self.steal),
            "pressure": list(self.pressure),
            "switches": list(self.switches),
            "canary_foreign": list(self.canary_foreign),
            "waited_s": float(self.waited_s),
            "neighbours": [[one.name, float(one.cores)] for one in self.neighbours],
        }
        return {name: value for name, value in fields.items() if value != []}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Contention:
        """Inverse of `to_json`; unknown names are refused by the constructor."""
        fields = dict(data)
        for name in ("foreign", "disturbed", "steal", "pressure", "switches", "canary_foreign"):
            if name in fields:
                fields[name] = tuple(fields[name])
        named = fields.pop("neighbours", [])
        fields["neighbours"] = tuple(Neighbour(name, cores) for name, cores in named)
        fields.setdefault("foreign", ())
        return Contention(**fields)
