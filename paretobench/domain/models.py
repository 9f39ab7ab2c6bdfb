"""Encoders and language models, by their published properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from paretobench.domain.encoder_input import EncoderInput

Rounding = Literal["ceil", "floor"]


@dataclass(frozen=True)
class Resolutions:
    """Which input resolutions an encoder accepts, as data; of a rectangle, each side.

    Either an explicit list, or a range with a step.

    Attributes:
        allowed_px: every side it accepts; empty if the range below says so.
        min_px: the smallest side.
        max_px: the largest side.
        multiple_px: every side is a multiple of this.
        why: the sentence a refusal ends with.
    """

    allowed_px: tuple[int, ...] = ()
    min_px: int = 1
    max_px: int = 1 << 14
    multiple_px: int = 1
    why: str = ""

    def accepts(self, resolution_px: int) -> bool:
        """Whether an image of `resolution_px` by `resolution_px` can be encoded."""
        if self.allowed_px:
            return resolution_px in self.allowed_px
        in_range = self.min_px <= resolution_px <= self.max_px
        return in_range and resolution_px % self.multiple_px == 0

    def describe(self) -> str:
        """What is allowed, for a message: `224, 336` or `128 to 2048 in steps of 32`."""
        if self.allowed_px:
            return ", ".join(map(str, self.allowed_px))
        return f"{self.min_px} to {self.max_px} in steps of {self.multiple_px}"


@dataclass(frozen=True)
class Encoder:
    """A vision encoder as published: what to build, and how pixels become visual tokens.

    Attributes:
        name: the name in `sweeps/encoder/`.
        label: how the paper writes it.
        family: what shares a colour and a front on a plot.
        builder: who builds it: `timm`, or a builder of `backends.models`.
        architecture: the builder's name of the network.
        options: keyword arguments for the builder.
        token_stride_px: pixels along one side that one visual token covers.
        token_rounding: what happens to a side that is no multiple of the stride.
        parameters: parameter count of what is built (no classifier head).
        published_parameters_m: millions of parameters as the paper prints them.
        output_channels: width of one visual token.
        resolutions: what it accepts.
        sweep_resolutions_px: what a sweep uses if nothing else is said.
        fixed_tokens: a resampler's number of queries, whatever the resolution; 0 if none.
        reference_gmacs: giga multiply-accumulates of one pass at `reference_px`, for the
            estimate of time that a plan prints; 0 if unknown.
        reference_px: see `reference_gmacs`.
        parts: a system of several encoders that all see the image; its latency is their sum.
        precision: of its weights, where a grid names one; empty leaves it to the device.
        source: where these facts come from.
    """

    name: str
    label: str
    family: str
    architecture: str
    token_stride_px: int
    token_rounding: Rounding
    parameters: int
    output_channels: int
    resolutions: Resolutions
    sweep_resolutions_px: tuple[int, ...]
    builder: str = "timm"
    options: Mapping[str, Any] = field(default_factory=dict)
    published_parameters_m: float | None = None
    fixed_tokens: int = 0
    reference_gmacs: float = 0.0
    reference_px: int = 0
    parts: tuple[EncoderPart, ...] = ()
    precision: str = ""
    source: str = ""

    def at(self, precision: str) -> Encoder:
        """The same encoder with weights of a precision, under a name and label that say so."""
        name, label = _named(self, precision)
        return replace(self, name=name, label=label, precision=precision)

    def grid_side(self, resolution_px: int) -> int:
        """Visual tokens along one side of an image of `resolution_px`."""
        quotient, rest = divmod(resolution_px, self.token_stride_px)
        return quotient + (1 if rest and self.token_rounding == "ceil" else 0)

    def tokens(self, seen: EncoderInput | int) -> int:
        """Visual tokens of one pass over a rectangle, or a square of so many pixels a side."""
        one = EncoderInput.given(seen)
        return self.fixed_tokens or self.grid_side(one.width_px) * self.grid_side(one.height_px)

    def spec(self) -> dict[str, Any]:
        """What decides its latency: the network, not its label."""
        return {
            "builder": self.builder,
            "architecture": self.architecture,
            "options": dict(self.options),
        }


@dataclass(frozen=True)
class EncoderPart:
    """One encoder of a multi-encoder system, with the resolution and passes it runs at."""

    encoder: Encoder
    resolution_px: int
    passes: int = 1


@dataclass(frozen=True)
class LanguageModel:
    """A decoder-only language model by its published dimensions.

    Attributes:
        name: the name in `sweeps/llm/`.
        label: how its authors write it.
        family: what is one model in several sizes.
        size_label: `0.5B`; what a marker shape means on a plot.
        architecture: `qwen2`, `llama`, `qwen3`, ...: what transformers and mlx-lm call it.
        hidden_size: width of the residual stream, and of one embedded token.
        n_layers: transformer blocks.
        n_heads: query heads of one block.
        n_kv_heads: key and value heads of one block; fewer than `n_heads` if they are shared.
        intermediate_size: width inside the feed-forward part.
        vocab_size: rows of the embedding.
        max_positions: longest sequence, in tokens.
        parameters: exact parameter count of what is built.
        head_dim: width of one attention head; 0 takes `hidden_size / n_heads`.
        rope_theta: base of the rotary position embedding.
        norm_epsilon: what normalisation adds under its root.
        attention_bias: whether the projections of attention have a bias.
        tied_embeddings: whether input and output embedding are one matrix.
        options: further fields of the architecture's configuration.
        precision: of its weights, where a grid names one; empty leaves it to the device.
        source: where these facts come from.
    """

    name: str
    label: str
    family: str
    size_label: str
    architecture: str
    hidden_size: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    intermediate_size: int
    vocab_size: int
    max_positions: int
    parameters: int
    head_dim: int = 0
    rope_theta: float = 10000.0
    norm_epsilon: float = 1e-6
    attention_bias: bool = False
    tied_embeddings: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    precision: str = ""
    source: str = ""

    def at(self, precision: str) -> LanguageModel:
        """The same model with weights of a precision, under a name and label that say so.

        Latency differs by precision and so does accuracy: a point of `qwen2_7b:int4` is another
        point than one of `qwen2_7b`, and a score that was made with 4-bit weights belongs to it.
        """
        name, label = _named(self, precision)
        return replace(self, name=name, label=label, precision=precision)

    @property
    def per_head(self) -> int:
        """Width of one attention head."""
        return self.head_dim or self.hidden_size // self.n_heads

    def spec(self) -> dict[str, Any]:
        """What decides its latency: the dimensions, not the label."""
        labels = ("name", "label", "family", "size_label", "parameters", "precision", "source")
        spec = {name: getattr(self, name) for name in _LLM_FIELDS if name not in labels}
        return spec | {"head_dim": self.per_head, "options": dict(self.options)}


VARIANT_MARK = ":"
"""Between a model's name and its precision, or a tiling's and its images', in the names of points
and scores."""


def catalogue_name(name: str) -> str:
    """The catalogue's name of a model that a grid gave a precision, or of a tiling with images.

    >>> catalogue_name("qwen2_7b:int4"), catalogue_name("smolvlm_512:1654x2339")
    ('qwen2_7b', 'smolvlm_512')
    """
    return name.partition(VARIANT_MARK)[0]


def _named(model: Encoder | LanguageModel, precision: str) -> tuple[str, str]:
    """A model's name and label with a precision."""
    return f"{model.name}{VARIANT_MARK}{precision}", f"{model.label} {precision}"


_LLM_FIELDS = tuple(field.name for field in fields(LanguageModel))
