"""The images that a point is asked about: one size, or several with how often each occurs.

A size is what a person's image has before any model's processor sees it; what a model makes of it
is `planning.tokens`' question. Several sizes stand for a data set or a camera roll: a point's
tokens, passes and time are then means over them, and its 90th percentile is the smallest time
that nine in ten images do not exceed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageSize:
    """One size of an image, and how often it occurs beside the others of its list.

    Attributes:
        weight: a whole number, so that a sum over images stays one; 1 for a size alone.
    """

    width_px: int
    height_px: int
    weight: int = 1

    def __str__(self) -> str:
        return f"{self.width_px}x{self.height_px}"


@dataclass(frozen=True)
class Images:
    """One size, or a list of sizes with weights.

    Attributes:
        name: `1654x2339`, or the name in `sweeps/image/`.
        label: how a plot and a table write it.
        sizes: each once; at least one.
        source: where the sizes come from.
    """

    name: str
    label: str
    sizes: tuple[ImageSize, ...]
    source: str = ""

    @staticmethod
    def one(width_px: int, height_px: int) -> Images:
        """A single size.

        >>> Images.one(1024, 768).name
        '1024x768'
        """
        size = ImageSize(width_px, height_px)
        return Images(str(size), str(size), (size,))
