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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paretobench.report.view.rows import Row

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

DARK_PALETTE = (
    "#5790fc",
    "#f89c20",
    "#ee4050",
    "#906090",
    "#f4f4f4",
    "#f0a8f0",
    "#a8a8a8",
    "#c018c0",
    "#a8f0a8",
    "#f00018",
)
"""The same families on dark paper: the light ones stay, black becomes white, the others are the
colours farthest from those before them that stand out from the paper; the same test asserts it."""

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "p", "h", "*", ">", "<", "8", "d")
"""One shape per LLM, smallest first: circle, triangle, square, as in the paper's Figure 4."""

DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 1.5)),
    (0, (1, 1)),
    (0, (6, 1.2, 1, 1.2)),
    (0, (3, 1)),
    (0, (10, 2)),
    (0, (6, 1.2, 1, 1.2, 1, 1.2)),
    (0, (1, 2.5)),
    (0, (3, 1, 1, 1)),
    (0, (10, 1.5, 3, 1.5)),
    (0, (2, 2)),
)
"""Patterns of the families' lines, in the palette's order: what distinguishes them in grey. One
more than there are colours, so that two families of one colour differ."""

FAMILY_ORDER = (
    "FastViTHD", "FastViT", "SigLIP", "ViT", "ConvNeXt", "ConvNeXt-XXL", "ViTamin",
    "MiniGemini-HD", "Cambrian-1", "ConvLLaVA", "DINOv2", "InternViT", "EVA-CLIP", "DaViT",
    "FastViT-Naive",
)  # fmt: skip
"""Every family of the catalogue in the order of the colours: its place here is its colour in
every figure and page of every report. After the last colour they begin again, with other dashes;
families that the paper sets against one another come first."""

PAPER, INK, GREY, GRID = "#ffffff", "#1a1a1a", "#6b6b6b", "#e4e4e4"
FRONT = "#d3d3d3"
"""The overall front: a thick pale band under the coloured lines of the families."""

HALF = 0.18
"""Relative luminance below which paper counts as dark: equal contrast to black and white."""

CONTRAST = 4.5
"""Of a text to its background, at the least: WCAG 2.2, 1.4.3."""

MM_PER_INCH = 25.4

WIDE_MM = 120.0
"""Between a column of 85 mm and a page of 170: above it panels fit side by side."""

SMALLEST_PT = 6.0
"""No text in a figure is smaller: what publishers ask of print at its final size."""


@dataclass(frozen=True)
class Style:
    """The settings of a figure's style.

    Attributes:
        width_mm: width of the finished figure: 170 for a page, 85 for one column.
        font_pt: size of axis titles and legends; ticks, labels and footers follow from it.
        palette: colours of the families, in order.
        colours: colours by family name, which win over the palette.
        mplstyle: a matplotlib style file applied on top, for a house style.
        paper, ink, grey, grid, front: background, text and axes, what is said in passing, grid
            lines, and the band of the overall front.
        has_title: whether the title and what is under it are part of the figure; a paper has a
            caption of its own.
        max_labels: above this many points in one panel only those on a front are labelled.
    """

    width_mm: float = 170.0
    font_pt: float = 9.0
    palette: tuple[str, ...] = PALETTE
    colours: Mapping[str, str] = field(default_factory=dict)
    mplstyle: Path | None = None
    max_labels: int = 60
    has_title: bool = True
    paper: str = PAPER
    ink: str = INK
    grey: str = GREY
    grid: str = GRID
    front: str = FRONT

    @property
    def width_in(self) -> float:
        """Width in inches, matplotlib's unit."""
        return self.width_mm / MM_PER_INCH

    @property
    def is_wide(self) -> bool:
        """Whether a figure is about as wide as a page, rather than one column of it."""
        return self.width_mm > WIDE_MM

    @property
    def small_pt(self) -> float:
        """Size of point labels and tick labels."""
        return max(self.font_pt * 0.89, SMALLEST_PT)

    @property
    def tiny_pt(self) -> float:
        """Size of the footer."""
        return max(self.font_pt * 0.72, SMALLEST_PT)

    @property
    def marker_pt(self) -> float:
        """Diameter of a marker."""
        return self.font_pt * 0.72

    @property
    def is_dark(self) -> bool:
        """Whether the paper is dark, so that contrast is light."""
        return luminance(self.paper) < HALF

    def readable(self, colour: str) -> str:
        """The colour, darkened (on dark paper lightened) until text in it can be read.

        >>> Style().readable('#7a21dd'), Style().readable('#f89c20') != '#f89c20'
        ('#7a21dd', True)
        >>> Style(paper='#000000').readable('#7a21dd') != '#7a21dd'
        True
        """
        goal = "#ffffff" if self.is_dark else "#000000"
        for step in range(20):
            shade = tint(colour, 0.95**step, paper=goal)
            light, dark = sorted((luminance(shade), luminance(self.paper)), reverse=True)
            if (light + 0.05) / (dark + 0.05) >= CONTRAST:
                return shade
        return "#ffffff" if self.is_dark else INK

    def tint(self, colour: str) -> str:
        """The colour mixed with the paper: the fill of what comes second."""
        return tint(colour, paper=self.paper)

    def colour_of(self, families: Iterable[str]) -> dict[str, str]:
        """A colour per family, by its place in `FAMILY_ORDER` and not by its neighbours here.

        Families of the user's own take colours that no other of these families has, by name.

        >>> Style().colour_of(['Zeta', 'ViT']) == {'ViT': PALETTE[3], 'Zeta': PALETTE[0]}
        True
        """
        names = order_families(families)
        free = [colour for colour in self.palette if colour not in self.colours.values()]
        slots = _slots([name for name in names if name not in self.colours], len(free))
        return {name: self.colours.get(name) or free[slots[name] % len(free)] for name in names}

    def dashes_of(self, families: Iterable[str]) -> dict[str, Any]:
        """A line pattern per family, by the same places as `colour_of`."""
        slots = _slots(order_families(families), len(PALETTE))
        return {name: DASHES[slot % len(DASHES)] for name, slot in slots.items()}

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
            "axes.labelcolor": self.ink,
            "axes.edgecolor": self.ink,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.facecolor": self.paper,
            "figure.facecolor": self.paper,
            "savefig.facecolor": self.paper,
            "axes.grid": True,
            "grid.color": self.grid,
            "grid.linewidth": 0.6,
            "text.color": self.ink,
            "xtick.color": self.ink,
            "ytick.color": self.ink,
            "xtick.labelsize": self.small_pt,
            "ytick.labelsize": self.small_pt,
            "legend.fontsize": self.small_pt,
            "legend.frameon": False,
            "text.hinting": "none",  # widths scale with the resolution, so what fits stays fitting
            "text.parse_math": False,  # a label is never a formula
            "figure.dpi": 100,
            "savefig.dpi": 200,
        }


def _slots(names: Sequence[str], colours: int) -> dict[str, int]:
    """A place in the palette per family: its own, or for unknown ones the first that is free."""
    slots = {name: FAMILY_ORDER.index(name) for name in names if name in FAMILY_ORDER}
    taken = {slot % colours for slot in slots.values()}
    rest = [name for name in names if name not in slots]
    free = [slot for slot in range(colours) if slot not in taken]
    free += range(len(FAMILY_ORDER), len(FAMILY_ORDER) + len(rest))
    return slots | dict(zip(rest, free, strict=False))


def order_families(families: Iterable[str]) -> list[str]:
    """Distinct families: known ones in their fixed order, then the others by name."""
    seen = set(families)
    known = [name for name in FAMILY_ORDER if name in seen]
    return known + sorted(seen.difference(known))


def order_llms(rows: Iterable[Row]) -> list[str]:
    """Labels of the rows' LLMs, smallest first: the order of the marker shapes."""
    sizes = {row.llm_label: size_in_billions(row.size_label) for row in rows}
    return sorted(sizes, key=lambda label: (sizes[label], label))


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
    channels = [channel / 255 for channel in _channels(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def tint(colour: str, share: float = 0.4, paper: str = PAPER) -> str:
    """The colour mixed with the paper: `share` of it stays.

    >>> tint('#000000', 0.4)
    '#999999'
    """
    pairs = zip(_channels(colour), _channels(paper), strict=True)
    return "#" + "".join(f"{round(back - (back - c) * share):02x}" for c, back in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
