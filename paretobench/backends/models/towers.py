"""Vision towers of whole vision-language models, built from transformers' own classes.

Answers what a published model's image costs before its language model: tower, merger and projector
as one network of true size, run by the method that transformers itself calls
(`get_image_features`), on random weights. A tower sees its image as its processor hands it over:
whole, or cut into patches, perhaps padded. Cutting is preprocessing, and outside the clock.

Numbers of each tower are data (`sweeps/encoder`): the fields of its published `config.json`. The
language model is left out; one of the smallest size stands in while the classes are made.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from paretobench.backends.models import plain, random_weights, torch_llm
from paretobench.backends.models.patches import Form, Packed, Padded, Sized, Whole
from paretobench.domain import EncoderInput
from paretobench.errors import UnsupportedError


@dataclass(frozen=True)
class Family:
    """Where a family's classes are, and how its tower takes an image.

    Attributes:
        prefix: what its classes' names begin with.
        form: of the input.
        text: the attribute that holds the language model.
    """

    prefix: str
    form: type[Form]
    text: str = "language_model"


FAMILIES = {
    "qwen2_vl": Family("Qwen2VL", Packed),
    "qwen2_5_vl": Family("Qwen2_5_VL", Packed),
    "qwen3_vl": Family("Qwen3VL", Packed),
    "smolvlm": Family("SmolVLM", Whole, "text_model"),
    "gemma3": Family("Gemma3", Whole),
    "internvl": Family("InternVL", Whole),
    "lfm2_vl": Family("Lfm2Vl", Padded),
    "mistral3": Family("Mistral3", Sized),
}
"""By the name of the family's module in transformers."""

_SMALLEST_TEXT = {
    "num_hidden_layers": 1,
    "intermediate_size": 8,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "vocab_size": 8,
    "pad_token_id": None,
}
"""Of the language model that stands in; its width comes from the tower's own options."""


class Tower(nn.Module):  # type: ignore[misc]  # torch is not followed
    """A tower with its projector: what its form makes of one image to [1, tokens, width]."""

    def __init__(self, model: nn.Module, form: Form) -> None:
        super().__init__()
        self.model = model
        self.form = form
        for name, value in form.constants().items():
            self.register_buffer(name, value, persistent=False)
        self._constants = tuple(form.constants())

    def arranged(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels [1, 3, height, width] as the tower takes them."""
        return self.form.arranged(pixels)

    def forward(self, arranged: torch.Tensor) -> torch.Tensor:
        """The visual tokens of one image, as wide as the language model."""
        constants = {name: getattr(self, name) for name in self._constants}
        found = self.model.get_image_features(arranged, **constants).pooler_output
        tokens = torch.stack(list(found)) if isinstance(found, (tuple, list)) else found
        return tokens if tokens.ndim == 3 else tokens.unsqueeze(0)


def create_on_meta(spec: Mapping[str, Any], seen: EncoderInput | int) -> Tower:
    """The tower without storage, for parameter counts.

    Args:
        spec: `Encoder.spec()`: builder, architecture, options.
        seen: the input of one pass, or the side of a square.

    Raises:
        UnsupportedError: if there is no such family, or transformers refuses an option.
    """
    with torch.device("meta"):
        return _create(spec, EncoderInput.given(seen))


def build(
    spec: Mapping[str, Any], seen: EncoderInput | int, dtype: torch.dtype = torch.float32
) -> Tower:
    """A tower with random weights on the CPU, in eval mode; see `create_on_meta`."""
    tower = build_without_values(spec, seen)
    random_weights.fill(tower)
    built: Tower = tower.to(dtype).requires_grad_(False).eval()
    return built


def build_without_values(spec: Mapping[str, Any], seen: EncoderInput | int) -> Tower:
    """What `build` makes, its values undefined: prepared weights are assigned to it."""
    with torch_llm.transformers_imported():
        from transformers.initialization import no_init_weights
    with no_init_weights():
        tower: Tower = _create(spec, EncoderInput.given(seen)).requires_grad_(False)
    return tower


def _create(spec: Mapping[str, Any], seen: EncoderInput) -> Tower:
    name = spec["architecture"]
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise UnsupportedError(
            f"no tower {name!r} of transformers is known here; there are {known}"
        )
    family = FAMILIES[name]
    with torch_llm.transformers_imported():
        at = f"transformers.models.{name}"
        configuration = importlib.import_module(f"{at}.configuration_{name}")
        modeling = importlib.import_module(f"{at}.modeling_{name}")
    fields = {**spec.get("options", {})}
    fields["text_config"] = {**_SMALLEST_TEXT, **fields.get("text_config", {})}
    config = getattr(configuration, f"{family.prefix}Config")(**plain(fields))
    model = getattr(modeling, f"{family.prefix}Model")._from_config(config)
    model._modules[family.text] = None
    with torch.device("cpu"):  # constants have values even where parameters have no storage
        tower: Tower = Tower(model, family.form(config, seen)).eval()
    return tower
