"""Tilings and grid points: what a user can choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from paretobench.domain.encoder_input import EncoderInput
from paretobench.domain.images import Images, ImageSize
from paretobench.domain.keys import content_key
from paretobench.domain.models import VARIANT_MARK, Encoder, LanguageModel


@dataclass(frozen=True)
class Tiling:
    """How one image becomes encoder passes and visual tokens; `tiling.plan_tiles` applies it.

    Attributes:
        name: the name in `sweeps/tiling/`.
        label: how a plot and a table write it.
        scheme: one of `tiling.SCHEMES`: `none`, `grid`, `llava_next_anyres`, ...
        options: the scheme's parameters, such as `{'g': 2, 'overview': True}`.
        source: where the rule comes from.
        images: sizes of the images that are cut, where a grid names them; never in a file.
    """

    name: str
    scheme: str = "none"
    label: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    images: Images | None = field(default=None, metadata={"set_by": "grid"})

    def on(self, images: Images) -> Tiling:
        """The same tiling for these images, under a name and label that say so.

        For tilings that cut an image by its own sides; the others resize every image to a square.
        """
        return replace(
            self,
            name=f"{self.name}{VARIANT_MARK}{images.name}",
            label=f"{self.label or self.name} {images.label}",
            images=images,
        )

    def of_size(self, size: ImageSize) -> Tiling:
        """The tiling of one image."""
        sides = {"width_px": size.width_px, "height_px": size.height_px}
        return replace(self, options={**self.options, **sides}, images=None)

    def spec(self) -> dict[str, Any]:
        """What decides passes and tokens."""
        return {"scheme": self.scheme, "options": dict(self.options)}


@dataclass(frozen=True)
class TilePlan:
    """What a tiling makes of one image.

    Attributes:
        tile_px: side of the square that one encoder pass sees; the longest side of any pass where
            they are no equal squares.
        passes: encoder passes per image, an overview included.
        visual_tokens: tokens that carry image content.
        newline_tokens: separators (row ends, image borders) added to them.
        unequal: the passes, where they are no equal squares; empty where they are.
    """

    tile_px: int
    passes: int
    visual_tokens: int
    newline_tokens: int = 0
    unequal: tuple[EncoderInput, ...] = ()

    @property
    def inputs(self) -> tuple[EncoderInput, ...]:
        """The passes by size: one entry for equal squares."""
        return self.unequal or (EncoderInput.square(self.tile_px, self.passes),)

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

    @property
    def names(self) -> tuple[str, int, str, str]:
        """The four names in order, as rows of a report have them."""
        return (self.encoder.name, self.resolution_px, self.llm.name, self.tiling.name)

    def __str__(self) -> str:
        tiling = "" if self.tiling.scheme == "none" else f" {self.tiling.label or self.tiling.name}"
        return f"{self.encoder.label}@{self.resolution_px}{tiling} + {self.llm.label}"
