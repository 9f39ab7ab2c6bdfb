"""Children that answer from a script, so that the harness's decisions are exact."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paretobench.domain import Workload
from paretobench.measure.child import write_answer
from paretobench.measure.process import ChildExit, Children, ChildResult

Script = Callable[[str, int], Mapping[str, Any] | ChildResult]
"""From a workload's label and how often it was visited to an answer's changes or a failure."""


class ScriptedChildren(Children):
    """Answers at once; `visits` are the labels in the order they were visited."""

    def __init__(self, script: Script = lambda label, visit: {}, wall_s: float = 1.0) -> None:
        super().__init__()
        self.script, self.wall_s = script, wall_s
        self.visits: list[str] = []
        self.prepared: list[str] = []
        self._second = itertools.count()

    def ask(
        self, module: str, orders: Callable[[Path], Mapping[str, Any]], timeout_s: float
    ) -> ChildResult:
        given = orders(Path("answer.json"))
        label = given["workload"]["label"]
        said = self.script(label, self.visits.count(label))
        self.visits.append(label)
        if isinstance(said, ChildResult):
            return said
        return ChildResult(self.wall_s, {**answer(next(self._second)), **said})

    def run(
        self,
        module: str,
        orders: Mapping[str, Any],
        timeout_s: float,
        progressed: Callable[[], bool] = lambda: False,
    ) -> ChildExit:
        for index, data in enumerate(orders["workloads"]):
            label = Workload.from_json(data).label
            self.prepared.append(label)
            if label.startswith("kills prepare"):
                return ChildExit(-11, False, ("boom",), 0, 0, 1.0)
            reply = {"status": "ok", "path": None, "facts": {}, "prepare_s": 0.5}
            write_answer(Path(orders["folder"]) / f"{index}.json", reply)
            progressed()
        return ChildExit(0, False, (), 0, 0, 1.0)


def answer(second: int, samples_s: Sequence[float] = (0.100, 0.101, 0.099)) -> dict[str, Any]:
    """A cell's answer without anything special about it."""
    return {
        "status": "ok",
        "started_at": f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}.000+00:00",
        "load_s": 0.5,
        "prepare_s": 0.0,
        "first_run_s": 0.2,
        "warmup_s": [0.11, 0.10],
        "samples_s": list(samples_s),
        "runs": len(samples_s),
        "canary_before_s": 0.02,
        "canary_after_s": 0.02,
        "peak_memory_bytes": 1000,
        "energy_j": None,
        "facts": {"threads": 2},
    }
