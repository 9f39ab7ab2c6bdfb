"""Where each row stands: on the front, on its family's, and how sure that is.

The fronts of the values as they stand come from `view.with_fronts`; the probabilities from
`analysis.probability`, drawn with the noise of both axes. Rows that share an encoder's or an
LLM's workload share its error, which is what makes a ranking within a family surer than the
intervals alone would say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from paretobench.analysis.points import Contender, LatencyNoise, Part
from paretobench.records import Estimate
from paretobench.report.view import FrontClass, Panel, Row, View, with_fronts

SEED = 0
"""Seed of the draws: the same view gives the same probabilities."""


def with_standing(view: View, seed: int = SEED) -> View:
    """The view with fronts, probabilities and classes set within each panel.

    Rows whose latency or score has no known error get no probability: it would rest on an
    assumption alone.
    """
    found: dict[int, tuple[float, FrontClass]] = {}
    marked = with_fronts(view)
    for panel in marked.panels():
        found |= _memberships(panel, seed)
    rows = tuple(
        replace(row, front_probability=found[id(row)][0], front_class=found[id(row)][1])
        if id(row) in found
        else row
        for row in marked.rows
    )
    return replace(marked, rows=rows)


def _memberships(panel: Panel, seed: int) -> dict[int, tuple[float, FrontClass]]:
    import numpy as np

    from paretobench.analysis.probability import memberships

    if not any(row.ttft is not None and row.ttft.low is not None for row in panel.rows):
        return {}
    results = memberships(contenders(panel.rows), np.random.default_rng(seed))
    return {
        id(row): (result.probability, result.verdict)
        for row, result in zip(panel.rows, results, strict=True)
        if result.verdict != "unknown"
    }


def contenders(rows: Sequence[Row]) -> list[Contender]:
    """The scored rows as the analysis takes them: names, values, noise, and what else counts."""
    return [_contender(row) for row in rows if row.is_scored]


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
        score="|".join(map(str, (*row.identity, row.recipe))),
        columns=_columns(row),
    )


def _parts(row: Row) -> tuple[Part, ...]:
    """Encode and prefill as parts that points share; none if they do not make up the TTFT."""
    if row.encode_total is None or row.prefill is None or row.ttft is None:
        return ()
    total = row.encode_total.value + row.prefill.value
    if abs(total - row.ttft.value) > 1e-6 * row.ttft.value:
        return ()
    encode, prefill = row.encode_total, row.prefill
    where = (row.encoder, row.resolution_px, row.tiling, row.environment, encode.value)
    what = (row.llm, row.visual_tokens, row.newline_tokens, row.environment, prefill.value)
    return (  # the seconds are part of the name: equal work timed alike is the same workload
        Part("|".join(map(str, where)), 1, encode.value, _noise(encode)),
        Part("|".join(map(str, what)), 1, prefill.value, _noise(prefill)),
    )


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
