"""Colours and line patterns of the families on a light and on a dark page: those of the figures.

A colour that was darkened for the page would be another one, and the palette survives colour
blindness only as a whole; lines, shapes, fills and labels say the same without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from paretobench.report.style import DARK_PALETTE, Style, order_families

LINE_WIDTH = 2.0
"""Pixels of a family's line, which the patterns are multiples of."""


def family_colours(names: Iterable[str]) -> list[dict[str, Any]]:
    """Name, light and dark colour and dashes of each family, in the figures' order.

    >>> family_colours(['FastViTHD'])
    [{'name': 'FastViTHD', 'light': '#5790fc', 'dark': '#5790fc', 'dashes': 'none'}]
    """
    families = order_families(names)
    light, dark = Style().colour_of(families), Style(palette=DARK_PALETTE).colour_of(families)
    dashes = Style().dashes_of(families)
    return [
        {"name": name, "light": light[name], "dark": dark[name], "dashes": _dashes(dashes[name])}
        for name in families
    ]


def _dashes(pattern: Any) -> str:
    """matplotlib's pattern as CSS: lengths in pixels."""
    if pattern == "-":
        return "none"
    return " ".join(f"{length * LINE_WIDTH:g}" for length in pattern[1])


def colour_rules(families: Sequence[Mapping[str, Any]]) -> str:
    """One CSS rule per family: `.family-0 { --family: light-dark(...); --dash: ... }`."""
    return "".join(
        f".family-{index}{{--family:light-dark({family['light']},{family['dark']});"
        f"--dash:{family['dashes']}}}\n"
        for index, family in enumerate(families)
    )
