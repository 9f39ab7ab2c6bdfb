"""The arrows of the front figure: true, computed, and on nothing else."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from paretobench.domain.records import Source
from paretobench.report import Style
from paretobench.report.figures.claims import claims_of
from paretobench.report.figures.labels import crosses
from paretobench.report.figures.pareto import pareto_figure, pareto_info
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import Accuracy, View
from tests.report.grids import family_view, row, view
from tests.report.test_figures import (
    COLUMN,
    PAGE,
    drawn,
    extents,
    front_segments,
    labels_in,
    overlaps,
    scattered,
)


def two_families() -> View:
    """`ours` is 4 times faster at 50 % and 8 points better within 0.4 s."""
    return view(
        row("ours", 0.1, 0.5),
        row("ours", 0.2, 0.58, resolution_px=512),
        row("theirs", 0.4, 0.5),
        row("theirs", 0.9, 0.56, resolution_px=512),
    )


def words_in(figure: Any) -> list[Any]:
    return [text for axes in figure.axes for text in axes.texts if text.get_gid() == "claim"]


def test_an_arrow_runs_from_the_baseline_s_point_to_the_computed_effect() -> None:
    claims = claims_of(two_families().rows)
    assert (claims.headline, claims.baseline) == ("ours", "theirs")
    level, upright = claims.faster, claims.better
    assert level is not None and upright is not None
    assert (level.text, upright.text) == ("up to 4.5x faster", "up to +8.0 points")
    assert level.start == (900.0, pytest.approx(56.0))
    assert level.end == (200.0, pytest.approx(56.0))
    assert claims.ratios == pytest.approx((4.0, 4.5))
    assert upright.start == (400.0, 50.0)
    assert upright.end == (400.0, pytest.approx(58.0))


def test_the_published_points_give_the_speed_up_over_convnext_that_their_tables_hold() -> None:
    [panel] = pareto_info(published_view(recipe="llava-1.5")).panels
    assert (panel.claims.headline, panel.claims.baseline) == ("FastViTHD", "ConvNeXt")
    faster = panel.claims.faster
    assert faster is not None
    ratio = float(faster.text.removeprefix("up to ").split("x")[0])
    assert ratio == pytest.approx(faster.start[0] / faster.end[0], rel=0.05)
    assert ratio == pytest.approx(max(panel.claims.ratios), rel=0.05)


def test_one_family_makes_no_claim() -> None:
    shown = view(row("a", 0.1, 0.5), row("a", 0.2, 0.6, resolution_px=512))
    claims = claims_of(shown.rows)
    assert (claims.faster, claims.better) == (None, None)


def test_a_difference_within_the_noise_of_training_gets_no_arrow() -> None:
    claims = claims_of(view(row("a", 0.1, 0.501), row("b", 0.104, 0.5)).rows)
    assert (claims.faster, claims.better) == (None, None)


def test_only_the_largest_effect_is_drawn_or_none() -> None:
    figure = drawn(lambda: pareto_figure(pareto_info(two_families()), PAGE), PAGE)
    assert next(text.get_text() for text in words_in(figure)) == "up to 4.5x faster"
    assert {text.get_text() for text in words_in(figure)} <= {
        "up to 4.5x faster",
        "up to +8.0 points",
    }


def test_the_caption_has_the_range_and_the_interval_whether_an_arrow_fits_or_not() -> None:
    said = "ours up to 4.5x faster than theirs at equal accuracy (4.0x to 4.5x at 2 points; 95 %"
    for style in (PAGE, COLUMN):
        info = pareto_info(two_families())
        assert said in info.caption.subtitle, style
    low, high = claims_of(two_families().rows).interval or (0.0, 0.0)
    assert low < 4.5 < high


@pytest.mark.parametrize("style", [PAGE, COLUMN], ids=["page", "column"])
@pytest.mark.parametrize(
    "shown",
    [two_families(), published_view(recipe="llava-1.5"), family_view("all"), scattered(60)],
    ids=["two", "published", "family", "60"],
)
def test_words_of_an_arrow_lie_on_no_label_marker_front_or_other_words(
    shown: View, style: Style
) -> None:
    info = pareto_info(shown)
    figure = drawn(lambda: pareto_figure(info, style), style)
    axes, [panel] = figure.axes[0], info.panels
    words = extents(figure, words_in(figure))
    assert overlaps([*words, *extents(figure, labels_in(figure))]) == 0
    fronts = front_segments(axes, panel)
    reach = style.marker_pt / 2 / 72 * figure.dpi
    centres = axes.transData.transform([(m.ttft_ms, m.score_percent) for m in panel.marks])
    frame = axes.get_window_extent()
    for box, (x, y) in itertools.product(words, centres):
        apart = x + reach < box.x0 or x - reach > box.x1 or y + reach < box.y0 or y - reach > box.y1
        assert apart
    for box in words:
        assert not crosses(np.array(box.extents), fronts)
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1


PAPER = (Source("published", "A paper"),)


def test_words_keep_off_error_bars_where_there_is_room_beside_them() -> None:
    blocked = [
        replace(
            row("third", 0.42, at),
            score=Accuracy("avg5", at, 0.007, sources=PAPER),
        )
        for at in (0.545, 0.575)
    ]  # their bars end just below and just above the middle of the largest arrow
    info = pareto_info(view(*two_families().rows, *blocked))
    figure = drawn(lambda: pareto_figure(info, PAGE), PAGE)
    [panel], axes = info.panels, figure.axes[0]
    ends = [bar for mark in panel.marks for bar in mark.bars]
    bars = np.array([axes.transData.transform(bar).ravel() for bar in ends])
    [faster, *_] = words_in(figure)
    assert faster.get_text() == "up to 4.5x faster"
    assert not crosses(np.array(extents(figure, [faster])[0].extents), bars)
