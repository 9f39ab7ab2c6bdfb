"""Where each row stands: on the front, on its family's, and how sure that is.

The fronts of the values as they stand come from `view.with_fronts`; the probabilities from
`analysis.probability`, drawn with the noise of both axes. Rows that share an encoder's or an
LLM's workload share its error, which is what makes a ranking within a family surer than the
intervals alone would say.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from paretobench.analysis.noise import DRAWS, Assumed, latency_noise
from paretobench.analysis.points import Contender, LatencyNoise, Part
from paretobench.analysis.probability import memberships
from paretobench.domain.records import Estimate
from paretobench.report.view.rows import FrontPlace, Row, View, with_fronts

FEWEST_DRAWS, DRAWN_AT_MOST = 400, 1_000_000
"""Draws per point, and draws of all points together: a large database settles for fewer."""

SEED = 0
"""Seed of the draws: the same view gives the same probabilities."""


def with_front_membership(view: View) -> View:
    """The view with fronts, probabilities and classes set within each panel.

    Rows whose latency or score has no known error get no probability: it would rest on an
    assumption alone. Those that were measured on a machine that was never quiet are `unknown`
    and on no front.
    """
    found: dict[int, FrontPlace] = {}
    marked = with_fronts(view)
    for panel in marked.panels():
        found |= _memberships(panel.undisturbed)
        found |= {
            id(row): replace(row.front, probability=None, verdict="unknown")
            for row in panel.rows
            if row.is_disturbed
        }
    rows = [replace(row, front=found[id(row)]) if id(row) in found else row for row in marked.rows]
    return replace(marked, rows=tuple(rows))


def _memberships(rows: Sequence[Row]) -> dict[int, FrontPlace]:
    """The places of the rows whose errors are known, by the row's `id`."""
    if not any(row.ttft is not None and row.ttft.is_known for row in rows):
        return {}
    near, rest = split_by_reach(rows)
    draws = max(FEWEST_DRAWS, min(DRAWS, DRAWN_AT_MOST // max(len(near), 1)))
    rng = np.random.default_rng(SEED)
    assumed = Assumed(log_se=assumed_log_se(rows))
    results = memberships(contenders(near), rng, draws, assumed, others=context_contenders(rest))
    found = {
        id(row): replace(row.front, probability=result.probability, verdict=result.verdict)
        for row, result in zip(near, results, strict=True)
        if result.verdict != "unknown"
    }
    off = {
        id(row): replace(row.front, probability=0.0, verdict="off")
        for row in rest
        if _is_known(row)
    }
    return found | off


def assumed_log_se(rows: Sequence[Row]) -> float:
    """The noise assumed for a latency whose own is unknown.

    The larger of the analysis's and the median spread of one process among the rows' parts.
    """
    parts = [part for row in rows for part in (row.encode, row.prefill) if part is not None]
    spreads = [part.log_sd for part in parts if part.log_sd is not None]
    return max(Assumed.log_se, statistics.median(spreads) if spreads else 0.0)


FAR = 6.0
"""Standard errors on each side beyond which a rank is taken as settled. The noise of three or
four processes has heavy tails; even so such a point is on the front in fewer than one draw in
a thousand, far below where `analysis.probability` says `off`."""


def split_by_reach(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows to draw, and those that are dominated even if `FAR` better and all others worse.

    Drawing the latter could not change any probability, and in a large database they are most
    rows. Rows without a known error get the analysis's assumed one.

    Args:
        rows: scored ones.
    """
    stand_in = assumed_log_se(rows)
    bounds = [_bounds(row, stand_in) for row in rows]
    pessimists = sorted((slow, low) for _, slow, low, _ in bounds)
    order = sorted(range(len(rows)), key=lambda index: bounds[index][0])
    hopeless: set[int] = set()
    best, seen = -1.0, 0
    for index in order:
        fast, _, _, high = bounds[index]
        while seen < len(pessimists) and pessimists[seen][0] < fast:
            best = max(best, pessimists[seen][1])
            seen += 1
        if best > high:
            hopeless.add(index)
    near = [row for index, row in enumerate(rows) if index not in hopeless]
    return near, [rows[index] for index in sorted(hopeless)]


def _bounds(row: Row, stand_in: float) -> tuple[float, float, float, float]:
    """The fastest and slowest TTFT, and the lowest and highest score, within `FAR` errors."""
    point, noise = _context(row), _noise(row.ttft)
    spread = math.exp(FAR * (noise.log_se if noise else stand_in))
    margin = FAR * (Assumed.accuracy_se if point.accuracy_se is None else point.accuracy_se)
    seconds, score = point.ttft_s, point.accuracy
    return (seconds / spread, seconds * spread, score - margin, score + margin)


def _is_known(row: Row) -> bool:
    has_error = row.score is not None and row.score.standard_error is not None
    return has_error and row.ttft is not None and row.ttft.is_known


def contenders(rows: Sequence[Row]) -> list[Contender]:
    """The scored rows as the analysis takes them: names, values, noise, and what else counts."""
    return [
        replace(
            _context(row),
            name="|".join(map(str, (*row.identity, row.recipe, row.environment))),
            family=row.family,
            parts=_parts(row),
            ttft_noise=_noise(row.ttft),
            columns=_columns(row),
        )
        for row in rows
        if row.is_scored
    ]


def context_contenders(rows: Sequence[Row]) -> list[Contender]:
    """The scored rows as far as others learn from them how scores vary; none of it is drawn."""
    return [_context(row) for row in rows if row.is_scored]


def _context(row: Row) -> Contender:
    if row.ttft is None or row.score is None:
        raise ValueError(f"{row} has no TTFT or no score and cannot contend")
    return Contender(
        name="",
        ttft_s=row.ttft.value,
        accuracy=row.score.value,
        accuracy_se=row.score.standard_error,
        score="|".join(map(str, (*row.identity, row.recipe))),
        traits=(row.encoder, row.llm, row.tiling),
    )


def _parts(row: Row) -> tuple[Part, ...]:
    """Encode and prefill as parts that points share; none if they do not make up the TTFT."""
    if not row.encode_key or row.encode_total is None or row.prefill is None:
        return ()
    passes, encode = row.passes, row.encode
    if encode is None or passes is None:  # several encoders, timed as a sum
        passes, encode = 1, row.encode_total
    return (
        Part(row.encode_key, passes, encode.value, _noise(encode)),
        Part(row.prefill_key, 1, row.prefill.value, _noise(row.prefill)),
    )


def _noise(estimate: Estimate | None) -> LatencyNoise | None:
    return None if estimate is None else latency_noise(estimate)


def _columns(row: Row) -> Mapping[str, float | None]:
    columns: dict[str, float | None] = {
        "peak_memory_bytes": row.peak_memory_bytes,
        "parameters": row.encoder_parameters,
        "passes": row.passes,
        "visual_tokens": row.visual_tokens,
        "resolution_px": row.resolution_px,
    }
    return columns | {task.benchmark: task.value for task in row.task_scores}
