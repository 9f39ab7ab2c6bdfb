"""The language model of a vision-language checkpoint, in MLX, with the checkpoint's own weights.

FastVLM's checkpoints (`llava_qwen2`) come in three layouts of the same Qwen2, told apart by the
names of their weights:

    model.layers.*, lm_head.*           the original repository; vision under model.vision_tower
    language_model.model.*              what mlx-vlm writes; quantised ones carry .scales, .biases
    model.language_model.*, lm_head.*   transformers

Everything that is not the language model is left in the file. No code of the checkpoint runs.
Source of the layouts: mlx-vlm's models/fastvlm/fastvlm.py (sanitize) and transformers' fast_vlm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretobench.backends.models import mlx_llm
from paretobench.errors import UnsupportedError

KNOWN = ("llava_qwen2", "qwen2")
"""Model types of a configuration, or of the `text_config` in it, that are a Qwen2."""

_NOT_LANGUAGE = ("vision_tower", "mm_projector", "multi_modal_projector", "image_newline")
_DIMENSIONS = (
    "hidden_size",
    "num_hidden_layers",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "rms_norm_eps",
    "vocab_size",
)


def language_half(folder: Path, precision: str) -> Any:
    """The language model of a checkpoint, loaded and evaluated.

    Args:
        folder: with `config.json` and safetensors.
        precision: of mlx's; `int8` and `int4` quantise a checkpoint that is not quantised yet, and
            one that is must have that many bits.

    Raises:
        UnsupportedError: if it is no Qwen2, is quantised otherwise, or cannot be read.
    """
    mlx, _ = mlx_llm.import_mlx()
    config = _read_config(folder)
    weights = _language_weights(mlx, folder)
    model = _create(config, "lm_head.weight" not in weights, folder)
    weights = model.sanitize(weights)
    quantisation = config.get("quantization") or {}
    its = f"int{quantisation.get('bits')}"
    if quantisation and its != precision:
        raise UnsupportedError(
            f"{folder.name} is quantised to {its}; its weights cannot be timed in {precision}, "
            f"choose device.prefill.precision={its}"
        )
    try:
        if quantisation:
            _make_quantised(model, quantisation, weights)
        dtype = mlx_llm.dtype_of(mlx, precision)
        for name, array in weights.items():
            if mlx.issubdtype(array.dtype, mlx.floating):  # packed integers stay as they are
                weights[name] = array.astype(dtype)
        model.load_weights(list(weights.items()), strict=True)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from error
    mlx.eval(model.parameters())
    return model if quantisation else mlx_llm.quantised(model, precision)


def _read_config(folder: Path) -> dict[str, Any]:
    """The configuration with the language model's own part on top.

    Raises:
        UnsupportedError: if it is not that of a Qwen2.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        text = dict(config.get("text_config") or {})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise _unreadable(folder, error) from error
    found = text.get("model_type") or config.get("model_type")
    if found not in KNOWN:
        raise UnsupportedError(
            f"{folder.name} is no Qwen2 but {found!r}; mlx times the language model of "
            f"{' and '.join(KNOWN)} checkpoints, torch of others (device=torch)"
        )
    rope = text.get("rope_parameters") or config.get("rope_parameters") or {}
    theta = {"rope_theta": rope["rope_theta"]} if "rope_theta" in rope else {}
    return {**config, **theta, **text}


def _create(config: Mapping[str, Any], is_tied: bool, folder: Path) -> Any:
    """The model; whether its embeddings are tied is seen in the weights if nothing says so."""
    from mlx_lm.models import qwen2

    missing = [name for name in _DIMENSIONS if name not in config]
    if missing:
        raise UnsupportedError(f"{folder.name}/config.json does not say {', '.join(missing)}")
    stated = {"tie_word_embeddings": is_tied, **config, "model_type": "qwen2"}
    return qwen2.Model(qwen2.ModelArgs.from_dict(stated))


def _language_weights(mlx: Any, folder: Path) -> dict[str, Any]:
    """The language model's weights by mlx-lm's names, of all files.

    Raises:
        UnsupportedError: if a file is torn.
    """
    weights: dict[str, Any] = {}
    try:
        for path in sorted(folder.glob("*.safetensors")):
            weights |= mlx.load(str(path))
    except (RuntimeError, ValueError) as error:
        raise _unreadable(folder, error) from error
    return {
        _mlx_name(name): array
        for name, array in weights.items()
        if not any(part in name for part in _NOT_LANGUAGE)
    }


def _mlx_name(name: str) -> str:
    """A weight's name in mlx-lm.

    >>> _mlx_name('language_model.model.norm.weight'), _mlx_name('language_model.lm_head.weight')
    ('model.norm.weight', 'lm_head.weight')
    >>> _mlx_name('model.language_model.norm.weight'), _mlx_name('model.norm.weight')
    ('model.norm.weight', 'model.norm.weight')
    """
    return name.replace("model.language_model.", "model.", 1).removeprefix("language_model.")


def _make_quantised(
    model: Any, quantisation: Mapping[str, Any], weights: Mapping[str, Any]
) -> None:
    """Make those layers quantised ones whose weights in the file are."""
    from mlx import nn

    def choose(path: str, module: Any) -> Any:
        own = quantisation.get(f"language_model.{path}", quantisation.get(path))
        if isinstance(own, dict):
            return own
        return hasattr(module, "to_quantized") and f"{path}.scales" in weights

    nn.quantize(
        model,
        group_size=quantisation["group_size"],
        bits=quantisation["bits"],
        mode=quantisation.get("mode", "affine"),
        class_predicate=choose,
    )


def _unreadable(folder: Path, error: Exception) -> UnsupportedError:
    text = str(error).strip()
    first = text.splitlines()[0][:200] if text else type(error).__name__
    return UnsupportedError(f"cannot load the checkpoint {folder.name}: {first}")
