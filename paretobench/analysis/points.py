"""What the analysis works on: a point with its TTFT, its accuracy and how noisy both are.

`Contender` is deliberately less than a row of the store: names, numbers, and which workloads
a TTFT is made of, so that two points that share an encoder also share its error. Drawing
from the noise is in `noise`; the store's rows become contenders in `report.view`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretobench.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LatencyNoise:
    """How sure a latency is: Student's t on its logarithm.

    Attributes:
        log_se: standard error of the log latency, >= 0; about the relative error.
        degrees: degrees of freedom, processes - 1; infinite for a normal.
    """

    log_se: float
    degrees: float = math.inf


@dataclass(frozen=True)
class Part:
    """One workload's share of a TTFT: `passes` times `seconds`.

    Attributes:
        workload: the workload's key, with the environment if several are compared. Parts of
            the same name share their error, whichever points they belong to.
        noise: None if the data do not determine it (one process, or a published number).
    """

    workload: str
    passes: float
    seconds: float
    noise: LatencyNoise | None = None


@dataclass(frozen=True)
class Contender:
    """A configuration with what decides its place: TTFT, accuracy, and other columns.

    Attributes:
        name: unique among the points looked at together.
        ttft_s: TTFT in seconds, > 0.
        accuracy: a fraction in [0, 1].
        family: what it shares a front with, usually the encoder's family.
        parts: the workloads that the TTFT is the sum of; empty if only the total is known.
        ttft_noise: noise of the total; used if there are no parts.
        accuracy_se: standard error of the accuracy, a fraction; None if unknown.
        score: key of the score; points of the same key share its error (one checkpoint on
            two devices). Empty: an error of its own.
        traits: what its accuracy depends on, by name and in the same order for all points: its
            encoder, LLM and tiling. Points of the same trait carry information about each other's
            accuracy.
        configuration: what it is wherever it runs; `compare` pairs points of two sets by it.
            Empty: its name.
        columns: other numbers by name: `peak_memory_bytes`, `energy_j`, `parameters`,
            `passes`, `visual_tokens`, `resolution_px`, single benchmarks as fractions.
    """

    name: str
    ttft_s: float
    accuracy: float
    family: str = ""
    parts: tuple[Part, ...] = ()
    ttft_noise: LatencyNoise | None = None
    accuracy_se: float | None = None
    score: str = ""
    traits: tuple[str, ...] = ()
    configuration: str = ""
    columns: Mapping[str, float | None] = field(default_factory=dict)

    def column(self, name: str) -> float | None:
        """The number in a column; None if this point has none that is finite."""
        if name in ("ttft_s", "accuracy"):
            return float(getattr(self, name))
        value = self.columns.get(name)
        return None if value is None or not math.isfinite(value) else float(value)

    @property
    def unknown_noise(self) -> tuple[str, ...]:
        """Which of `latency` and `accuracy` have no known error."""
        noises = [part.noise for part in self.parts] or [self.ttft_noise]
        latency = ("latency",) if any(noise is None for noise in noises) else ()
        return latency + (("accuracy",) if self.accuracy_se is None else ())


def distinct_traits(contenders: Sequence[Contender]) -> list[tuple[int, str]]:
    """All traits, each as its place among a point's traits and its name, in order."""
    return sorted({trait for each in contenders for trait in enumerate(each.traits)})


def objectives(contenders: Sequence[Contender]) -> Floats:
    """TTFT in seconds and accuracy of each contender, shape [n, 2].

    Raises:
        DataError: if a TTFT is not positive and finite, or an accuracy not in [0, 1].

    >>> objectives([Contender('a', 0.1, 0.5)]).tolist()
    [[0.1, 0.5]]
    """
    for contender in contenders:
        if not 0 < contender.ttft_s < math.inf:
            raise DataError(
                f"{contender.name}: a TTFT of {contender.ttft_s} s cannot be; "
                f"it has to be positive and finite"
            )
        if not 0 <= contender.accuracy <= 1:
            raise DataError(
                f"{contender.name}: an accuracy of {contender.accuracy} is no fraction in "
                f"[0, 1]; divide percent by 100"
            )
    pairs = [(contender.ttft_s, contender.accuracy) for contender in contenders]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)
