"""How figures look: colours, markers, sizes, and the matplotlib settings that go with them.

Colour is the encoder family, shape the LLM, fill the front, so that every distinction but the
family survives grey print, and the family is written on the axis or beside the point where it
matters. matplotlib is imported only inside functions: a style can be made without it.

References:
    M. Petroff, "Accessible Color Sequences for Data Visualization", arXiv 2107.02270: the
    six-colour sequence, chosen by minimum distance under simulated colour blindness.
    WCAG 2.2, 1.4.3: text needs a contrast of 4.5 to its background.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PALETTE = (
    "#5790fc",
    "#f89c20",
    "#e42536",
    "#964a8b",
    "#101010",
    "#7a21dd",
    "#9c9ca1",
    "#002080",
    "#00c070",
    "#a03050",
)
"""Petroff's six-colour sequence with black before its grey (which the front's band has), then
the colours farthest from those before them under normal vision and three simulated kinds of
colour blindness; a test asserts the distances."""

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "p", "h", "*")
"""One shape per LLM, smallest first: circle, triangle, square, as in the paper's Figure 4."""

DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.3)),
    (0, (1.2, 1.2)),
    (0, (5, 1.2, 1.2, 1.2)),
    "-",
    (0, (8, 1.5)),
)
"""Patterns of the families' lines, in the palette's order: what tells them apart in grey."""

FAMILY_ORDER = ("FastViTHD", "FastViT", "SigLIP", "ViT", "ConvNeXt-L", "ConvNeXt", "ConvNeXt-XXL")
"""Families that always come first, so that one family keeps its colour across figures."""

INK, GREY, GRID = "#1a1a1a", "#6b6b6b", "#e4e4e4"
FRONT = "#d3d3d3"
"""The overall front: a thick pale band under the coloured lines of the families."""

MM_PER_INCH = 25.4


@dataclass(frozen=True)
class Style:
    """What a figure needs to know about its looks.

    Attributes:
        width_mm: width of the finished figure: 170 for a page, 85 for one column.
        font_pt: size of axis titles and legends; ticks, labels and footers follow from it.
        palette: colours of the families, in order.
        colours: colours by family name, which win over the palette.
        mplstyle: a matplotlib style file applied on top, for a house style.
        max_labels: above this many points in one panel only those on a front are labelled.
    """

    width_mm: float = 170.0
    font_pt: float = 9.0
    palette: tuple[str, ...] = PALETTE
    colours: Mapping[str, str] = field(default_factory=dict)
    mplstyle: Path | None = None
    max_labels: int = 60

    @property
    def width_in(self) -> float:
        """Width in inches, matplotlib's unit."""
        return self.width_mm / MM_PER_INCH

    @property
    def small_pt(self) -> float:
        """Size of point labels and tick labels."""
        return self.font_pt * 0.89

    @property
    def tiny_pt(self) -> float:
        """Size of the footer."""
        return self.font_pt * 0.72

    @property
    def marker_pt(self) -> float:
        """Diameter of a marker."""
        return self.font_pt * 0.72

    def colour_of(self, families: Iterable[str]) -> dict[str, str]:
        """A colour per family; the known ones first, so that colours stay put.

        >>> Style().colour_of(['Zeta', 'FastViTHD'])
        {'FastViTHD': '#5790fc', 'Zeta': '#f89c20'}
        """
        names = order_families(families)
        free = [colour for colour in self.palette if colour not in self.colours.values()]
        rest = [name for name in names if name not in self.colours]
        assigned = {name: free[index % len(free)] for index, name in enumerate(rest)}
        return {name: self.colours.get(name) or assigned[name] for name in names}

    def dashes_of(self, families: Iterable[str]) -> dict[str, Any]:
        """A line pattern per family, in the order of `colour_of`."""
        names = order_families(families)
        return {name: DASHES[index % len(DASHES)] for index, name in enumerate(names)}

    def rc(self) -> dict[str, Any]:
        """matplotlib settings: text stays text in SVG and PDF, the look stays plain."""
        return {
            "svg.fonttype": "none",
            "svg.hashsalt": "paretobench",  # equal data make an equal file
            "pdf.fonttype": 42,
            "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
            "font.size": self.font_pt,
            "axes.titlesize": self.font_pt,
            "axes.labelsize": self.font_pt,
            "axes.labelcolor": INK,
            "axes.edgecolor": INK,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "grid.color": GRID,
            "grid.linewidth": 0.6,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": self.small_pt,
            "ytick.labelsize": self.small_pt,
            "legend.fontsize": self.small_pt,
            "legend.frameon": False,
            "text.hinting": "none",  # widths scale with the resolution, so what fits stays fitting
            "text.parse_math": False,  # a label is never a formula
            "figure.dpi": 100,
            "savefig.dpi": 200,
        }


def order_families(families: Iterable[str]) -> list[str]:
    """Distinct families: known ones in their fixed order, then the others by first sight."""
    seen = dict.fromkeys(families)
    known = [name for name in FAMILY_ORDER if name in seen]
    return known + [name for name in seen if name not in known]


def markers_of(llms: Sequence[str]) -> dict[str, str]:
    """A marker per LLM, in the order given (smallest first).

    >>> markers_of(['Qwen2-0.5B', 'Qwen2-7B'])
    {'Qwen2-0.5B': 'o', 'Qwen2-7B': '^'}
    """
    return {name: MARKERS[index % len(MARKERS)] for index, name in enumerate(dict.fromkeys(llms))}


def size_in_billions(size_label: str) -> float:
    """The number in a size label, for sorting; what cannot be read sorts last.

    >>> size_in_billions('0.5B'), size_in_billions('360M'), size_in_billions('?')
    (0.5, 0.36, inf)
    """
    text = size_label.strip().upper()
    factor = {"B": 1.0, "M": 1e-3}.get(text[-1:])
    try:
        return float(text[:-1]) * factor if factor else float("inf")
    except ValueError:
        return float("inf")


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, as WCAG defines it, in [0, 1].

    >>> round(luminance('#ffffff'), 3), luminance('#000000')
    (1.0, 0.0)
    """
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def readable(colour: str, contrast: float = 4.5) -> str:
    """The colour, darkened until text in it has this contrast on white.

    >>> readable('#7a21dd'), readable('#f89c20') != '#f89c20'
    ('#7a21dd', True)
    """
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    for step in range(20):
        shade = "#" + "".join(f"{round(c * 0.95**step):02x}" for c in channels)
        if 1.05 / (luminance(shade) + 0.05) >= contrast:
            return shade
    return INK


def tint(colour: str, share: float = 0.4) -> str:
    """The colour mixed with white: `share` of it stays.

    >>> tint('#000000', 0.4)
    '#999999'
    """
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - c) * share):02x}" for c in channels)
