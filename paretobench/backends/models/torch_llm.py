"""Decoder-only language models of true size for torch, through transformers.

A model is created without storage; its weights are either tiles of random values, written
once per process, or a prepared file that is mapped into memory (see `weights`).
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from paretobench.backends.models import random_weights
from paretobench.backends.models.llm_dimensions import dimensions
from paretobench.backends.models.timm_import import repair_torchvision
from paretobench.errors import UnsupportedError


def create_on_meta(spec: Mapping[str, Any], dtype: torch.dtype, attention: str) -> nn.Module:
    """The model without storage.

    Args:
        spec: `LanguageModel.spec()`.
        dtype: of its weights.
        attention: transformers' name of the kernel: `sdpa`, `eager`, `flash_attention_2`.

    Raises:
        UnsupportedError: if transformers has no such architecture.
    """
    configuration, model_class = _classes(spec["architecture"])
    rope = {"rope_type": "default", "rope_theta": spec["rope_theta"]}
    stated = {"rope_parameters": rope, **dimensions(spec)}
    config = configuration(**stated, attn_implementation=attention)
    with torch.device("meta"):
        model: nn.Module = model_class(config).to(dtype)
    return model.requires_grad_(False).eval()


def build(
    spec: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
    *,
    device: str = "cpu",
    share_layers: bool = False,
    attention: str = "sdpa",
) -> nn.Module:
    """The model with random weights, ready to run.

    Args:
        spec: `LanguageModel.spec()`.
        dtype: of its weights; memory is parameters x size of this.
        device: where its weights are made.
        share_layers: all layers use the first layer's weights: the same arithmetic from
            a fraction of the memory.
    """
    model = create_on_meta(spec, dtype, attention)
    if share_layers:
        share_first_layer(model)
    model = model.to_empty(device=device)
    model.tie_weights()
    if share_layers:
        share_first_layer(model)
    restore_rotary(model, device)
    random_weights.fill(model)
    return model.requires_grad_(False).eval()


class PrefillGraph(nn.Module):  # type: ignore[misc]
    """A language model as a graph to export: embeddings and positions in; logits and cache out.

    Attention is written with repeated keys and a causal mask of its own, because OpenVINO's CPU
    plugin cannot run what `torch.export` makes of transformers' grouped attention. Takes
    embeddings [1, tokens, hidden] and positions [1, tokens]; returns the last position's logits
    [1, vocabulary], then keys and values [1, heads, tokens, head] of each layer.

    Args:
        spec: `LanguageModel.spec()`.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__()
        with transformers_imported():
            from transformers.modeling_utils import AttentionInterface
        AttentionInterface.register(_EXPORTED, _exported_attention)
        self.network: Any = build(spec, torch.float32, attention=_EXPORTED)

    def forward(
        self, embeddings: torch.Tensor, positions: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """See the class."""
        hidden = self.network.model(
            inputs_embeds=embeddings,
            position_ids=positions,
            attention_mask={"full_attention": None},
            use_cache=False,
        ).last_hidden_state
        layers = self.network.model.layers
        cache = [tensor for layer in layers for tensor in layer.self_attn.keys_and_values]
        return (self.network.lm_head(hidden[:, -1]), *cache)


_EXPORTED = "paretobench_exported"


def _exported_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    scaling: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention over repeated keys; keeps keys and values as outputs of the graph."""
    module.keys_and_values = (key, value)
    groups = module.num_key_value_groups
    mixed = nn.functional.scaled_dot_product_attention(
        query,
        key.repeat_interleave(groups, 1),
        value.repeat_interleave(groups, 1),
        is_causal=True,
        scale=scaling,
    )
    return mixed.transpose(1, 2), None


def assign(model: nn.Module, state: Mapping[str, torch.Tensor], device: str = "cpu") -> nn.Module:
    """Put prepared tensors into a model without storage, tied and rotary parts included."""
    _, unexpected = model.load_state_dict(state, strict=False, assign=True)
    model.tie_weights()
    restore_rotary(model, device)
    left = [name for name, parameter in model.named_parameters() if parameter.is_meta]
    if left or unexpected:
        raise ValueError(
            f"prepared weights do not fit: still missing {left[:3]}, extra {unexpected[:3]}"
        )
    return model.requires_grad_(False).eval()


def share_first_layer(model: nn.Module) -> None:
    """Let every layer hold the first layer's parameters; modules stay apart, since each
    knows its own place in the cache."""
    first = dict(model.model.layers[0].named_parameters())
    for layer in model.model.layers[1:]:
        for name, parameter in first.items():
            parent, _, leaf = name.rpartition(".")
            layer.get_submodule(parent)._parameters[leaf] = parameter


def restore_rotary(model: nn.Module, device: str) -> None:
    """Compute the rotary frequencies and Gemma's scale of embeddings again: they are buffers
    that no file holds, and `to_empty` leaves them undefined."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            buffers = dict(child.named_buffers(recurse=False))
            if any(each.endswith("inv_freq") for each in buffers):
                with torch.device(device):
                    setattr(module, name, type(child)(child.config))
            if "embed_scale" in buffers:
                child.embed_scale = torch.tensor(child.scalar_embed_scale, device=device)


def _classes(architecture: str) -> tuple[type, type]:
    try:
        with transformers_imported():
            name = architecture.removesuffix("_text")  # gemma3_text is a part of gemma3
            module = importlib.import_module(f"transformers.models.{name}.modeling_{name}")
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            f"transformers has no language model {architecture!r} ({error}); "
            "'pip install -U transformers' or correct the LLM's YAML"
        ) from error
    name = next(name for name in vars(module) if name.endswith("ForCausalLM"))
    model_class = getattr(module, name)
    return model_class.config_class, model_class


@contextlib.contextmanager
def transformers_imported() -> Iterator[None]:
    """Hide torchvision while transformers is imported: its models need none of it,
    and importing it takes a second of every cell.

    If transformers is there already (mlx-lm imports it), it has made up its mind whether
    torchvision exists, and torchvision must work.
    """
    if "transformers" in sys.modules or "torchvision" in sys.modules:
        repair_torchvision()
        yield
        return
    sys.modules["torchvision"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torchvision"]
