"""The arrows of the front figure: "x faster at the same accuracy", "+y at the same budget".

Computed by `analysis.claims` between two families of one panel, at the baseline's own points,
and never typed. An arrow runs from a point of the baseline to the front of the headline
family: level for a speed-up, upright for a gain. It is drawn only where neither it nor its
text would be on a marker, a front line or other words. It is always the largest effect, with
"up to"; the caption has its range over the baseline's points and its interval, in every figure
alike, also where no arrow fits. Its words keep off the error bars as well where they can; where
they cannot, the bars fade behind them.

Reference: P. K. A. Vasu et al., "FastVLM", arXiv 2412.13303, Figure 4 ("3x", "+2.5").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from paretobench.analysis.claims import (
    AtVertex,
    gain_at_equal_budget,
    largest,
    speedup_at_equal_accuracy,
)
from paretobench.analysis.noise import Draws
from paretobench.analysis.points import Contender
from paretobench.analysis.shrinkage import plausible
from paretobench.report.figures.labels import Boxes, crosses, touches
from paretobench.report.figures.marks import POINTS_PER_INCH, Mark, Pair, bars_of
from paretobench.report.style import Style, order_families
from paretobench.report.view.front_membership import SEED, contenders
from paretobench.report.view.rows import Row
from paretobench.units import counted, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_SPEEDUP, LEAST_GAIN = 1.05, 0.002
"""Smaller ratios and differences (0.2 points, two standard deviations between trainings of one
recipe) are no news and get no arrow."""

DRAWS = 500
"""Draws behind the interval of the largest speed-up: its ends rest on 12 of them each."""

WORDS_EM = 0.28
"""Room kept free around the words, in units of the font's size: half the overall front's band."""

BARS_EM = 0.1
"""Room kept free between the words and error bars, which are thin."""

ALONG = tuple(sorted(np.linspace(0.1, 0.9, 41).tolist(), key=lambda share: abs(share - 0.5)))
"""Places tried for the words, in shares of the shaft: its middle first."""


@dataclass(frozen=True)
class Claim:
    """One arrow: from the baseline's point to the headline family's front, and its words."""

    kind: Literal["faster", "better"]
    start: Pair
    end: Pair
    text: str


@dataclass(frozen=True)
class Claims:
    """What one family has over another, the largest effect of each kind first.

    `ratios` are the speed-ups at all points of the baseline's front that are reached, ascending;
    `interval` is the 95 % interval of the largest.
    """

    headline: str = ""
    baseline: str = ""
    faster: tuple[Claim, ...] = ()
    better: tuple[Claim, ...] = ()
    ratios: tuple[float, ...] = ()
    interval: tuple[float, float] | None = None

    @property
    def sentence(self) -> str:
        """The speed-up as text: its largest value, its range, its interval; or nothing.

        >>> Claims('A', 'B', (Claim('faster', (1, 1), (1, 1), ''),), (), (1.2, 3.1)).sentence
        'A up to 3.1x faster than B at equal accuracy (1.2x to 3.1x at 2 points)'
        """
        if not self.faster:
            return ""
        low, high = (f"{significant(end, 2)}x" for end in (self.ratios[0], self.ratios[-1]))
        sure = ""
        if self.interval:
            sure = f"; 95 % of the largest: {significant(self.interval[0], 2)} to "
            sure += f"{significant(self.interval[1], 2)}"
        span = f"{low} to {high} at {counted(len(self.ratios), 'point')}"
        if len(self.ratios) == 1:
            span = "at one point"
        than = f"than {self.baseline} at equal accuracy"
        return f"{self.headline} up to {high} faster {than} ({span}{sure})"


def claims_of(rows: Sequence[Row]) -> Claims:
    """The claims between the two most prominent families of one panel.

    The headline family holds most of the overall front; the baseline has the longest front
    among the others. Equal counts go by the fixed order of families.

    Args:
        rows: scored rows of one recipe and one environment, with their fronts set.

    Returns:
        No claims if there is one family, or nothing worth an arrow.
    """
    names = order_families(row.family for row in rows)
    if len(names) < 2:
        return Claims()
    headline = _most(names, (row.family for row in rows if row.front.is_on))
    others = [name for name in names if name != headline]
    baseline = _most(others, (row.family for row in rows if row.front.is_on_family))
    foremost = [row for row in rows if row.front.is_on_family]  # no other row can be in a claim
    ours = contenders([row for row in foremost if row.family == headline])
    theirs = contenders([row for row in foremost if row.family == baseline])
    found = speedup_at_equal_accuracy(ours, theirs, draws=_draws(ours, theirs))
    faster = _ranked(found, LEAST_SPEEDUP, _faster)
    top = largest(found)
    known = top is not None and not any(each.unknown_noise for each in (*ours, *theirs))
    return Claims(
        headline,
        baseline,
        faster,
        _ranked(gain_at_equal_budget(ours, theirs), LEAST_GAIN, _better),
        tuple(sorted(at.effect for at in found if at.effect is not None)),
        (top.low, top.high) if known and top and top.low and top.high else None,
    )


def _draws(ours: Sequence[Contender], theirs: Sequence[Contender]) -> Draws:
    """What the true values could be, the same for the same rows."""
    return plausible([*ours, *theirs], np.random.default_rng(SEED), DRAWS)


def _most(names: Sequence[str], counted: Iterable[str]) -> str:
    held = list(counted)
    return max(names, key=held.count)


def _ranked(
    found: Iterable[AtVertex], least: float, make: Callable[[AtVertex], Claim]
) -> tuple[Claim, ...]:
    worth = [at for at in found if at.effect is not None and at.effect >= least]
    worth.sort(key=lambda at: -(at.effect or 0.0))
    return tuple(make(at) for at in worth)


def _faster(at: AtVertex) -> Claim:
    """Level, from the baseline's time to the candidate's."""
    height = at.baseline.accuracy * 100
    to_s = at.candidate.ttft_s if at.candidate else at.baseline.ttft_s
    text = f"up to {significant(at.effect or 1.0, 2)}x faster"
    return Claim("faster", (at.baseline.ttft_s * 1e3, height), (to_s * 1e3, height), text)


def _better(at: AtVertex) -> Claim:
    """Upright, from the baseline's score to the candidate's."""
    time_ms = at.baseline.ttft_s * 1e3
    top = at.candidate.accuracy if at.candidate else at.baseline.accuracy
    ends = (time_ms, at.baseline.accuracy * 100), (time_ms, top * 100)
    return Claim("better", *ends, f"up to +{(at.effect or 0.0) * 100:.1f} points")


@dataclass
class _Canvas:
    """What arrows keep off, in pixels: the frame, markers and words, lines, and error bars."""

    frame: tuple[float, float, float, float]
    boxes: Boxes
    segments: Boxes
    bars: Boxes


def draw_claims(
    claims: Claims,
    marks: Sequence[Mark],
    lines: Sequence[Sequence[Pair]],
    axes: Axes,
    style: Style,
) -> list[Claim]:
    """Draw the largest claim of each kind where it has a free place; returns those drawn.

    Call it once the axes are final and before the labels, which then keep off.

    Args:
        marks: every mark on the axes.
        lines: the front lines, in data coordinates. An arrow may touch them, its words not.
    """
    canvas = _canvas(marks, lines, axes, style)
    drawn = []
    for claim in (*claims.faster[:1], *claims.better[:1]):
        if _draw(claim, axes, style, canvas):
            drawn.append(claim)
    return drawn


def _canvas(
    marks: Sequence[Mark], lines: Sequence[Sequence[Pair]], axes: Axes, style: Style
) -> _Canvas:
    frame = axes.get_window_extent()
    reach = style.marker_pt / 2 / POINTS_PER_INCH * axes.figure.dpi
    places = [(mark.ttft_ms, mark.score_percent or 0.0) for mark in marks]
    centres = axes.transData.transform(np.array(places).reshape(-1, 2))
    return _Canvas(
        (frame.x0, frame.y0, frame.x1, frame.y1),
        np.hstack([centres - reach, centres + reach]),
        _segments(lines, axes),
        _segments([bar for mark in marks for bar in bars_of(mark)], axes),
    )


def _segments(lines: Sequence[Sequence[Pair]], axes: Axes) -> Boxes:
    """Every piece of lines in data coordinates, in pixels: shape (n, 4)."""
    paths = [axes.transData.transform(np.array(line).reshape(-1, 2)) for line in lines]
    pieces = [(*a, *b) for path in paths for a, b in pairwise(path)]
    return np.array(pieces).reshape(-1, 4)


def _draw(claim: Claim, axes: Axes, style: Style, canvas: _Canvas) -> bool:
    """Draw one arrow with its words if both find room; the canvas then holds them, too."""
    em = style.font_pt / POINTS_PER_INCH * axes.figure.dpi
    start, end = axes.transData.transform([claim.start, claim.end])
    length = float(np.hypot(*(end - start)))
    if length < 2.5 * em:
        return False
    direction = (end - start) / length
    tail = start + direction * 0.75 * em  # clear of the baseline's own marker
    shaft = np.array([[*tail, *end]])
    near = np.array([[*tail, *(end - direction * 0.75 * em)]])  # its goal may be under the tip
    if crosses(_grown(canvas.boxes, 0.15 * em), near):
        return False
    spot = _free_spot(claim, axes, style, canvas, shaft[0])
    if spot is None:
        return False
    _write(claim, axes, style, shaft[0], spot)
    canvas.boxes = np.vstack([canvas.boxes, spot, _grown(_around(shaft[0]), 0.2 * em)])
    canvas.segments = np.vstack([canvas.segments, shaft])
    return True


def _free_spot(
    claim: Claim, axes: Axes, style: Style, canvas: _Canvas, shaft: Boxes
) -> Boxes | None:
    """A box for the words beside the shaft, touching nothing, nearest its middle.

    One on an error bar is taken only where there is no other.
    """
    from matplotlib.text import Text

    em = style.font_pt / POINTS_PER_INCH * axes.figure.dpi
    probe = Text(0, 0, claim.text, fontsize=style.small_pt, fontweight="bold", figure=axes.figure)
    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    size = probe.get_window_extent(renderer)
    half = np.array([size.width, size.height]) / 2 + WORDS_EM * em
    across = (
        np.array([0.0, half[1] + 1]) if claim.kind == "faster" else np.array([half[0] + 1, 0.0])
    )
    left, bottom, right, top = canvas.frame
    second_best = None
    for share in ALONG:
        middle = shaft[:2] + (shaft[2:] - shaft[:2]) * share
        for side in (1, -1):
            centre = middle + across * side
            box = np.concatenate([centre - half, centre + half])
            in_frame = box[0] > left and box[1] > bottom and box[2] < right and box[3] < top
            if in_frame and not touches(box, canvas.boxes) and not crosses(box, canvas.segments):
                if not crosses(_grown(box, (BARS_EM - WORDS_EM) * em), canvas.bars):
                    return np.asarray(box, dtype=np.float64)
                second_best = box if second_best is None else second_best
    return second_best


def _write(claim: Claim, axes: Axes, style: Style, shaft: Boxes, spot: Boxes) -> None:
    inverse = axes.transData.inverted()
    tail, tip = inverse.transform([shaft[:2], shaft[2:]])
    axes.annotate(
        "",
        xy=tip,
        xytext=tail,
        arrowprops={
            "arrowstyle": "-|>",
            "mutation_scale": style.font_pt,
            "ls": (0, (3, 1.5)),
            "color": style.ink,
            "lw": 0.11 * style.font_pt,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=5.5,
        gid="claim-arrow",
    )
    x, y = inverse.transform([(spot[0] + spot[2]) / 2, (spot[1] + spot[3]) / 2])
    axes.text(
        x,
        y,
        claim.text,
        fontsize=style.small_pt,
        fontweight="bold",
        color=style.ink,
        ha="center",
        va="center",
        zorder=6,
        gid="claim",
        bbox={"facecolor": style.paper, "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
    )


def _around(segment: Boxes) -> Boxes:
    low, high = np.minimum(segment[:2], segment[2:]), np.maximum(segment[:2], segment[2:])
    return np.array([[*low, *high]])


def _grown(boxes: Boxes, by: float) -> Boxes:
    return np.asarray(boxes + np.array([-by, -by, by, by]), dtype=np.float64)
