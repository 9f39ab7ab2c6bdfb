"""Points of several image sizes: workloads shared between them, and means over their weights."""

from paretobench.config import load_catalogue
from paretobench.domain import Device, GridPoint, Images, ImageSize, Runtime
from paretobench.planning.cost import Machine
from paretobench.planning.tiling import plan_images, plan_tiles
from tests.planning.plans import make_plan

CATALOGUE = load_catalogue()
DEVICE = Device("test", Runtime("openvino", "bf16"), Runtime("torch", "bf16"))
LARGE = Machine(64 << 30, gflops=500)
TILING = CATALOGUE.tilings["internvl3_tiles"]
SCANS = Images("scans", "scans", (ImageSize(448, 448, 3), ImageSize(1344, 448, 1)))


def point(images: Images) -> GridPoint:
    return GridPoint(
        CATALOGUE.encoders["internvit_300m"],
        448,
        CATALOGUE.llms["qwen2_5_0_5b"],
        TILING.on(images),
    )


def test_a_single_size_is_the_tiling_with_its_sides():
    one = point(Images.one(1654, 2339))
    ((size, plan),) = plan_images(one.encoder, 448, one.tiling)
    assert (size.width_px, size.height_px) == (1654, 2339)
    assert plan == plan_tiles(one.encoder, 448, TILING.of_size(size))


def test_each_size_has_its_own_passes_and_tokens():
    (planned,) = make_plan([point(SCANS)], (), DEVICE, LARGE).points
    assert [image.tiles.passes for image in planned.images] == [1, 4]
    tokens = [image.prefill.subject["n_tokens"] for image in planned.images]
    assert tokens == [256 + 2, 4 * 256 + 2]


def test_sizes_share_the_encode_and_passes_are_summed_over_weights():
    (planned,) = make_plan([point(SCANS)], (), DEVICE, LARGE).points
    assert [passes for _, passes in planned.encodes] == [3 * 1 + 1 * 4]
    assert [times for _, times in planned.prefills] == [3, 1]
    assert planned.image_count == 4
    assert planned.tiles.passes == 2  # 7 passes of 4 images, rounded


def test_a_points_json_lists_its_images_only_where_there_are_several():
    several, one = make_plan([point(SCANS), point(Images.one(448, 448))], (), DEVICE, LARGE).points
    assert [image["weight"] for image in several.to_json()["images"]] == [3, 1]
    assert "images" not in one.to_json()


def test_the_mean_of_the_images_decides_whether_a_point_takes_too_long():
    wide = Images("wide", "wide", (ImageSize(448, 448, 1), ImageSize(5376, 448, 1)))
    (alone,) = make_plan([point(Images.one(5376, 448))], (), DEVICE, LARGE).points
    plan = make_plan([point(wide)], (), DEVICE, LARGE)
    seconds = {one.workload.key: one.expected.latency_s for one in plan.workloads}
    slow = sum(seconds[w.key] * n for w, n in (*alone.encodes, *alone.prefills))
    assert make_plan(
        [point(Images.one(5376, 448))], (), DEVICE, LARGE, horizon_s=slow * 0.9
    ).refused
    assert not make_plan([point(wide)], (), DEVICE, LARGE, horizon_s=slow * 0.9).refused
