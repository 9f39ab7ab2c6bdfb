"""Device against device: the same points, each device's own front, and nothing joined."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.errors import DataError
from paretobench.report import Style, render_devices
from paretobench.report.devices import choose_devices, devices_csv, devices_markdown
from paretobench.report.figures.devices import fronts_info, ratio_text, recipes_of, versus_info
from paretobench.report.view.rows import View, with_fronts
from tests.report.grids import estimate, family_view, keyed, row, view
from tests.report.test_figures import (
    assert_no_overlap,
    assert_no_text_is_cut_off,
    drawn,
    visible_texts,
)

PARTS = ("encode", "encode_total", "prefill", "ttft")
STYLES = [Style(), Style(width_mm=85, font_pt=7)]


def elsewhere(shown: View, factor: float, place: str, seed: int = 0) -> View:
    """The same points on another device: `factor` times as long, give or take a half."""
    rng = random.Random(seed)
    rows = []
    for each in shown.rows:
        scale = factor * rng.uniform(0.7, 1.5)
        times = {name: estimate(getattr(each, name).value * scale) for name in PARTS}
        rows.append(keyed(replace(each, environment=place, **times)))
    return with_fronts(replace(shown, rows=tuple(rows), environment=place))


def two_devices() -> dict[str, View]:
    here = family_view("all")
    return {"cpu": here, "gpu": elsewhere(here, 0.12, "A Faster Chip, 96 GiB")}


def four_devices() -> dict[str, View]:
    here = family_view("all")
    slow = elsewhere(here, 3.0, "A Slow Chip", 1)
    name = "An Example Processor with a long name (onnxruntime, int8)"
    return {**two_devices(), name: slow, "alike": elsewhere(here, 1.0, "Another", 2)}


def test_a_mark_is_one_point_s_time_on_both_devices() -> None:
    ours = view(row("a", 0.1), row("a", 0.4, resolution_px=512), row("b", 0.3))
    theirs = view(row("a", 0.05), row("a", 0.1, resolution_px=512), row("c", 0.7))
    [panel] = versus_info({"cpu": ours, "gpu": theirs}).panels
    places = [(mark.ttft_ms, mark.score_percent) for mark in panel.marks]
    assert places == [(100.0, 50.0), (400.0, 100.0)]
    assert panel.marks[0].score_interval_percent == (pytest.approx(49.0), pytest.approx(51.0))
    assert panel.ratio == pytest.approx((0.5 + 0.25) / 2)
    assert panel.alone == 2


def test_recipes_of_one_point_are_one_mark() -> None:
    twice = view(row("a", 0.1, recipe="one"), row("a", 0.1, 0.6, recipe="two"))
    [panel] = versus_info({"cpu": twice, "gpu": twice}).panels
    assert len(panel.marks) == 1


def test_every_footer_names_both_environments() -> None:
    views = two_devices()
    for info in (versus_info(views), fronts_info(views, "llava-1.5")):
        footer = "\n".join(info.caption.footer)
        assert "cpu: An Example Processor 8000" in footer
        assert "gpu: A Faster Chip, 96 GiB" in footer
        assert "$ paretobench sweep +grid=qwen2_family" in footer


def test_a_front_never_has_points_of_two_devices() -> None:
    here = family_view("all")
    faster = elsewhere(here, 0.01, "much faster")
    views = {"slow": here, "fast": faster}
    panels = {panel.title: panel for panel in fronts_info(views, "llava-1.5").panels}
    alone = {name: {r.ttft.value * 1e3 for r in shown.rows if r.ttft and r.front.is_on}
             for name, shown in views.items()}  # fmt: skip
    assert {name: {time for time, _ in panel.front} for name, panel in panels.items()} == alone


def test_each_recipe_has_its_fronts_and_points_without_a_score_are_in_no_panel() -> None:
    ours = view(row("a", 0.1, recipe="r"), row("b", 0.2, recipe="s"), row("c", 0.3, None))
    views = {"cpu": ours, "gpu": ours}
    assert recipes_of(views) == ["r", "s"]
    assert list(choose_devices(views, Style())) == ["devices", "device_fronts_r",
                                                    "device_fronts_s"]  # fmt: skip
    info = fronts_info(views, "r")
    assert [len(panel.marks) for panel in info.panels] == [1, 1] and info.strips == ()


def test_without_scores_only_the_times_are_drawn() -> None:
    ours = family_view("none")
    assert list(choose_devices({"cpu": ours, "gpu": ours}, Style())) == ["devices"]


@pytest.mark.parametrize("style", STYLES, ids=["page", "column"])
@pytest.mark.parametrize("devices", [two_devices, four_devices])
def test_nothing_in_the_device_figures_is_cut_off_or_overlaps(
    devices: object, style: Style
) -> None:
    for name, draw in choose_devices(devices(), style).items():  # type: ignore[operator]
        figure = drawn(draw, style)
        assert_no_text_is_cut_off(figure, name)
        assert_no_overlap(figure, visible_texts(figure), name)


def test_the_report_over_devices_has_figures_and_tables(tmp_path: Path) -> None:
    written = render_devices(two_devices(), tmp_path / "new", formats=("svg",))
    assert {path.name for path in written} == {"devices.svg", "device_fronts.svg", "devices.md",
                                               "devices.csv", "index.html"}  # fmt: skip
    assert all(path.stat().st_size for path in written)


def test_the_tables_have_every_point_of_every_device_and_the_ratio() -> None:
    ours = view(row("a", 0.1), row("b", 0.3))
    theirs = view(row("a", 0.05), row("c", 0.7))
    views = {"cpu": ours, "gpu | fast": theirs}
    lines = devices_markdown(views).splitlines()
    assert lines[0] == (
        r"| point | cpu: TTFT ms [95% CI] | gpu \| fast: TTFT ms [95% CI] | gpu \| fast / cpu |"
    )
    assert lines[2] == "| a@336 + Q-1B | 100 [98.0, 102] | 50.0 [49.0, 51.0] | 0.500 |"
    assert lines[4] == "| c@336 + Q-1B | – | 700 [686, 714] | – |"
    read = list(csv.DictReader(io.StringIO(devices_csv(views))))
    assert [(each["device"], each["encoder"], float(each["ttft_s"])) for each in read] == [
        ("cpu", "a", 0.1), ("gpu | fast", "a", 0.05), ("cpu", "b", 0.3), ("gpu | fast", "c", 0.7)
    ]  # fmt: skip


def test_one_device_alone_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="1 device to compare, and two are needed"):
        versus_info({"cpu": view(row("a"))})


def test_devices_without_a_common_point_are_refused() -> None:
    with pytest.raises(DataError, match="gpu timed no point that the first device timed"):
        versus_info({"cpu": view(row("a")), "gpu": view(row("b"))})


def test_times_of_different_protocols_are_not_compared() -> None:
    views = {"cpu": view(row("a"), protocol="paper"), "gpu": view(row("a"), protocol="full")}
    with pytest.raises(DataError, match=r"different protocols .*cpu: paper, gpu: full"):
        versus_info(views)


@pytest.mark.parametrize(
    ("ratio", "said"), [(1.004, "equal"), (3.0, "3.0x slower"), (1 / 12.5, "12x faster")]
)
def test_a_ratio_is_said_in_words(ratio: float, said: str) -> None:
    assert ratio_text(ratio) == said
