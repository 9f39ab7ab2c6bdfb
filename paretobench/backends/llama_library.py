"""llama.cpp's C interface, called through ctypes in the library that `xllamacpp` carries.

Loads a GGUF file, decodes one batch, returns the last logits, quantises rows. Parameters are
structures passed by value, whose layout changes between releases of llama.cpp: `xllamacpp` is
pinned, and the library's default values are compared with those of the pinned release before
anything else is called. Reference: `include/llama.h` of llama.cpp b11549.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends.hardware import folders_of
from paretobench.errors import BackendMissingError, OutOfMemoryError, UnsupportedError

PINNED = "2026.10.11549"
"""Release of xllamacpp whose structures are below."""

_INSTALL = f"pip install xllamacpp=={PINNED}"

READ, LAZY_OFF = 0, 0
"""Weights are read, not mapped: those that the library rearranges for the processor would be in
memory twice, 7.7 in place of 4.7 GB for 7.6 billion weights of 4 bits; as fast either way."""

_EXPECTED = {"n_ctx": 512, "n_batch": 2048, "n_ubatch": 512, "n_seq_max": 1, "n_threads": 4,
             "n_threads_batch": 4, "flash_attn_type": -1, "yarn_beta_slow": -1.0,
             "defrag_thold": -1.0, "type_k": 1, "type_v": 1, "offload_kqv": True,
             "no_perf": True, "embeddings": False}  # fmt: skip
"""Defaults of a context in the pinned release: each sits where the layout says, or it moved."""

_LOG_LEVEL_ERROR = 4
_MESSAGES: list[str] = []
"""What the library logged as errors, for the message of a failed call."""


class _ModelParams(ctypes.Structure):
    _fields_ = (
        ("devices", ctypes.c_void_p),
        ("tensor_buft_overrides", ctypes.c_void_p),
        ("n_gpu_layers", ctypes.c_int32),
        ("split_mode", ctypes.c_int),
        ("load_mode", ctypes.c_int),
        ("lazy_mode", ctypes.c_int),
        ("main_gpu", ctypes.c_int32),
        ("tensor_split", ctypes.c_void_p),
        ("progress_callback", ctypes.c_void_p),
        ("progress_callback_user_data", ctypes.c_void_p),
        ("kv_overrides", ctypes.c_void_p),
        ("vocab_only", ctypes.c_bool),
        ("check_tensors", ctypes.c_bool),
        ("use_extra_bufts", ctypes.c_bool),
        ("no_host", ctypes.c_bool),
        ("no_alloc", ctypes.c_bool),
        ("load_mtp", ctypes.c_bool),
    )


class _ContextParams(ctypes.Structure):
    _fields_ = (
        ("n_ctx", ctypes.c_uint32),
        ("n_batch", ctypes.c_uint32),
        ("n_ubatch", ctypes.c_uint32),
        ("n_seq_max", ctypes.c_uint32),
        ("n_rs_seq", ctypes.c_uint32),
        ("n_outputs_max", ctypes.c_uint32),
        ("n_outputs_max_per_seq", ctypes.c_uint32),
        ("n_threads", ctypes.c_int32),
        ("n_threads_batch", ctypes.c_int32),
        ("ctx_type", ctypes.c_int),
        ("rope_scaling_type", ctypes.c_int),
        ("pooling_type", ctypes.c_int),
        ("attention_type", ctypes.c_int),
        ("flash_attn_type", ctypes.c_int),
        ("rope_freq_base", ctypes.c_float),
        ("rope_freq_scale", ctypes.c_float),
        ("yarn_ext_factor", ctypes.c_float),
        ("yarn_attn_factor", ctypes.c_float),
        ("yarn_beta_fast", ctypes.c_float),
        ("yarn_beta_slow", ctypes.c_float),
        ("yarn_orig_ctx", ctypes.c_uint32),
        ("defrag_thold", ctypes.c_float),
        ("cb_eval", ctypes.c_void_p),
        ("cb_eval_user_data", ctypes.c_void_p),
        ("type_k", ctypes.c_int),
        ("type_v", ctypes.c_int),
        ("moe_cache_size", ctypes.c_size_t),
        ("abort_callback", ctypes.c_void_p),
        ("abort_callback_data", ctypes.c_void_p),
        ("embeddings", ctypes.c_bool),
        ("offload_kqv", ctypes.c_bool),
        ("no_perf", ctypes.c_bool),
        ("op_offload", ctypes.c_bool),
        ("swa_full", ctypes.c_bool),
        ("kv_unified", ctypes.c_bool),
        ("samplers", ctypes.c_void_p),
        ("n_samplers", ctypes.c_size_t),
        ("ctx_other", ctypes.c_void_p),
    )


class _Batch(ctypes.Structure):
    _fields_ = (
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.POINTER(ctypes.c_float)),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    )


_LogCallback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)

_P, _I32 = ctypes.c_void_p, ctypes.c_int32
_SIGNATURES: dict[str, tuple[Any, Sequence[Any]]] = {
    "llama_backend_init": (None, ()),
    "llama_log_set": (None, (_LogCallback, _P)),
    "llama_print_system_info": (ctypes.c_char_p, ()),
    "llama_model_default_params": (_ModelParams, ()),
    "llama_context_default_params": (_ContextParams, ()),
    "llama_model_load_from_file": (_P, (ctypes.c_char_p, _ModelParams)),
    "llama_model_free": (None, (_P,)),
    "llama_model_n_embd": (_I32, (_P,)),
    "llama_model_n_params": (ctypes.c_uint64, (_P,)),
    "llama_model_size": (ctypes.c_uint64, (_P,)),
    "llama_model_get_vocab": (_P, (_P,)),
    "llama_vocab_n_tokens": (_I32, (_P,)),
    "llama_init_from_model": (_P, (_P, _ContextParams)),
    "llama_free": (None, (_P,)),
    "llama_get_memory": (_P, (_P,)),
    "llama_memory_clear": (None, (_P, ctypes.c_bool)),
    "llama_memory_seq_rm": (ctypes.c_bool, (_P, _I32, _I32, _I32)),
    "llama_decode": (_I32, (_P, _Batch)),
    "llama_get_logits_ith": (ctypes.POINTER(ctypes.c_float), (_P, _I32)),
    "ggml_quantize_chunk": (
        ctypes.c_size_t,
        (ctypes.c_int, _P, _P, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, _P),
    ),
    "ggml_row_size": (ctypes.c_size_t, (ctypes.c_int, ctypes.c_int64)),
}


@lru_cache(maxsize=1)
def library() -> Any:
    """The library with every signature set, its interface checked, its log silent.

    Raises:
        BackendMissingError: if it is not installed, or has another interface than the pinned one.
    """
    path = _path()
    try:
        loaded = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise BackendMissingError(f"{path} cannot be used: {error}; {_INSTALL}") from error
    _check_interface(loaded.llama_context_default_params())
    loaded.llama_log_set(_keep_errors, None)
    loaded.llama_backend_init()
    return loaded


def instruction_sets() -> str:
    """What the library was built for and uses here, such as `AVX2 FMA OPENMP REPACK`."""
    text = library().llama_print_system_info().decode()
    named = [part.split(" = ") for part in text.replace("CPU : ", "").split(" | ") if "=" in part]
    return " ".join(name.strip() for name, value in named if value.strip() != "0")


def quantise(values: np.ndarray, type_number: int) -> np.ndarray:
    """Rows of fp32 values in one of ggml's types.

    Args:
        values: [rows, columns], fp32; columns a multiple of the type's block.
        type_number: ggml's number of the type.

    Returns:
        Bytes [rows, bytes of a row].
    """
    api = library()
    rows, columns = values.shape
    source = np.ascontiguousarray(values, np.float32)
    target = np.empty((rows, api.ggml_row_size(type_number, columns)), np.uint8)
    api.ggml_quantize_chunk(type_number, source.ctypes.data, target.ctypes.data, 0, rows, columns,
                            None)  # fmt: skip
    return target


class LlamaModel:
    """A GGUF file and a context for sequences of one length on the CPU.

    The whole sequence is one physical batch (`n_ubatch`) unless a chunk's length is given, logits
    are computed for its last position alone, and the key-value cache is kept in fp16, llama.cpp's
    default.

    Args:
        n_tokens: length of a prompt.
        steps: tokens that may follow it.
        chunk: positions computed at once; 0 for all of them.
    """

    def __init__(
        self, path: Path, n_tokens: int, threads: int, steps: int = 0, chunk: int = 0
    ) -> None:
        self._api = library()
        self._context: Any = None
        self._no_devices = (ctypes.c_void_p * 1)(None)
        params = self._api.llama_model_default_params()
        params.devices = ctypes.cast(self._no_devices, ctypes.c_void_p)
        params.n_gpu_layers, params.load_mode, params.lazy_mode = 0, READ, LAZY_OFF
        self._model = self._checked(
            self._api.llama_model_load_from_file(str(path).encode(), params), f"cannot load {path}"
        )
        self.width = int(self._api.llama_model_n_embd(self._model))
        vocab = self._api.llama_model_get_vocab(self._model)
        self.vocab_size = int(self._api.llama_vocab_n_tokens(vocab))
        self.parameters = int(self._api.llama_model_n_params(self._model))
        self.weights_bytes = int(self._api.llama_model_size(self._model))
        self._context = self._open(n_tokens, threads, steps, chunk or n_tokens)
        self._memory = self._api.llama_get_memory(self._context)
        self._positions = np.arange(n_tokens, dtype=np.int32)
        self._wants_logits = np.zeros(n_tokens, np.int8)
        self._wants_logits[-1] = 1
        self._sequence = ctypes.pointer(ctypes.c_int32(0))
        self._sequences = (ctypes.POINTER(ctypes.c_int32) * n_tokens)(*[self._sequence] * n_tokens)
        self._counts = np.ones(n_tokens, np.int32)
        self._token, self._position = np.zeros(1, np.int32), np.zeros(1, np.int32)

    def prefill(self, ids: np.ndarray | None, embeddings: np.ndarray | None) -> np.ndarray:
        """Empty the cache and decode one sequence, given as ids or as embeddings.

        Args:
            ids: int32 [tokens], or None.
            embeddings: fp32 [tokens, width], or None.

        Returns:
            Logits of the last position, fp32 [vocabulary]; a view that the next call overwrites.

        Raises:
            UnsupportedError: if the library refuses the batch.
        """
        self._api.llama_memory_clear(self._memory, False)
        return self._decoded(ids, embeddings, self._positions)

    def step(self, token: int, position: int) -> np.ndarray:
        """Decode one token at a position; what the cache holds from there on is dropped first.

        Returns:
            Logits behind it, fp32 [vocabulary]; a view that the next call overwrites.

        Raises:
            UnsupportedError: if the library refuses the token.
        """
        self._api.llama_memory_seq_rm(self._memory, 0, position, -1)
        self._token[0], self._position[0] = token, position
        return self._decoded(self._token, None, self._position)

    def _decoded(
        self, ids: np.ndarray | None, embeddings: np.ndarray | None, positions: np.ndarray
    ) -> np.ndarray:
        """Decode one batch; logits of its last position."""
        n_tokens = len(positions)
        batch = _Batch(
            n_tokens,
            _pointer(ids, ctypes.c_int32),
            _pointer(embeddings, ctypes.c_float),
            _pointer(positions, ctypes.c_int32),
            _pointer(self._counts, ctypes.c_int32),
            self._sequences,
            _pointer(self._wants_logits[-n_tokens:], ctypes.c_int8),
        )
        status = self._api.llama_decode(self._context, batch)
        if status != 0:
            raise UnsupportedError(f"llama_decode returned {status}{_messages()}")
        logits = self._api.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(logits, (self.vocab_size,))

    def close(self) -> None:
        """Free the context and the model; a second call does nothing."""
        if self._context:
            self._api.llama_free(self._context)
        if self._model:
            self._api.llama_model_free(self._model)
        self._context = self._model = None

    def _open(self, n_tokens: int, threads: int, steps: int, chunk: int) -> Any:
        params = self._api.llama_context_default_params()
        params.n_ctx = n_tokens + steps
        params.n_batch, params.n_ubatch = n_tokens, min(chunk, n_tokens)
        params.n_threads = params.n_threads_batch = threads
        params.offload_kqv = params.op_offload = False
        try:
            return self._checked(
                self._api.llama_init_from_model(self._model, params), "cannot make a context"
            )
        except OutOfMemoryError:
            self.close()
            raise

    def _checked(self, handle: Any, what: str) -> Any:
        if handle:
            return handle
        message = _messages()
        kind = OutOfMemoryError if "alloc" in message else UnsupportedError
        raise kind(f"{what}{message}")


def _pointer(array: np.ndarray | None, kind: Any) -> Any:
    return None if array is None else array.ctypes.data_as(ctypes.POINTER(kind))


def _path() -> Path:
    for folder in folders_of("xllamacpp"):
        if found := [*sorted(folder.glob("xllamacpp*.so")), *folder.glob("xllamacpp*.pyd")]:
            return found[0]
    raise BackendMissingError(f"llama.cpp is not installed: {_INSTALL}")


def _check_interface(defaults: Any) -> None:
    for name, expected in _EXPECTED.items():
        if getattr(defaults, name) != expected:
            raise BackendMissingError(
                f"the installed xllamacpp has another C interface than {PINNED} ({name} is "
                f"{getattr(defaults, name)}, not {expected}): {_INSTALL}"
            )


def _log(level: int, text: bytes, _: Any) -> None:
    if level >= _LOG_LEVEL_ERROR and text:
        _MESSAGES.append(text.decode(errors="replace").strip())
        del _MESSAGES[:-3]


_keep_errors: Callable[..., None] = _LogCallback(_log)


def _messages() -> str:
    return f": {'; '.join(_MESSAGES)}" if _MESSAGES else ""
