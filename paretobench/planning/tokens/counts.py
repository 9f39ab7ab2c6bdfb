"""What one image costs a vision-language model before a word is generated.

Answers nothing by itself: these are the values that every token rule returns. A rule counts
what a model's processor writes in place of one image; the chat template around it is text.
"""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[int, int]
"""Width and height, in pixels, tiles or tokens."""


@dataclass(frozen=True)
class EncoderInput:
    """Equal passes of the vision encoder over one image.

    Attributes:
        width_px: width of what the encoder is given.
        height_px: its height.
        passes: how many inputs of this size the image makes.
        padded_patches: patches of one pass, padding included, where the processor pads every
            image to a fixed number; 0 where it does not.
    """

    width_px: int
    height_px: int
    passes: int = 1
    padded_patches: int = 0

    def __str__(self) -> str:
        size = f"{self.width_px}x{self.height_px}"
        padded = f" in {self.padded_patches} patches" if self.padded_patches else ""
        return (f"{self.passes} of {size}" if self.passes > 1 else size) + padded


@dataclass(frozen=True)
class ImageTokens:
    """What a token rule makes of one image.

    Attributes:
        inputs: the encoder's passes, in the order of the token sequence where it has one.
        visual_tokens: positions that carry image content.
        separator_tokens: row ends, tile marks, image borders that the processor adds.
    """

    inputs: tuple[EncoderInput, ...]
    visual_tokens: int
    separator_tokens: int = 0

    @property
    def passes(self) -> int:
        """Passes of the encoder, thumbnails and overviews included."""
        return sum(one.passes for one in self.inputs)

    @property
    def prefill_tokens(self) -> int:
        """Positions the language model prefills for the image: content and separators."""
        return self.visual_tokens + self.separator_tokens
