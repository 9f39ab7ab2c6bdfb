"""Precision in a plan: named by a grid, or what fits; and points beyond the horizon."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.config import expand, load_catalogue
from paretobench.domain import Device, GridPoint, Runtime, catalogue_name
from paretobench.planning.cost import Machine
from tests.planning.plans import make_plan

CATALOGUE = load_catalogue()
LLAMA = [Runtime("llamacpp", precision) for precision in ("fp16", "int8", "int4")]
DEVICE = Device("auto", Runtime("openvino", "fp32"), LLAMA[0], fallbacks=tuple(LLAMA))


def point(llm: str = "qwen2_7b", px: int = 256, precision: str = "") -> GridPoint:
    model = CATALOGUE.llms[llm]
    return GridPoint(
        CATALOGUE.encoders["fastvithd"], px, model.at(precision) if precision else model
    )


def test_a_precision_is_another_point_of_the_same_model() -> None:
    plain, int4 = point(), point(precision="int4")
    assert int4.key != plain.key and int4.llm.spec() == plain.llm.spec()
    assert (int4.llm.name, int4.llm.label) == ("qwen2_7b:int4", "Qwen2-7B int4")
    assert catalogue_name(int4.llm.name) == plain.llm.name


def test_points_of_several_precisions_share_the_encoder_and_have_prefills_of_their_own() -> None:
    points = [point("qwen2_0_5b", precision=one) for one in ("fp16", "int8", "int4")]
    plan = make_plan(points, (), DEVICE, Machine(64 << 30))
    assert [str(one.images[0].prefill.runtime) for one in plan.points] == [
        "llamacpp fp16",
        "llamacpp int8",
        "llamacpp int4",
    ]
    assert len(plan.workloads) == 4


@pytest.mark.parametrize(
    ("gib", "llm", "runtime"),
    [
        (64, "qwen2_7b", "llamacpp fp16"),
        (16, "qwen2_7b", "llamacpp int8"),
        (8, "qwen2_7b", "llamacpp int4"),
        (8, "qwen2_1_5b", "llamacpp fp16"),
        (5.6, "qwen2_7b", "llamacpp int4"),
    ],
)
def test_an_open_precision_is_the_widest_that_leaves_memory_for_others(
    gib: float, llm: str, runtime: str
) -> None:
    plan = make_plan([point(llm)], (), DEVICE, Machine(round(gib * 2**30)))
    assert str(plan.points[0].images[0].prefill.runtime) == runtime


def test_with_8_gib_the_qwen2_family_leaves_out_no_language_model() -> None:
    """In fp32 an encoder of 0.8 billion weights, which has no 4-bit form here, is too large at 512
    px; in bf16 everything fits."""
    points = expand(["+grid=qwen2_family"]).points
    plan = make_plan(points, (), DEVICE, Machine(8 << 30))
    refused = {(refusal.encoder, refusal.resolution_px) for refusal in plan.refused}
    assert refused == {("convnext_xxl", 512)} and len(plan.points) == 45
    bf16 = replace(DEVICE, encode=Runtime("openvino", "bf16"))
    assert len(make_plan(points, (), bf16, Machine(8 << 30)).points) == 48


def test_a_named_precision_never_falls_back() -> None:
    plan = make_plan([point(precision="fp16")], (), DEVICE, Machine(8 << 30))
    (refusal,) = plan.refused
    assert "Qwen2-7B fp16 needs" in refusal.reason and "precision=int4" in refusal.reason


def test_a_point_beyond_the_horizon_carries_its_prediction_instead_of_a_measurement() -> None:
    points = [point(px=256), point(px=1024)]
    machine = Machine(64 << 30, gflops=100.0)
    plan = make_plan(points, (), DEVICE, machine, horizon_s=20.0)
    assert [one.point.resolution_px for one in plan.points] == [256]
    (refusal,) = plan.refused
    assert "expected a TTFT" in refusal.reason and "horizon=20s" in refusal.reason
    assert refusal.planned is not None and refusal.planned.point.resolution_px == 1024
    assert len(plan.workloads) == 2


def test_what_is_measured_already_stays_beyond_the_horizon() -> None:
    whole = make_plan([point()], (), DEVICE, Machine(64 << 30))
    done = [one.workload.key for one in whole.workloads]
    plan = make_plan([point()], (), DEVICE, Machine(64 << 30), done=done, horizon_s=0.001)
    assert len(plan.points) == 1 and not plan.refused


def test_the_grid_for_devices_has_three_sizes_in_three_precisions() -> None:
    request = expand(["+grid=on_device"])
    assert len(request.points) == 36
    assert {one.llm.precision for one in request.points} == {"fp16", "int8", "int4"}
    assert len({catalogue_name(one.llm.name) for one in request.points}) == 3
    assert request.devices[0].prefill["precisions"] == ["fp16", "int4", "int8"]


def test_an_encoders_precision_is_an_axis_of_its_own() -> None:
    request = expand(["encoder=fastvithd", "resolution=256", "encode.precision=fp16,int8"])
    assert [one.encoder.name for one in request.points] == ["fastvithd:fp16", "fastvithd:int8"]
    plan = make_plan(request.points, (), DEVICE, Machine(64 << 30))
    precisions = [one.encodes[0][0].runtime.precision for one in plan.points]
    assert precisions == ["fp16", "int8"]
    assert replace(request.points[0].encoder, precision="").spec() == (
        CATALOGUE.encoders["fastvithd"].spec()
    )


@pytest.mark.parametrize(
    ("word", "wanted"), [("weights=shared", "runs_network"), ("decode=true", "decodes")]
)
def test_shared_weights_and_decoding_ask_for_a_runtime_that_can(word: str, wanted: str) -> None:
    assert expand([word, "resolution=256"]).devices[0].prefill[wanted]
    assert wanted not in expand(["resolution=256"]).devices[0].prefill
