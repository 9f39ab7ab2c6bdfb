"""Looks by name and by a style file of one's own."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from paretobench.errors import ConfigError, UnknownNameError
from paretobench.report import figures, render
from paretobench.report.named_styles import NAMED_STYLES, named_style
from paretobench.report.style import DARK_PALETTE, PALETTE, Style, luminance
from tests.report.grids import family_view, row, view

HOUSE = """\
axes.prop_cycle: cycler(color=["004488", "DDAA33", "BB5566"])
text.color: 223344
grid.color: eeeeee
font.size: 8
figure.figsize: 5, 4
"""


def house(folder: Path, text: str = HOUSE) -> str:
    path = folder / "house.mplstyle"
    path.write_text(text)
    return str(path)


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_looks_are_a_column_a_screen_and_dark_slides() -> None:
    assert {name: (style.width_mm, style.is_dark) for name, style in NAMED_STYLES.items()} == {
        "screen": (170.0, False), "paper": (85.0, False), "slides": (254.0, True),
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMED_STYLES)
def test_text_can_be_read_and_marks_be_seen_in_every_look(name: str) -> None:
    style = named_style(name)
    assert contrast(style.ink, style.paper) >= 10
    assert contrast(style.grey, style.paper) >= 4.5
    for colour in style.palette:
        assert contrast(style.readable(colour), style.paper) >= 4.5
    if style.is_dark:
        assert all(contrast(colour, style.paper) >= 3 for colour in style.palette)
    shades = [luminance(c) for c in (style.paper, style.grid, style.front, style.grey)]
    steps = [b - a for a, b in pairwise(shades)]
    assert all(step > 0 for step in steps) or all(step < 0 for step in steps)


def test_the_house_s_colours_size_and_width_are_the_figure_s(tmp_path: Path) -> None:
    style = named_style(house(tmp_path))
    assert style.palette[:3] == ("#004488", "#ddaa33", "#bb5566")
    assert len(style.palette) == 3 + len(PALETTE)
    assert (style.ink, style.grid, style.font_pt) == ("#223344", "#eeeeee", 8.0)
    assert style.width_mm == pytest.approx(127)
    assert style.front == Style().front, "what the file leaves open stays"


def test_a_dark_house_style_gets_light_text_where_it_says_nothing(tmp_path: Path) -> None:
    style = named_style(house(tmp_path, "figure.facecolor: black\n"))
    assert style.paper == "#000000" and contrast(style.ink, style.paper) > 10
    assert style.palette == DARK_PALETTE


def test_a_house_style_is_drawn(tmp_path: Path) -> None:
    style = named_style(house(tmp_path))
    shown = view(row("a"), row("b", 0.2, 0.6))
    render(shown, tmp_path / "out", style, formats=("svg",), only=["pareto"])
    text = (tmp_path / "out" / "pareto.svg").read_text()
    assert "#004488" in text and "#ddaa33" in text and "#223344" in text


@pytest.mark.parametrize("name", NAMED_STYLES)
def test_a_look_s_background_is_that_of_the_file(name: str, tmp_path: Path) -> None:
    from PIL import Image

    style = named_style(name)
    draw = figures.choose(family_view("all"), style)["pareto"]
    figures.save(draw, tmp_path / "pareto", style, ("png",))
    with Image.open(tmp_path / "pareto.png") as picture:
        corner = picture.convert("RGB").getpixel((1, 1))
    assert "#" + "".join(f"{channel:02x}" for channel in corner) == style.paper  # type: ignore[union-attr]


def test_an_unknown_look_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'slides'.*paper, screen, slides"):
        named_style("slide")


def test_a_style_file_that_is_not_there_or_sets_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no style file at .*none\.mplstyle"):
        named_style(str(tmp_path / "none.mplstyle"))
    with pytest.raises(ConfigError, match="sets nothing that matplotlib knows"):
        named_style(house(tmp_path, "# nothing\n"))
