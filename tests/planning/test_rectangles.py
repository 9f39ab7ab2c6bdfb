"""Passes that are no equal squares: their workloads, their cost, and points made of them."""

import pytest

from paretobench.config import load_catalogue
from paretobench.domain import (
    Device,
    EncoderInput,
    GridPoint,
    Runtime,
    Tiling,
    Workload,
    encode_workload,
    end_to_end_workload,
)
from paretobench.errors import PlanError
from paretobench.planning.cost import Machine, encode_flops
from tests.planning.plans import make_plan

CATALOGUE = load_catalogue()
ENCODER = CATALOGUE.encoders["fastvit"]
TORCH = Runtime("torch", "fp32")
DEVICE = Device("here", TORCH, TORCH)
CROPS = Tiling("crops", "image_rule", "crops", {
    "rule": "global_and_crops", "base_px": 1024, "tile_px": 640, "max_tiles": 9,
    "width_px": 1654, "height_px": 2339,
})  # fmt: skip


def test_a_square_keeps_the_key_that_it_had_before_there_were_rectangles():
    before = {"encoder": ENCODER.spec(), "resolution_px": 512}
    workload = encode_workload(ENCODER, EncoderInput.square(512), TORCH)
    assert dict(workload.subject) == before
    assert workload.key == encode_workload(ENCODER, 512, TORCH).key
    assert workload.key == Workload("encode", "", before, TORCH).key


@pytest.mark.parametrize(
    "seen",
    [
        EncoderInput(512, 512),
        EncoderInput(1036, 756),
        EncoderInput(756, 1036),
        EncoderInput(288, 224, padded_patches=256),
        EncoderInput(512, 512, padded_patches=1024),
    ],
)
def test_an_input_is_read_back_from_its_workload_and_sent_elsewhere_whole(seen):
    workload = encode_workload(ENCODER, seen, TORCH)
    again = Workload.from_json(workload.to_json())
    assert EncoderInput.of(again.subject) == seen and again.key == workload.key


def test_width_and_height_are_not_the_same_and_padding_is_part_of_the_key():
    seen = [EncoderInput(512, 256), EncoderInput(256, 512), EncoderInput(512, 256, 1, 900)]
    assert len({encode_workload(ENCODER, one, TORCH).key for one in seen}) == 3


def test_an_image_of_two_sizes_of_passes_is_two_workloads_of_one_encoder():
    point = GridPoint(ENCODER, 2000, CATALOGUE.llms["qwen2_0_5b"], CROPS)
    plan = make_plan([point], [], DEVICE, Machine(1 << 40))
    (planned,) = plan.points
    passes = {one.subject["resolution_px"]: count for one, count in planned.encodes}
    assert passes == {640: 6, 1024: 1}
    assert len(plan.workloads) == 3 and planned.tiles.prefill_tokens == 903


def test_the_cost_of_a_rectangle_is_that_of_its_area():
    for encoder in (ENCODER, CATALOGUE.encoders["siglip2_naflex_b16"]):
        wide = encode_flops(encoder, EncoderInput(1024, 256))
        assert wide == pytest.approx(encode_flops(encoder, 512))


def test_unequal_passes_are_not_checked_end_to_end():
    point = GridPoint(ENCODER, 2000, CATALOGUE.llms["qwen2_0_5b"], CROPS)
    (planned,) = make_plan([point], [], DEVICE, Machine(1 << 40)).points
    with pytest.raises(PlanError, match="640"):
        end_to_end_workload(point, planned.tiles, DEVICE)
