"""Styles by name: `paper`, `screen`, `slides`, or a house style from a matplotlib style file.

A style file sets what it names and leaves the rest: its colour cycle becomes the palette of
the families, its text, background and grid colours those of the figure, its font size and
figure width the figure's. Fonts, line and tick settings are applied by matplotlib itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from paretobench.errors import ConfigError, UnknownNameError
from paretobench.report.style import DARK_PALETTE, MM_PER_INCH, Style, luminance, tint

NAMED_STYLES = {
    "screen": Style(),
    "paper": Style(width_mm=85.0, font_pt=7.0),
    "slides": Style(
        width_mm=254.0,
        font_pt=14.0,
        palette=DARK_PALETTE,
        paper="#15171b",
        ink="#f2f2f2",
        grey="#a9adb5",
        grid="#2c3038",
        front="#4a4f59",
    ),
}
"""`paper` is one column of a two-column paper, `slides` a dark 16:9 page of 10 inches."""

SMALLEST_MM, SMALLEST_PT = 60.0, 4.0
"""A style file below these is not meant as a figure's width or a text's size."""


def named_style(name_or_file: str) -> Style:
    """The style of that name, or of that matplotlib style file.

    Raises:
        UnknownNameError: if it is neither.
        ConfigError: if the file cannot be read as a matplotlib style.

    >>> named_style('paper').width_mm
    85.0
    """
    if name_or_file in NAMED_STYLES:
        return NAMED_STYLES[name_or_file]
    path = Path(name_or_file).expanduser()
    if path.suffix == ".mplstyle" or path.is_file():
        return _house_style(path)
    hint = "A file that ends in .mplstyle is a house style."
    raise UnknownNameError("style", name_or_file, NAMED_STYLES, hint)


def _house_style(path: Path) -> Style:
    settings = _settings(path)
    style = replace(Style(mplstyle=path), **_colours(settings))
    cycle = settings.get("axes.prop_cycle")
    palette = [_hex(colour) for colour in cycle.by_key().get("color", [])] if cycle else []
    rest = DARK_PALETTE if style.is_dark else style.palette
    others = (colour for colour in rest if colour not in palette)
    style = replace(style, palette=(*palette, *others))
    width_mm = settings.get("figure.figsize", (0.0,))[0] * MM_PER_INCH
    font_pt = settings.get("font.size", 0.0)
    return replace(
        style,
        width_mm=width_mm if width_mm >= SMALLEST_MM else style.width_mm,
        font_pt=font_pt if font_pt >= SMALLEST_PT else style.font_pt,
    )


def _settings(path: Path) -> dict[str, Any]:
    """What the file sets, and nothing else."""
    from matplotlib import rc_params_from_file

    if not path.is_file():
        raise ConfigError(
            f"no style file at {path}; --style names {', '.join(NAMED_STYLES)} or a file"
        )
    try:
        settings = rc_params_from_file(path, use_default_template=False)
    except (OSError, UnicodeDecodeError, ValueError, KeyError) as error:
        raise ConfigError(
            f"{path} cannot be read as a matplotlib style: {error}; lines are 'key: value'"
        ) from error
    if not settings:
        raise ConfigError(
            f"{path} sets nothing that matplotlib knows; lines are 'key: value', such as "
            '\'axes.prop_cycle: cycler(color=["004488", "DDAA33"])\''
        )
    return {str(key): value for key, value in settings.items()}


def _colours(settings: dict[str, Any]) -> dict[str, Any]:
    """The figure's own colours; what a dark background leaves open turns light with it."""
    keys = {
        "paper": ("axes.facecolor", "figure.facecolor"),
        "ink": ("text.color", "axes.labelcolor"),
        "grid": ("grid.color",),
    }
    found = {
        name: _hex(settings[key])
        for name, options in keys.items()
        for key in reversed(options)
        if key in settings and settings[key] not in ("auto", "none")
    }
    dark = NAMED_STYLES["slides"]
    if "paper" in found and Style(paper=found["paper"]).is_dark:
        given = {name: getattr(dark, name) for name in ("ink", "grey", "grid", "front")}
        return given | found
    if "ink" in found and luminance(found["ink"]) < 0.5:
        found.setdefault("grey", tint(found["ink"], 0.65))
    return found


def _hex(colour: Any) -> str:
    from matplotlib.colors import to_hex

    return str(to_hex(colour))
