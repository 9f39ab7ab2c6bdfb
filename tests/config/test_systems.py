"""The axis `vlm`: whole models on the command line and in grids."""

import pytest

from paretobench.config import expand, load_vlms
from paretobench.domain import Device, EncoderInput, Runtime
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.planning.cost import Machine
from paretobench.planning.plan import plan_grid


def names(*overrides):
    return [
        (p.encoder.name, p.resolution_px, p.llm.name, p.tiling.name)
        for p in expand(list(overrides)).points
    ]


def test_a_model_is_its_encoder_its_rule_and_its_language_model():
    assert names("vlm=smolvlm2_500m,qwen2_5_vl_3b") == [
        ("smolvlm2_500m_tower", 1024, "smollm2_360m", "smolvlm2_500m"),
        ("qwen2_5_vl_3b_tower", 1024, "qwen2_5_3b", "qwen2_5_vl_3b"),
    ]


def test_its_tiling_has_the_rule_and_options_that_its_file_states():
    (point,) = expand(["vlm=lfm2_vl_450m"]).points
    system = load_vlms()["lfm2_vl_450m"]
    assert point.tiling.options == {"rule": system.rule, **system.options}
    assert (point.tiling.label, point.tiling.source) == (system.label, system.source)


def test_a_rule_alone_is_a_tiling_for_any_encoder_that_takes_its_passes():
    (point,) = names("encoder=siglip2_b16", "tiling=vlm/smolvlm2_500m", "resolution=1024")
    assert point == ("siglip2_b16", 1024, "qwen2_0_5b", "smolvlm2_500m")


def test_in_a_grid_it_selects_and_keeps_the_grids_other_axes():
    whole = names("+grid=vlms_2026")
    assert len(whole) >= 12
    some = names("+grid=vlms_2026", "vlm=gemma3_4b,fastvlm_0_5b")
    assert sorted(some) == sorted(p for p in whole if p[3] in ("gemma3_4b", "fastvlm_0_5b"))
    assert names("vlm=fastvlm_0_5b", "resolution=1024,2048") == [
        ("fastvithd", 1024, "qwen2_0_5b", "fastvlm_0_5b"),
        ("fastvithd", 2048, "qwen2_0_5b", "fastvlm_0_5b"),
    ]


def test_a_model_that_a_grid_does_not_name_gets_what_its_blocks_share():
    (point,) = names("+grid=vlms_2026", "vlm=llava_1_5_7b")
    assert point == ("vit_l14", 1024, "vicuna_7b", "llava_1_5_7b")


def test_on_an_image_it_makes_the_passes_of_its_own_processor():
    (point,) = expand(["vlm=lfm2_vl_450m", "image=1024x768"]).points
    device = Device("t", Runtime("torch", "fp32"), Runtime("torch", "fp32"))
    (planned,) = plan_grid([point], (), device, Machine(64 << 30)).points
    assert {EncoderInput.of(one.subject).size: n for one, n in planned.encodes} == {
        "512": 6, "576x416 in 1024 patches": 1,
    }  # fmt: skip
    assert [one.subject["n_tokens"] for one, _ in planned.prefills] == [1779]


def test_precisions_apply_to_whole_models_too():
    points = expand(["vlm=smolvlm2_256m", "precision=fp16,int4"]).points
    assert [p.llm.name for p in points] == ["smollm2_135m:fp16", "smollm2_135m:int4"]


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["vlm=smolvlm"], UnknownNameError, "smolvlm2_500m"),
        (["tiling=vlm/nonesuch"], UnknownNameError, "smolvlm2_500m"),
        (["vlm=smolvlm2_256m", "llm=qwen2_7b"], ConfigError, "llm="),
        (["vlm=pixtral_12b"], ConfigError, "paretobench tokens"),
        (["vlm=smolvlm2_256m", "tiling.options.tile_px=384"], ConfigError, "tiling"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(overrides, error, message):
    with pytest.raises(error, match=message):
        expand(overrides)
