"""Passes and tokens against the schemes' own figures."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.config import expand, load_catalogue
from paretobench.domain import EncoderInput, TilePlan, Tiling
from paretobench.errors import PlanError, UnknownNameError
from paretobench.planning.tiling import plan_tiles
from paretobench.planning.tokens.anyres import best_canvas, unpadded

CATALOGUE = load_catalogue()


def plan(encoder, px, tiling, **options):
    found = CATALOGUE.tilings[tiling]
    changed = replace(found, options={**found.options, **options})
    return plan_tiles(CATALOGUE.encoders[encoder], px, changed)


KNOWN = [
    # encoder, px, tiling: tile, passes, visual tokens, newline tokens
    ("fastvithd", 1024, "none", (1024, 1, 256, 0)),
    ("fastvithd", 1536, "grid_4x4", (384, 17, 612, 0)),
    ("fastvithd", 1536, "grid_4x4_no_overview", (384, 16, 576, 0)),
    ("fastvithd", 1536, "grid_2x2", (768, 5, 720, 0)),
    ("fastvithd", 1152, "grid_3x3", (384, 10, 360, 0)),
    ("fastvithd", 2048, "grid_2x2", (1024, 5, 1280, 0)),
    ("vit_l14", 672, "llava_next_anyres", (336, 5, 2880, 48)),
    ("vit_l14", 2000, "llava_next_anyres", (336, 5, 2880, 48)),
    ("vit_l14", 336, "llava_next_anyres", (336, 3, 1152, 24)),
    ("siglip_so400m", 1152, "llava_onevision_anyres_max_9", (384, 10, 7290, 81)),
    ("siglip_so400m", 2304, "llava_onevision_anyres_max_9", (384, 37, 7290, 81)),
    ("siglip_so400m", 384, "llava_onevision_anyres_max_9", (384, 2, 1458, 27)),
    ("vit_l14", 1008, "s2", (336, 14, 576, 0)),
    ("vit_l14", 1008, "flexattn", (336, 10, 576, 0)),
    ("vit_l14", 448, "sphinx", (224, 5, 1455, 0)),
    ("vit_l14", 672, "sphinx", (224, 10, 2910, 0)),
    ("internvit_300m", 448, "internvl_dynamic", (448, 1, 256, 0)),
    ("internvit_300m", 896, "internvl_dynamic", (448, 5, 1280, 0)),
    ("internvit_300m", 1344, "internvl_dynamic", (448, 10, 2560, 0)),
    ("vit_h14", 1344, "mm1_sub_images", (672, 5, 720, 0)),
    ("vit_g14", 224, "qformer_32", (224, 1, 32, 0)),
    ("vit_bigg14", 448, "resampler_256", (448, 1, 256, 0)),
    ("vit_l14", 336, "ldp_v2", (336, 1, 144, 0)),
    ("internvit_300m", 448, "pixel_shuffle", (448, 1, 256, 0)),
    ("vit_l14", 336, "visionzip_64", (336, 1, 64, 0)),
    ("convllava_l", 1536, "none", (1536, 1, 576, 0)),
    ("cambrian_1", 1024, "none", (1024, 4, 576, 0)),
]


@pytest.mark.parametrize(("encoder", "px", "tiling", "expected"), KNOWN)
def test_passes_and_tokens_are_those_of_the_scheme(encoder, px, tiling, expected):
    assert plan(encoder, px, tiling) == TilePlan(*expected)


@pytest.mark.parametrize(
    ("width", "height", "passes", "tokens", "newlines"),
    [
        (1008, 336, 4, 576 + 72 * 24, 24),
        (336, 1008, 4, 576 + 24 * 72, 72),
        (1000, 400, 4, 576 + 60 * 24, 24),
        (640, 480, 5, 576 + 48 * 36, 36),
    ],
)
def test_llava_next_removes_the_padding_again(width, height, passes, tokens, newlines):
    found = plan("vit_l14", 672, "llava_next_anyres", width_px=width, height_px=height)
    assert (found.passes, found.visual_tokens, found.newline_tokens) == (passes, tokens, newlines)
    assert found.prefill_tokens == tokens + newlines


def test_onevision_keeps_a_2x5_canvas_above_its_documented_maximum():
    found = plan(
        "siglip_so400m", 1920, "llava_onevision_anyres_max_9", width_px=1920, height_px=768
    )
    assert found == TilePlan(384, 11, 729 + 54 * 135, 54)
    assert found.visual_tokens > 10 * 729


def test_internvl_takes_the_canvas_of_the_images_shape():
    wide = plan("internvit_300m", 1344, "internvl_dynamic", width_px=1344, height_px=448)
    assert (wide.passes, wide.visual_tokens) == (4, 4 * 256)


def test_the_tiling_grid_has_figure_6s_axis():
    found = {(p.resolution_px, p.tiling.name) for p in expand(["+grid=tiling"]).points}
    assert found >= {
        (512, "grid_2x2"),
        (768, "grid_2x2"),
        (768, "grid_3x3"),
        (1024, "grid_2x2"),
        (1024, "grid_4x4"),
        (1152, "grid_3x3"),
        (1536, "grid_2x2"),
        (1536, "grid_3x3"),
        (1536, "grid_4x4"),
        (1536, "none"),
    }


REFUSED = [
    ("fastvithd", 1000, "grid_3x3", {}, "1000 px cannot be cut into 3x3 equal tiles"),
    ("vit_l14", 512, "grid_2x2", {}, "its 2x2 tiles are 256 px; ViT-L/14 takes 224, 336, 672"),
    ("siglip_so400m", 672, "llava_next_anyres", {}, "tiles of 336 px; set tiling.options.tile_px"),
    ("vit_l14", 1000, "s2", {}, "1000 px is not 3 times a whole number"),
    ("vit_l14", 768, "s2", {}, "its tiles are 256 px"),
    ("vit_l14", 500, "sphinx", {}, "500 px cannot be cut into tiles of 224 px"),
    ("vit_l14", 336, "resampler_256", {"queries": 600}, "600 tokens cannot be kept of 576"),
    ("siglip_so400m", 384, "ldp_v2", {}, "27 tokens a side cannot be pooled by 2"),
    ("cambrian_1", 1024, "ldp_v2", {}, "Cambrian-1 gives 576 tokens without rows"),
]


@pytest.mark.parametrize(("encoder", "px", "tiling", "options", "reason"), REFUSED)
def test_what_cannot_be_cut_is_refused_with_the_reason(encoder, px, tiling, options, reason):
    with pytest.raises(PlanError) as caught:
        plan(encoder, px, tiling, **options)
    assert reason in str(caught.value)


def test_an_unknown_scheme_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'grid'"):
        plan_tiles(CATALOGUE.encoders["fastvithd"], 512, Tiling("x", "grit"))


def test_a_refused_tiling_reaches_the_request():
    request = expand(["encoder=vit_l14,fastvithd", "tiling=grid_2x2", "resolution=512"])
    assert [point.encoder.name for point in request.points] == ["fastvithd"]
    assert "256 px" in request.refused[0].reason


sides = st.integers(30, 4000)


@given(sides, sides)
def test_a_canvas_keeps_at_least_as_many_pixels_as_any_other(width, height):
    canvases = [(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)]
    best = best_canvas((width, height), 336, canvases)

    def kept(canvas):
        scale = min(canvas[0] * 336 / width, canvas[1] * 336 / height)
        return min(int(width * scale) * int(height * scale), width * height)

    assert kept(best) == max(map(kept, canvases))


@given(sides, sides, st.integers(1, 6), st.integers(1, 6))
def test_unpadding_fills_one_side_and_keeps_the_images_shape(width, height, columns, rows):
    canvas = columns * 24, rows * 24
    found = unpadded(canvas, (width, height))
    assert 0 <= found[0] <= canvas[0] and 0 <= found[1] <= canvas[1]
    assert found[0] == canvas[0] or found[1] == canvas[1]
    scale = min(canvas[0] / width, canvas[1] / height)
    assert math.isclose(found[0], width * scale, abs_tol=2)
    assert math.isclose(found[1], height * scale, abs_tol=2)


@given(sides, sides)
def test_turning_an_image_changes_neither_passes_nor_content(width, height):
    name, encoder = "llava_onevision_anyres_max_9", "siglip_so400m"
    one = plan(encoder, 384, name, width_px=width, height_px=height)
    other = plan(encoder, 384, name, width_px=height, height_px=width)
    assert one.passes == other.passes
    assert abs(one.visual_tokens - other.visual_tokens) <= 0.05 * one.visual_tokens


@given(sides, sides)
def test_onevisions_tokens_stay_under_its_stopping_rule(width, height):
    found = plan(
        "siglip_so400m", 384, "llava_onevision_anyres_max_9", width_px=width, height_px=height
    )
    assert found.visual_tokens <= 729 + 9 * 729 * 1.1**2 + 1


@given(sides, sides)
def test_internvl_never_exceeds_12_tiles_and_a_thumbnail(width, height):
    found = plan("internvit_300m", 448, "internvl_dynamic", width_px=width, height_px=height)
    assert 1 <= found.passes <= 13 and found.passes != 2
    assert found.visual_tokens == 256 * found.passes


VLMS = [
    # encoder, image, tiling: tile, passes, visual tokens, separators
    ("siglip2_b16", (1024, 768), "smolvlm_512", (512, 13, 832, 30)),
    ("siglip_so400m_14", (1654, 2339), "molmo2_crops", (378, 7, 955, 37)),
    ("siglip_so400m_14", (1654, 2339), "gemma3_pan_and_scan", (896, 3, 768, 12)),
    ("internvit_300m", (1024, 768), "internvl3_tiles", (448, 13, 3328, 2)),
]


@pytest.mark.parametrize(("encoder", "image", "tiling", "expected"), VLMS)
def test_a_token_rule_is_a_tiling_of_images_of_any_shape(encoder, image, tiling, expected):
    found = plan(encoder, 1024, tiling, width_px=image[0], height_px=image[1])
    assert found == TilePlan(*expected)


def test_passes_of_unequal_size_are_planned_by_size():
    options = {"rule": "global_and_crops", "base_px": 1024, "tile_px": 640, "max_tiles": 9,
               "width_px": 1654, "height_px": 2339}  # fmt: skip
    found = plan_tiles(
        CATALOGUE.encoders["fastvithd"], 2000, Tiling("x", "image_rule", "", options)
    )
    seen = (EncoderInput.square(640, passes=6), EncoderInput.square(1024))
    assert set(found.inputs) == set(seen)
    assert (found.tile_px, found.passes, found.prefill_tokens) == (1024, 7, 903)


def test_a_pass_in_the_shape_of_the_image_has_its_grid_of_tokens():
    options = {"rule": "merged_patches", "patch_px": 16, "merge": 2, "min_pixels": 3136,
               "max_pixels": 10**7, "width_px": 1024, "height_px": 768}  # fmt: skip
    encoder = CATALOGUE.encoders["fastvit"]
    found = plan_tiles(encoder, 1024, Tiling("x", "image_rule", "", options))
    assert found.inputs == (EncoderInput(1024, 768),)
    assert found.visual_tokens == encoder.tokens(EncoderInput(1024, 768))


def test_a_side_that_the_encoder_does_not_take_refuses_the_rectangle():
    options = {"rule": "merged_patches", "patch_px": 14, "merge": 2, "min_pixels": 3136,
               "max_pixels": 10**7, "width_px": 1024, "height_px": 768}  # fmt: skip
    with pytest.raises(PlanError, match="passes of 1036x756 px"):
        plan_tiles(CATALOGUE.encoders["vit_l14"], 1024, Tiling("x", "image_rule", "", options))


def test_the_grid_of_todays_models_has_twelve_at_least_and_refuses_none():
    request = expand(["+grid=vlms_2026"])
    assert len(request.points) >= 12 and not request.refused
