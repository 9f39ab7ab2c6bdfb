"""Text that a figure's font can write: what it lacks becomes an empty box, without a warning.

Names come from users' YAML files and imported results, so anything may be in them: emoji,
scripts that the font has no shapes for, control characters that would make an SVG invalid,
marks that turn the direction of the text around them. Tables and the page keep such a name as
it is; a figure shows what it can.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from paretobench.domain.records import Source
from paretobench.report.figures.drawn import drawing
from paretobench.report.style import Style
from paretobench.report.view.rows import Row, View

BOX = "\u25a1"
"""What replaces a character that the font lacks: an empty square."""

INVISIBLE = ("Cc", "Cf", "Co", "Cs", "Mn", "Me")
"""Unicode categories without a shape of their own. Controls become a space, combining marks
that the font has stay, the rest goes."""

ROW_TEXTS = (
    "encoder_label", "family", "llm_label", "tiling_label", "environment", "recipe",
)  # fmt: skip
VIEW_TEXTS = ("name", "title", "environment", "command")


def legible(view: View, style: Style) -> View:
    """The view with every text that figures show in characters of the style's font.

    Rows that need no change stay the same objects; a view in plain Latin comes back as it is.
    """
    write = _writer(style)
    changes = _rewritten(view, VIEW_TEXTS, write)
    rows = tuple(_legible_row(row, write) for row in view.rows)
    if any(new is not old for new, old in zip(rows, view.rows, strict=True)):
        changes["rows"] = rows
    return replace(view, **changes) if changes else view


def legible_text(text: str, style: Style) -> str:
    """One text in characters of the style's font."""
    return _writer(style)(text)


def _legible_row(row: Row, write: Callable[[str], str]) -> Row:
    changes = _rewritten(row, ROW_TEXTS, write)
    if row.latency_from is not None and write(row.latency_citation) != row.latency_citation:
        changes["latency_from"] = _cited(row.latency_from, write)
    if row.score is not None and write(row.score.source) != row.score.source:
        sources = tuple(_cited(source, write) for source in row.score.sources)
        changes["score"] = replace(row.score, sources=sources)
    return replace(row, **changes) if changes else row


def _cited(source: Source, write: Callable[[str], str]) -> Source:
    """The source with a citation that the font can write."""
    return replace(source, **_rewritten(source, ("title", "version", "table", "row"), write))


def _rewritten(
    shown: View | Row | Source, names: Iterable[str], write: Callable[[str], str]
) -> dict[str, Any]:
    """The texts of these names that the font cannot write as they are, as it can."""
    texts = {name: write(getattr(shown, name)) for name in names}
    return {name: text for name, text in texts.items() if text != getattr(shown, name)}


def _writer(style: Style) -> Callable[[str], str]:
    """A function from text to text that this style's font can write."""
    found: dict[str, str] = {}

    def write(text: str) -> str:
        if text.isascii() and text.isprintable():
            return text
        if text not in found:
            shown = substituted(text, glyphs_of(style))
            alike = sum(other.split(" #")[0] == shown for other in found.values())
            found[text] = f"{shown} #{alike + 1}" if alike else shown  # two names stay two
        return found[text]

    return write


def substituted(text: str, glyphs: frozenset[int]) -> str:
    """The text with a box for each character outside `glyphs`, and nothing invisible in it.

    >>> substituted("a 🙂\\tb\\u202e", frozenset(map(ord, "ab ")))
    'a □ b'
    """
    shown = []
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp"):
            shown.append(" ")
        elif category in ("Mn", "Me") and ord(character) in glyphs:
            shown.append(character)
        elif category not in INVISIBLE:
            shown.append(character if ord(character) in glyphs else BOX)
    return "".join(shown)


def glyphs_of(style: Style) -> frozenset[int]:
    """The characters of the font that this style writes with, also under a house style file."""
    import matplotlib as mpl
    from matplotlib import font_manager

    with drawing(style):
        path = font_manager.findfont(
            font_manager.FontProperties(family=mpl.rcParams["font.family"])
        )
    return _glyphs_in(path)


@cache
def _glyphs_in(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(path).get_charmap())
