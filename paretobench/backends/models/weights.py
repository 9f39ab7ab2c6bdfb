"""Weights prepared once per machine: safetensors files that a cell maps into memory.

Making random weights costs a page fault for every 4 KiB, 0.5 to 1.2 GB/s on a virtual machine
where this was measured: 1 s for a 0.5B model in bf16, 4 s for 1.5B, and that in each of some
ten fresh processes. Mapping a file that is in the page cache took 0.04 s for either. So what
takes at most a quarter of the memory is written once and mapped: two such files and a
workload stay in the page cache together. Larger models are made in memory: 15 GB of disk for
random numbers, read back whenever something else has pushed them out of the page cache,
would save nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from paretobench.backends import PreparedArtifact, hardware
from paretobench.backends.artifacts import ArtifactStore, Recipe
from paretobench.backends.hardware import usable_memory_bytes
from paretobench.backends.models import (
    RANDOM_WEIGHTS,
    is_tower,
    llm_subject,
    n_parameters,
)
from paretobench.domain import EncoderInput

MAPPED_SHARE = 0.25
"""Largest share of physical memory that a mapped file may take; see the module."""

FILE = "weights.safetensors"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""torch's types by precision."""


def builder_of(spec: Mapping[str, Any]) -> Any:
    """The module that builds an encoder: `towers` or `encoders`, imported when it is asked for."""
    if is_tower(spec):
        from paretobench.backends.models import towers

        return towers
    from paretobench.backends.models import encoders

    return encoders


def prepare_encoder(
    store: ArtifactStore, spec: Mapping[str, Any], seen: EncoderInput, precision: str
) -> PreparedArtifact:
    """The re-parameterised encoder's weights as a file. Needs timm only if there is none yet.

    A tower's weights serve inputs of every size.
    """
    subject = {
        "kind": "encoder",
        "encoder": dict(spec),
        **({} if is_tower(spec) else seen.subject()),
        "precision": precision,
        "weights": RANDOM_WEIGHTS,
    }
    made_by = "transformers" if is_tower(spec) else "timm"
    recipe = Recipe("weights", subject, hardware.versions_of("torch", made_by))

    def make(folder: Path) -> dict[str, Any]:
        return _save(builder_of(spec).build(spec, seen, DTYPES[precision]), folder)

    artifact = store.get(recipe, make)
    return PreparedArtifact(artifact.path, artifact.facts)


def prepare_llm(store: ArtifactStore, spec: Mapping[str, Any], precision: str) -> PreparedArtifact:
    """A language model's weights as a file, or nothing if it is too large to be mapped."""
    from paretobench.backends.models import torch_llm

    network = torch_llm.create_on_meta(spec, torch.bfloat16, "sdpa")
    expected = DTYPES[precision].itemsize * n_parameters(network)
    if expected > MAPPED_SHARE * usable_memory_bytes():
        return PreparedArtifact(facts={"weights": "made in memory: too large to be mapped"})
    versions = hardware.versions_of("torch", "transformers")
    artifact = store.get(
        Recipe("weights", llm_subject(spec, precision), versions, expected),
        lambda folder: _save(torch_llm.build(spec, DTYPES[precision]), folder),
    )
    return PreparedArtifact(artifact.path, artifact.facts)


def load_encoder(
    folder: Path | None, spec: Mapping[str, Any], seen: EncoderInput, dtype: torch.dtype
) -> tuple[nn.Module, str]:
    """An encoder on the CPU on prepared weights, or on new ones; and which."""
    builder = builder_of(spec)
    if folder is None:
        return builder.build(spec, seen, dtype), "random, made in memory"
    encoder = builder.build_without_values(spec, seen)
    encoder.load_state_dict(_mapped(folder), assign=True)
    if any(buffer.is_meta for buffer in encoder.buffers()):
        # A table that timm computes and no file holds, such as rotary frequencies.
        return builder.build(spec, seen, dtype), "random, made in memory"
    return encoder.requires_grad_(False).eval(), "random, mapped from a file"


def load_llm(
    folder: Path | None,
    spec: Mapping[str, Any],
    dtype: torch.dtype,
    *,
    device: str,
    share_layers: bool,
    attention: str,
) -> tuple[nn.Module, str]:
    """A language model on prepared weights, or on new ones made on its device; and which."""
    from paretobench.backends.models import torch_llm

    if folder is None:
        model = torch_llm.build(
            spec, dtype, device=device, share_layers=share_layers, attention=attention
        )
        return model, "random, one block shared by all layers" if share_layers else (
            "random, made in memory"
        )
    model = torch_llm.create_on_meta(spec, dtype, attention)
    return torch_llm.assign(model, _mapped(folder), device), "random, mapped from a file"


def _mapped(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    state: dict[str, torch.Tensor] = load_file(folder / FILE)
    return state


def _save(network: nn.Module, folder: Path) -> dict[str, Any]:
    """Write parameters and buffers, tied ones once."""
    from safetensors.torch import save_file

    state = dict(network.named_parameters())
    state |= {
        name: value for name, value in network.named_buffers() if name in network.state_dict()
    }
    save_file({name: value.detach().contiguous() for name, value in state.items()}, folder / FILE)
    return {"weights": "random", "parameters": n_parameters(network)}
