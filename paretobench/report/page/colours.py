"""Colours of the families on a light and on a dark page, from the figures' palette.

A mark on a plot needs a contrast of 3 to its background (WCAG 2.2, 1.4.11). On light paper
a colour is darkened until it has it, on dark paper lightened; most stay as the figures have
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from paretobench.report.style import Style, luminance, readable

DARK_PAPER = "#15171b"
"""Background of the dark page; `page.css` says the same."""

CONTRAST = 3.4
"""A little over what WCAG asks of graphics, for the tinted panels."""


def family_colours(names: Iterable[str]) -> list[dict[str, str]]:
    """Name, light and dark colour of each family, in the figures' order and colours.

    >>> family_colours(['FastViTHD'])
    [{'name': 'FastViTHD', 'light': '#4f82e3', 'dark': '#5790fc'}]
    """
    return [
        {"name": name, "light": readable(colour, CONTRAST), "dark": on_dark(colour)}
        for name, colour in Style().colour_of(names).items()
    ]


def on_dark(colour: str) -> str:
    """The colour, mixed with white until it stands out from the dark page.

    >>> on_dark('#5790fc'), on_dark('#101010') != '#101010'
    ('#5790fc', True)
    """
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    paper = luminance(DARK_PAPER) + 0.05
    for step in range(20):
        share = step / 20
        mixed = "#" + "".join(f"{round(c + (235 - c) * share):02x}" for c in channels)
        if (luminance(mixed) + 0.05) / paper >= CONTRAST:
            return mixed
    return "#ebebeb"


def colour_rules(families: Sequence[Mapping[str, str]]) -> str:
    """One CSS rule per family: `.family-0 { --family: light-dark(...) }`."""
    return "".join(
        f".family-{index}{{--family:light-dark({family['light']},{family['dark']})}}\n"
        for index, family in enumerate(families)
    )
