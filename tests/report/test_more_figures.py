"""The figures of tiles, of uncertainty and of cost, and how figures are picked by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.errors import UnknownNameError
from paretobench.report import Style, figures, render
from paretobench.report.figures.glyphs import BOX, glyphs_of, legible, substituted
from paretobench.report.figures.reuse import reuse_info
from paretobench.report.figures.tiling import tiling_choices, tiling_info
from paretobench.report.figures.uncertainty import uncertain_panel, uncertainty_info
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import View
from tests.report.grids import row, view
from tests.report.test_figures import scattered, unsure_view

HOUSE = Style()


def tiled_view() -> View:
    """Two points of one image and two of tiles, of the same encoder."""
    grid = {"tiling": "grid_2x2", "tiling_label": "2x2"}
    return view(
        row("a", 0.1, 0.5),
        row("a", 0.2, 0.6, resolution_px=512),
        row("a", 0.3, 0.58, resolution_px=672, **grid),
        row("a", 0.5, 0.65, resolution_px=1024, **grid),
        row("b", 0.4, 0.55),
    )


def test_one_image_and_tiles_each_have_their_front_and_the_grid_is_in_the_label() -> None:
    shown = tiled_view()
    assert tiling_choices(shown) == [("a", "llava-1.5", "a chip")]
    [panel] = tiling_info(shown, "a", "llava-1.5", "a chip").panels
    assert [mark.label for mark in panel.marks] == ["336", "512", "672 (2x2)", "1024 (2x2)"]
    assert dict(panel.family_fronts) == {
        "one image": ((100.0, 50.0), (200.0, 60.0)),
        "tiles": ((300.0, pytest.approx(58.0)), (500.0, 65.0)),
    }
    assert panel.front == ((100.0, 50.0), (200.0, 60.0), (500.0, 65.0))


def test_figure_6_of_the_paper_has_its_question_answered_by_published_points() -> None:
    shown = published_view(recipe="15M+12.5M")
    [panel] = tiling_info(shown, *tiling_choices(shown)[0]).panels
    tiled = {(mark.llm, round(mark.ttft_ms)): mark.label for mark in panel.marks
             if mark.family == "tiles"}  # fmt: skip
    assert tiled == {
        ("Qwen2-0.5B", 918): "2048 (2x2)",
        ("Qwen2-1.5B", 1263): "2048 (2x2)",
        ("Qwen2-7B", 3721): "2048 (2x2)",
    }


def test_an_encoder_without_tiles_has_no_figure_of_them() -> None:
    assert tiling_choices(view(row("a"), row("b", tiling="grid_2x2"))) == []
    assert "tiling" not in figures.choose(view(row("a")), HOUSE)


def test_the_fill_of_the_uncertainty_figure_is_the_class_of_the_tables() -> None:
    shown = unsure_view()
    panel = uncertain_panel(shown)
    assert panel is not None
    info = uncertainty_info(shown, panel)
    classes = [row.front.verdict for row in panel.rows]
    fills = {"on": "front", "ambiguous": "family", "off": "dominated"}
    assert [mark.front_class for mark in info.marks] == [fills[name] for name in classes]
    said = {name: classes.count(name) for name in fills}
    assert f"{said['on']} on, {said['ambiguous']} ambiguous, {said['off']} off" in (
        info.caption.subtitle
    )
    assert sum(mark.label.endswith("%") for mark in info.marks) == said["ambiguous"]


def test_the_band_holds_its_median_rises_with_time_and_is_the_same_twice() -> None:
    shown = unsure_view()
    panel = uncertain_panel(shown)
    assert panel is not None
    band = uncertainty_info(shown, panel).band
    assert all(point.low <= point.middle <= point.high for point in band)
    assert [p.middle for p in band] == sorted(p.middle for p in band)
    assert band == uncertainty_info(shown, panel).band


def test_the_median_of_the_band_ends_at_the_best_score() -> None:
    shown = unsure_view()
    panel = uncertain_panel(shown)
    assert panel is not None
    best = max(row.score.value for row in panel.rows if row.score) * 100
    assert uncertainty_info(shown, panel).band[-1].middle == pytest.approx(best, abs=0.1)


def test_published_points_of_unknown_latency_noise_get_no_uncertainty_figure() -> None:
    assert uncertain_panel(published_view()) is None
    assert uncertain_panel(scattered(10)) is None, "no classes were computed"


def test_the_reuse_figure_says_what_the_statistics_say() -> None:
    info = reuse_info(unsure_view())
    assert [saving.texts for saving in info.savings] == [
        ("60 parts", "18 workloads"),
        ("about 20 min 10 s", "7 min 11 s"),
    ]
    assert info.caption.subtitle == (
        "30 points, 72 processes, 1,440 timed runs, reuse made it 2.8x cheaper"
    )
    with pytest.raises(ValueError, match="without statistics"):
        reuse_info(view(row("a")))


def test_a_figure_is_picked_by_name_by_kind_and_by_its_number_in_the_paper() -> None:
    chosen = figures.choose(published_view(), HOUSE)
    assert list(figures.select(chosen, ["4"])) == ["pareto"]
    assert list(figures.select(chosen, ["1"])) == [n for n in chosen if n.startswith("encoders_")]
    assert list(figures.select(chosen, ["latency", "pareto"])) == ["pareto", "latency"]
    assert figures.select(chosen, None) == chosen


def test_a_figure_that_the_data_cannot_fill_is_named_with_those_they_can() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown figure '6'.*Known: latency, pareto"):
        figures.select(figures.choose(view(row("a")), HOUSE), ["6"])
    with pytest.raises(UnknownNameError, match="did you mean 'pareto'"):
        figures.select(figures.choose(view(row("a")), HOUSE), ["paretto"])


def test_only_the_figures_asked_for_are_written(tmp_path: Path) -> None:
    written = render(view(row("a")), tmp_path, formats=("svg",), only=["5"])
    assert [path.name for path in written] == ["latency.svg"]
    assert [path.name for path in tmp_path.iterdir()] == ["latency.svg"]


def test_what_the_font_lacks_becomes_a_box_and_the_rest_stays() -> None:
    glyphs = glyphs_of(HOUSE)
    assert substituted("ViT 🙂 é ± ×", glyphs) == f"ViT {BOX} é ± ×"
    assert substituted("a\u202eb\x00c\u200d", glyphs) == "ab c"
    assert ord(BOX) in glyphs


def test_a_view_in_plain_text_is_not_copied() -> None:
    shown = scattered(10)
    assert legible(shown, HOUSE) is shown
    odd = replace(shown, title="🙂")
    assert legible(odd, HOUSE).title == BOX
    assert legible(odd, HOUSE).rows[0] is odd.rows[0]


def test_a_breakdown_of_more_bars_than_anybody_reads_is_not_drawn() -> None:
    def many(count: int) -> View:
        return view(*(row("a", 0.1 + i / 1000, None, resolution_px=i + 1) for i in range(count)))

    assert "latency" in figures.choose(many(figures.MOST_BARS), HOUSE)
    assert "latency" not in figures.choose(many(figures.MOST_BARS + 1), HOUSE)
