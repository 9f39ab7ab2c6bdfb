"""Points that were asked for and left out: read from a store's sweeps, and as rows.

A sweep stores its refusals among its settings, with the reason, and those that could exist as
points with their parts, so that a report made later shows them too. One that has been measured
since, by another sweep or with another runtime, is missing no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from paretobench.config.catalogue import load_catalogue
from paretobench.planning.plan import Refusal
from paretobench.report.view.published import named_row
from paretobench.report.view.rows import Identity, MissingResult, Row, identity_of
from paretobench.store import StoredPoint, Sweep


def stored_refusals(sweeps: Iterable[Sweep], environment_key: str) -> list[Refusal]:
    """The points that sweeps left out in an environment, each with its newest reason.

    Args:
        sweeps: the newest first.
    """
    names = ("encoder", "resolution_px", "llm", "tiling", "reason")
    found: dict[Identity, Refusal] = {}
    for sweep in sweeps:
        if sweep.environment_key == environment_key:
            for fields in sweep.settings.get("refused", ()):
                refusal = Refusal(*(fields[name] for name in names))
                found.setdefault(identity_of(refusal), refusal)
    return list(found.values())


def without_overtaken(
    points: Sequence[StoredPoint],
    refusals: Iterable[Refusal],
    is_timed: Callable[[StoredPoint], bool],
) -> tuple[list[StoredPoint], list[Refusal]]:
    """Points and refusals without those of names that another plan has measured.

    Args:
        is_timed: whether every part of a point has a measurement.
    """
    timed = {identity_of(point) for point in points if is_timed(point)}
    missing = [refusal for refusal in refusals if identity_of(refusal) not in timed]
    overtaken = {identity_of(refusal) for refusal in refusals} & timed
    kept = [p for p in points if identity_of(p) not in overtaken or is_timed(p)]
    return kept, missing


def refused_rows(refusals: Iterable[Refusal], points: Iterable[StoredPoint]) -> list[Row]:
    """Rows with a reason and nothing else, for what no stored point says more about."""
    stored = set(map(identity_of, points))
    return _rows([refusal for refusal in refusals if identity_of(refusal) not in stored])


def refused_results(refusals: Sequence[Refusal]) -> tuple[MissingResult, ...]:
    """What was refused, as a report lists it."""
    named = zip(_rows(refusals), refusals, strict=True)
    return tuple(MissingResult(str(row), "refused", one.reason) for row, one in named)


def _rows(refusals: Sequence[Refusal]) -> list[Row]:
    if not refusals:
        return []
    catalogue = load_catalogue()
    return [
        replace(named_row(catalogue, identity_of(one)), reason=f"refused: {one.reason}")
        for one in refusals
    ]
