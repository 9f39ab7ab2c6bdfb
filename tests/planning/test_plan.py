"""Reuse, refusals and estimates."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.config import expand, load_catalogue
from paretobench.domain import Device, EncoderPart, GridPoint, Runtime, Tiling
from paretobench.planning.cost import Machine, PastMeasurement
from paretobench.planning.plan import Refusal
from tests.planning.plans import make_plan

CATALOGUE = load_catalogue()
DEVICE = Device("test", Runtime("openvino", "bf16"), Runtime("torch", "bf16"))
LARGE = Machine(64 << 30, gflops=500)
SMALL = Machine(12 << 30, gflops=500)


def point(encoder="fastvithd", px=1024, llm="qwen2_0_5b", tiling=None):
    found = tiling or CATALOGUE.tilings["none"]
    return GridPoint(CATALOGUE.encoders[encoder], px, CATALOGUE.llms[llm], found)


@pytest.fixture(scope="module")
def family():
    return expand(["+grid=qwen2_family"]).points


def test_qwen2_family_takes_40_workloads_instead_of_96(family):
    plan = make_plan(family, (), DEVICE, LARGE)
    assert plan.summary.startswith("48 points, 40 workloads instead of 96: 0 already measured")
    assert len(plan.pending) == 40
    assert [w.workload.kind for w in plan.workloads] == ["encode"] * 16 + ["prefill"] * 24


@pytest.mark.parametrize(
    ("encoder", "px", "tokens"),
    [
        ("fastvithd", 1024, 256),
        ("fastvithd", 336, 36),
        ("fastvit", 336, 121),
        ("convnext_l", 768, 576),
        ("siglip_so400m", 384, 729),
        ("vit_l14", 336, 576),
    ],
)
def test_visual_tokens_are_those_of_the_paper(encoder, px, tokens):
    (planned,) = make_plan([point(encoder, px)], (), DEVICE, LARGE).points
    assert planned.tiles.visual_tokens == tokens
    assert planned.images[0].prefill.subject["n_tokens"] == tokens


def test_json_has_the_three_lists_and_each_points_keys_name_workloads(family):
    data = json.loads(json.dumps(make_plan(family, (), DEVICE, LARGE).to_json()))
    assert set(data) == {"points", "workloads", "refused"}
    keys = {workload["key"] for workload in data["workloads"]}
    for one in data["points"]:
        assert {one["encode"], one["prefill"]} <= keys
        assert one["encodes"] == [{"workload": one["encode"], "passes": one["passes"]}]
        assert {"encoder", "resolution_px", "llm", "tiling", "visual_tokens"} <= set(one)


def test_what_is_done_or_failed_is_not_pending(family):
    keys = [w.workload.key for w in make_plan(family, (), DEVICE, LARGE).workloads]
    plan = make_plan(family, (), DEVICE, LARGE, done=keys[:30], failed=keys[30:33])
    assert [w.workload.key for w in plan.pending] == keys[33:]
    assert "30 already measured, 7 to go, 3 failed before" in plan.summary


def test_nothing_pending_takes_no_time(family):
    keys = {w.workload.key for w in make_plan(family, (), DEVICE, LARGE).workloads}
    plan = make_plan(family, (), DEVICE, LARGE, done=keys)
    assert plan.estimated_s == 0 and "about" not in plan.summary


def test_a_model_that_does_not_fit_is_refused_with_the_numbers_and_the_way_out(family):
    plan = make_plan(family, (), DEVICE, SMALL)
    assert {refusal.llm for refusal in plan.refused} == {"qwen2_7b"} and len(plan.refused) == 16
    reason = plan.refused[0].reason
    assert "15.2 GiB" in reason and "12.0 GiB" in reason and "weights=shared" in reason


def test_a_refused_point_that_could_exist_keeps_its_parts_and_an_impossible_one_has_none(family):
    full = {
        tuple(p.point.identity().values()): p for p in make_plan(family, (), DEVICE, LARGE).points
    }
    for refusal in make_plan(family, (), DEVICE, SMALL).refused:
        names = (refusal.encoder, refusal.resolution_px, refusal.llm, refusal.tiling)
        assert refusal.planned == full[names]
    no_kernel = make_plan([point()], (), DEVICE, LARGE, refuses=lambda w: "no kernel").refused[0]
    assert no_kernel.planned is not None and "planned" not in no_kernel.to_json()
    odd = point(px=1000, tiling=Tiling("three", "grid", options={"g": 3}))
    assert make_plan([odd], (), DEVICE, LARGE).refused[0].planned is None


def test_shared_weights_fit_and_are_another_workload():
    shared = make_plan([point(llm="qwen2_7b")], (), DEVICE, SMALL, weights="shared")
    full = make_plan([point(llm="qwen2_7b")], (), DEVICE, LARGE)
    assert not shared.refused
    assert shared.points[0].images[0].prefill.runtime.options["weights"] == "shared"
    assert shared.points[0].images[0].prefill.key != full.points[0].images[0].prefill.key
    assert shared.points[0].encodes == full.points[0].encodes


def test_an_encoder_that_does_not_fit_is_refused_without_that_offer():
    plan = make_plan([point("convnext_xxl", 512)], (), DEVICE, Machine(4 << 30))
    assert "ConvNeXt-XXL@512 in bf16 needs" in plan.refused[0].reason
    assert "shared" not in plan.refused[0].reason


def test_more_tokens_than_positions_are_refused():
    many = point("fastvit", 2048, "vicuna_7b", Tiling("two", "grid", options={"g": 2}))
    plan = make_plan([many], (), DEVICE, LARGE)
    assert "5120 tokens exceed the 4096 positions of Vicuna-7B" in plan.refused[0].reason


def test_a_backends_refusal_is_kept_with_its_reason():
    plan = make_plan(
        [point()], (), DEVICE, LARGE, refuses=lambda w: "no kernel" if w.kind == "prefill" else None
    )
    assert plan.refused == (Refusal("fastvithd", 1024, "qwen2_0_5b", "none", "no kernel"),)
    assert not plan.points and not plan.workloads


def test_refusals_from_before_stay_and_read_well():
    before = Refusal("vit_l14", 512, "qwen2_7b", "none", "not allowed")
    assert make_plan([], [before], DEVICE, LARGE).refused == (before,)
    assert str(before) == "vit_l14@512 + qwen2_7b: not allowed"


def test_a_tile_that_does_not_exist_is_refused_by_the_plan_too():
    odd = point(px=1000, tiling=Tiling("three", "grid", options={"g": 3}))
    plan = make_plan([odd], (), DEVICE, LARGE)
    assert "1000 px cannot be cut into 3x3 equal tiles" in plan.refused[0].reason


def test_the_prompt_is_prefilled_with_the_image():
    (planned,) = make_plan([point()], (), DEVICE, LARGE, prompt_tokens=40).points
    assert planned.images[0].prefill.subject["n_tokens"] == 256 + 40
    assert planned.tiles.visual_tokens == 256


def test_tiles_share_the_encode_workload_of_the_same_size():
    tiled = point(px=1024, tiling=Tiling("two", "grid", options={"g": 2}))
    plan = make_plan([tiled, point(px=512)], (), DEVICE, LARGE)
    assert plan.points[0].encodes[0] == (plan.points[1].encodes[0][0], 5)


def test_a_system_of_several_encoders_is_a_sum_of_their_workloads():
    from dataclasses import replace

    parts = (
        EncoderPart(CATALOGUE.encoders["vit_l14"], 336),
        EncoderPart(CATALOGUE.encoders["fastvithd"], 1024, 2),
    )
    system = replace(CATALOGUE.encoders["fastvithd"], name="both", parts=parts, fixed_tokens=576)
    both = GridPoint(system, 1024, CATALOGUE.llms["qwen2_0_5b"])
    plan = make_plan([both, point(px=1024)], (), DEVICE, LARGE)
    planned = plan.points[0]
    assert [(w.label, n) for w, n in planned.encodes] == [
        ("ViT-L/14@336", 1),
        ("FastViTHD@1024", 2),
    ]
    assert (planned.tiles.passes, planned.tiles.visual_tokens) == (3, 576)
    assert planned.encodes[1][0] == plan.points[1].encodes[0][0]
    data = planned.to_json()
    assert data["encode"] is None and [part["passes"] for part in data["encodes"]] == [1, 2]


def test_an_estimate_follows_what_was_measured_before():
    points = [point(px=512), point(px=1024), point("fastvit", 512)]
    plain = {w.workload.label: w for w in make_plan(points, (), DEVICE, LARGE).workloads}
    past = [PastMeasurement(plain["FastViTHD@512"].workload, 10.0)]
    known = {w.workload.label: w for w in make_plan(points, (), DEVICE, LARGE, past=past).workloads}
    assert known["FastViTHD@512"].expected.latency_s == 10.0
    assert known["FastViTHD@1024"].expected.latency_s == pytest.approx(40.0)
    assert known["FastViT@512"].expected.latency_s == plain["FastViT@512"].expected.latency_s
    assert known["FastViTHD@1024"].expected.wall_s > plain["FastViTHD@1024"].expected.wall_s


@given(st.permutations(range(12)))
def test_the_order_of_points_changes_no_workload(order):
    points = [
        point(encoder, px, llm)
        for encoder in ("fastvithd", "fastvit")
        for px in (256, 512, 1024)
        for llm in ("qwen2_0_5b", "qwen2_1_5b")
    ]
    plan = make_plan([points[i] for i in order], (), DEVICE, LARGE)
    reference = make_plan(points, (), DEVICE, LARGE)
    assert {w.workload.key for w in plan.workloads} == {w.workload.key for w in reference.workloads}
    assert sum(w.uses for w in plan.workloads) == 24
    assert "instead of 24" in plan.summary


def test_decode_is_planned_behind_each_prefill_once_and_only_if_asked_for(family):
    plain = make_plan(family, (), DEVICE, LARGE)
    assert {one.workload.kind for one in plain.workloads} == {"encode", "prefill"}
    decoding = make_plan(family, (), DEVICE, LARGE, decode=True)
    kinds = [one.workload.kind for one in decoding.workloads]
    assert (
        kinds.count("decode")
        == kinds.count("prefill")
        == len(plain.workloads) - kinds.count("encode")
    )
    planned = decoding.points[0]
    (image,) = planned.images
    assert image.decode.subject["n_tokens"] == image.prefill.subject["n_tokens"]
    assert image.decode.artifact_subject == image.prefill.artifact_subject
