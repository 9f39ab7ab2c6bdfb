"""The front figure on axes of another figure, for notebooks: no title, no footer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paretobench.report.figures.marks import label_marks, look_of
from paretobench.report.figures.pareto import draw_panel, front_lines, legend_entries, pareto_info
from paretobench.report.style import Style
from paretobench.report.view.rows import Panel, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes


def draw_pareto(view: View, panel: Panel, axes: Axes | None = None) -> Axes:
    """Draw one recipe's points and fronts.

    Args:
        panel: the rows to draw, one of `view.panels()`.
        axes: where; a new figure's by default.
    """
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.subplots(figsize=(9, 5), layout="constrained")[1]
    info = pareto_info(view, [panel])
    look = look_of(Style(), info.palette, info.llms)
    draw_panel(info, info.panels[0], axes, look)
    entries = [entry for group in legend_entries(info, look) for entry in group]
    beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
    axes.legend(handles=entries, fontsize=look.style.small_pt, **beside)
    axes.figure.canvas.draw()  # labels are placed by the size of what is drawn already
    label_marks(info.panels[0].every_mark, axes, look, front_lines(info, info.panels[0]))
    return axes
