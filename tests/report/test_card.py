"""The share card: the page's answer as a picture."""

from __future__ import annotations

import struct
from pathlib import Path

from paretobench.report import Style, figures
from paretobench.report.figures.card import HEIGHT_PX, WIDTH_PX, card_figure, card_info
from paretobench.report.formatting import score_percent
from paretobench.report.view.rows import View
from tests.report.grids import family_view, row, view
from tests.report.pages import hostile_view
from tests.report.test_figures import drawn, extents, overlaps


def test_a_card_has_the_pixels_that_previews_of_links_show(tmp_path: Path) -> None:
    [path] = figures.save_card(family_view("all"), tmp_path, Style())
    assert struct.unpack(">II", path.read_bytes()[16:24]) == (WIDTH_PX, HEIGHT_PX)


def test_a_card_says_device_budget_winner_interval_probability_and_runner_up() -> None:
    shown = family_view("all")
    info = card_info(shown)
    assert info is not None
    assert info.question == "Best within 1000 ms on a chip"
    best = next(each for each in shown.rows if str(each) == info.winner)
    said = " | ".join(info.facts).replace("\N{NO-BREAK SPACE}", " ")
    for text in (score_percent(best.score), "[", "with a probability of", "next: "):
        assert text in said


def test_without_a_scored_point_there_is_no_card(tmp_path: Path) -> None:
    assert card_info(View(())) is None
    assert figures.save_card(view(row("a", 0.1, None)), tmp_path, Style()) == []


def test_no_two_texts_of_a_card_overlap_whatever_the_names_are() -> None:
    for shown in (family_view("all"), hostile_view()):
        info = card_info(figures.legible(shown, Style()))
        assert info is not None
        figure = drawn(lambda info=info: card_figure(info, Style()), Style())  # type: ignore[misc]
        assert overlaps(extents(figure, figure.texts)) == 0
