"""What a sweep is asked: the whole grid, its front, or the best point within a limit. Pure.

A question is about candidates: points as sums of shared parts, each with the accuracies that its
scores give it. What is known of a part is a record of its processes. How a question decides which
process starts next is in `deciding`; what can be claimed of an answer in `claims`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from paretobench.errors import ConfigError

Until = Literal["all", "front", "best"]
UNTIL: tuple[Until, ...] = ("all", "front", "best")


@dataclass(frozen=True)
class Question:
    """When a sweep has its answer.

    Attributes:
        until: `all` measures every part as its fidelity decides, those that decide the front first;
            `front` stops when the front is known, `best` when the best point within the limits is.
        under_s: `best`: the most accurate point with a TTFT of at most this.
        at_least: `best`: an accuracy, as a fraction; alone it asks for the fastest such point.
        confidence: probability that the whole answer is right, from which on it is known.
        tie: two latencies closer than this fraction may end as tied.
        indifference: an answer that is off by less than this fraction of a latency is right.
    """

    until: Until = "all"
    under_s: float | None = None
    at_least: float | None = None
    confidence: float = 0.95
    tie: float = 0.02
    indifference: float = 0.01

    def check(self) -> None:
        """Refuse what cannot be answered.

        Raises:
            ConfigError: for a value out of range, `best` without a limit, a limit without `best`.
        """
        if self.until not in UNTIL:
            raise ConfigError(f"until={self.until} must be one of {', '.join(UNTIL)}")
        has_limit = self.under_s is not None or self.at_least is not None
        if self.until == "best" and not has_limit:
            raise ConfigError(
                "until=best needs a limit: under=200ms for a TTFT, or at_least=60 for an accuracy"
            )
        if has_limit and self.until != "best":
            raise ConfigError(f"under= and at_least= belong to until=best, not until={self.until}")
        if not 0.5 < self.confidence < 1:
            raise ConfigError(f"confidence={self.confidence} must lie between 0.5 and 1")
        if not 0 <= self.tie <= 0.5:
            raise ConfigError(f"tie={self.tie} must be a fraction between 0 and 0.5, such as 0.02")


@dataclass(frozen=True)
class Candidate:
    """A point that may be the answer.

    Attributes:
        name: unique among the candidates.
        passes: how often it runs each of its parts, by the part's key.
        accuracies: a fraction by recipe; empty for a point without a score, which can be on no
            front and answer no question.
    """

    name: str
    passes: Mapping[str, float]
    accuracies: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CandidatePart:
    """A part of candidates before it is measured.

    Attributes:
        key: the workload's.
        group: parts of the same group (backend and kind of work) share what is known of spread.
        latency_s: what one run is predicted to take; orders tests, and decides nothing.
        process_s: what one process is predicted to take, loading included.
    """

    key: str
    group: str
    latency_s: float
    process_s: float


@dataclass(frozen=True)
class PartRecord:
    """What the processes of a part have shown; those that others disturbed do not count.

    Attributes:
        medians_s: the median of each process, in order.
        process_s: mean wall seconds of a process, loading included.
        confirmations: how many of the processes were started to confirm an answer.
    """

    medians_s: tuple[float, ...]
    process_s: float
    confirmations: int = 0


@dataclass(frozen=True)
class Inquiry:
    """A question with what it is about; all that a device needs to choose its processes.

    Attributes:
        seed: of every random choice.
    """

    question: Question
    candidates: tuple[Candidate, ...]
    parts: tuple[CandidatePart, ...]
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """All fields, for a device that measures elsewhere."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Inquiry:
        """Inverse of `to_json`."""
        return Inquiry(
            Question(**data["question"]),
            tuple(Candidate(**one) for one in data["candidates"]),
            tuple(CandidatePart(**one) for one in data["parts"]),
            int(data["seed"]),
        )
