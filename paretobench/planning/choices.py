"""What a decision says: processes to start, or a stop with its reason; and what is known. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from paretobench.planning.claims import CandidateSet, Judgements


@dataclass(frozen=True)
class Start:
    """Processes to start.

    Attributes:
        parts: keys, the next one first; those behind it come next as long as nothing new is
            learnt, so what they need can be made ready with it.
        phase: `first`, `deciding`, `uniform`, `confirming` or `rest`.
    """

    parts: tuple[str, ...]
    phase: str


@dataclass(frozen=True)
class Stop:
    """Nothing is to be started.

    Attributes:
        why: in a few words.
        is_answered: whether the question has its answer.
    """

    why: str
    is_answered: bool


@dataclass(frozen=True)
class AnswerState:
    """What is known of the answer.

    Attributes:
        judgements: of the scored candidates that are measured (of a limit, all that matter).
        candidates: what the judgements' indices mean.
        unmeasured: scored candidates of which a part is not measured.
        probability: that the whole answer is right; 0 while candidates of a front are unmeasured.
        left_out: scored candidates with a part that failed or was disturbed too often.
    """

    judgements: Judgements
    candidates: CandidateSet
    unmeasured: int
    probability: float
    left_out: int = 0

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the candidates on a front or within the limit, ties included."""
        return tuple(self.candidates.candidates[i].name for i in sorted(self.judgements.members))
