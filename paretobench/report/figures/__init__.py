"""The figures: each a function from a view to data, and from data to a drawing.

`choose` says which figures a view can fill, `select` picks some of them by name or by the
number they have in the FastVLM paper, and `save` writes one in all formats. Names of a view
are first put into characters that the font has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.errors import UnknownNameError
from paretobench.report.figures.card import CARD_DPI, card_figure, card_info
from paretobench.report.figures.diagnostics import drift_figure, drift_info, sum_figure, sum_info
from paretobench.report.figures.drawn import Drawing, drawing, save
from paretobench.report.figures.encoders import encoders_figure, encoders_info
from paretobench.report.figures.glyphs import legible
from paretobench.report.figures.latency import breakdown_figure, breakdown_info
from paretobench.report.figures.pareto import (
    MOST_IN_COLUMN,
    MOST_PANELS,
    pareto_figure,
    pareto_info,
)
from paretobench.report.figures.resolution import resolution_figure, resolution_info
from paretobench.report.figures.reuse import reuse_figure, reuse_info
from paretobench.report.figures.tiling import tiling_choices, tiling_info
from paretobench.report.figures.uncertainty import (
    uncertain_panel,
    uncertainty_figure,
    uncertainty_info,
)
from paretobench.report.files import file_stems
from paretobench.report.style import Style
from paretobench.report.view.rows import Panel, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawing", "choose", "drawing", "save", "save_card", "select"]

MOST_IN_LINES = 200
"""More points than this make no lines that a reader could follow."""

FEWEST_ENCODERS = 3
"""A figure that compares encoders needs as many."""

MOST_FRONTS = 6
"""Fronts with a file of their own beside the best covered one: the page shows every one, and
twenty pictures of three points each are of no use."""

MOST_BARS = 300
"""Points with a bar each in the breakdown; above it they could not be read, and drawing ten
thousand takes minutes."""

PAPER_NUMBERS = {
    "1": "encoders",
    "3": "resolution",
    "4": "pareto",
    "5": "latency",
    "6": "tiling",
}
"""Figures of the FastVLM paper and the kind of figure here that answers the same question."""


def choose(view: View, style: Style) -> dict[str, Drawing]:
    """The figures that this view can fill, by file name without ending."""
    return {
        name: partial(_drawn, figure, info, style)
        for name, figure, info in _fillable(legible(view, style), style)
    }


def _drawn(figure: Callable[[Any, Style], Figure], info: Callable[[], Any], style: Style) -> Figure:
    return figure(info(), style)


def select(chosen: Mapping[str, Drawing], only: Sequence[str] | None) -> dict[str, Drawing]:
    """The figures asked for: by name, by kind (`encoders` for all of these), by paper number.

    Args:
        chosen: what the view can fill, from `choose`.
        only: names, in any order; None for all.

    Raises:
        UnknownNameError: if the view fills no such figure; the message lists what it fills.

    >>> select({'pareto': None, 'encoders_a': None, 'encoders_b': None}, ['1', 'pareto']).keys()
    dict_keys(['pareto', 'encoders_a', 'encoders_b'])
    """
    if only is None:
        return dict(chosen)
    kept: set[str] = set()
    for wanted in only:
        kind = PAPER_NUMBERS.get(wanted.strip(), wanted.strip())
        exact = [name for name in chosen if name == kind]
        found = exact or [name for name in chosen if name.startswith(f"{kind}_")]
        if not found:
            numbers = ", ".join(PAPER_NUMBERS)
            hint = f"The paper's {numbers} are accepted where the data fill them."
            raise UnknownNameError("figure", wanted, chosen, hint)
        kept.update(found)
    return {name: draw for name, draw in chosen.items() if name in kept}


def save_card(view: View, folder: Path, style: Style) -> list[Path]:
    """Write the share card as `card.png`; nothing if no point has both a TTFT and a score."""
    info = card_info(legible(view, style))
    if info is None:
        return []
    return save(lambda: card_figure(info, style), folder / "card", style, ["png"], dpi=CARD_DPI)


def _fillable(
    view: View, style: Style
) -> Iterator[tuple[str, Callable[[Any, Style], Figure], Callable[[], Any]]]:
    """The name of each figure, what draws it, and what gives its data."""
    for name, panels in _pareto_files(view, style):
        yield name, pareto_figure, partial(pareto_info, view, panels)
    for name, llm, recipe in _encoder_files(view):
        yield name, encoders_figure, partial(encoders_info, view, llm, recipe)
    for name, key in _tiling_files(view):
        yield name, pareto_figure, partial(tiling_info, view, *key)
    panel = uncertain_panel(view)
    if panel is not None:
        yield "uncertainty", uncertainty_figure, partial(uncertainty_info, view, panel)
    bars = {row.identity for row in view.rows if row.encode_total and row.prefill}
    if 0 < len(bars) <= MOST_BARS:
        yield "latency", breakdown_figure, partial(breakdown_info, view)
    if any(len(points) > 1 for _, _, points in resolution_info(view).lines):
        yield "resolution", resolution_figure, partial(resolution_info, view)
    if any(row.ttft and row.one_piece for row in view.rows):
        yield "sum", sum_figure, partial(sum_info, view)
    if view.readings:
        yield "drift", drift_figure, partial(drift_info, view)
    if view.statistics is not None and view.statistics.workloads:
        yield "reuse", reuse_figure, partial(reuse_info, view)


def _tiling_files(view: View) -> list[tuple[str, tuple[str, str, str]]]:
    """File and choice of each figure that sets one image against tiles."""
    keys = tiling_choices(view)
    if len(keys) == 1:
        return [("tiling", keys[0])]
    stems = file_stems(["_".join(key[:2]) for key in keys])
    return [(f"tiling_{stems['_'.join(key[:2])]}", key) for key in keys]


def _pareto_files(view: View, style: Style) -> list[tuple[str, tuple[Panel, ...]]]:
    """One file for up to four recipes; with more, one each, the best covered as `pareto`."""
    panels = view.panels()
    if not panels and not view.unscored:
        return []
    if len(panels) <= (MOST_PANELS if style.is_wide else MOST_IN_COLUMN):
        return [("pareto", panels)]
    many = [panel for panel in panels[1:] if len(panel.rows) > 1][:MOST_FRONTS]
    several = len({panel.environment for panel in panels}) > 1
    names = [f"{p.recipe} {p.environment}" if several else p.recipe for p in many]
    stems = file_stems(names)
    others = zip(names, many, strict=True)
    return [("pareto", panels[:1]), *((f"pareto_{stems[n]}", (panel,)) for n, panel in others)]


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
    llms, recipes = (file_stems([key[place] for key in chosen]) for place in (0, 1))
    return [
        (f"encoders_{llms[llm]}" + (f"_{recipes[recipe]}" if several else ""), llm, recipe)
        for llm, recipe in chosen
    ]
