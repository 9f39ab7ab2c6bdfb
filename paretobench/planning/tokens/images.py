"""Image sizes as people write them. Pure.

Answers: what `1654x2339` means. Which tokens an image makes is the rules' question.
"""

from __future__ import annotations

import re

from paretobench.errors import ConfigError
from paretobench.planning.tokens.counts import Size


def parse_size(text: str) -> Size:
    """Width and height in pixels from `WIDTHxHEIGHT`.

    >>> parse_size("1654x2339"), parse_size("640 X 480")
    ((1654, 2339), (640, 480))

    Raises:
        ConfigError: if the text is no size, or a side is 0.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*[xX×]\s*(\d{1,6})\s*", text)
    if not found or 0 in (width := int(found[1]), height := int(found[2])):
        raise ConfigError(
            f"an image size is WIDTHxHEIGHT in pixels, such as 1654x2339, not {text!r}"
        )
    return width, height
