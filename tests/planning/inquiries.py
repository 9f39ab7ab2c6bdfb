"""Made-up worlds for the tests of what a sweep decides: true latencies, and a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from paretobench.planning.choices import Start, Stop
from paretobench.planning.deciding import Decider
from paretobench.planning.question import (
    Candidate,
    CandidatePart,
    Inquiry,
    PartRecord,
    Question,
)
from paretobench.planning.stopping import cell_plan

ENCODERS = {"small": 0.02, "middle": 0.06, "large": 0.2}
LLMS = {"tiny": 0.05, "big": 0.4}
UNSCORED = "prefill long"


def inquiry(question: Question, gap: float = 0.02, seed: int = 0) -> Inquiry:
    """Six scored points of three encoders and two language models, and one without a score."""
    parts = [
        CandidatePart(f"encode {name}", "encode", seconds, 4.0 + 10 * seconds)
        for name, seconds in ENCODERS.items()
    ]
    parts += [
        CandidatePart(f"prefill {name}", "prefill", seconds, 5.0 + 20 * seconds)
        for name, seconds in (*LLMS.items(), ("long", 1.0))
    ]
    candidates = [
        Candidate(
            f"{encoder}+{llm}",
            {f"encode {encoder}": 1, f"prefill {llm}": 1},
            {"recipe": 0.5 + gap * (i + 2 * j)},
        )
        for i, encoder in enumerate(ENCODERS)
        for j, llm in enumerate(LLMS)
    ]
    candidates.append(Candidate("large+long", {"encode large": 1, UNSCORED: 1}))
    return Inquiry(question, tuple(candidates), tuple(parts), seed)


@dataclass
class Machine:
    """Processes of known true latency; the nth process of a part always takes the same.

    Attributes:
        log_sd: spread of processes.
        slow_chance: of a process that is 15 % slow.
        is_level: every part takes 0.1 s.
    """

    about: Inquiry
    log_sd: float = 0.01
    slow_chance: float = 0.0
    seed: int = 0
    is_level: bool = False
    records: dict[str, PartRecord] = field(default_factory=dict)
    started: list[tuple[str, str]] = field(default_factory=list)
    spent_s: float = 0.0

    def true_s(self, key: str) -> float:
        """A part's latency: what was predicted, moved by some tens of percents."""
        if self.is_level:
            return 0.1
        predicted = {part.key: part.latency_s for part in self.about.parts}[key]
        return float(
            predicted * np.exp(np.random.default_rng([self.seed, *key.encode()]).normal(0, 0.2))
        )

    def run(self, start: Start) -> None:
        """One process of the first part that was chosen."""
        key = start.parts[0]
        before = self.records.get(key, PartRecord((), 0.0))
        rng = np.random.default_rng([self.seed, len(before.medians_s), *key.encode()])
        slow = 1.15 if rng.random() < self.slow_chance else 1.0
        median_s = self.true_s(key) * float(np.exp(rng.normal(0, self.log_sd))) * slow
        cost_s = {part.key: part.process_s for part in self.about.parts}[key]
        confirmations = before.confirmations + (start.phase == "confirming")
        self.records[key] = PartRecord((*before.medians_s, median_s), cost_s, confirmations)
        self.started.append((start.phase, key))
        self.spent_s += cost_s

    def until_stop(self, budget_s: float = float("inf"), **more: Mapping[str, float]) -> Stop:
        """Start what is chosen until nothing is."""
        decider = Decider(self.about, cell_plan("standard"))
        while True:
            choice = decider.decide(dict(self.records), budget_s - self.spent_s, **more)
            if isinstance(choice, Stop):
                return choice
            self.run(choice)

    def counts(self) -> Counter[str]:
        """Processes by part."""
        return Counter(key for _, key in self.started)
