"""From a plan and scores to a question: what it is about, and that a clock does not move it."""

from __future__ import annotations

import pytest

from paretobench.config import expand
from paretobench.domain import Device, Runtime
from paretobench.planning.cost import Machine, PastMeasurement
from paretobench.planning.estimate import artifact_name
from paretobench.planning.inquiring import inquiry_of, preparations
from paretobench.planning.plan import Plan
from paretobench.planning.question import Inquiry, Question
from paretobench.planning.stopping import cell_plan
from paretobench.sweeping.asking import known_accuracies
from tests.planning.plans import make_plan

POINTS = expand(["+grid=qwen2_family", "llm=qwen2_0_5b"]).points
DEVICE = Device("here", Runtime("openvino", "bf16"), Runtime("torch", "bf16"))
MEMORY = 24 << 30
FASTVITHD = ("fastvithd", 512, "qwen2_0_5b", "none")


def asked(plan: Plan) -> Inquiry:
    accuracies = {FASTVITHD: {"llava15": 0.6}}
    rule = cell_plan("standard")
    return inquiry_of(plan, accuracies, Question(), rule, MEMORY, seed=0)


def test_every_point_is_a_candidate_made_of_the_plans_workloads() -> None:
    plan = make_plan(POINTS, (), DEVICE, Machine(MEMORY))
    inquiry = asked(plan)
    assert {part.key for part in inquiry.parts} == {one.workload.key for one in plan.workloads}
    assert len(inquiry.candidates) == len(plan.points)
    (scored,) = [one for one in inquiry.candidates if one.accuracies]
    assert scored.name == "fastvithd|512|qwen2_0_5b|none"
    assert sorted(scored.passes.values()) == [1.0, 1.0]


def test_neither_this_machines_rate_nor_what_it_measured_moves_a_question() -> None:
    plain = make_plan(POINTS, (), DEVICE, Machine(MEMORY))
    past = [PastMeasurement(plain.workloads[0].workload, 7.0, 3.0)]
    known = make_plan(POINTS, (), DEVICE, Machine(MEMORY, gflops=20.0), past=past)
    assert asked(known) == asked(plain)


def test_what_has_no_artifact_yet_takes_time_to_make() -> None:
    plan = make_plan(POINTS, (), DEVICE, Machine(MEMORY))
    keys = [one.workload.key for one in plan.workloads]
    made = dict.fromkeys(keys, True) | {keys[0]: False}
    found = preparations(plan, made, Machine(MEMORY))
    assert set(found) == {keys[0]}
    assert found[keys[0]] > 0


def test_prefills_of_one_language_model_share_an_artifact() -> None:
    plan = make_plan(POINTS, (), DEVICE, Machine(MEMORY))
    prefills = [one.workload for one in plan.workloads if one.workload.kind == "prefill"]
    assert len({artifact_name(one) for one in prefills}) == 1 < len(prefills)


def test_published_scores_are_known_without_a_database() -> None:
    unknown = ("no_encoder", 1, "qwen2_0_5b", "none")
    found = known_accuracies(None, [FASTVITHD, unknown], "all", mix_protocols=False)
    assert found[unknown] == {}
    assert all(0.3 < value < 0.9 for value in found[FASTVITHD].values())
    assert found[FASTVITHD]


def test_the_scores_of_a_model_serve_its_precisions() -> None:
    quantised = ("fastvithd", 512, "qwen2_0_5b:int4", "none")
    found = known_accuracies(None, [FASTVITHD, quantised], "all", mix_protocols=False)
    assert found[quantised] == pytest.approx(found[FASTVITHD])
