"""What every figure keeps to: sizes, colours, bars, units, titles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.report import Style, figures
from paretobench.report.figures.axes import time_unit
from paretobench.report.figures.marks import BARS_ORDER
from paretobench.report.figures.pareto import pareto_figure, pareto_info
from paretobench.report.named_styles import NAMED_STYLES
from paretobench.report.style import SMALLEST_PT
from paretobench.report.view.published import published_view
from tests.report.grids import family_view, row, view
from tests.report.test_figures import drawn

PAPER = NAMED_STYLES["paper"]


@pytest.mark.parametrize("name", NAMED_STYLES)
def test_no_text_of_a_figure_is_smaller_than_print_allows(name: str) -> None:
    style = NAMED_STYLES[name]
    figure = drawn(lambda: pareto_figure(pareto_info(family_view()), style), style)
    sizes = [text.get_fontsize() for text in figure.findobj(lambda a: hasattr(a, "get_fontsize"))]
    assert min(sizes) >= SMALLEST_PT


def test_a_figure_of_one_column_fits_a_page() -> None:
    shown = family_view()
    figure = drawn(lambda: pareto_figure(pareto_info(shown), PAPER), PAPER)
    width_mm, height_mm = (size * 25.4 for size in figure.get_size_inches())
    assert width_mm == pytest.approx(85) and height_mm < 230


def test_the_title_can_be_left_to_the_caption_of_a_paper() -> None:
    plain = replace(PAPER, has_title=False)
    info = pareto_info(family_view("all"))
    with_title, without = (
        drawn(lambda style=style: pareto_figure(info, style), style)  # type: ignore[misc]
        for style in (PAPER, plain)
    )
    said = [text.get_text() for text in without.texts]
    assert info.caption.title in {text.get_text().replace("\n", " ") for text in with_title.texts}
    assert not any(text.replace("\n", " ") == info.caption.title for text in said)


def test_error_bars_lie_over_markers_and_lines() -> None:
    from matplotlib.collections import LineCollection

    info = pareto_info(family_view("all"))
    axes = drawn(lambda: pareto_figure(info, Style()), Style()).axes[0]
    bars = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert bars and min(each.get_zorder() for each in bars) >= BARS_ORDER
    assert max(line.get_zorder() for line in axes.lines) < BARS_ORDER


def test_one_family_has_one_colour_in_every_figure_of_every_report() -> None:
    views = (
        published_view(),
        published_view(recipe="llava-1.5"),
        published_view(recipe="15M+1.1M"),
    )
    found: dict[str, set[str]] = {}
    for shown in views:
        for family, colour in Style().colour_of(each.family for each in shown.rows).items():
            found.setdefault(family, set()).add(colour)
    assert all(len(colours) == 1 for colours in found.values())


def test_long_times_are_written_in_seconds() -> None:
    assert time_unit(5000.0) == ("ms", 1.0)
    slow = view(row("a", 40.0, 0.5), row("b", 400.0, 0.6))
    axes = drawn(lambda: pareto_figure(pareto_info(slow), Style()), Style()).axes[0]
    assert "(s, log scale)" in axes.get_xlabel()
    assert max(float(label.get_text()) for label in axes.get_xticklabels()) <= 1000


def test_a_figure_says_of_which_times_no_error_is_known() -> None:
    known = row("a", 0.1, 0.5)
    bare = row("b", 0.2, 0.6)
    assert bare.ttft is not None
    bare = replace(bare, ttft=replace(bare.ttft, low=None, high=None))
    footer = " ".join(pareto_info(view(known, bare)).caption.footer)
    assert "1 without a known error of the time" in footer
    assert "no known error of the time" in " ".join(pareto_info(view(bare)).caption.footer)


def test_a_recipe_has_a_figure_of_its_own_sooner_in_one_column() -> None:
    shown = view(*(row(name, 0.1 * (at + 1), 0.5 + at / 20, recipe)
                   for recipe in "xyz" for at, name in enumerate("abc")))  # fmt: skip
    fronts = [n for n in figures.choose(shown, PAPER) if n.startswith("pareto")]
    assert len(fronts) == 3
    assert [n for n in figures.choose(shown, Style()) if n.startswith("pareto")] == ["pareto"]
