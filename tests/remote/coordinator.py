"""A coordinator in a process of its own, to be killed: scores checkpoints into a database.

    python -m tests.remote.coordinator SPEC.json

The specification names the folder of units, the database and the jobs. What it stores it stores
as a sweep does, so whatever a killed one loses, a sweep would lose.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms.job import Job
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.domain.records import Score
from paretobench.jobs.engines import choose
from paretobench.jobs.scoring import Scoring
from paretobench.store import Store

TASKS = ("gqa", "textvqa", "docvqa")


def jobs_of(checkpoints: Sequence[Path], interpreter: Path) -> list[Job]:
    """A job of three tasks for each checkpoint, each at a point of its own."""
    template = Job("", ScorePoint("e", 64, "l"), TASKS, interpreter=str(interpreter))
    return [
        replace(template, checkpoint=str(path), place=ScorePoint("e", 64 + number, "l"))
        for number, path in enumerate(checkpoints)
    ]


def main(spec: dict[str, Any]) -> int:
    jobs = jobs_of([Path(path) for path in spec["checkpoints"]], Path(spec["interpreter"]))
    chosen = choose(spec["executor"], "accuracy")
    assert chosen is not None
    carry = Scoring(chosen)
    with Store.open(Path(spec["database"])) as store:

        def keep(scores: Sequence[Score]) -> None:
            store.add_scores(scores)

        done = carry(jobs, lambda line: print(line, flush=True), keep)
    bad = [outcome for _, outcome in done if isinstance(outcome, str) or outcome.failures]
    return 1 if bad or len(done) < len(jobs) else 0


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text())))
