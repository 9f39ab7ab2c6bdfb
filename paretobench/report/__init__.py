"""The report: views of measured and published points, and the figures and tables of them.

    view = published_view()              # the paper's own points, from the bundled tables alone
    paths = render(view, Path("reports/published"))
    paths = render_devices({"cpu": view, "gpu": other}, Path("reports/devices"))

Nothing here measures anything or imports a deep-learning framework, and matplotlib is imported
only when a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from paretobench.report.devices import render_devices
from paretobench.report.gc_pause import passed_over
from paretobench.report.style import Style
from paretobench.report.view.rows import Row, View

__all__ = ["Row", "Style", "View", "render", "render_devices", "render_front"]


@passed_over()
def render(
    view: View,
    folder: Path,
    style: Style | None = None,
    formats: Sequence[str] = ("png", "svg", "pdf"),
    only: Sequence[str] | None = None,
) -> list[Path]:
    """Write the whole report of a view into a folder: figures, tables, summary, page.

    Args:
        folder: made if it does not exist; files in it with the same names are replaced whole.
        formats: of the figures.
        only: figures to write, by name, kind or number in the paper (see `figures.select`);
            then nothing but these is written. None for the whole report.

    Returns:
        Every path written, the front figure first.

    Raises:
        DataError: if the folder cannot be written.
        UnknownNameError: if `only` names a figure that this view cannot fill.
    """
    from paretobench.report import figures, tables
    from paretobench.report.drawing import save_all
    from paretobench.report.files import write_text
    from paretobench.report.page import page_text
    from paretobench.report.summary import summary_text

    style = style or Style()
    chosen = figures.select(figures.choose(view, style), only)
    if only is not None:
        return save_all(chosen, folder, style, formats)
    texts: dict[str, Callable[[], str]] = {
        "index.html": lambda: page_text(view),
        "table.md": lambda: tables.markdown_text(view),
        "table.csv": lambda: tables.csv_text(view),
        "table.tex": lambda: tables.latex_text(view),
        "table.json": lambda: tables.json_text(view),
        "README.md": lambda: summary_text(view, list(chosen), formats),
    }
    return save_all(
        chosen,
        folder,
        style,
        formats,
        meanwhile=lambda: [
            *(write_text(folder / name, text()) for name, text in texts.items()),
            *figures.save_card(view, folder, style),
        ],
    )


@passed_over()
def render_front(view: View, folder: Path, style: Style | None = None) -> list[Path]:
    """Write what a front so far needs: its figure, and the tables as Markdown and CSV.

    Returns:
        Every path written, the figure first; none where no point is timed and scored.

    Raises:
        DataError: if the folder cannot be written.
    """
    from paretobench.report import figures, tables
    from paretobench.report.drawing import save_all
    from paretobench.report.files import write_text

    if not view.scored:
        return []
    style = style or Style()
    name, draw = next(iter(figures.choose(view, style).items()))
    paths = save_all({name: draw}, folder, style, ("png", "svg", "pdf"))
    texts = {"table.md": tables.markdown_text(view), "table.csv": tables.csv_text(view)}
    return [*paths, *(write_text(folder / name, text) for name, text in texts.items())]
