"""What one image costs a vision-language model before a word is generated.

Answers nothing by itself: these are the values that every token rule returns. A rule counts
what a model's processor writes in place of one image; the chat template around it is text.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretobench.domain import EncoderInput

__all__ = ["EncoderInput", "ImageTokens", "Size"]

Size = tuple[int, int]
"""Width and height, in pixels, tiles or tokens."""


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
