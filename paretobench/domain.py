"""The nouns of a grid: encoders, language models, tilings, points, workloads, devices.

Frozen values and nothing else: no file is read, no framework is imported, no number is
measured here. What a measurement or a score looks like is in `records`; how an image
becomes tiles and tokens is in `tiling`.

Keys are the SHA-256 of canonical JSON (sorted keys, no spaces, no NaN), so the same
configuration has the same key on every machine and two databases merge as a set union.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

from paretobench.errors import PlanError

Rounding = Literal["ceil", "floor"]
WorkloadKind = Literal["encode", "prefill", "end_to_end"]
Protocol = Literal["paper", "full"]

PROTOCOL_VERSION = 1
"""Version of the measuring protocol; part of every workload key. Raise it when a change
moves a number, so that old and new samples are never joined."""


def canonical_json(value: Any) -> str:
    """JSON with one spelling per value: sorted keys, no spaces, ASCII, no NaN.

    >>> canonical_json({'b': 1, 'a': (2, 3)})
    '{"a":[2,3],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_key(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Resolutions:
    """Which square input resolutions an encoder accepts, as data.

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
        token_stride_px: pixels along one side that one visual token stands for.
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
    source: str = ""

    def grid_side(self, resolution_px: int) -> int:
        """Visual tokens along one side of an image of `resolution_px`."""
        quotient, rest = divmod(resolution_px, self.token_stride_px)
        return quotient + (1 if rest and self.token_rounding == "ceil" else 0)

    def tokens(self, resolution_px: int) -> int:
        """Visual tokens of one pass over a square image of `resolution_px`."""
        return self.fixed_tokens or self.grid_side(resolution_px) ** 2

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
        size_label: `0.5B`; what a marker shape stands for on a plot.
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
    source: str = ""

    @property
    def per_head(self) -> int:
        """Width of one attention head."""
        return self.head_dim or self.hidden_size // self.n_heads

    def spec(self) -> dict[str, Any]:
        """What decides its latency: the dimensions, not the label."""
        labels = ("name", "label", "family", "size_label", "parameters", "source")
        spec = {name: getattr(self, name) for name in _LLM_FIELDS if name not in labels}
        return spec | {"head_dim": self.per_head, "options": dict(self.options)}


_LLM_FIELDS = tuple(field.name for field in fields(LanguageModel))


@dataclass(frozen=True)
class Tiling:
    """How one image becomes encoder passes and visual tokens; `tiling.plan_tiles` applies it.

    Attributes:
        name: the name in `sweeps/tiling/`.
        label: how a plot and a table write it.
        scheme: one of `tiling.SCHEMES`: `none`, `grid`, `llava_next_anyres`, ...
        options: the scheme's parameters, such as `{'g': 2, 'overview': True}`.
        source: where the rule comes from.
    """

    name: str
    scheme: str = "none"
    label: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def spec(self) -> dict[str, Any]:
        """What decides passes and tokens."""
        return {"scheme": self.scheme, "options": dict(self.options)}


@dataclass(frozen=True)
class TilePlan:
    """What a tiling makes of one image.

    Attributes:
        tile_px: side of the square that one encoder pass sees.
        passes: encoder passes per image, an overview included.
        visual_tokens: tokens that carry image content.
        newline_tokens: separators (row ends, image borders) added to them.
    """

    tile_px: int
    passes: int
    visual_tokens: int
    newline_tokens: int = 0

    @property
    def prefill_tokens(self) -> int:
        """Positions the language model prefills for one image: content and separators."""
        return self.visual_tokens + self.newline_tokens


@dataclass(frozen=True)
class GridPoint:
    """One configuration a user can choose. Its recipe (how it was trained) is on the score:
    accuracy depends on it, latency does not, so one point may carry scores of several recipes.
    """

    encoder: Encoder
    resolution_px: int
    llm: LanguageModel
    tiling: Tiling = Tiling("none")

    @cached_property
    def key(self) -> str:
        """Content key over names: scores of published tables join on the same four names."""
        return content_key(self.identity())

    def identity(self) -> dict[str, Any]:
        """The four names that make a point."""
        return {
            "encoder": self.encoder.name,
            "resolution_px": self.resolution_px,
            "llm": self.llm.name,
            "tiling": self.tiling.name,
        }

    def __str__(self) -> str:
        tiling = "" if self.tiling.scheme == "none" else f" {self.tiling.label or self.tiling.name}"
        return f"{self.encoder.label}@{self.resolution_px}{tiling} + {self.llm.label}"


@dataclass(frozen=True)
class Runtime:
    """Which backend runs one half of the work, and how.

    Attributes:
        backend: `openvino`, `onnxruntime`, `torch`, `mlx`, `coreml`.
        precision: `fp32`, `bf16`, `fp16`, `int8`, `int4`.
        options: what else moves a latency: `device`, `threads`, `prefill_mode`, `weights`, ...
    """

    backend: str
    precision: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """JSON form; part of a workload's key."""
        return {
            "backend": self.backend,
            "precision": self.precision,
            "options": dict(self.options),
        }

    def __str__(self) -> str:
        return f"{self.backend} {self.precision}"


@dataclass(frozen=True)
class Device:
    """A named profile: what encodes, what prefills, and where.

    `why` says how `auto` came to its choice; `executor` names where its cells run.
    """

    name: str
    encode: Runtime
    prefill: Runtime
    why: str = ""
    executor: str = "local"


@dataclass(frozen=True)
class Workload:
    """Something that can be timed alone. `spec` holds all that decides its latency.

    Attributes:
        kind: `encode`, `prefill` or `end_to_end`.
        label: for people, such as `FastViTHD@1024` or `Qwen2-0.5B x 256 tokens`.
        subject: what is run: an encoder's spec and resolution, or an LLM's spec and tokens.
        runtime: what runs it (the encoder's runtime for `end_to_end`).
        batch: images or sequences at once.
        folder: of a checkpoint whose own weights are timed; the key has its hash instead.
    """

    kind: WorkloadKind
    label: str
    subject: Mapping[str, Any]
    runtime: Runtime
    batch: int = 1
    protocol_version: int = PROTOCOL_VERSION
    folder: str = field(default="", compare=False)

    @property
    def checkpoint(self) -> str:
        """Content hash of the checkpoint that is timed; empty for random weights."""
        return str(self.subject.get("checkpoint", ""))

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of `spec()`."""
        return content_key(self.spec())

    def spec(self) -> dict[str, Any]:
        """All that decides the latency; the label is not part of it."""
        return {
            "kind": self.kind,
            "subject": dict(self.subject),
            "runtime": self.runtime.spec(),
            "batch": self.batch,
            "protocol_version": self.protocol_version,
        }

    def to_json(self) -> dict[str, Any]:
        """What a cell, an ssh host or a cluster job is sent."""
        return {"label": self.label, "key": self.key, **self.spec(), "folder": self.folder}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Workload:
        """Inverse of `to_json`; a `key` in the data is ignored, since content decides it."""
        runtime = data["runtime"]
        return Workload(
            kind=data["kind"],
            label=data.get("label", ""),
            subject=data["subject"],
            runtime=Runtime(runtime["backend"], runtime["precision"], runtime.get("options", {})),
            batch=data.get("batch", 1),
            protocol_version=data.get("protocol_version", PROTOCOL_VERSION),
            folder=data.get("folder", ""),
        )


def encode_workload(encoder: Encoder, tile_px: int, runtime: Runtime) -> Workload:
    """The workload of one encoder pass over one tile."""
    subject = {"encoder": encoder.spec(), "resolution_px": tile_px}
    return Workload("encode", f"{encoder.label}@{tile_px}", subject, runtime)


def prefill_workload(
    llm: LanguageModel, n_tokens: int, runtime: Runtime, inputs: str = "embeddings"
) -> Workload:
    """The workload of prefilling `n_tokens` positions (visual `embeddings`, or token `ids`)."""
    subject = {"llm": llm.spec(), "n_tokens": n_tokens, "inputs": inputs}
    return Workload("prefill", f"{llm.label} x {n_tokens} tokens", subject, runtime)


def end_to_end_workload(
    point: GridPoint, tiles: TilePlan, device: Device, n_tokens: int | None = None
) -> Workload:
    """The workload of a whole point in one process, against which the sum of its parts is checked.

    Preprocess one image, encode its tiles, project, prefill, take the first token.

    Args:
        n_tokens: positions to prefill; the tiling's own number if None.

    Raises:
        PlanError: for a system of several encoders.
    """
    if point.encoder.parts:
        raise PlanError(f"{point.encoder.label} is several encoders; only single ones are checked")
    subject = {
        "encoder": point.encoder.spec(),
        "resolution_px": tiles.tile_px,
        "passes": tiles.passes,
        "llm": point.llm.spec(),
        "n_tokens": n_tokens or tiles.prefill_tokens,
    }
    halves = {"encode": device.encode.spec(), "prefill": device.prefill.spec()}
    precision = f"{device.encode.precision}+{device.prefill.precision}"
    return Workload("end_to_end", str(point), subject, Runtime("end_to_end", precision, halves))
