"""Two sides against each other, as a value: encoders of one view, sweeps, or databases.

Speed-ups, gains and BD-TTFT come from `analysis.compare`; here the two sides are found and paired
by recipe and environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.accuracy.protocols import check_one_protocol
from paretobench.api.answers import SEED, contenders, rows_by_name
from paretobench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from paretobench.analysis.compare import Comparison
    from paretobench.api.results import Results
    from paretobench.report.view.rows import Row


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Comparisons(Sequence[RecipeComparison]):
    """One `RecipeComparison` for each recipe that both sides have."""

    found: tuple[RecipeComparison, ...]

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)


def compare(results: Results, candidate: str, baseline: str) -> Comparisons:
    """See `Results.compare`."""
    import numpy as np

    from paretobench.analysis.compare import compare as compare_points

    found = tuple(
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
    return Comparisons(found)


def _sides(
    results: Results, candidate: str, baseline: str
) -> Iterator[tuple[str, Sequence[Row], Sequence[Row]]]:
    """Titles with the rows of both sides, one for each recipe (and environment) they share."""
    ours, theirs = _side(results, candidate).view, _side(results, baseline).view
    panels, others = ours.panels(), theirs.panels()
    is_same_place = {p.environment for p in panels} == {p.environment for p in others}
    for panel in panels:
        for other in others:
            if panel.recipe != other.recipe:
                continue
            if is_same_place and panel.environment != other.environment:
                continue
            is_apart = panel.environment != other.environment
            apart = f", {panel.environment} against {other.environment}" if is_apart else ""
            shown = [row.score for row in (*panel.rows, *other.rows) if row.score]
            mark = check_one_protocol(shown, results.mix_protocols)
            apart += f", {mark}" if mark else ""
            yield f"recipe {panel.recipe}{apart}", panel.rows, other.rows


def _side(results: Results, side: str) -> Results:
    """The results of one side: a database file, else an encoder's rows, else a sweep."""
    from paretobench.api.databases import open_store

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
