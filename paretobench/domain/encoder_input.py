"""What one pass of a vision encoder is given: a rectangle of pixels, perhaps padded.

Answers how a pass is written in a workload's subject. A square is `{"resolution_px": side}`, as
it was when every pass was one, so that what was measured then is still found; anything else names
its width and height.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


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

    @staticmethod
    def square(side_px: int, passes: int = 1) -> EncoderInput:
        """Passes over a square."""
        return EncoderInput(side_px, side_px, passes)

    @staticmethod
    def given(seen: EncoderInput | int) -> EncoderInput:
        """An input, or the square of a number of pixels."""
        return EncoderInput.square(seen) if isinstance(seen, int) else seen

    @staticmethod
    def of(subject: Mapping[str, Any]) -> EncoderInput:
        """One pass, read from an encode workload's subject: the inverse of `subject`."""
        if (side_px := subject.get("resolution_px")) is not None:
            return EncoderInput.square(int(side_px))
        padded = int(subject.get("padded_patches", 0))
        return EncoderInput(int(subject["width_px"]), int(subject["height_px"]), 1, padded)

    def subject(self) -> dict[str, int]:
        """One pass as fields of a workload's subject.

        >>> EncoderInput.square(512, passes=3).subject(), EncoderInput(1036, 756).subject()
        ({'resolution_px': 512}, {'width_px': 1036, 'height_px': 756})
        """
        if self.is_square:
            return {"resolution_px": self.width_px}
        size = {"width_px": self.width_px, "height_px": self.height_px}
        return size | ({"padded_patches": self.padded_patches} if self.padded_patches else {})

    @property
    def is_square(self) -> bool:
        """Whether one side says all of a pass."""
        return self.width_px == self.height_px and not self.padded_patches

    @property
    def size(self) -> str:
        """One pass for people: `512`, `1036x756`, `288x224 in 256 patches`."""
        return str(self.width_px) if self.is_square else str(replace(self, passes=1))

    @property
    def longest_px(self) -> int:
        """The longer side."""
        return max(self.width_px, self.height_px)

    @property
    def area_px(self) -> int:
        """Pixels of one pass, without padding."""
        return self.width_px * self.height_px

    def __str__(self) -> str:
        size = f"{self.width_px}x{self.height_px}"
        padded = f" in {self.padded_patches} patches" if self.padded_patches else ""
        return (f"{self.passes} of {size}" if self.passes > 1 else size) + padded
