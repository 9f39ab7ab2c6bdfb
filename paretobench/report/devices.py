"""The report over several devices: each against the first, and a front for each.

    paths = render_devices({"cpu": a_view, "gpu": another}, Path("reports/devices"))

One view per device; what the figures show of them is in `figures.devices`. Rows of different
devices are shown side by side and never on one front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.report.files import file_stems, write_text
from paretobench.report.formatting import estimate_ms
from paretobench.report.style import Style
from paretobench.report.tables.markup import csv_table, markdown_cell, markdown_table
from paretobench.report.view.rows import Row, View
from paretobench.units import MISSING, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paretobench.report.figures import Drawing


def render_devices(
    views: Mapping[str, View],
    folder: Path,
    style: Style | None = None,
    formats: Sequence[str] = ("png", "svg", "pdf"),
) -> list[Path]:
    """Write the figures and tables that set several devices against one another.

    `devices` has the times of each further device against the first, `device_fronts` a front
    for each device (one file per recipe if there are several), `devices.md` and `devices.csv`
    every point's time on every device, `index.html` the page with a front for each.

    Args:
        views: one per device, by the name to show, the first being what the others are set
            against.
        folder: made if it does not exist.
        formats: of the figures.

    Returns:
        Every path written.

    Raises:
        DataError: if there are fewer than two devices, they have no point in common, their
            protocols differ, or the folder cannot be written.
    """
    from paretobench.report.drawing import save_all
    from paretobench.report.page import page_text
    from paretobench.report.view.environments import joined

    style = style or Style()
    written = save_all(choose_devices(views, style), folder, style, formats)
    texts = {
        "index.html": page_text(joined(views)),
        "devices.md": devices_markdown(views),
        "devices.csv": devices_csv(views),
    }
    return written + [write_text(folder / name, text) for name, text in texts.items()]


def choose_devices(views: Mapping[str, View], style: Style) -> dict[str, Drawing]:
    """The figures over these devices, by file name without ending.

    Raises:
        DataError: as `render_devices`.
    """
    from paretobench.report.figures import devices
    from paretobench.report.figures.glyphs import legible, legible_text

    shown = {legible_text(name, style): legible(view, style) for name, view in views.items()}
    info = devices.versus_info(shown)
    drawings: dict[str, Drawing] = {"devices": lambda: devices.versus_figure(info, style)}
    recipes = devices.recipes_of(shown)
    stems = file_stems(recipes)
    for recipe in recipes:
        ending = f"_{stems[recipe]}" if len(recipes) > 1 else ""
        drawings[f"device_fronts{ending}"] = partial(_fronts, shown, recipe, style)
    return drawings


def _fronts(views: Mapping[str, View], recipe: str, style: Style) -> Figure:
    from paretobench.report.figures import devices, pareto

    return pareto.pareto_figure(devices.fronts_info(views, recipe), style)


def devices_markdown(views: Mapping[str, View]) -> str:
    """Every point's TTFT on every device with its interval, and its ratio to the first."""
    first, *others = views
    headings = ["point", *(f"{name}: TTFT ms [95% CI]" for name in views)]
    headings += [f"{name} / {first}" for name in others]
    lines = []
    for rows in _by_point(views):
        some = next(row for row in rows.values() if row is not None)
        times = [estimate_ms(row.ttft if row else None) for row in rows.values()]
        ratios = [_ratio(rows[first], rows[name]) for name in others]
        lines.append([markdown_cell(str(some)), *times, *ratios])
    is_number = [heading != "point" for heading in headings]
    return markdown_table([markdown_cell(heading) for heading in headings], is_number, lines)


def devices_csv(views: Mapping[str, View]) -> str:
    """One line per point and device: raw seconds, the interval, and where they were timed."""
    names = ("device", "environment", "encoder", "resolution_px", "llm", "tiling", "ttft_s",
             "ttft_low_s", "ttft_high_s", "latency_source")  # fmt: skip
    cells = [
        (
            name,
            views[name].environment,
            *row.identity,
            row.ttft.value,
            row.ttft.low,
            row.ttft.high,
            row.latency_source,
        )
        for rows in _by_point(views)
        for name, row in rows.items()
        if row is not None and row.ttft is not None
    ]
    return csv_table(names, cells)


def _by_point(views: Mapping[str, View]) -> list[dict[str, Row | None]]:
    """For each point that any device timed, its row on every device."""
    from paretobench.report.figures.devices import timed

    by_device = {name: timed(view) for name, view in views.items()}
    identities = dict.fromkeys(key for rows in by_device.values() for key in rows)
    return [{name: rows.get(key) for name, rows in by_device.items()} for key in identities]


def _ratio(first: Row | None, other: Row | None) -> str:
    if first is None or other is None or first.ttft is None or other.ttft is None:
        return MISSING
    return significant(other.ttft.value / first.ttft.value)
