"""The sheet a figure is drawn on: title and legends above, panels, provenance below.

Everything is measured in inches from real text sizes, and the sheet grows to hold it, so a
long legend, a long encoder name or a long command never runs into the data or off the edge.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paretobench.report.figures.marks import POINTS_PER_INCH
from paretobench.report.style import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONG_WORD = 60
"""Letters beyond which a word may be broken: a list of names in a command."""

EDGE_IN = 0.06
"""White space along the edge of a sheet."""

HANDLE_EM, GAP_EM, COLUMN_EM = 2.9, 0.5, 1.3
"""A legend's symbols, what is between them and their words, and between its columns."""


@dataclass(frozen=True)
class Caption:
    """The words around a figure: what it shows, and where it comes from."""

    title: str = ""
    subtitle: str = ""
    footer: tuple[str, ...] = ()


@dataclass
class Sheet:
    """A figure in the making: axes in rows, each row with a height in inches.

    Attributes:
        rows: axes from top to bottom; those in one row share its height.
        heights_in: one height per row, without tick labels and titles.
    """

    figure: Figure
    style: Style
    rows: list[list[Axes]] = field(default_factory=list)
    heights_in: list[float] = field(default_factory=list)

    def add_row(self, count: int, height_in: float) -> list[Axes]:
        """Add a row of `count` axes side by side."""
        axes = [
            self.figure.add_axes((0.1, 0.1, 0.8, 0.8), label=f"{len(self.rows)}-{i}")
            for i in range(count)
        ]
        self.rows.append(axes)
        self.heights_in.append(height_in)
        return axes

    def add_rows(self, count: int, columns: int, height_in: float) -> list[Axes]:
        """Add `count` axes in rows of up to `columns`."""
        starts = range(0, count, columns)
        rows = [self.add_row(min(columns, count - start), height_in) for start in starts]
        return [axes for row in rows for axes in row]


def new_sheet(style: Style) -> Sheet:
    """An empty sheet of the style's width; `finish` gives it its height."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(style.width_in, style.width_in), dpi=100)
    FigureCanvasAgg(figure)
    return Sheet(figure, style)


def finish(sheet: Sheet, caption: Caption, legends: Sequence[Sequence[Any]]) -> Figure:
    """Write title, legends and footer, then give every axes its final place.

    Args:
        legends: rows of legend entries (matplotlib artists with labels), top to bottom.
    """
    header = _header(sheet, caption)
    artists = [*header, *_legends(sheet, [entries for entries in legends if entries])]
    footer = _footer(sheet, caption.footer)
    gap = sheet.style.font_pt / POINTS_PER_INCH
    tops = [_height(sheet, artist) for artist in artists]
    above = EDGE_IN + sum(tops) + (gap * 0.35) * len(tops)
    below = EDGE_IN + (_height(sheet, footer) + gap * 0.6 if footer is not None else 0.0)
    _place_rows(sheet, above, below)
    y = EDGE_IN
    for artist, height in zip(artists, tops, strict=True):
        _put_top(sheet, artist, y)
        y += height + gap * 0.35
    if footer is not None:
        width, height = sheet.figure.get_size_inches()
        footer.set_position((EDGE_IN / width, EDGE_IN / height))
    return sheet.figure


def _header(sheet: Sheet, caption: Caption) -> list[Any]:
    style = sheet.style
    made: list[Any] = []
    for text, size, weight, colour in (
        (caption.title, style.font_pt * 1.15, "bold", style.ink),
        (caption.subtitle, style.small_pt, "normal", style.grey),
    ):
        if text and style.has_title:
            look: dict[str, Any] = {"fontsize": size, "fontweight": weight, "color": colour}
            wrapped = wrap(sheet, text, look)
            made.append(sheet.figure.text(0, 1, wrapped, va="top", ha="left", **look))
    return made


def _footer(sheet: Sheet, lines: Sequence[str]) -> Any | None:
    if not lines:
        return None
    look: dict[str, Any] = {"fontsize": sheet.style.tiny_pt, "color": sheet.style.grey}
    text = "\n".join(wrap(sheet, line, look) for line in lines if line)
    return sheet.figure.text(0, 0, text, va="bottom", ha="left", linespacing=1.25, **look)


def wrap(sheet: Sheet, text: str, look: dict[str, Any]) -> str:
    """Break a text into lines that fit the sheet, by their real width; see `_pieces`."""
    room = (sheet.style.width_in - 2 * EDGE_IN) * sheet.figure.dpi
    probe = sheet.figure.text(0, 0, "", **look)

    def is_too_long(count: int) -> bool:
        probe.set_text("".join(pieces[:count]).rstrip())
        return probe.get_window_extent().width > room

    lines: list[str] = []
    pieces = _pieces(text)
    while pieces:
        count = len(pieces)
        if is_too_long(count):  # measuring is slow: halve what is left instead of adding words
            count = max(1, bisect_left(range(count), True, lo=1, key=is_too_long) - 1)
        lines.append("".join(pieces[:count]).rstrip())
        del pieces[:count]
    probe.remove()
    return "\n".join(lines)


def _pieces(text: str) -> list[str]:
    """Where a line may end: after a word, and within a long one after a comma or 60 letters.

    >>> _pieces("sweep " + "llm=qwen2_0_5b," * 3 + "qwen2_7b,qwen2_72b")
    ['sweep ', 'llm=qwen2_0_5b,', 'llm=qwen2_0_5b,', 'llm=qwen2_0_5b,', 'qwen2_7b,', 'qwen2_72b ']
    """
    pieces = []
    for word in text.split():
        is_long = len(word) > LONG_WORD
        parts = re.findall(rf"[^,]{{,{LONG_WORD - 1}}},|[^,]{{1,{LONG_WORD}}}", word)
        *before, last = parts if is_long else [word]
        pieces += [*before, f"{last} "]
    return pieces


def _legends(sheet: Sheet, groups: Sequence[Sequence[Any]]) -> list[Any]:
    """Legends top to bottom: neighbouring groups share a line where both fit, else wrap alone."""
    legends: list[Any] = []
    left = [list(zip(group, _entry_widths(sheet, group), strict=True)) for group in groups]
    while left:
        for count in range(len(left), 0, -1):
            together = [pair for group in left[:count] for pair in group]
            legend = _legend(sheet, together, fewest=len(together) if count > 1 else 1)
            if legend is not None:
                legends.append(legend)
                left = left[count:]
                break
    return legends


def _entry_widths(sheet: Sheet, entries: Sequence[Any]) -> list[float]:
    """The width of each entry and the space after it, in inches."""
    import matplotlib as mpl

    probe = sheet.figure.text(0, 0, "", fontsize=mpl.rcParams["legend.fontsize"])
    around = float(probe.get_fontsize()) / POINTS_PER_INCH * (HANDLE_EM + GAP_EM + COLUMN_EM)
    widths = []
    for entry in entries:
        probe.set_text(entry.get_label())
        widths.append(around + probe.get_window_extent().width / sheet.figure.dpi)
    probe.remove()
    return widths


def _legend(sheet: Sheet, entries: Sequence[tuple[Any, float]], fewest: int) -> Any | None:
    """A legend with as many columns as fit the sheet; None if those are fewer than `fewest`.

    Args:
        entries: each with its width in inches.
    """
    import numpy as np

    for columns in range(len(entries), fewest - 1, -1):
        widths_in = np.array_split([width for _, width in entries], columns)
        if columns > 1 and sum(map(max, widths_in)) > sheet.style.width_in * 1.1:
            continue  # far too wide, as most tries are: not worth making and measuring
        legend = sheet.figure.legend(
            handles=[entry for entry, _ in entries],
            ncols=columns,
            loc="upper left",
            borderpad=0,
            borderaxespad=0,
            handlelength=HANDLE_EM,
            handletextpad=GAP_EM,
            columnspacing=COLUMN_EM,
            labelspacing=0.35,
        )
        width_in = legend.get_window_extent().width / sheet.figure.dpi
        if columns == 1 or width_in <= sheet.style.width_in - 2 * EDGE_IN:
            return legend
        legend.remove()
    return None


def _height(sheet: Sheet, artist: Any) -> float:
    return float(artist.get_window_extent().height / sheet.figure.dpi)


def _put_top(sheet: Sheet, artist: Any, down: float) -> None:
    width, height = sheet.figure.get_size_inches()
    x, y = EDGE_IN / width, 1 - down / height
    if hasattr(artist, "set_bbox_to_anchor"):
        artist.set_bbox_to_anchor((x, y), transform=sheet.figure.transFigure)
    else:
        artist.set_position((x, y))


@dataclass
class _Margins:
    """What sticks out of the axes, in inches: per column on the sides, per row above and below."""

    left: list[float]
    right: float
    rows: list[tuple[float, float]]

    def is_near(self, other: _Margins, within_in: float = 0.005) -> bool:
        """Whether no margin differs by more than half a pixel of a screen."""
        mine, theirs = self._flat(), other._flat()
        return all(abs(a - b) <= within_in for a, b in zip(mine, theirs, strict=True))

    def _flat(self) -> list[float]:
        return [*self.left, self.right, *(end for row in self.rows for end in row)]


def _place_rows(sheet: Sheet, above: float, below: float) -> None:
    """Positions for all axes, from what tick labels and titles are found to need."""
    columns = max((len(axes) for axes in sheet.rows), default=1)
    margins = _Margins([0.6] * columns, 0.1, [(0.25, 0.45)] * len(sheet.rows))
    for _ in range(3):  # tick labels change with the size of the axes, so measure again
        _set_positions(sheet, above, below, margins)
        before, margins = margins, _measure(sheet, columns)
        if margins.is_near(before):
            break
    _set_positions(sheet, above, below, margins)


def _set_positions(sheet: Sheet, above: float, below: float, margins: _Margins) -> None:
    total = above + below + sum(sheet.heights_in) + sum(map(sum, margins.rows))
    width = sheet.style.width_in
    sheet.figure.set_size_inches(width, total)
    y = total - above
    for axes, height, (top, bottom) in zip(sheet.rows, sheet.heights_in, margins.rows, strict=True):
        y -= top + height
        lefts = margins.left[: len(axes)]
        each = (width - sum(lefts) - margins.right * len(axes)) / len(axes)
        x = 0.0
        for one, left in zip(axes, lefts, strict=True):
            x += left
            one.set_position((x / width, y / total, each / width, height / total))
            x += each + margins.right
        y -= bottom


def _measure(sheet: Sheet, columns: int) -> _Margins:
    """How far titles and tick labels stick out of the axes now."""
    figure = sheet.figure
    lefts, right, rows = [0.0] * columns, 0.0, []
    for axes in sheet.rows:
        top, bottom = 0.0, 0.0
        for index, one in enumerate(axes):
            inner = one.get_window_extent()
            outer: Any = one.get_tightbbox()
            lefts[index] = max(lefts[index], (inner.x0 - outer.x0) / figure.dpi)
            right = max(right, (outer.x1 - inner.x1) / figure.dpi)
            top = max(top, (outer.y1 - inner.y1) / figure.dpi)
            bottom = max(bottom, (inner.y0 - outer.y0) / figure.dpi)
        rows.append((top + 0.05, bottom + 0.04))
    return _Margins([left + EDGE_IN for left in lefts], right + EDGE_IN, rows)
