"""What a decision says: processes to start, or a stop with its reason; and what is known. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from paretobench.planning.beliefs import Beliefs
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
        beliefs: of all parts, on which the rest is built.
        judgements: of the scored candidates that are measured (of a limit, all that matter).
        candidates: what the judgements' indices mean.
        unmeasured: scored candidates of which a part is not measured.
        probability: that the whole answer is right; 0 while candidates of a front are unmeasured.
        left_out: scored candidates with a part that failed or was disturbed too often.
    """

    beliefs: Beliefs
    judgements: Judgements
    candidates: CandidateSet
    unmeasured: int
    probability: float
    left_out: int
