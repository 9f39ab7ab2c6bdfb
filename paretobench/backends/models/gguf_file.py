"""GGUF files of true size with random weights: what llama.cpp loads.

A file has the tensors, types and metadata that llama.cpp's converter and quantiser give a model
of these dimensions, so its size, memory and arithmetic are those of the real one:

    fp16   F16 matrices
    int8   Q8_0: blocks of 32 weights with a scale
    int4   Q4_K_M: Q4_K, and Q6_K for the output and for half of the value and down projections;
           a row that 256 does not divide falls back to Q5_0 or Q8_0, as in llama.cpp

Norms and biases are F32. Values are normal with `llm_dimensions.standard_deviation`, cut from one
quantised block for each type and spread: 7 billion weights are written at the speed of the disk.
References: GGUF's specification (ggml, docs/gguf.md); `llama_tensor_get_type` in
llama.cpp's src/llama-quant.cpp for the mixture.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import llama_library
from paretobench.backends.models.llm_dimensions import BLOCK_VALUES, standard_deviation, start
from paretobench.errors import UnsupportedError

FILE = "model.gguf"
ARCHITECTURES = ("llama", "qwen2", "qwen3")
"""Whose blocks are written here: attention with grouped keys and a gated MLP."""

FORMATS = {"fp16": "F16", "int8": "Q8_0", "int4": "Q4_K_M"}
"""By precision, llama.cpp's name of the file's type."""

_FILE_TYPES = {"fp16": 1, "int8": 7, "int4": 15}
_ALIGNED = 256
"""Values start at multiples of the largest block, so that a quantised block can be cut there."""

_FALLBACK = {"Q4_K": "Q5_0", "Q6_K": "Q8_0"}
_WIDE_BLOCK = 256


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file: its name, shape (rows, columns) or (values,), and ggml type."""

    name: str
    shape: tuple[int, ...]
    type: str

    @property
    def n_values(self) -> int:
        """How many values it has."""
        return math.prod(self.shape)


def write(spec: Mapping[str, Any], precision: str, path: Path) -> dict[str, Any]:
    """Write a model with random weights.

    Args:
        spec: `LanguageModel.spec()`.
        precision: `fp16`, `int8` or `int4`.

    Returns:
        Facts: parameters, format and the number of tensors of each type.

    Raises:
        UnsupportedError: if its architecture is none of `ARCHITECTURES`.
    """
    import gguf

    listed = tensors(spec, precision)
    writer = gguf.GGUFWriter(path, spec["architecture"])
    _add_metadata(writer, spec, precision)
    types = {one.type: gguf.GGMLQuantizationType[one.type] for one in listed}
    for one in listed:
        size = _bytes(one, types[one.type])
        writer.add_tensor_info(one.name, one.shape, np.dtype(np.float32), size, types[one.type])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    values = _Values(max(one.n_values for one in listed))
    for one in listed:
        writer.write_tensor_data(values.of(one, types[one.type]))
    writer.close()
    return {
        "weights": "random",
        "weights_format": FORMATS[precision],
        "parameters": sum(one.n_values for one in listed),
        "tensor_types": dict(Counter(one.type for one in listed)),
    }


def tensors(spec: Mapping[str, Any], precision: str) -> list[Tensor]:
    """The tensors of a model in llama.cpp's names, each with its type.

    Raises:
        UnsupportedError: if its architecture is none of `ARCHITECTURES`.
    """
    if reason := refuses(spec):
        raise UnsupportedError(reason)
    return [
        Tensor(name, shape, _type(name, shape, precision, spec)) for name, shape in _shapes(spec)
    ]


def refuses(spec: Mapping[str, Any]) -> str | None:
    """Why no file can be written for a model, or None."""
    if spec["architecture"] in ARCHITECTURES:
        return None
    return f"llamacpp runs {', '.join(ARCHITECTURES)} here, not {spec['architecture']}"


def size_bytes(spec: Mapping[str, Any], precision: str) -> int:
    """Bytes of a model's tensors in its file."""
    import gguf

    return sum(_bytes(one, gguf.GGMLQuantizationType[one.type]) for one in tensors(spec, precision))


def _shapes(spec: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, middle = int(spec["hidden_size"]), int(spec["intermediate_size"])
    head = int(spec["head_dim"])
    queries, keys = int(spec["n_heads"]) * head, int(spec["n_kv_heads"]) * head
    yield "token_embd.weight", (int(spec["vocab_size"]), hidden)
    for layer in range(int(spec["n_layers"])):
        at = f"blk.{layer}"
        yield f"{at}.attn_norm.weight", (hidden,)
        for name, width in (("q", queries), ("k", keys), ("v", keys)):
            yield f"{at}.attn_{name}.weight", (width, hidden)
            if spec["attention_bias"]:
                yield f"{at}.attn_{name}.bias", (width,)
        if spec["architecture"] == "qwen3":
            yield f"{at}.attn_q_norm.weight", (head,)
            yield f"{at}.attn_k_norm.weight", (head,)
        yield f"{at}.attn_output.weight", (hidden, queries)
        yield f"{at}.ffn_norm.weight", (hidden,)
        yield f"{at}.ffn_gate.weight", (middle, hidden)
        yield f"{at}.ffn_up.weight", (middle, hidden)
        yield f"{at}.ffn_down.weight", (hidden, middle)
    yield "output_norm.weight", (hidden,)
    if not spec["tied_embeddings"]:
        yield "output.weight", (int(spec["vocab_size"]), hidden)


def _type(name: str, shape: tuple[int, ...], precision: str, spec: Mapping[str, Any]) -> str:
    if len(shape) == 1:
        return "F32"
    if precision != "int4":
        return FORMATS[precision]
    wanted = "Q6_K" if _is_kept_wide(name, spec) else "Q4_K"
    return wanted if shape[1] % _WIDE_BLOCK == 0 else _FALLBACK[wanted]


def _is_kept_wide(name: str, spec: Mapping[str, Any]) -> bool:
    """Whether Q4_K_M keeps a tensor at six bits: the output, and value and down projections of
    the first and last eighth of the layers and of every third between."""
    if name == "output.weight" or (name == "token_embd.weight" and spec["tied_embeddings"]):
        return True
    if ".attn_v." not in name and ".ffn_down." not in name:
        return False
    layer, n_layers = int(name.split(".")[1]), int(spec["n_layers"])
    eighth = n_layers // 8
    return layer < eighth or layer >= 7 * n_layers // 8 or (layer - eighth) % 3 == 2


def _add_metadata(writer: Any, spec: Mapping[str, Any], precision: str) -> None:
    writer.add_context_length(spec["max_positions"])
    writer.add_embedding_length(spec["hidden_size"])
    writer.add_block_count(spec["n_layers"])
    writer.add_feed_forward_length(spec["intermediate_size"])
    writer.add_head_count(spec["n_heads"])
    writer.add_head_count_kv(spec["n_kv_heads"])
    writer.add_key_length(spec["head_dim"])
    writer.add_value_length(spec["head_dim"])
    writer.add_rope_dimension_count(spec["head_dim"])
    writer.add_rope_freq_base(spec["rope_theta"])
    writer.add_layer_norm_rms_eps(spec["norm_epsilon"])
    writer.add_vocab_size(spec["vocab_size"])
    writer.add_file_type(_FILE_TYPES[precision])
    writer.add_tokenizer_model("none")


def _bytes(tensor: Tensor, kind: Any) -> int:
    import gguf

    block, size = gguf.GGML_QUANT_SIZES[kind]
    return tensor.n_values // int(block) * int(size)


class _Values:
    """One block of normal values twice in a row, in each type and spread that was needed.

    Args:
        largest: values of the largest tensor; a block need not be longer.
    """

    def __init__(self, largest: int) -> None:
        self._n = min(BLOCK_VALUES, -(-largest // _ALIGNED) * _ALIGNED)
        block = np.random.default_rng(0).standard_normal(self._n, dtype=np.float32)
        self._twice = np.concatenate([block, block])
        self._made: dict[tuple[str, float], np.ndarray] = {}

    def of(self, tensor: Tensor, kind: Any) -> np.ndarray:
        """The bytes of a tensor, shaped [rows, bytes of a row]."""
        import gguf

        if len(tensor.shape) == 1 and tensor.name.endswith(".weight"):
            return np.ones(tensor.shape, np.float32).view(np.uint8)
        sd = standard_deviation(tensor.name, tensor.shape)
        block, size = gguf.GGML_QUANT_SIZES[kind]
        first = start(tensor.name, self._n) // _ALIGNED * _ALIGNED
        tile = self._quantised(tensor.type, sd, kind)[first // block * size :]
        tile = tile[: self._n // block * size]
        return np.resize(tile, _bytes(tensor, kind)).reshape(*tensor.shape[:-1], -1)

    def _quantised(self, name: str, sd: float, kind: Any) -> np.ndarray:
        if (name, sd) not in self._made:
            scaled = (self._twice * np.float32(sd)).reshape(-1, _ALIGNED)
            if name == "F32":
                made = scaled.view(np.uint8)
            elif name == "F16":
                made = scaled.astype(np.float16).view(np.uint8)
            else:
                made = llama_library.quantise(scaled, int(kind))
            self._made[name, sd] = made.reshape(-1)
        return self._made[name, sd]
