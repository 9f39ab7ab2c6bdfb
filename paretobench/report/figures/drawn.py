"""Drawing under a style's settings, and writing what was drawn in all formats.

matplotlib is imported only when something is drawn, and always with its file-only backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from paretobench.report.files import write_whole
from paretobench.report.style import Style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
"""Every figure is written in these: raster for a page, vectors with text as text."""

UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Metadata without which equal data make an equal file."""

DPI = 200

SHAPING = ("GSUB", "GPOS", "GDEF", "MATH", "kern")
"""Tables of a font that say how to set text, as opposed to what its glyphs look like."""

Drawing = Callable[[], "Figure"]


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Run a block with the style's matplotlib settings, and leave the caller's untouched."""
    import matplotlib as mpl

    with mpl.rc_context():
        # A user's matplotlibrc must not change a report. To name a backend loads pyplot.
        plain = {
            name: mpl.rcParamsDefault[name] for name in mpl.rcParamsDefault if name != "backend"
        }
        mpl.rcParams.update(plain)  # type: ignore[arg-type]
        mpl.rcParams.update(style.rc())  # type: ignore[arg-type]
        if style.mplstyle is not None:
            from matplotlib import style as styles

            styles.use(style.mplstyle)
        yield


@contextmanager
def _fonts_without_shaping() -> Iterator[None]:
    """Embed fonts without the tables that shape text, which matplotlib has done by then.

    A PDF names every glyph and its place, so nothing reads those tables; cutting them down to
    the glyphs in use takes half the time of writing a small figure. fontTools has no public
    switch for what another caller's call drops, hence its list of defaults.
    """
    from fontTools.subset import Options  # type: ignore[import-untyped]

    known = Options._drop_tables_default
    Options._drop_tables_default = [*known, *SHAPING]
    try:
        yield
    finally:
        Options._drop_tables_default = known


def save(
    draw: Drawing, stem: Path, style: Style, formats: Sequence[str] = FORMATS, dpi: int = DPI
) -> list[Path]:
    """Draw once and write `stem.png`, `stem.svg` and `stem.pdf`, each whole or not at all."""
    with drawing(style), _fonts_without_shaping():
        figure = draw()
        written = []
        for kind in formats:
            path = stem.with_name(f"{stem.name}.{kind}")
            write = partial(figure.savefig, format=kind, dpi=dpi, metadata=UNDATED.get(kind))
            written.append(write_whole(path, write))
    return written
