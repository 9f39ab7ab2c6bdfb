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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from paretobench.analysis.claims import (
    AtVertex,
    gain_at_equal_budget,
    largest,
    speedup_at_equal_accuracy,
)
from paretobench.analysis.shrinkage import plausible
from paretobench.report.figures.labels import Boxes, Scene, crosses, grown
from paretobench.report.figures.marks import POINTS_PER_INCH, Mark, Pair, scene_of, segments_of
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
    """What one family has over another: the largest effect of each kind that is worth an arrow.

    `ratios` are the speed-ups at all points of the baseline's front that are reached, ascending;
    `interval` is the 95 % interval of the largest.
    """

    headline: str = ""
    baseline: str = ""
    faster: Claim | None = None
    better: Claim | None = None
    ratios: tuple[float, ...] = ()
    interval: tuple[float, float] | None = None

    @property
    def sentence(self) -> str:
        """The speed-up as text: its largest value, its range, its interval; or nothing.

        >>> Claims('A', 'B', Claim('faster', (1, 1), (1, 1), ''), None, (1.2, 3.1)).sentence
        'A up to 3.1x faster than B at equal accuracy (1.2x to 3.1x at 2 points)'
        """
        if not self.faster:
            return ""
        low, high = (f"{significant(end, 2)}x" for end in (self.ratios[0], self.ratios[-1]))
        sure = " to ".join(significant(end, 2) for end in self.interval or ())
        sure = f"; 95 % of the largest: {sure}" if sure else ""
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
    draws = plausible([*ours, *theirs], np.random.default_rng(SEED), DRAWS)  # the same every time
    speedups = speedup_at_equal_accuracy(ours, theirs, draws=draws)
    fastest, best = largest(speedups), largest(gain_at_equal_budget(ours, theirs))
    interval = None
    is_noise_known = not any(each.unknown_noise for each in (*ours, *theirs))
    if fastest and fastest.low and fastest.high and is_noise_known:
        interval = (fastest.low, fastest.high)
    return Claims(
        headline,
        baseline,
        _faster(fastest),
        _better(best),
        tuple(sorted(at.effect for at in speedups if at.effect is not None)),
        interval,
    )


def _most(names: Sequence[str], counted: Iterable[str]) -> str:
    held = list(counted)
    return max(names, key=held.count)


def _faster(at: AtVertex | None) -> Claim | None:
    """Level, from the baseline's time to the candidate's."""
    if at is None or at.candidate is None or (at.effect or 0.0) < LEAST_SPEEDUP:
        return None
    height = at.baseline.accuracy * 100
    ends = (at.baseline.ttft_s * 1e3, height), (at.candidate.ttft_s * 1e3, height)
    return Claim("faster", *ends, f"up to {significant(at.effect or 0.0, 2)}x faster")


def _better(at: AtVertex | None) -> Claim | None:
    """Upright, from the baseline's score to the candidate's."""
    if at is None or at.candidate is None or (at.effect or 0.0) < LEAST_GAIN:
        return None
    time_ms = at.baseline.ttft_s * 1e3
    ends = (time_ms, at.baseline.accuracy * 100), (time_ms, at.candidate.accuracy * 100)
    return Claim("better", *ends, f"up to +{(at.effect or 0.0) * 100:.1f} points")


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
    scene = scene_of(axes, marks, style.marker_pt / 2, lines)
    bars = segments_of(axes, [bar for mark in marks for bar in mark.bars])
    em = style.font_pt / POINTS_PER_INCH * axes.figure.dpi
    drawn = []
    for claim in filter(None, (claims.faster, claims.better)):
        shaft = _shaft(claim, axes, scene, em)
        spot = None if shaft is None else _room(claim, axes, style, scene, shaft, bars)
        if shaft is None or spot is None:
            continue
        _write(claim, axes, style, shaft, spot)
        drawn.append(claim)
        low, high = np.minimum(shaft[:2], shaft[2:]), np.maximum(shaft[:2], shaft[2:])
        around = grown(np.concatenate([low, high]), 0.2 * em)
        boxes, segments = [scene.boxes, spot, around], [scene.segments, shaft]
        scene = replace(scene, boxes=np.vstack(boxes), segments=np.vstack(segments))
    return drawn


def _shaft(claim: Claim, axes: Axes, scene: Scene, em: float) -> Boxes | None:
    """The arrow from tail to tip in pixels; None if it is short or on a marker or other words."""
    start, end = axes.transData.transform([claim.start, claim.end])
    length = float(np.hypot(*(end - start)))
    if length < 2.5 * em:
        return None
    inset = (end - start) / length * 0.75 * em
    tail = start + inset  # clear of the baseline's own marker
    near = np.array([[*tail, *(end - inset)]])  # its goal may be under the tip
    return None if crosses(grown(scene.boxes, 0.15 * em), near) else np.array([*tail, *end])


def _room(
    claim: Claim, axes: Axes, style: Style, scene: Scene, shaft: Boxes, bars: Boxes
) -> Boxes | None:
    """A box for the words beside the shaft, touching nothing, nearest its middle."""
    from matplotlib.text import Text

    em = style.font_pt / POINTS_PER_INCH * axes.figure.dpi
    probe = Text(0, 0, claim.text, fontsize=style.small_pt, fontweight="bold", figure=axes.figure)
    size = probe.get_window_extent()
    half = np.array([size.width, size.height]) / 2 + WORDS_EM * em
    across = np.array([0, half[1] + 1] if claim.kind == "faster" else [half[0] + 1, 0])
    centres = (
        shaft[:2] + (shaft[2:] - shaft[:2]) * share + across * side
        for share, side in product(ALONG, (1, -1))
    )
    return scene.first_room(centres, half, bars, (WORDS_EM - BARS_EM) * em)


def _write(claim: Claim, axes: Axes, style: Style, shaft: Boxes, spot: Boxes) -> None:
    look = {"ls": (0, (3, 1.5)), "lw": 0.11 * style.font_pt}
    draw_shaft(axes, shaft, style, look, zorder=5.5, gid="claim-arrow")
    x, y = axes.transData.inverted().transform((spot[:2] + spot[2:]) / 2)
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


def draw_shaft(
    axes: Axes, shaft: Boxes, style: Style, look: dict[str, Any], **settings: Any
) -> None:
    """Draw a dashed arrow from tail to tip, given in pixels."""
    tail, tip = axes.transData.inverted().transform(shaft.reshape(2, 2))
    shape = {"arrowstyle": "-|>", "mutation_scale": style.font_pt, "shrinkA": 0, "shrinkB": 0}
    props = {"color": style.ink, **shape, **look}
    axes.annotate("", xy=tip, xytext=tail, arrowprops=props, **settings)
