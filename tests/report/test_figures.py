"""What the figures say, compared as data; and that what is drawn is whole and legible."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from paretobench.analysis.stats import ratio
from paretobench.domain.records import Source
from paretobench.errors import DataError
from paretobench.report import Style, figures, render
from paretobench.report.figures.axes import plain_ticks, steps_through
from paretobench.report.figures.diagnostics import drift_info, sum_info
from paretobench.report.figures.encoders import encoders_figure, encoders_info
from paretobench.report.figures.labels import crosses
from paretobench.report.figures.latency import breakdown_figure, breakdown_info
from paretobench.report.figures.marks import Mark, look_of
from paretobench.report.figures.pareto import (
    PanelInfo,
    legend_entries,
    pareto_figure,
    pareto_info,
)
from paretobench.report.figures.resolution import resolution_info
from paretobench.report.view.front_membership import with_front_membership
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import Accuracy, CanaryReading, OnePiece, Row, Statistics, View
from tests.report.grids import estimate, family_view, guessed, row, view

COLUMN = Style(width_mm=85, font_pt=7)
PAGE = Style()


def drawn(draw: Any, style: Style) -> Any:
    with figures.drawing(style):
        figure = draw()
        figure.draw_without_rendering()  # lays out all text, at half the price
        return figure


def extents(figure: Any, artists: Any) -> list[Any]:
    renderer = figure.canvas.get_renderer()
    return [artist.get_window_extent(renderer) for artist in artists]


def labels_in(figure: Any) -> list[Any]:
    return [t for axes in figure.axes for t in axes.texts if t.get_gid() == "point-label"]


def overlaps(boxes: list[Any]) -> int:
    pairs = itertools.combinations(boxes, 2)
    return sum(a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1 for a, b in pairs)


def assert_no_text_is_cut_off(figure: Any, name: str) -> None:
    width, height = figure.canvas.get_width_height()
    texts = visible_texts(figure)
    for text, box in zip(texts, extents(figure, texts), strict=True):
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{name}: {text.get_text()!r} is cut off"


def assert_no_overlap(figure: Any, texts: list[Any], name: str) -> None:
    pairs = itertools.combinations(zip(texts, extents(figure, texts), strict=True), 2)
    for (a, box_a), (b, box_b) in pairs:
        said = f"{name}: {a.get_text()!r} overlaps {b.get_text()!r}"
        assert overlaps([box_a, box_b]) == 0, said


def scattered(count: int) -> View:
    """`count` points of four families along a rising, noisy curve."""
    random = np.random.default_rng(count)
    times = np.exp(random.uniform(np.log(0.03), np.log(3.0), count))
    rows = [
        row(
            f"family {i % 4}",
            float(t),
            float(0.5 + 0.05 * np.log10(t / 0.03) + random.normal(0, 0.012)),
            resolution_px=256 * (1 + i % 6),
            llm_label=("Q-0.5B", "Q-1.5B", "Q-7B")[i % 3],
            llm=f"q{i % 3}",
            size_label=("0.5B", "1.5B", "7B")[i % 3],
        )
        for i, t in enumerate(times)
    ]
    return view(*rows, title=f"{count} points", command="a command")


def test_the_data_of_a_panel_is_its_marks_and_its_fronts() -> None:
    shown = view(row("a", 0.1, 0.5), row("a", 0.2, 0.6, resolution_px=512), row("b", 0.3, 0.4))
    [panel] = pareto_info(shown).panels
    first = Mark(
        100.0, 50.0, "a", "Q-1B", "336", "front",
        (pytest.approx(98.0), pytest.approx(102.0)),  # type: ignore[arg-type]
        (pytest.approx(49.608, abs=1e-3), pytest.approx(50.392, abs=1e-3)),  # type: ignore[arg-type]
    )  # fmt: skip
    assert panel.marks[0] == first
    assert [mark.front_class for mark in panel.marks] == ["front", "front", "family"]
    assert panel.front == ((100.0, 50.0), (200.0, 60.0))
    assert dict(panel.family_fronts) == {"a": panel.front, "b": ((300.0, 40.0),)}


def test_no_error_bar_reaches_the_frame() -> None:
    far = replace(
        row("a", 0.2, 0.501),
        score=Accuracy("avg5", 0.501, 0.02, sources=(Source("published", "A paper"),)),
    )
    info = pareto_info(view(row("a", 0.1, 0.5), far))
    ends = [end for mark in info.panels[0].marks for end in mark.score_interval_percent or ()]
    low, high = info.score_limits
    assert low < min(ends) and max(ends) < high


def test_points_without_a_score_stand_in_the_strip_and_are_counted() -> None:
    info = pareto_info(family_view("some"))
    assert sum(len(strip.marks) for strip in info.strips) == 32
    assert len(info.panels[0].marks) == 16
    assert "32 measured without a score" in info.caption.subtitle


def test_a_predicted_point_is_drawn_apart_and_changes_neither_front_nor_claims() -> None:
    measured = (row("a", 0.1, 0.5), row("b", 0.3, 0.4))
    alone = pareto_info(view(*measured)).panels[0]
    info = pareto_info(view(*measured, guessed("a", 0.05, 0.9), guessed("c", 2.0, None)))
    [panel] = info.panels
    assert (panel.marks, panel.front, panel.family_fronts, panel.claims) == (
        alone.marks, alone.front, alone.family_fronts, alone.claims
    )  # fmt: skip
    [mark] = panel.predicted
    assert (mark.ttft_ms, mark.front_class, mark.label) == (50.0, "predicted", "~336")
    assert mark.ttft_interval_ms == (pytest.approx(40.0), pytest.approx(62.5))
    assert [one.front_class for strip in info.strips for one in strip.marks] == ["predicted"]
    assert {mark.family for mark in info.marks} == {"a", "b", "c"}
    assert "2 predicted" in info.caption.subtitle
    assert info.time_limits[0] < 50.0 and info.time_limits[1] > 2000.0


def test_the_legend_names_what_was_not_measured_where_there_is_any() -> None:
    def entries(*rows: Row) -> list[str]:
        info, style = pareto_info(view(*rows)), Style()
        look = look_of(style, info.palette, info.llms)
        return [one.get_label() for group in legend_entries(info, look) for one in group]

    said = "predicted (~), not measured"
    assert said in entries(row("a"), guessed("a", 0.2))
    assert said in entries(guessed("a", 0.2, None))
    assert said not in entries(row("a"))


def test_two_recipes_give_two_panels_and_neither_front_has_the_other_s_points() -> None:
    shown = view(row("a", 0.1, 0.9, recipe="rich"), row("b", 0.2, 0.5, recipe="poor"))
    info = pareto_info(shown)
    assert [panel.title for panel in info.panels] == ["recipe rich", "recipe poor"]
    assert [panel.front for panel in info.panels] == [((100.0, 90.0),), ((200.0, 50.0),)]


def test_many_recipes_give_a_file_each() -> None:
    rows = [row("a", 0.1 * (i + 1), 0.5, recipe=f"recipe {i % 5}") for i in range(11)]
    names = [name for name in figures.choose(view(*rows), PAGE) if name.startswith("pareto")]
    assert names == ["pareto", "pareto_recipe_1", "pareto_recipe_2", "pareto_recipe_3",
                     "pareto_recipe_4"]  # fmt: skip


@pytest.mark.parametrize("count", [10, 30, 60])
@pytest.mark.parametrize("style", [PAGE, COLUMN], ids=["page", "column"])
def test_labels_overlap_neither_each_other_nor_a_front_nor_the_frame(
    count: int, style: Style
) -> None:
    info = pareto_info(scattered(count))
    figure = drawn(lambda: pareto_figure(info, style), style)
    boxes = extents(figure, labels_in(figure))
    assert len(boxes) >= min(count, 10) * 0.9, "labels are drawn at all"
    assert overlaps(boxes) == 0
    axes, [panel] = figure.axes[0], info.panels
    frame = axes.get_window_extent()
    segments = front_segments(axes, panel)
    for box in boxes:
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert not crosses(np.array(box.extents), segments)


def front_segments(axes: Any, panel: PanelInfo) -> Any:
    fronts = [panel.front, *(corners for _, corners in panel.family_fronts)]
    lines = [steps_through(corners, corners[-1][0]) for corners in fronts if len(corners) > 1]
    pixels = [axes.transData.transform(line) for line in lines]
    return np.array([(*a, *b) for line in pixels for a, b in itertools.pairwise(line)])


@pytest.mark.parametrize("count", [10, 30])
def test_most_labels_find_a_place(count: int) -> None:
    figure = drawn(lambda: pareto_figure(pareto_info(scattered(count)), PAGE), PAGE)
    assert len(labels_in(figure)) >= 0.9 * count


def unsure_view() -> View:
    """30 points with their probabilities, and what it cost to measure them."""
    costs = Statistics(30, 60, 18, cells=72, samples=1440, measuring_s=431.0, product_s=1210.0)
    return with_front_membership(replace(scattered(30), statistics=costs))


LONG = "paretobench " + "x" * 300


def every_drawing(style: Style) -> dict[str, Any]:
    long_name = replace(
        row("a", 0.5, 0.55), encoder_label="An encoder of a very long name indeed", family="long"
    )
    everything = family_view("all")
    views: dict[str, tuple[View, tuple[str, ...]]] = {  # each kind of figure where it is fullest
        "checked": (checked_view(), ("pareto", "sum", "drift")),
        "all": (everything, ("pareto", "encoders_qwen2_7b", "latency", "resolution")),
        "one": (view(row("a")), ("pareto",)),
        "long": (view(long_name, row("b", 0.2, None), command=LONG), ("pareto", "latency")),
        "published": (
            published_view(recipe="llava-1.5"),
            ("pareto", "encoders_qwen2_0_5b", "encoders_vicuna_7b", "latency", "resolution"),
        ),
        "tiled": (published_view(recipe="15M+12.5M"), ("tiling",)),
        "unsure": (unsure_view(), ("uncertainty", "reuse")),
    }
    return {
        f"{kind} {name}": figures.choose(shown, style)[name]
        for kind, (shown, names) in views.items()
        for name in names
    }


@pytest.mark.parametrize("style", [PAGE, COLUMN], ids=["page", "column"])
def test_nothing_is_cut_off_and_no_two_texts_overlap(style: Style) -> None:
    for name, draw in every_drawing(style).items():
        figure = drawn(draw, style)
        assert_no_text_is_cut_off(figure, name)
        texts = [t for t in visible_texts(figure) if t.get_gid() != "point-label"]
        assert_no_overlap(figure, texts, name)


def full_view(count: int) -> View:
    """`count` points that fill every kind of figure: tiles, checks, canaries, costs, noise."""
    grid = {"tiling": "grid_2x2", "tiling_label": "2x2"}
    rows = [
        replace(
            each,
            one_piece=OnePiece(estimate(1.02)) if each.ttft else None,
            encoder_parameters=(1 + index % 4) * 1e8,
            **(grid if index % 5 == 0 else {}),
        )
        for index, each in enumerate(scattered(count).rows)
    ]
    costs = Statistics(count, 2 * count, count, cells=4 * count, samples=80, measuring_s=431.0,
                       product_s=1210.0)  # fmt: skip
    readings = tuple(
        CanaryReading(f"2026-11-21T10:{minute:02d}:00+00:00", "w", 0.01, 0.011, "ok")
        for minute in range(min(count, 60))
    )
    shown = view(*rows, title=f"{count} points", command="a command", environment="A chip")
    return with_front_membership(replace(shown, statistics=costs, readings=readings))


KINDS = ("pareto", "encoders", "tiling", "uncertainty", "latency", "resolution", "sum", "drift",
         "reuse")  # fmt: skip


@pytest.mark.parametrize("count", [10, 30, 60])
@pytest.mark.parametrize("style", [PAGE, COLUMN], ids=["page", "column"])
def test_in_no_figure_do_texts_overlap_whatever_the_number_of_points(
    count: int, style: Style
) -> None:
    chosen = figures.choose(full_view(count), style)
    one_of_each = {
        kind: next((name for name in chosen if name.split("_")[0] == kind), "") for kind in KINDS
    }
    assert all(one_of_each.values()), "every kind of figure is filled"
    for name in one_of_each.values():
        figure = drawn(chosen[name], style)
        assert_no_text_is_cut_off(figure, name)
        assert_no_overlap(figure, visible_texts(figure), name)


@pytest.mark.parametrize("style", [PAGE, COLUMN], ids=["page", "column"])
@pytest.mark.parametrize("best_ms", [600, 1100, 1290])
def test_an_arrow_s_words_touch_no_marker_and_an_arrow_without_room_is_left_out(
    best_ms: float, style: Style
) -> None:
    rows = [
        row("a", 0.15, 0.484), row("a", best_ms / 1e3, 0.559, resolution_px=1024),
        row("b", 1.31, 0.555), row("b", 3.0, 0.553, resolution_px=1024), row("c", 0.93, 0.473),
    ]  # fmt: skip
    info = encoders_info(
        view(*(replace(r, encoder_parameters=4e8) for r in rows)), "q", "llava-1.5"
    )
    figure = drawn(lambda: encoders_figure(info, style), style)
    [axes] = figure.axes
    words = [text for text in axes.texts if text.get_gid() == "arrow-label"]
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(words) == len(arrows)
    if style is PAGE:
        assert len(words) == (best_ms == 600), "the shorter ones have no room"
    places = axes.transData.transform(
        [(mark.ttft_ms, mark.score_percent) for line in info.lines for mark in line.marks]
    )
    for box in extents(figure, words):
        for x, y in places:
            assert not (box.x0 - 8 < x < box.x1 + 8 and box.y0 - 8 < y < box.y1 + 8)


def visible_texts(figure: Any) -> list[Any]:
    """Every text that is drawn, found by what owns it: an axis keeps stale tick labels."""
    found = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        found += [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            found += [tick.label1 for tick in ticks if tick.label1.get_visible()]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def test_without_any_score_the_strip_stands_alone() -> None:
    info = pareto_info(family_view("none"))
    assert info.panels == () and sum(len(strip.marks) for strip in info.strips) == 48
    drawn(lambda: pareto_figure(info, PAGE), PAGE)


def test_the_breakdown_has_both_parts_of_every_point() -> None:
    info = breakdown_info(family_view())
    assert [llm for llm, _ in info.groups] == ["Qwen2-0.5B", "Qwen2-1.5B", "Qwen2-7B"]
    bars = [bar for _, bars in info.groups for bar in bars]
    assert len(bars) == 48
    shown = {(r.encoder_label, r.point_label, r.llm_label): r for r in family_view().rows}
    for llm, group in info.groups:
        for bar in group:
            original = shown[bar.encoder, bar.label, llm]
            assert original.ttft is not None
            assert bar.encode_ms + bar.prefill_ms == pytest.approx(original.ttft.value * 1e3)
    drawn(lambda: breakdown_figure(info, PAGE), PAGE)


def test_figure_1a_of_the_paper_comes_out_of_its_tables() -> None:
    info = encoders_info(published_view(), "qwen2_0_5b", "llava-1.5")
    points = {
        (line.encoder, mark.label): (round(mark.ttft_ms, 1), mark.score_percent)
        for line in info.lines
        for mark in line.marks
    }
    assert len(points) == 11
    assert points["FastViTHD", "1024²"] == (166.8, pytest.approx(55.9))
    assert points["SigLIP-SO400M", "384²"] == (535.5, pytest.approx(55.5))
    assert info.arrow is not None
    assert (info.arrow.text, round(info.arrow.end[0], 1)) == ("up to 5.7x faster", 166.8)


def test_figure_1b_of_the_paper_comes_out_of_its_tables() -> None:
    info = encoders_info(published_view(), "vicuna_7b", "llava-1.5")
    assert {line.encoder for line in info.lines} == {
        "FastViTHD", "ViT-L/14", "ConvNeXt-L", "ConvNeXt-XXL"
    }  # fmt: skip
    drawn(lambda: encoders_figure(info, COLUMN), COLUMN)


def test_an_arrow_that_would_claim_nothing_is_not_drawn() -> None:
    shown = view(row("a", 0.2, 0.6), row("b", 0.1, 0.5), row("c", 0.1, 0.4))
    info = encoders_info(shown, "q", "llava-1.5")
    assert info.arrow is None


def test_a_report_has_every_file_and_its_vectors_keep_text_as_text(tmp_path: Path) -> None:
    written = render(family_view(), tmp_path)
    names = {path.name for path in written}
    assert names == {path.name for path in tmp_path.iterdir()}
    assert {"pareto.png", "pareto.svg", "pareto.pdf", "latency.png", "table.md", "table.csv",
            "README.md"} <= names  # fmt: skip
    svg = (tmp_path / "pareto.svg").read_text()
    assert ">FastViTHD</text>" in svg and ">1024</text>" in svg
    assert b"/CIDFontType2" in (tmp_path / "pareto.pdf").read_bytes() or (
        b"/FontFile2" in (tmp_path / "pareto.pdf").read_bytes()
    )


def test_the_same_view_gives_the_same_files(tmp_path: Path) -> None:
    shown = view(row("a"), row("b", 0.2, 0.6), row("c", 0.3, None))
    for folder in ("one", "two"):
        render(shown, tmp_path / folder, formats=("svg", "pdf"))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.filterwarnings("error")
def test_a_hostile_label_does_no_harm_to_a_figure(tmp_path: Path) -> None:
    hostile = replace(
        row("a"), encoder_label="<script>$\\frac{1}{0}$ & 🙂 يمين", family="$x_\x07🙂"
    )
    render(view(hostile, row("b", 0.2, None)), tmp_path, formats=("svg",))
    text = (tmp_path / "pareto.svg").read_text()
    assert "<script>" not in text and "$x_ □" in text
    ElementTree.fromstring(text)


def test_a_house_style_file_is_applied_and_the_caller_s_settings_survive(tmp_path: Path) -> None:
    import matplotlib as mpl

    house = tmp_path / "house.mplstyle"
    house.write_text("axes.facecolor: fafafa\n")
    before = mpl.rcParams["axes.facecolor"]
    with figures.drawing(Style(mplstyle=house)):
        assert mpl.rcParams["axes.facecolor"] == "#fafafa" or (
            mpl.rcParams["axes.facecolor"] == "fafafa"
        )
    assert mpl.rcParams["axes.facecolor"] == before


def test_a_report_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="name another place"):
        render(view(row("a")), tmp_path / "file", formats=("svg",))


@pytest.mark.parametrize(("low", "high"), [(1, 3), (20, 900), (5, 90000), (0.2, 4), (150, 190)])
def test_ticks_are_plain_and_neither_too_many_nor_none(low: float, high: float) -> None:
    ticks = plain_ticks(low, high)
    assert 1 <= len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)


def checked_view() -> View:
    """A sweep with two points checked end to end and a canary that moved once."""
    readings = tuple(
        CanaryReading(
            f"2026-11-21T10:{minute:02d}:00+00:00", "w", 0.01, 0.01 + (minute == 3) * 0.02,
            "suspect" if minute == 3 else "ok",
        )
        for minute in range(6)
    )  # fmt: skip
    rows = [
        replace(r, one_piece=OnePiece(ratio(estimate(r.ttft.value * 1.02), r.ttft)))
        if r.resolution_px == 512
        else r
        for r in family_view().rows
        if r.ttft
    ]
    return replace(family_view(), rows=tuple(rows), readings=readings)


def test_the_sum_is_set_against_the_whole_with_both_errors() -> None:
    info = sum_info(checked_view())
    assert len(info.checks) == 12
    assert info.checks[0].ratio == pytest.approx(1.02)
    low, high = info.checks[0].interval or (0, 0)
    assert low < info.checks[0].ratio < high
    assert "largest deviation 2.0 %" in info.caption.subtitle


def test_the_drift_figure_marks_the_process_whose_canary_moved() -> None:
    info = drift_info(checked_view())
    assert (len(info.before), len(info.after)) == (6, 5)
    assert info.suspect == ((3.0, pytest.approx(3.0)),)


def test_the_encoder_s_own_cost_is_shown_once_whatever_the_llm() -> None:
    info = resolution_info(family_view())
    lines = {encoder: [p.resolution_px for p in points] for encoder, _, points in info.lines}
    assert lines["FastViTHD"] == [256, 512, 768, 1024]
    assert lines["ViT-L/14"] == [336]
