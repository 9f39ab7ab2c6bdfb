"""Figures of results on axes of the caller's own: the same marks and fronts as in reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from paretobench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from paretobench.api.results import Results
    from paretobench.report.figures.on_axes import Axes
    from paretobench.report.view.rows import Panel


@dataclass(frozen=True)
class Plots:
    """The figures that results can draw; see `Results.plot`."""

    results: Results

    def pareto(self, recipe: str | None = None, ax: Axes | None = None) -> Axes:
        """Accuracy against time to first token (ms, log axis), with the front.

        Args:
            recipe: which recipe's points; needed where there are several.
            ax: axes to draw on; a new figure's by default.

        Returns:
            The axes; `ax.figure` is the figure.

        Raises:
            ConfigError: if there are several recipes and none is named.
            DataError: if no point has both a TTFT and a score.
            UnknownNameError: if there is no such recipe.
        """
        from paretobench.report.figures.on_axes import draw_pareto

        view = self.results.view
        return draw_pareto(view, self._panel(recipe), ax)

    def _panel(self, recipe: str | None) -> Panel:
        panels = self.results.of_recipe(recipe).panels()
        if not panels:
            raise DataError("no point has both a TTFT and a score, so there is nothing to draw")
        recipes = sorted({panel.recipe for panel in panels})
        if len(recipes) > 1:
            raise ConfigError(f"recipes never share a front; choose one: {', '.join(recipes)}")
        if len(panels) > 1:
            names = ", ".join(panel.environment for panel in panels)
            raise ConfigError(f"environments never share a front; open one of them: {names}")
        return panels[0]
