"""Which process a sweep starts next, and when it has its answer. Pure.

The order: (1) every part of scored points once, cheapest first; (2) then the part whose next
process lowers the risk of a wrong answer most per second, and one time in ten the next of a uniform
round, against a model that is wrong; (3) then the rest of the grid, as the fidelity decides. A
question for a best point has no first round: it goes down in accuracy and starts what eliminates or
confirms most per second. An answer is known when all its judgements are right with the confidence
asked for and every close comparison rests on two processes; its members are then timed once more.

Every decision is a function of what the store holds, the seed and the seconds left, so a sweep that
was killed goes on as it would have gone on. What a process costs and how long is left decide only
which parts still fit.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from paretobench.planning.beliefs import beliefs, process_costs
from paretobench.planning.choices import AnswerState, Start, Stop
from paretobench.planning.claims import CandidateSet
from paretobench.planning.question import Inquiry, PartRecord, Question
from paretobench.planning.stopping import CellPlan
from paretobench.planning.valuing import falls_of_risk, fewest_first, first_round, judgements
from paretobench.units import counted

DRAWS, NUMBERS_AT_ONCE, FEWEST_DRAWS = 1000, 4_000_000, 200
"""Draws of a decision; fewer where candidates are many, so that it takes a fraction of a second."""

UNIFORM_SHARE = 0.1
"""Share of the processes that go round all scored parts: they find out where the model is wrong.
Of a part that costs more than usual it is less, so that it stays a tenth of the time."""

CLOSE = math.log(1.25)
"""Comparisons closer than this rest on two processes of each part: a single process may be in a
slow mode of 10 to 20 %."""

MOST_PROCESSES = 20
"""Of one part: what `rigorous` takes at most."""

FIT = 1.15
"""A process is started if this many times its expected seconds are left."""


class Decider:
    """Chooses processes for one inquiry.

    Args:
        rule: how often the rest of the grid is repeated.
        cheapest: parts that get their least number of processes whatever the budget (see
            `stopping.cheapest`).
    """

    def __init__(self, inquiry: Inquiry, rule: CellPlan, cheapest: Collection[str] = ()) -> None:
        self.inquiry, self.rule, self.cheapest = inquiry, rule, frozenset(cheapest)
        self.scored = [one for one in inquiry.candidates if one.accuracies]
        self.scored_order = first_round(self.scored, inquiry.parts, inquiry.seed)
        rest = [part for part in inquiry.parts if part.key not in set(self.scored_order)]
        rest.sort(key=lambda part: (part.process_s, part.key))
        self.order = [*self.scored_order, *(part.key for part in rest)]
        n = max(len(self.scored), 1)
        self._draws = max(FEWEST_DRAWS, min(DRAWS, NUMBERS_AT_ONCE // n))

    def decide(
        self,
        records: Mapping[str, PartRecord],
        left_s: float = math.inf,
        unavailable: Collection[str] = (),
        preparation_s: Mapping[str, float] | None = None,
    ) -> Start | Stop:
        """What to start next.

        Args:
            records: what is known of each part; parts without a process may be left out.
            left_s: seconds until processes have to have ended.
            unavailable: parts that failed, or that others disturbed too often.
            preparation_s: what must be made first for a part, in seconds.
        """
        costs = process_costs(self.inquiry.parts, records)
        needed_s = {key: costs[key] + (preparation_s or {}).get(key, 0.0) for key in costs}
        set_aside = frozenset(unavailable)
        possible = {key for key in costs.keys() - set_aside if FIT * needed_s[key] <= left_s}
        return _Turn(self, records, set_aside, possible, needed_s).decide()

    def standing(
        self, records: Mapping[str, PartRecord], unavailable: Collection[str] = ()
    ) -> AnswerState:
        """What is known of the answer."""
        known = beliefs(self.inquiry.parts, records, self.inquiry.seed, self._draws)
        is_measured = dict(zip(known.keys, known.is_measured, strict=True))
        possible = [one for one in self.scored if not set(unavailable) & set(one.passes)]
        whole = [one for one in possible if all(is_measured[key] for key in one.passes)]
        unmeasured = len(possible) - len(whole)
        is_best = self.inquiry.question.until == "best"
        among = CandidateSet(self.inquiry.question, possible if is_best else whole, known.keys)
        found = judgements(among, known, known.drawn())
        probability = 0.0 if unmeasured and not is_best else found.probability
        left_out = len(self.scored) - len(possible)
        return AnswerState(known, found, among, unmeasured, probability, left_out)


@dataclass(frozen=True)
class _Turn:
    """One decision: what is known, and what may be started."""

    decider: Decider
    records: Mapping[str, PartRecord]
    unavailable: frozenset[str]
    startable: Collection[str]
    needed_s: Mapping[str, float]

    @property
    def question(self) -> Question:
        """What is asked."""
        return self.decider.inquiry.question

    @property
    def what(self) -> str:
        """What is asked for, in words."""
        return "front" if self.question.until == "front" else "best point"

    @cached_property
    def counts(self) -> dict[str, int]:
        """Processes of each part."""
        return {key: len(record.medians_s) for key, record in self.records.items()}

    def decide(self) -> Start | Stop:
        """The phases in their order."""
        until = self.question.until
        if until != "best" and (found := self.possible(self.decider.scored_order, 1)):
            return Start(tuple(found), "first")
        if not self.decider.scored:
            if until == "all":
                return self.rest()
            return Stop("no point has a score, so nothing can answer the question", False)
        standing = self.decider.standing(self.records, self.unavailable)
        is_settled = standing.judgements.probability >= self.question.confidence
        wanted = self.close(standing) if is_settled else []
        if not is_settled or wanted:
            if start := self.deciding(standing, wanted):
                return start
        elif until != "all":
            if again := self.confirming(standing):
                return Start(again, "confirming")
            if standing.probability >= self.question.confidence:
                return self.answered(standing)
        return self.rest() if until == "all" else self.unanswered(standing)

    def possible(self, keys: Iterable[str], most: int) -> list[str]:
        """Of some parts those that can be started, with fewer than so many processes."""
        return [key for key in keys if key in self.startable and self.counts.get(key, 0) < most]

    def close(self, standing: AnswerState) -> list[str]:
        """Parts with a single process in comparisons that are close."""
        rows = {
            index
            for one in standing.judgements.all
            if abs(one.margin) < CLOSE
            for index in (one.candidate, one.rival)
        }
        single = [key for key in self.parts_of(rows, standing) if self.counts.get(key) == 1]
        return self.possible(single, 2)

    def parts_of(self, rows: Collection[int], standing: AnswerState) -> list[str]:
        """The parts of some candidates, in the order of first processes."""
        keys = {key for i in rows for key in standing.candidates.candidates[i].passes}
        return [key for key in self.decider.order if key in keys]

    def deciding(self, standing: AnswerState, wanted: Sequence[str]) -> Start | None:
        """The part that is worth most, or the next of a uniform round; None if none is possible."""
        steps = sum(self.counts.values())
        rows = {one.candidate for one in standing.judgements.all}
        measured = [key for key in self.parts_of(rows, standing) if key in self.counts]
        uniform = fewest_first(self.possible(measured, MOST_PROCESSES), self.counts, measured)
        if uniform and self.question.until != "best":
            usual_s = statistics.median(self.needed_s[key] for key in measured)
            share = UNIFORM_SHARE * min(1.0, usual_s / self.needed_s[uniform[0]])
            if random.Random(f"{self.decider.inquiry.seed}:{steps}").random() < share:
                return Start(tuple(uniform), "uniform")
        if wanted:
            return Start(tuple(wanted), "deciding")
        falls = falls_of_risk(standing.candidates, standing.beliefs, standing.judgements)
        worth = {
            key: fall / self.needed_s[key]
            for key, fall in zip(standing.beliefs.keys, falls, strict=True)
            if fall > 0
        }
        order = sorted(worth, key=lambda key: (-worth[key], key))
        if possible := self.possible(order, MOST_PROCESSES):
            return Start(tuple(possible), "deciding")
        return Start(tuple(uniform), "uniform") if uniform else None

    def confirming(self, standing: AnswerState) -> tuple[str, ...]:
        """Parts of the answer's members that were not timed once more."""
        parts = self.parts_of(standing.judgements.members, standing)
        left = [key for key in parts if not self.records[key].confirmations]
        return tuple(self.possible(left, MOST_PROCESSES + 1))

    def rest(self) -> Start | Stop:
        """What the fidelity wants besides, unmeasured parts first."""
        wanted = [key for key in self.decider.order if self.needs_more(key)]
        if possible := self.possible(wanted, MOST_PROCESSES):
            return Start(tuple(fewest_first(possible, self.counts, self.decider.order)), "rest")
        missing = [key for key in wanted if key not in self.unavailable]
        if missing:
            return Stop(f"no time for {counted(len(missing), 'more part')}", is_answered=False)
        return Stop("every part is measured", is_answered=True)

    def needs_more(self, key: str) -> bool:
        """Whether the fidelity's rule wants another process of a part."""
        record = self.records.get(key)
        medians_s = record.medians_s if record else ()
        spent_s = len(medians_s) * record.process_s if record else 0.0
        is_cheapest = key in self.decider.cheapest
        return self.decider.rule.decide(medians_s, spent_s, is_cheapest).needs_more

    def answered(self, standing: AnswerState) -> Stop:
        """The answer is known."""
        tied = sum(one.place == "tied" for one in standing.judgements.all)
        ties = (
            f", {counted(tied, 'comparison')} tied within {self.question.tie:.0%}" if tied else ""
        )
        known = f"the {self.what} is known (P = {standing.probability:.3f}){ties}"
        if left_out := standing.left_out:
            known += (
                f", without {counted(left_out, 'point')} of which a part failed or was disturbed"
            )
        return Stop(known, True)

    def unanswered(self, standing: AnswerState) -> Stop:
        """Nothing that could decide is possible."""
        left = f", {standing.unmeasured} scored points unmeasured" if standing.unmeasured else ""
        return Stop(
            f"the {self.what} is not known (P = {standing.probability:.3f}{left}), and no process "
            "that could decide it fits into the time left",
            False,
        )
