"""Two sides against each other, as a value: encoders of one view, sweeps, or databases.

Speed-ups, gains and BD-TTFT come from `analysis.compare`; here the two sides are found and paired
by recipe and environment, and the outcome becomes JSON, text or a table.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paretobench.accuracy.protocols import check_one_protocol
from paretobench.analysis.compare import Comparison
from paretobench.analysis.compare import compare as compare_points
from paretobench.api.answers import point_json, rows_by_name
from paretobench.api.databases import open_store
from paretobench.api.listed import Listed
from paretobench.errors import DataError, UnknownNameError
from paretobench.report.view.front_membership import SEED, contenders
from paretobench.units import percent

if TYPE_CHECKING:
    import pandas as pd

    from paretobench.analysis.claims import AtVertex
    from paretobench.analysis.points import Contender
    from paretobench.api.results import Results
    from paretobench.report.view.rows import Row


@dataclass(frozen=True, repr=False)
class RecipeComparison:
    """A candidate against a baseline within one recipe.

    Attributes:
        title: the recipe, and what sets the sides apart besides (environments, protocols).
        rows: the rows of both sides by the names of their contenders.
        result: what `analysis.compare` found.
    """

    title: str
    candidate: str
    baseline: str
    rows: dict[str, Row]
    result: Comparison

    @property
    def speedups(self) -> pd.DataFrame:
        """For each point on the baseline's front, how much faster the candidate is as accurate.

        Columns: baseline, candidate (None: not reached), effect (a ratio), low, high (95 %).
        """
        return self._frame(self.result.speedups)

    @property
    def gains(self) -> pd.DataFrame:
        """For each point on the baseline's front, how much more accurate the candidate is as fast.

        Columns as of `speedups`; the effect is a difference of fractions.
        """
        return self._frame(self.result.gains)

    def to_json(self) -> dict[str, Any]:
        """What `paretobench compare --json` prints for one recipe."""
        result = self.result
        return {
            "panel": self.title,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "bd_ttft": asdict(result.bd_ttft) if result.bd_ttft else None,
            "bd_accuracy": asdict(result.bd_accuracy) if result.bd_accuracy else None,
            "refusals": list(result.refusals),
            "speedups": [self._vertex_json(each) for each in result.speedups],
            "gains": [self._vertex_json(each) for each in result.gains],
            "common": [asdict(each) for each in result.common],
            "common_ratio": asdict(result.common_ratio) if result.common_ratio else None,
            "assumed": list(result.assumed),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        result = self.result
        yield f"{self.title}: {self.candidate} against {self.baseline}"
        if ratio := result.bd_ttft:
            yield (
                f"  BD-TTFT {ratio.value:.2f}x faster at equal accuracy"
                f"{_range(ratio.low, ratio.high)},"
                f" over {percent(ratio.overlap, 0)} % of the joint accuracy range"
            )
        if gain := result.bd_accuracy:
            low, high = (None if end is None else end * 100 for end in (gain.low, gain.high))
            yield f"  BD-accuracy {gain.value * 100:+.2f} points{_range(low, high)}"
        yield from (f"  {refusal}" for refusal in result.refusals)
        if mean := result.common_ratio:
            yield (
                f"  common points: {self.baseline} over {self.candidate} {mean.value:.3f}"
                f"{_range(mean.low, mean.high, 3)}, {mean.name}"
            )

    def _repr_html_(self) -> str:
        return (
            f"<pre style='white-space: pre-wrap'>{html.escape(str(self))}</pre>"
            f"<p>faster at the same accuracy</p>{self.speedups.to_html(index=False)}"
            f"<p>more accurate at the same budget</p>{self.gains.to_html(index=False)}"
        )

    def _frame(self, vertices: Sequence[AtVertex]) -> pd.DataFrame:
        import pandas as pd

        rows = [
            {
                "baseline": str(self.rows[each.baseline.name]),
                "candidate": str(self.rows[each.candidate.name]) if each.candidate else None,
                "effect": each.effect,
                "low": each.low,
                "high": each.high,
            }
            for each in vertices
        ]
        return pd.DataFrame(rows, columns=["baseline", "candidate", "effect", "low", "high"])

    def _vertex_json(self, vertex: AtVertex) -> dict[str, Any]:
        return vars(vertex) | {
            "baseline": self._point_json(vertex.baseline),
            "candidate": self._point_json(vertex.candidate) if vertex.candidate else None,
        }

    def _point_json(self, contender: Contender) -> dict[str, Any]:
        return point_json(self.rows[contender.name]) | {
            "ttft_s": contender.ttft_s,
            "accuracy": contender.accuracy,
        }


class Comparisons(Listed[RecipeComparison]):
    """One `RecipeComparison` for each recipe that both sides have."""

    def to_json(self) -> list[dict[str, Any]]:
        """What `paretobench compare --json` prints."""
        return [each.to_json() for each in self]

    def _repr_html_(self) -> str:
        return "".join(each._repr_html_() for each in self)


def compare(results: Results, candidate: str, baseline: str) -> Comparisons:
    """See `Results.compare`."""
    found = Comparisons(
        RecipeComparison(
            title,
            candidate,
            baseline,
            rows_by_name([*ours, *theirs]),
            compare_points(contenders(ours), contenders(theirs), np.random.default_rng(SEED)),
        )
        for title, ours, theirs in _sides(results, candidate, baseline)
    )
    if not found:
        raise DataError(
            f"{candidate} and {baseline} have no recipe in which both carry a TTFT and a score;\n"
            "'paretobench report' shows what each has"
        )
    return found


def _sides(
    results: Results, candidate: str, baseline: str
) -> Iterator[tuple[str, Sequence[Row], Sequence[Row]]]:
    """Titles with the rows of both sides, one for each recipe (and environment) they share."""
    ours, theirs = _side(results, candidate).view, _side(results, baseline).view
    panels, others = ours.panels(), theirs.panels()
    is_same_place = {p.environment for p in panels} == {p.environment for p in others}
    for panel, other in itertools.product(panels, others):
        is_apart = panel.environment != other.environment
        if panel.recipe != other.recipe or (is_same_place and is_apart):
            continue
        apart = f", {panel.environment} against {other.environment}" if is_apart else ""
        shown = [row.score for row in (*panel.rows, *other.rows) if row.score]
        mark = check_one_protocol(shown, results.mix_protocols)
        apart += f", {mark}" if mark else ""
        yield f"recipe {panel.recipe}{apart}", panel.rows, other.rows


def _side(results: Results, side: str) -> Results:
    """The results of one side: a database file, else an encoder's rows, else a sweep."""
    if Path(side).is_file():
        return replace(results, database=Path(side), sweep=None)
    if rows := results.rows_of(side):
        kept = replace(results)
        kept.__dict__["view"] = replace(results.view, rows=tuple(rows))
        return kept
    names = {row.encoder for row in results.view.rows}
    if results.database is not None:
        with open_store(results.database) as store:
            sweeps = {sweep.name for sweep in store.sweeps()}
        if side in sweeps:
            return replace(results, sweep=side)
        names |= sweeps
    raise UnknownNameError("encoder, sweep or database", side, names)


def _range(low: float | None, high: float | None, digits: int = 2) -> str:
    if low is None or high is None:
        return ""
    return f" (95% CI {low:.{digits}f} to {high:.{digits}f})"
