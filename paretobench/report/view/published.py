"""The view of the paper's own points: its tables alone, no store, nothing measured here.

Every score of the bundled tables is joined with the latency printed for the same point. The
series of latencies are never mixed: the paper's Table 4 times FastViTHD up to twice as slow
as Table 9, on which every printed TTFT rests, so only series that agree with Table 9 count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from paretobench.config.catalogue import Catalogue, load_catalogue
from paretobench.domain import Encoder
from paretobench.domain.records import Estimate, PublishedLatency, Score, Source
from paretobench.errors import UnknownNameError
from paretobench.paper import published
from paretobench.report.view.front_membership import with_front_membership
from paretobench.report.view.rows import (
    HEADLINE,
    Identity,
    LatencySource,
    Row,
    View,
    benchmark_label,
    identity_of,
)
from paretobench.report.view.scorecards import Scorecard, scorecards
from paretobench.units import counted

SERIES = (
    "table9",
    "fig1b",
    "v2_table10",
    "table6",
    "table10",
    "v2_table6",
    "v2_table11",
    "cvpr_table6",
    "table5_composed",
    "fig1a",
)
"""Latency series that agree with one another, the surest first: parts and their sum, sums of
printed parts, rounded totals, and last what was read off a picture."""

COMPOSED = ("fig1b", "table5_composed")
"""Series whose sums the paper does not print; each row carries its arithmetic as a label."""

ENCODER_SERIES = ("table1",)
"""Encoder latencies without an LLM that still belong to the same series as Table 9."""


def published_view(
    benchmark: str = HEADLINE, recipe: str = "all", user_sweeps: Path | None = None
) -> View:
    """Every published point with its latency and scores, one row per recipe.

    Args:
        benchmark: what the y axis shows.
        recipe: one recipe only, or `all`.
        user_sweeps: a folder whose encoders and LLMs give names their labels, too.

    Raises:
        UnknownNameError: if no published score has that benchmark or recipe.
    """
    catalogue = load_catalogue(user_sweeps)
    scores = published.scores()
    _check_known(scores, benchmark, recipe)
    cards = scorecards(scores, benchmark, recipe)
    latencies = _by_point(published.latencies())
    encoders = _encoder_latencies(published.latencies())
    rows = [
        _row(where, card, latencies.get(where), encoders.get(where), catalogue, benchmark)
        for where, found in cards.items()
        for card in found
    ]
    sources = [row.latency_from for row in rows if row.latency_from]
    sources += [source for row in rows if row.score for source in row.score.sources]
    view = View(
        rows=tuple(sorted(rows, key=_order)),
        name="published",
        title="FastVLM as published",
        protocol="paper",
        environment="Apple M1 Max (published, not measured here)",
        command="paretobench report --published",
        benchmark=benchmark,
        sources=tables_cited(sources),
        notes=_notes(rows, {one.source for one in latencies.values() if one.series in COMPOSED}),
    )
    return with_front_membership(view)


def _check_known(scores: Iterable[Score], benchmark: str, recipe: str) -> None:
    benchmarks = {score.benchmark for score in scores}
    recipes = {score.recipe for score in scores} | {"all"}
    if benchmark not in benchmarks:
        raise UnknownNameError("benchmark", benchmark, benchmarks)
    if recipe not in recipes:
        raise UnknownNameError("recipe", recipe, recipes)


def _by_point(found: Iterable[PublishedLatency]) -> dict[Identity, PublishedLatency]:
    """The surest latency of each point; those without a TTFT or of another series stay out."""
    best: dict[Identity, PublishedLatency] = {}
    for latency in found:
        if latency.series not in SERIES or latency.ttft_s is None:
            continue
        where = identity_of(latency)
        held = best.get(where)
        if held is None or SERIES.index(latency.series) < SERIES.index(held.series):
            best[where] = latency
    return best


def _encoder_latencies(found: Iterable[PublishedLatency]) -> dict[Identity, PublishedLatency]:
    """What the paper timed without an LLM, for Vicuna-7B, which those tables score with."""
    return {
        (latency.encoder, latency.resolution_px, "vicuna_7b", latency.tiling): latency
        for latency in found
        if latency.series in ENCODER_SERIES and latency.encode_s is not None
    }


def _row(
    where: Identity,
    card: Scorecard,
    latency: PublishedLatency | None,
    alone: PublishedLatency | None,
    catalogue: Catalogue,
    benchmark: str,
) -> Row:
    encoder, _, _, tiling = where
    timed = latency or alone
    is_composed = latency is not None and latency.series in COMPOSED
    labels = (f"TTFT composed: {latency.source.note}",) if latency and is_composed else ()
    keys = _part_keys(where, latency)
    encode = _estimate(timed.encode_s if timed else None)
    return replace(
        named_row(catalogue, where),
        visual_tokens=timed.visual_tokens if timed else None,
        encoder_parameters=_parameters(catalogue.encoders.get(encoder)),
        encode=encode if tiling == "none" else None,
        encode_total=encode,
        prefill=_estimate(latency.prefill_s if latency else None),
        ttft=_estimate(latency.ttft_s if latency else None),
        latency_source=_source_kind(timed),
        latency_from=timed.source if timed else None,
        encode_key=keys[0],
        prefill_key=keys[1],
        environment=timed.device if timed else "Apple M1 Max",
        recipe=card.recipe,
        score=card.headline,
        task_scores=card.tasks,
        reason="" if latency else "the paper prints no TTFT for it",
        hint="" if card.headline else f"no {benchmark_label(benchmark)} is published for it",
        labels=labels,
    )


def named_row(catalogue: Catalogue, where: Identity) -> Row:
    """A row that says what the point is and no more; a name without a label is used as it is."""
    encoder, resolution_px, llm, tiling = where
    known, model = catalogue.encoders.get(encoder), catalogue.llms.get(llm)
    tiled = catalogue.tilings.get(tiling)
    return Row(
        encoder=encoder,
        encoder_label=known.label if known else encoder,
        family=known.family if known else encoder,
        resolution_px=resolution_px,
        llm=llm,
        llm_label=model.label if model else llm,
        size_label=model.size_label if model else "",
        tiling=tiling,
        tiling_label=(tiled.label if tiled else "") or tiling,
    )


def _parameters(encoder: Encoder | None) -> float | None:
    if encoder is None:
        return None
    printed = encoder.published_parameters_m
    return float(encoder.parameters) if printed is None else printed * 1e6


def _estimate(seconds: float | None) -> Estimate | None:
    return None if seconds is None else Estimate(seconds, None, None, 0, "as published")


def _source_kind(latency: PublishedLatency | None) -> LatencySource:
    if latency is None:
        return ""
    return "digitised" if latency.source.provenance == "digitised" else "published"


def _part_keys(where: Identity, latency: PublishedLatency | None) -> tuple[str, str]:
    """What two printed numbers have to agree in to be one measurement: the models, the device
    and the number itself, since a paper names no runs. None where the parts are not the sum."""
    if latency is None or latency.encode_s is None or latency.prefill_s is None:
        return ("", "")
    encoder, resolution_px, llm, tiling = where
    ttft_s = latency.ttft_s or 0.0
    if abs(latency.encode_s + latency.prefill_s - ttft_s) > 1e-6 * ttft_s:
        return ("", "")
    encode = (encoder, resolution_px, tiling, latency.device, latency.encode_s)
    prefill = (llm, latency.visual_tokens, latency.device, latency.prefill_s)
    return ("|".join(map(str, encode)), "|".join(map(str, prefill)))


def tables_cited(sources: Iterable[Source]) -> tuple[str, ...]:
    """Documents with their tables, sorted, each once; rows are cited where the number is."""
    named = {", ".join(filter(None, (source.document, source.place))) for source in sources}
    return tuple(sorted(named))


def _notes(rows: list[Row], composed_by_us: Collection[Source]) -> tuple[str, ...]:
    composed = sum(row.ttft is not None and row.latency_from in composed_by_us for row in rows)
    digitised = sum(row.latency_source == "digitised" for row in rows)
    return (
        "Nothing here was measured by this tool; the paper states no spread and no repeats.",
        f"{counted(composed, 'TTFT')} composed from printed parts, "
        f"{digitised} read off Figure 1(a): see the column 'note'.",
        "FastViTHD's latencies are those of Table 9; Table 4's differ by up to two times and "
        "are not used.",
    )


def _order(row: Row) -> tuple[object, ...]:
    return (row.recipe, row.llm, row.family, row.encoder, row.resolution_px, row.tiling)
