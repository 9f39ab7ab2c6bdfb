"""Models without a YAML: their names, their files, and what is said when there is neither."""

from __future__ import annotations

import json

import pytest

from paretobench.config import expand, read_off
from paretobench.errors import ConfigError, UnknownNameError

QWEN3 = {
    "model_type": "qwen3",
    "hidden_size": 1024,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 3072,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "rope_theta": 1000000,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "hidden_act": "silu",
    "rope_scaling": None,
}


def test_a_config_is_read_by_our_names_and_the_rest_are_options():
    found = read_off.dimensions(QWEN3, "config.json")
    assert (found["architecture"], found["n_layers"], found["n_kv_heads"]) == ("qwen3", 28, 8)
    assert found["tied_embeddings"] and found["options"] == {"hidden_act": "silu"}


def test_a_vision_language_models_config_gives_its_language_model():
    found = read_off.dimensions({"model_type": "x_vl", "text_config": QWEN3}, "config.json")
    assert found["architecture"] == "qwen3"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "no model_type"),
        ({"model_type": "../x"}, "no model_type"),
        ({"model_type": "vit", "hidden_size": 3}, "lacks num_hidden_layers"),
    ],
)
def test_a_file_that_is_no_decoders_config_is_refused(data, reason):
    with pytest.raises(ConfigError, match=reason):
        read_off.dimensions(data, "config.json")


@pytest.mark.heavy
def test_a_language_model_is_planned_from_its_config(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "config.json").write_text(json.dumps(QWEN3))
    (point,) = expand([f"llm=config/{tmp_path}", "encoder=fastvithd", "resolution=512"]).points
    published = expand(["llm=qwen3_0_6b", "encoder=fastvithd", "resolution=512"]).points[0].llm
    assert point.llm.parameters == published.parameters == 596049920
    assert point.llm.name == f"config/{tmp_path}" and point.llm.source


@pytest.mark.heavy
def test_an_encoder_of_timm_is_planned_beside_one_of_a_yaml():
    pytest.importorskip("timm", exc_type=(ImportError, RuntimeError))
    points = expand(["encoder=timm/repvit_m1_0,fastvithd", "resolution=256"]).points
    assert [point.encoder.name for point in points] == ["timm/repvit_m1_0", "fastvithd"]
    assert points[0].encoder.tokens(256) == 64


@pytest.mark.parametrize(
    ("words", "error", "reason"),
    [
        (["encoder=timm/../x"], ConfigError, "after timm/"),
        (["llm=config/no/such/config.json"], ConfigError, "cannot read"),
        (["llm=timm/resnet50"], UnknownNameError, "language model"),
        (["tiling=timm/x"], UnknownNameError, "tiling"),
    ],
)
def test_what_names_nothing_is_an_error(words, error, reason):
    with pytest.raises(error, match=reason):
        expand(words)
