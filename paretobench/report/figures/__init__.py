"""The figures: each a function from a view to data, and from data to a drawing.

`draw_all` says which figures a view can fill; `save` writes one in all formats. matplotlib is
imported only when something is drawn, and always with its file-only backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.report.figures.checks import drift_figure, drift_info, sum_figure, sum_info
from paretobench.report.figures.encoders import encoders_figure, encoders_info
from paretobench.report.figures.latency import breakdown_figure, breakdown_info
from paretobench.report.figures.pareto import MOST_PANELS, pareto_figure, pareto_info
from paretobench.report.figures.resolution import resolution_figure, resolution_info
from paretobench.report.files import file_stem, write_whole
from paretobench.report.style import Style
from paretobench.report.view import Panel, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
"""Every figure is written in these: raster for a page, vectors with text as text."""

DPI = 200

MOST_IN_LINES = 200
"""More points than this make no lines that a reader could follow."""

FEWEST_ENCODERS = 3
"""A figure that compares encoders needs as many."""

Drawing = Callable[[], "Figure"]


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Run a block with the style's matplotlib settings, and leave the caller's untouched."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcParams.update(mpl.rcParamsDefault)  # a user's matplotlibrc must not change a report
        mpl.rcParams.update(style.rc())  # type: ignore[arg-type]
        if style.mplstyle is not None:
            from matplotlib import style as styles

            styles.use(style.mplstyle)
        yield


def save(draw: Drawing, stem: Path, style: Style, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Draw once and write `stem.png`, `stem.svg` and `stem.pdf`, each whole or not at all."""
    with drawing(style):
        figure = draw()
        written = []
        for kind in formats:
            path = stem.with_name(f"{stem.name}.{kind}")
            metadata = (
                None if kind == "png" else {"Date" if kind == "svg" else "CreationDate": None}
            )
            written.append(
                write_whole(
                    path,
                    lambda to, kind=kind, metadata=metadata: figure.savefig(  # type: ignore[misc]
                        to, format=kind, dpi=DPI, metadata=metadata
                    ),
                )
            )
    return written


def choose(view: View, style: Style) -> dict[str, Drawing]:
    """The figures that this view can fill, by file name without ending."""
    chosen: dict[str, Drawing] = {}
    panels_of = _pareto_files(view.panels()) if view.scored or view.unscored else []
    for name, panels in panels_of:
        chosen[name] = lambda panels=panels: pareto_figure(  # type: ignore[misc]
            pareto_info(view, panels), style
        )
    for name, llm, recipe in _encoder_files(view):
        chosen[name] = lambda llm=llm, recipe=recipe: encoders_figure(  # type: ignore[misc]
            encoders_info(view, llm, recipe), style
        )
    if any(row.encode_total and row.prefill for row in view.rows):
        chosen["latency"] = lambda: breakdown_figure(breakdown_info(view), style)
    if any(len(points) > 1 for _, _, points in resolution_info(view).lines):
        chosen["resolution"] = lambda: resolution_figure(resolution_info(view), style)
    if any(row.ttft and row.end_to_end for row in view.rows):
        chosen["sum"] = lambda: sum_figure(sum_info(view), style)
    if view.readings:
        chosen["drift"] = lambda: drift_figure(drift_info(view), style)
    return chosen


def _pareto_files(panels: Sequence[Panel]) -> list[tuple[str, tuple[Panel, ...]]]:
    """One file for up to four recipes; with more, one each, the best covered as `pareto`."""
    if len(panels) <= MOST_PANELS:
        return [("pareto", tuple(panels))]
    many = [panel for panel in panels[1:] if len(panel.rows) > 1]
    files: list[tuple[str, tuple[Panel, ...]]] = [("pareto", (panels[0],))]
    return files + [(f"pareto_{file_stem(panel.recipe)}", (panel,)) for panel in many]


def _encoder_files(view: View) -> list[tuple[str, str, str]]:
    """File, LLM and recipe of each figure that compares at least three encoders."""
    encoders: dict[tuple[str, str], list[str]] = {}
    for row in view.scored:
        encoders.setdefault((row.llm, row.recipe), []).append(row.encoder)
    chosen = [
        key
        for key, names in encoders.items()
        if len(set(names)) >= FEWEST_ENCODERS and len(names) <= MOST_IN_LINES
    ]
    several = len({recipe for _, recipe in chosen}) > 1
    return [
        (f"encoders_{file_stem(llm)}" + (f"_{file_stem(recipe)}" if several else ""), llm, recipe)
        for llm, recipe in chosen
    ]
