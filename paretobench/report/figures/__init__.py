"""The figures: each a function from a view to data, and from data to a drawing.

`choose` says which figures a view can fill, `select` picks some of them by name or by the
number they have in the FastVLM paper, and `save` writes one in all formats. Names of a view
are first put into characters that the font has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.errors import UnknownNameError
from paretobench.report.figures.card import CARD_DPI, card_figure, card_info
from paretobench.report.figures.diagnostics import drift_figure, drift_info, sum_figure, sum_info
from paretobench.report.figures.drawn import DPI, FORMATS, Drawing, drawing, save
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

__all__ = ["DPI", "FORMATS", "Drawing", "choose", "drawing", "names", "save", "save_card", "select"]

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
    return dict(_fillable(legible(view, style), style))


def names(view: View) -> list[str]:
    """The names of the figures that this view can fill, without drawing any."""
    return list(choose(view, Style()))


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


def _fillable(view: View, style: Style) -> Iterator[tuple[str, Drawing]]:
    yield from _fronts(view, style)
    yield from _costs(view, style)
    if any(row.ttft and row.one_piece for row in view.rows):
        yield "sum", lambda: sum_figure(sum_info(view), style)
    if view.readings:
        yield "drift", lambda: drift_figure(drift_info(view), style)
    if view.statistics is not None and view.statistics.workloads:
        yield "reuse", lambda: reuse_figure(reuse_info(view), style)


def _fronts(view: View, style: Style) -> Iterator[tuple[str, Drawing]]:
    """The figures of accuracy against TTFT."""
    panels_of = _pareto_files(view.panels(), style) if view.scored or view.unscored else []
    for name, panels in panels_of:
        yield name, partial(_pareto, view, style, panels)
    for name, llm, recipe in _encoder_files(view):
        yield name, partial(_encoders, view, style, llm, recipe)
    for name, key in _tiling_files(view):
        yield name, partial(_tiling, view, style, key)
    panel = uncertain_panel(view)
    if panel is not None:
        yield "uncertainty", lambda: uncertainty_figure(uncertainty_info(view, panel), style)


def _pareto(view: View, style: Style, panels: Sequence[Panel]) -> Figure:
    return pareto_figure(pareto_info(view, panels), style)


def _encoders(view: View, style: Style, llm: str, recipe: str) -> Figure:
    return encoders_figure(encoders_info(view, llm, recipe), style)


def _tiling(view: View, style: Style, key: tuple[str, str, str]) -> Figure:
    return pareto_figure(tiling_info(view, *key), style)


def _costs(view: View, style: Style) -> Iterator[tuple[str, Drawing]]:
    """The figures of latency alone."""
    bars = {row.identity for row in view.rows if row.encode_total and row.prefill}
    if 0 < len(bars) <= MOST_BARS:
        yield "latency", lambda: breakdown_figure(breakdown_info(view), style)
    if any(len(points) > 1 for _, _, points in resolution_info(view).lines):
        yield "resolution", lambda: resolution_figure(resolution_info(view), style)


def _tiling_files(view: View) -> list[tuple[str, tuple[str, str, str]]]:
    """File and choice of each figure that sets one image against tiles."""
    keys = tiling_choices(view)
    if len(keys) == 1:
        return [("tiling", keys[0])]
    stems = file_stems(["_".join(key[:2]) for key in keys])
    return [(f"tiling_{stems['_'.join(key[:2])]}", key) for key in keys]


def _pareto_files(panels: Sequence[Panel], style: Style) -> list[tuple[str, tuple[Panel, ...]]]:
    """One file for up to four recipes; with more, one each, the best covered as `pareto`."""
    if len(panels) <= (MOST_PANELS if style.is_wide else MOST_IN_COLUMN):
        return [("pareto", tuple(panels))]
    many = [panel for panel in panels[1:] if len(panel.rows) > 1][:MOST_FRONTS]
    several = len({panel.environment for panel in panels}) > 1
    names = [f"{p.recipe} {p.environment}" if several else p.recipe for p in many]
    stems = file_stems(names)
    files: list[tuple[str, tuple[Panel, ...]]] = [("pareto", (panels[0],))]
    return files + [
        (f"pareto_{stems[name]}", (panel,)) for name, panel in zip(names, many, strict=True)
    ]


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
