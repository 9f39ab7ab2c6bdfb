"""The page's front and answer against Python's, in node where there is one.

The browser's tests ask the same of Chromium; this is the quick form.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from paretobench.analysis.constraints import under
from paretobench.analysis.front import front_mask
from paretobench.analysis.points import Contender
from paretobench.analysis.query import best

SETS = 1000


def random_sets(seed: int = 0) -> list[list[list[float]]]:
    """Point sets of 0 to 60, a third of them on a coarse lattice so that ties abound."""
    rng = np.random.default_rng(seed)
    sets: list[list[list[float]]] = []
    for index in range(SETS):
        n = int(rng.integers(0, 60))
        points = rng.uniform(0.01, 1.0, (n, 2))
        if index % 3 == 0:
            points = np.ceil(points * 5) / 5
        sets.append(points.tolist())
    return sets


def limits(sets: list[list[list[float]]]) -> list[float]:
    """A budget per set: on a point's cost, between costs, or under all of them."""
    rng = np.random.default_rng(1)
    pairs = zip(sets, rng.uniform(0.0, 1.0, len(sets)), strict=True)
    return [p[0][0] if p and i % 2 else float(d) for i, (p, d) in enumerate(pairs)]


def expected_fronts(sets: list[list[list[float]]]) -> list[list[bool]]:
    return [[bool(kept) for kept in front_mask(points)] for points in sets]


def expected_best(sets: list[list[list[float]]], budgets: list[float]) -> list[int]:
    found = []
    for points, budget in zip(sets, budgets, strict=True):
        named = [Contender(str(i), cost, gain) for i, (cost, gain) in enumerate(points)]
        answer = best(named, [under(budget)]).point if named else None
        found.append(int(answer.name) if answer else -1)
    return found


def in_node(expression: str, given: Any) -> Any:
    source = files("paretobench.report.page").joinpath("front.js").read_text(encoding="utf-8")
    program = (
        f"{source}\nconst given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
        f"process.stdout.write(JSON.stringify({expression}));"
    )
    ran = subprocess.run(
        ["node", "-e", program],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(ran.stdout)


needs_node = pytest.mark.skipif(
    shutil.which("node") is None,
    reason="node is not installed; the heavy browser tests ask the same of Chromium",
)


@needs_node
def test_the_pages_front_is_pythons_on_a_thousand_random_sets() -> None:
    sets = random_sets()
    assert in_node("given.map(nonDominated)", sets) == expected_fronts(sets)


@needs_node
def test_the_pages_answer_is_pythons_on_a_thousand_random_sets() -> None:
    sets = random_sets(2)
    budgets = limits(sets)
    expression = "given[0].map((points, i) => bestTwo(points, given[1][i])[0])"
    assert in_node(expression, [sets, budgets]) == expected_best(sets, budgets)
