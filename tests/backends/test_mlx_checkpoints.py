"""The language model of a FastVLM checkpoint in MLX, made on the spot in each of its layouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paretobench import backends
from paretobench.domain import Runtime, Workload
from paretobench.domain.checkpoint import Checkpoint
from paretobench.errors import UnsupportedError

pytest.importorskip("mlx_lm")

N_TOKENS = 7
SIZES = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-6,
    "vocab_size": 128,
    "rope_theta": 10000.0,
}
FAST_VLM = {"model_type": "llava_qwen2", "mm_hidden_size": 3072, **SIZES}
NESTED = {"model_type": "fast_vlm", "text_config": {"model_type": "qwen2", **SIZES}}
PREFIXES = {
    "original": {"model.": "model.", "lm_head.": "lm_head."},
    "mlx-vlm": {"model.": "language_model.model.", "lm_head.": "language_model.lm_head."},
    "transformers": {"model.": "model.language_model.", "lm_head.": "lm_head."},
}
CONFIGS = {"original": FAST_VLM, "mlx-vlm": FAST_VLM, "transformers": NESTED}


def qwen2(is_tied: bool = False, bits: int = 0) -> Any:
    """A Qwen2 of two layers with random weights, and lm_head if not tied."""
    from mlx import nn

    from paretobench.backends.models.mlx_llm import import_mlx

    mlx, _ = import_mlx()
    mlx.set_default_device(mlx.cpu)
    from mlx_lm.models import qwen2

    args = {**SIZES, "model_type": "qwen2", "tie_word_embeddings": is_tied}
    mlx.random.seed(1)
    model = qwen2.Model(qwen2.ModelArgs.from_dict(args))
    if bits:
        nn.quantize(model, group_size=32, bits=bits)
    mlx.eval(model.parameters())
    return model


def save(model: Any, folder: Path, layout: str, config: dict[str, Any], files: int = 1) -> Path:
    """Write a checkpoint in one of the layouts, a vision tower and a projector beside it."""
    import mlx.core as mlx
    from mlx.utils import tree_flatten

    weights = {}
    for name, array in tree_flatten(model.parameters()):
        start = next(prefix for prefix in PREFIXES[layout] if name.startswith(prefix))
        weights[PREFIXES[layout][start] + name.removeprefix(start)] = array
    weights["model.vision_tower.vision_tower.model.norm.weight"] = mlx.zeros((3,))
    weights["mm_projector.0.weight"] = mlx.zeros((3, 3))
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    names = sorted(weights)
    for part in range(files):
        chosen = {name: weights[name] for name in names[part::files]}
        mlx.save_safetensors(str(folder / f"model-{part + 1}-of-{files}.safetensors"), chosen)
    return folder


def loaded(folder: Path, precision: str = "fp32", **options: Any) -> Any:
    runtime = Runtime("mlx", precision, {"device": "cpu", **options})
    like = Workload("prefill", "Tiny x 7", {"llm": {}, "n_tokens": N_TOKENS}, runtime)
    workload = Checkpoint.at(folder).workload(like)
    backend = backends.get("mlx")
    assert backends.refusal(workload) is None
    return backend.load(workload, backend.prepare(workload, folder.parent / "none"))


def logits_of(model: Any, ids: np.ndarray) -> np.ndarray:
    import mlx.core as mlx

    return np.array(model(mlx.array(ids))[:, -1:].astype(mlx.float32))


IDS = np.arange(N_TOKENS, dtype=np.int32)[None] * 3


@pytest.mark.parametrize("mode", ["forward", "cache_prompt"])
@pytest.mark.parametrize("layout", PREFIXES)
def test_each_layout_gives_the_logits_of_its_own_weights(tmp_path: Path, layout, mode) -> None:
    model = qwen2()
    folder = save(model, tmp_path / "tiny", layout, CONFIGS[layout], files=2)
    session = loaded(folder, prefill_mode=mode)
    session.run()  # random embeddings of the checkpoint's own width
    assert session.output().shape == (1, 1, SIZES["vocab_size"])
    session.set_ids(IDS)
    session.run()
    np.testing.assert_allclose(session.output(), logits_of(model, IDS), rtol=1e-4, atol=1e-4)
    assert session.facts["weights"] == "the checkpoint's own"
    assert session.facts["checkpoint"] == Checkpoint.at(folder).digest


def test_tied_embeddings_are_seen_in_the_weights_or_stated(tmp_path: Path) -> None:
    model = qwen2(is_tied=True)
    stated = {**FAST_VLM, "tie_word_embeddings": True}
    for name, config in (("silent", FAST_VLM), ("stated", stated)):
        session = loaded(save(model, tmp_path / name, "original", config))
        session.set_ids(IDS)
        session.run()
        np.testing.assert_allclose(session.output(), logits_of(model, IDS), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layout", ["original", "mlx-vlm"])
def test_a_quantised_checkpoint_is_timed_with_its_own_bits(tmp_path: Path, layout: str) -> None:
    model = qwen2(bits=4)
    config = {**FAST_VLM, "quantization": {"group_size": 32, "bits": 4, "mode": "affine"}}
    session = loaded(save(model, tmp_path / "tiny", layout, config), "int4")
    session.set_ids(IDS)
    session.run()
    np.testing.assert_allclose(session.output(), logits_of(model, IDS), rtol=0.1, atol=0.05)
    assert type(session.model.model.layers[0].mlp.up_proj).__name__ == "QuantizedLinear"
    assert session.facts["dtype"].endswith("float16")


def test_a_quantised_checkpoint_is_refused_in_another_precision(tmp_path: Path) -> None:
    config = {**FAST_VLM, "quantization": {"group_size": 32, "bits": 8}}
    folder = save(qwen2(bits=8), tmp_path / "tiny", "mlx-vlm", config)
    with pytest.raises(UnsupportedError, match=r"quantised to int8; .*prefill\.precision=int8"):
        loaded(folder, "fp16")


def test_a_plain_checkpoint_can_be_quantised_while_it_is_loaded(tmp_path: Path) -> None:
    session = loaded(save(qwen2(), tmp_path / "tiny", "original", FAST_VLM), "int8")
    session.run()
    assert session.model.model.layers[0].mlp.up_proj.bits == 8


@pytest.mark.parametrize(
    "config", [{"model_type": "llava"}, {}, {"text_config": {"model_type": 1}}]
)
def test_a_checkpoint_that_is_no_qwen2_is_refused(tmp_path: Path, config: dict) -> None:
    folder = save(qwen2(), tmp_path / "tiny", "original", {**SIZES, **config})
    with pytest.raises(UnsupportedError, match=r"tiny is no Qwen2 but .*device=torch"):
        loaded(folder)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**FAST_VLM, "num_hidden_layers": 3}, r"cannot load the checkpoint tiny: Missing"),
        ({**FAST_VLM, "vocab_size": 256}, r"cannot load the checkpoint tiny: Expected shape"),
        ({"model_type": "llava_qwen2"}, r"config.json does not say hidden_size, num_hidden_layers"),
        ([1], r"cannot load the checkpoint tiny: "),
    ],
)
def test_a_configuration_that_does_not_fit_the_weights_is_refused(
    tmp_path: Path, config: Any, message: str
) -> None:
    folder = save(qwen2(), tmp_path / "tiny", "original", config)
    with pytest.raises(UnsupportedError, match=message):
        loaded(folder)


def test_a_torn_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = save(qwen2(), tmp_path / "tiny", "original", FAST_VLM)
    (file,) = folder.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(UnsupportedError, match="cannot load the checkpoint tiny: "):
        loaded(folder)


def test_a_checkpoint_that_changed_after_planning_is_refused(tmp_path: Path) -> None:
    folder = save(qwen2(), tmp_path / "tiny", "original", FAST_VLM)
    like = Workload("prefill", "Tiny", {"llm": {}, "n_tokens": 4}, Runtime("mlx", "fp32"))
    workload = Checkpoint.at(folder).workload(like)
    (folder / "config.json").write_text("{}")
    with pytest.raises(UnsupportedError, match="has changed since it was planned"):
        backends.get("mlx").prepare(workload, tmp_path)
