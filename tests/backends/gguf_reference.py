"""A GGUF file read back by the `gguf` package and put into torch: the reference for llama.cpp.

The package dequantises in numpy, by code of its own, so that a wrong tensor, type or order in a
file shows as other logits.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch

from paretobench.backends.models import torch_llm

NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def torch_model(spec: dict, path: Path, dtype: torch.dtype = torch.float32) -> torch.nn.Module:
    """transformers' model with the weights of a file, dequantised."""
    state = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = np.array(gguf.dequantize(tensor.data, tensor.tensor_type), np.float32)
        *layer, name, leaf = tensor.name.split(".")
        prefix = f"model.layers.{layer[1]}." if layer else ""
        if spec["architecture"] == "llama" and name in ("attn_q", "attn_k"):
            values = _halves_of_each_head(values, spec["head_dim"])
        state[f"{prefix}{NAMES[name]}.{leaf}"] = torch.from_numpy(values).to(dtype)
    return torch_llm.assign(torch_llm.create_on_meta(spec, dtype, "sdpa"), state)


def _halves_of_each_head(values: np.ndarray, head: int) -> np.ndarray:
    """Rows from llama.cpp's order for `llama` (rotated pairs side by side) to transformers'
    (first halves, then second halves)."""
    pairs = values.reshape(-1, head // 2, 2, *values.shape[1:])
    return pairs.swapaxes(1, 2).reshape(values.shape)


def last_logits(model: torch.nn.Module, **inputs: torch.Tensor) -> np.ndarray:
    """Logits of the last position: [vocabulary]."""
    with torch.inference_mode():
        return model(**inputs, logits_to_keep=1).logits[0, -1].float().numpy()


def round_activations(model: torch.nn.Module, block: int = 32) -> None:
    """Let every linear layer of a model see its input in 8 bits with a scale for each block.

    llama.cpp multiplies quantised weights with activations in Q8_0 (block 32) or, for the K
    formats, Q8_K (block 256); this is that rounding and nothing else.
    """

    def rounded(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        size = block if inputs[0].shape[-1] % block == 0 else 32  # as llama.cpp falls back
        values = inputs[0].unflatten(-1, (-1, size))
        scale = values.abs().amax(-1, keepdim=True).clamp_min(1e-12) / 127
        return (((values / scale).round() * scale).flatten(-2),)

    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(rounded)
