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

from paretobench.analysis.points import Contender, LatencyNoise, Part
from paretobench.domain.records import Estimate
from paretobench.report.view.rows import FrontClass, FrontPlace, Panel, Row, View, with_fronts

ASSUMED_LOG_SE, ASSUMED_ACCURACY_SE = 0.03, 0.0026
"""What `analysis.noise.Assumed` takes where no error is known."""

FEWEST_DRAWS, DRAWN_AT_MOST = 400, 1_000_000
"""Draws per point, and draws of all points together: a large database settles for fewer."""

SEED = 0
"""Seed of the draws: the same view gives the same probabilities."""


def with_front_membership(view: View, seed: int = SEED) -> View:
    """The view with fronts, probabilities and classes set within each panel.

    Rows whose latency or score has no known error get no probability: it would rest on an
    assumption alone. Those that were measured on a machine that was never quiet are `unknown`
    and on no front.
    """
    found: dict[int, tuple[float | None, FrontClass]] = {}
    marked = with_fronts(view)
    for panel in marked.panels():
        quiet = [row for row in panel.rows if not _is_disturbed(row)]
        found |= _memberships(replace(panel, rows=tuple(quiet)), seed)
        found |= {id(row): (None, "unknown") for row in panel.rows if _is_disturbed(row)}
    rows = tuple(
        replace(row, front=_judged(row, *found[id(row)])) if id(row) in found else row
        for row in marked.rows
    )
    return replace(marked, rows=rows)


def _judged(row: Row, probability: float | None, verdict: FrontClass) -> FrontPlace:
    return replace(row.front, probability=probability, verdict=verdict)


def _is_disturbed(row: Row) -> bool:
    return row.ttft is not None and row.ttft.is_disturbed


def _memberships(panel: Panel, seed: int) -> dict[int, tuple[float | None, FrontClass]]:
    import numpy as np

    from paretobench.analysis.noise import DRAWS, Assumed
    from paretobench.analysis.probability import memberships

    if not any(row.ttft is not None and row.ttft.is_known for row in panel.rows):
        return {}
    hopeless = out_of_reach(panel.rows)
    near = [row for row, is_out in zip(panel.rows, hopeless, strict=True) if not is_out]
    rest = [row for row, is_out in zip(panel.rows, hopeless, strict=True) if is_out]
    draws = max(FEWEST_DRAWS, min(DRAWS, DRAWN_AT_MOST // max(len(near), 1)))
    rng = np.random.default_rng(seed)
    assumed = Assumed(log_se=assumed_log_se(panel.rows))
    results = memberships(contenders(near), rng, draws, assumed, others=context_contenders(rest))
    found: dict[int, tuple[float | None, FrontClass]] = {
        id(row): (result.probability, result.verdict)
        for row, result in zip(near, results, strict=True)
        if result.verdict != "unknown"
    }
    return found | {id(row): (0.0, "off") for row in rest if _is_known(row)}


def assumed_log_se(rows: Sequence[Row]) -> float:
    """The noise assumed for a latency whose own is unknown.

    The larger of `ASSUMED_LOG_SE` and the median spread of one process among the rows' parts.
    """
    parts = [part for row in rows for part in (row.encode, row.prefill) if part is not None]
    spreads = [part.log_sd for part in parts if part.log_sd is not None]
    return max(ASSUMED_LOG_SE, statistics.median(spreads) if spreads else 0.0)


FAR = 6.0
"""Standard errors on each side beyond which a rank is taken as settled. The noise of three or
four processes has heavy tails; even so such a point is on the front in fewer than one draw in
a thousand, far below where `analysis.probability` says `off`."""


def out_of_reach(rows: Sequence[Row]) -> list[bool]:
    """Which rows are dominated even if they were `FAR` better and all others `FAR` worse.

    Drawing them could not change any probability, and in a large database they are most rows.
    Rows without a known error get the analysis's assumed one.

    Args:
        rows: scored ones.
    """
    stand_in = assumed_log_se(rows)
    bounds = [_bounds(row, stand_in) for row in rows]
    pessimists = sorted((slow, low) for _, slow, low, _ in bounds)
    order = sorted(range(len(rows)), key=lambda index: bounds[index][0])
    flags, best, seen = [False] * len(rows), -1.0, 0
    for index in order:
        fast, _, _, high = bounds[index]
        while seen < len(pessimists) and pessimists[seen][0] < fast:
            best = max(best, pessimists[seen][1])
            seen += 1
        flags[index] = best > high
    return flags


def _bounds(row: Row, stand_in: float) -> tuple[float, float, float, float]:
    """The fastest and slowest TTFT, and the lowest and highest score, within `FAR` errors."""
    if row.ttft is None or row.score is None:
        raise ValueError(f"{row} has no TTFT or no score and cannot contend")
    noise, error = _noise(row.ttft), row.score.standard_error
    spread = math.exp(FAR * (noise.log_se if noise else stand_in))
    margin = FAR * (ASSUMED_ACCURACY_SE if error is None else error)
    seconds, score = row.ttft.value, row.score.value
    return (seconds / spread, seconds * spread, score - margin, score + margin)


def _is_known(row: Row) -> bool:
    has_error = row.score is not None and row.score.standard_error is not None
    return has_error and row.ttft is not None and row.ttft.is_known


def contenders(rows: Sequence[Row]) -> list[Contender]:
    """The scored rows as the analysis takes them: names, values, noise, and what else counts."""
    return [_contender(row) for row in rows if row.is_scored]


def context_contenders(rows: Sequence[Row]) -> list[Contender]:
    """The scored rows as far as others learn from them how scores vary; none of it is drawn."""
    return [
        Contender(
            name="",
            ttft_s=row.ttft.value,
            accuracy=row.score.value,
            accuracy_se=row.score.standard_error,
            score=_score_key(row),
            traits=_traits(row),
        )
        for row in rows
        if row.ttft is not None and row.score is not None
    ]


def _score_key(row: Row) -> str:
    return "|".join(map(str, (*row.identity, row.recipe)))


def _traits(row: Row) -> tuple[str, ...]:
    return (row.encoder, row.llm, row.tiling)


def _contender(row: Row) -> Contender:
    if row.ttft is None or row.score is None:
        raise ValueError(f"{row} has no TTFT or no score and cannot contend")
    return Contender(
        name="|".join(map(str, (*row.identity, row.recipe, row.environment))),
        ttft_s=row.ttft.value,
        accuracy=row.score.value,
        family=row.family,
        parts=_parts(row),
        ttft_noise=_noise(row.ttft),
        accuracy_se=row.score.standard_error,
        score=_score_key(row),
        traits=_traits(row),
        columns=_columns(row),
    )


def _parts(row: Row) -> tuple[Part, ...]:
    """Encode and prefill as parts that points share; none if they do not make up the TTFT."""
    if not row.encode_key or row.encode_total is None or row.prefill is None:
        return ()
    prefill = Part(row.prefill_key, 1, row.prefill.value, _noise(row.prefill))
    if row.encode is None or row.passes is None:  # several encoders, timed as a sum
        return (Part(row.encode_key, 1, row.encode_total.value, _noise(row.encode_total)), prefill)
    return (Part(row.encode_key, row.passes, row.encode.value, _noise(row.encode)), prefill)


def _noise(estimate: Estimate) -> LatencyNoise | None:
    from paretobench.analysis.noise import latency_noise

    return latency_noise(estimate)


def _columns(row: Row) -> Mapping[str, float | None]:
    columns: dict[str, float | None] = {
        "peak_memory_bytes": row.peak_memory_bytes,
        "parameters": row.encoder_parameters,
        "passes": row.passes,
        "visual_tokens": row.visual_tokens,
        "resolution_px": row.resolution_px,
    }
    return columns | {task.benchmark: task.value for task in row.task_scores}
