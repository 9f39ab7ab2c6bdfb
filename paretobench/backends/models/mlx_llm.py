"""Decoder-only language models of true size for MLX, through mlx-lm.

On a Mac this runs on the GPU through Metal. On Linux it runs on the CPU, where the BLAS that
mlx's wheel links is 9 to 26 times too slow: a better one, loaded with global symbols before
`mlx.core` is imported, takes its place.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import importlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from paretobench.backends.hardware import folders_of
from paretobench.backends.models import llm_dimensions as shared
from paretobench.errors import UnsupportedError

_QUANTISED_BITS = {"int8": 8, "int4": 4}
GROUP_SIZE = 64
"""Weights that share a scale and a bias when quantised: mlx-lm's default."""

_blas: list[str] = []


def import_mlx() -> tuple[Any, str]:
    """`mlx.core`, and the BLAS that its CPU matrix products use."""
    if not _blas:
        _blas.append(_load_blas() if sys.platform == "linux" else "Accelerate")
    import mlx.core

    return mlx.core, _blas[0]


def create(spec: Mapping[str, Any]) -> Any:
    """The model with lazy weights: nothing is allocated until they are evaluated.

    Args:
        spec: `LanguageModel.spec()`.

    Raises:
        UnsupportedError: if mlx-lm has no such architecture.
    """
    import_mlx()
    try:
        module = importlib.import_module(f"mlx_lm.models.{spec['architecture']}")
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            f"mlx-lm has no language model {spec['architecture']!r} ({error}); "
            "'pip install -U mlx-lm' or correct the LLM's YAML"
        ) from error
    stated = {"model_type": spec["architecture"], "rope_theta": spec["rope_theta"]}
    return module.Model(module.ModelArgs.from_dict(stated | shared.dimensions(spec)))


def build(spec: Mapping[str, Any], precision: str, *, share_layers: bool = False) -> Any:
    """The model with random weights, evaluated parameter by parameter to bound memory.

    Args:
        spec: `LanguageModel.spec()`.
        precision: `fp32`, `fp16`, `bf16`, or `int8` and `int4` (quantised from fp16).
        share_layers: all layers use the first layer's arrays.
    """
    mlx, _ = import_mlx()
    model = create(spec)
    block = np.random.default_rng(0).standard_normal(shared.BLOCK_VALUES, dtype=np.float32)
    dtype = dtype_of(mlx, precision)
    if share_layers:
        _share_first_layer(model)
    weights: dict[int, Any] = {}
    for name, like in _parameters(model):
        if id(like) not in weights:
            weights[id(like)] = mlx.array(_values(name, tuple(like.shape), block)).astype(dtype)
            mlx.eval(weights[id(like)])
        model.load_weights([(name, weights[id(like)])], strict=False)
    if share_layers:
        _share_first_layer(model)
    return quantised(model, precision)


def _parameters(model: Any) -> Iterator[tuple[str, Any]]:
    from mlx.utils import tree_flatten

    yield from tree_flatten(model.parameters())


def _share_first_layer(model: Any) -> None:
    """Let every layer hold the first layer's arrays."""
    layers = model.model.layers
    first = layers[0].parameters()
    for layer in layers[1:]:
        layer.update(first)


def _values(name: str, shape: tuple[int, ...], block: np.ndarray) -> np.ndarray:
    """Random values of the right spread, starting at the name's own place in the block."""
    if name.endswith("norm.weight"):
        return np.ones(shape, np.float32)
    rotated = np.roll(block, -shared.start(name, block.size))
    return np.resize(rotated * np.float32(shared.standard_deviation(name, shape)), shape)


def dtype_of(mlx: Any, precision: str) -> Any:
    """mlx's type for a precision; quantised weights have fp16 around them."""
    names = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
    return getattr(mlx, names.get(precision, "float16"))


def quantised(model: Any, precision: str) -> Any:
    """The model with int8 or int4 weights, evaluated; as it is for any other precision."""
    if precision in _QUANTISED_BITS:
        from mlx import nn

        nn.quantize(model, group_size=GROUP_SIZE, bits=_QUANTISED_BITS[precision])
        for _, array in _parameters(model):
            import_mlx()[0].eval(array)
    return model


def _load_blas() -> str:
    """Load a real BLAS with global symbols; its name, for the facts of a measurement."""
    if "mlx.core" in sys.modules:
        return "mlx's own (mlx was imported before)"
    candidates = {"openblas": ctypes.util.find_library("openblas"), "mkl of torch": _torch_cpu()}
    for name, path in candidates.items():
        with contextlib.suppress(OSError):
            if path is not None:
                ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
                return name
    return "mlx's own"


def _torch_cpu() -> str | None:
    """torch's CPU library, which carries MKL or OpenBLAS; found without importing torch."""
    paths = (folder / "lib" / "libtorch_cpu.so" for folder in folders_of("torch"))
    return next((str(path) for path in paths if path.exists()), None)
