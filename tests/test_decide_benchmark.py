"""The decider's benchmark: that it judges by the truth, and replays no process twice."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from paretobench.planning.deciding import Decider
from paretobench.planning.question import Candidate, Inquiry, Question
from paretobench.planning.stopping import cell_plan

FOLDER = Path(__file__).parents[1] / "benchmarks"
if not FOLDER.exists():
    pytest.skip("benchmarks/ is not here", allow_module_level=True)


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_benchmark", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


sys.path.insert(0, str(FOLDER))
decide = loaded("decide")
sys.path.remove(str(FOLDER))


def world(gap: float = 1.5, **more):
    """Two rivals whose latencies differ by a factor, the slower the less accurate; one faster."""
    seconds = {"a": 0.1, "b": 0.1 * gap, "c": 0.01}
    heights = {"a": 0.6, "b": 0.5, "c": 0.4}
    layout = decide.Layout(
        tuple(Candidate(key, {key: 1}, {"r": heights[key]}) for key in seconds),
        dict.fromkeys(seconds, "encode"),
        seconds,
        dict.fromkeys(seconds, 5.0),
    )
    return decide.world_of(layout, decide.normal(0.001), np.random.default_rng(0), **more)


def inquiry(of, question: Question | None = None) -> Inquiry:
    return Inquiry(question or Question("front"), of.candidates, of.parts)


def test_the_decider_and_the_rounds_find_the_front_of_a_plain_world():
    plain = world()
    run, oracle_s = decide.decided(plain, inquiry(plain))
    rounds = decide.in_rounds(plain, inquiry(plain), ["a", "b", "c"])
    assert run.is_known and run.is_right and run.regret == 0.0
    assert rounds.is_known and rounds.is_right
    assert oracle_s == 15.0 <= run.seconds


def test_an_answer_that_the_truth_contradicts_is_wrong_and_has_a_regret():
    plain = world()
    replay = decide.Replay(plain)
    for key in ("a", "b", "c", "a", "b", "c"):
        replay.run(key)
    asked = inquiry(plain)
    state = Decider(asked, cell_plan("standard")).standing(replay.records)
    assert decide.judge(plain, asked.question, state, replay).is_right
    other = replace(plain, true_s={**plain.true_s, "a": 0.3})
    judged = decide.judge(other, asked.question, state, replay)
    assert not judged.is_right and judged.regret > 0


def test_what_is_off_by_less_than_the_indifference_is_right():
    near = world(gap=1.005)
    run, _ = decide.decided(near, inquiry(near))
    assert run.is_right


def test_a_limit_is_judged_by_the_true_times():
    plain = world()
    run, _ = decide.decided(plain, inquiry(plain, Question("best", under_s=0.05)))
    assert run.is_known and run.is_right and run.regret == 0.0
    assert decide.shown_by_oracle(plain, inquiry(plain, Question("best", under_s=0.05))) == 15.0


def test_every_method_meets_the_same_processes_and_none_twice():
    plain = world()
    first, second = decide.Replay(plain), decide.Replay(plain)
    for key in "aab":
        first.run(key)
    for key in "baa":
        second.run(key)
    assert first.records["a"].medians_s == second.records["a"].medians_s
    assert len(set(first.records["a"].medians_s)) == 2


def test_a_disturbed_process_costs_more_and_does_not_count():
    busy = world(disturbed=0.5)
    replay = decide.Replay(busy)
    for _ in range(20):
        replay.run("a")
    disturbed = replay.attempts["a"] - 20
    assert disturbed > 0 and len(replay.records["a"].medians_s) == 20
    assert replay.spent_s == pytest.approx(100 + disturbed * 5 * decide.DISTURBED_COST)


def test_a_machine_that_warms_up_is_slower_for_all_and_so_is_the_truth():
    warm = world(drift=0.03)
    replay = decide.Replay(warm, spent_s=decide.DRIFT_S)
    replay.run("a")
    assert replay.records["a"].medians_s[0] == pytest.approx(0.103, rel=0.01)
    assert warm.total_s(warm.candidates[0]) == pytest.approx(0.103)


def test_the_fidelity_repeats_every_part_as_its_rule_says():
    plain = world()
    run = decide.by_fidelity(plain, inquiry(plain), cell_plan("standard"))
    assert run.seconds % 15 == 0 and 30 <= run.seconds <= 75


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 60, 0.0, 0.0596), (3, 60, 0.0104, 0.139)]
)
def test_the_interval_of_a_share_is_the_exact_one(hits, n, low, high):
    found = decide.clopper_pearson(hits, n)
    assert math.isclose(found[0], low, abs_tol=1e-3) and math.isclose(found[1], high, abs_tol=1e-3)
