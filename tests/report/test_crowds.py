"""Reports of thousands of points: a cloud is an image, and nothing is worked out twice."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fontTools.subset import Options
from fontTools.ttLib import TTFont

from paretobench.report import Style, figures
from paretobench.report.figures.diagnostics import drift_figure, drift_info
from paretobench.report.figures.drawn import SHAPING
from paretobench.report.figures.marks import CROWD
from paretobench.report.figures.pareto import pareto_figure, pareto_info
from paretobench.report.page.data import payload
from paretobench.report.summary import MOST_LISTED, summary_text
from paretobench.report.view.front_membership import with_front_membership
from paretobench.report.view.rows import CanaryReading, Runs, View
from tests.report.grids import row, view


def cloud(count: int) -> View:
    """`count` points of two families, of which a handful are on a front."""
    dice = np.random.default_rng(count)
    times = np.exp(dice.uniform(np.log(0.03), np.log(3.0), count))
    rows = [
        row(
            f"family {i % 2}",
            float(time),
            float(np.clip(0.5 + 0.05 * np.log(time) - dice.exponential(0.05), 0.01, 0.99)),
            resolution_px=256 + i,
        )
        for i, time in enumerate(times)
    ]
    return with_front_membership(view(*rows))


def saved(shown: View, folder: Path) -> str:
    """The front figure as SVG."""
    style = Style()
    [path] = figures.save(
        lambda: pareto_figure(pareto_info(shown), style), folder / "pareto", style, ("svg",)
    )
    return path.read_text()


def test_a_cloud_is_one_image_in_a_vector_file_and_text_stays_text(tmp_path: Path) -> None:
    shown = cloud(CROWD + 200)
    svg = saved(shown, tmp_path)
    assert svg.count("<image ") == 1
    fronts = sum(r.front.is_on or r.front.is_on_family for r in shown.rows)
    assert fronts < svg.count("<use ") < 500
    assert ">dominated</text>" in svg and ">family 0</text>" in svg
    labels = {r.point_label for r in shown.rows if r.front.is_on}
    assert any(f">{label}</text>" in svg for label in labels)


def test_points_that_can_be_told_apart_stay_shapes(tmp_path: Path) -> None:
    svg = saved(cloud(CROWD), tmp_path)
    assert "<image " not in svg
    assert svg.count("<use ") > CROWD


def test_a_cloud_lies_under_the_fronts_and_its_markers_are_small() -> None:
    with figures.drawing(Style()):
        [axes] = pareto_figure(pareto_info(cloud(CROWD + 200)), Style()).axes
    clouds = [line for line in axes.lines if line.get_rasterized()]
    rest = [line for line in axes.lines if not line.get_rasterized()]
    lines = [line for line in rest if line.get_linestyle() != "None"]
    marked = [line for line in rest if line.get_marker() not in (None, "None", "")]
    band = min(line.get_zorder() for line in lines)
    for each in clouds:
        assert each.get_markersize() < min(line.get_markersize() for line in marked)
        assert band < each.get_zorder() < min(line.get_zorder() for line in marked)


def test_a_canary_over_thousands_of_processes_is_an_image_too(tmp_path: Path) -> None:
    readings = tuple(
        CanaryReading(f"2026-11-21T10:{i // 60:02d}:{i % 60:02d}+00:00", "w", 0.01, 0.01)
        for i in range(CROWD)
    )
    style = Style()
    for count, images in ((CROWD, 1), (CROWD // 4, 0)):
        info = drift_info(View((), readings=readings[:count]))
        [path] = figures.save(lambda info=info: drift_figure(info, style), tmp_path / "drift",
                              style, ("svg",))  # type: ignore[misc]  # fmt: skip
        assert path.read_text().count("<image ") == images


def test_a_figure_is_laid_out_once_for_all_its_formats(tmp_path: Path) -> None:
    drawn = []

    def draw() -> Any:
        drawn.append(1)
        return pareto_figure(pareto_info(cloud(20)), Style())

    written = figures.save(draw, tmp_path / "pareto", Style())
    assert [path.suffix for path in written] == [".png", ".svg", ".pdf"]
    assert len(drawn) == 1


def fonts_in(pdf: bytes) -> list[TTFont]:
    found = []
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(packed)
        except zlib.error:
            continue
        if content.startswith(b"\x00\x01\x00\x00"):
            found.append(TTFont(io.BytesIO(content)))
    return found


def test_a_pdf_carries_its_glyphs_and_no_rules_for_setting_them(tmp_path: Path) -> None:
    before = list(Options._drop_tables_default)
    style = Style()
    [path] = figures.save(
        lambda: pareto_figure(pareto_info(cloud(20)), style), tmp_path / "pareto", style, ("pdf",)
    )
    fonts = fonts_in(path.read_bytes())
    assert len(fonts) >= 2  # one for text, one for the title
    assert all("glyf" in font and not {*SHAPING} & {*font.keys()} for font in fonts)
    assert Options._drop_tables_default == before


def test_drawing_does_not_load_what_opens_windows() -> None:
    program = (
        "import sys\n"
        "from paretobench.report import Style, figures\n"
        "with figures.drawing(Style()):\n"
        "    import matplotlib.figure\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("is_shared", [True, False])
def test_runs_that_points_share_are_packed_as_runs_of_their_own_are(is_shared: bool) -> None:
    runs = Runs("encode", ((0.1, 0.2, 0.3),), 3, 1)
    own = [runs, runs] if is_shared else [runs, replace(runs)]
    shown = view(*(row(name, runs=(each,)) for name, each in zip("ab", own, strict=True)))
    data = payload(shown)
    assert len(data["runs"]) == 1
    assert [made[data["fields"].index("runs")] for made in data["rows"]] == [[0], [0]]


def test_the_summary_of_a_large_report_lists_its_fronts_and_names_the_whole_table() -> None:
    shown = cloud(MOST_LISTED + 1)
    text = summary_text(shown, [])
    table = text.split("## Points on a front")[1]
    on_show = sum(r.front.is_on or r.front.is_on_family for r in shown.rows)
    assert f"{on_show} rows of {MOST_LISTED + 1}" in table and "(table.csv)" in table
    assert sum(line.startswith("|") for line in table.splitlines()) == on_show + 2
    assert "## All points" in summary_text(cloud(MOST_LISTED), [])
