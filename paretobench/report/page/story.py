"""One point's full story in facts: what it is, what it costs, where that comes from.

Terms and texts only, every number by `words` and `units`; the page shows them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretobench.domain.records import Estimate
from paretobench.report.formatting import (
    estimate_ms,
    predicted_from,
    remark,
    runtimes,
    ttft_ms,
)
from paretobench.report.view.one_piece import explanation
from paretobench.report.view.rows import Row
from paretobench.units import MISSING, counted, gibibytes, percent, significant


@dataclass(frozen=True, slots=True)
class Fact:
    """A term and its text; the unit is apart, so that equal numbers are equal texts."""

    term: str
    text: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Some facts under one heading; a fact without a text is left out."""

    heading: str
    facts: tuple[Fact, ...]


def story(row: Row) -> list[FactGroup]:
    """The facts of one row in the order in which people ask for them.

    >>> [part.heading for part in story(Row('v', 'V', 'V', 336, 'q', 'Q', '1B'))]
    ['Configuration']
    """
    parts = (
        ("Configuration", _configuration(row)),
        ("Time", _time(row)),
        ("Measurement", _measurement(row)),
        ("Provenance", _provenance(row)),
    )
    told = [
        FactGroup(heading, tuple(fact for fact in facts if fact.text)) for heading, facts in parts
    ]
    return [part for part in told if part.facts]


def _configuration(row: Row) -> tuple[Fact, ...]:
    tokens = "" if row.visual_tokens is None else str(row.visual_tokens)
    newlines = f" and {counted(row.newline_tokens, 'newline token')}" if row.newline_tokens else ""
    return (
        Fact("Encoder", _encoder(row)),
        Fact("Language model", row.llm_label),
        Fact("Image", f"{row.resolution_px} px, {row.tiling_label or row.tiling}"),
        Fact("Encoder passes", "" if row.passes is None else str(row.passes)),
        Fact("Visual tokens", f"{tokens}{newlines}" if tokens else ""),
    )


def _encoder(row: Row) -> str:
    if row.encoder_parameters is None:
        return row.encoder_label
    return f"{row.encoder_label}, {significant(row.encoder_parameters / 1e6)} M parameters"


def _time(row: Row) -> tuple[Fact, ...]:
    per_pass = row.encode if row.passes is not None and row.passes > 1 else None
    return (
        _ms("One encoder pass", per_pass),
        _ms("Encoding", row.encode_total),
        _ms("Prefill", row.prefill),
        _ms("Time to first token", row.ttft),
        _ms("Nine in ten images within", row.ttft_p90),
        _ms("In one piece, as a check", row.end_to_end),
        Fact("Predicted", ttft_ms(row) if row.predicted else "", "ms"),
        Fact("Predicted from", predicted_from(row)),
        Fact("Over its sum", explanation(row.one_piece) if row.one_piece else ""),
        Fact("No time because", row.reason),
    )


def _ms(term: str, estimate: Estimate | None) -> Fact:
    return Fact(term, "" if estimate is None else estimate_ms(estimate), "ms")


def _measurement(row: Row) -> tuple[Fact, ...]:
    named = (("encode", row.encode), ("prefill", row.prefill), ("in one piece", row.end_to_end))
    processes = ", ".join(f"{part.n} {name}" for name, part in named if part is not None)
    return (
        Fact("Runtime", runtimes(row)),
        Fact("Processes", processes if row.is_measured else ""),
        Fact("95 % interval", row.ttft.method if row.ttft and row.ttft.low is not None else ""),
        Fact("Fidelity", row.fidelity),
        Fact("Peak memory", gibibytes(row.peak_memory_bytes).replace(MISSING, "")),
        Fact("Probability to be on its front", _probability(row)),
    )


def _probability(row: Row) -> str:
    if row.front.probability is None:
        return ""
    return f"{percent(row.front.probability, 0)} % ({row.front.verdict})"


def _provenance(row: Row) -> tuple[Fact, ...]:
    score = row.score
    said = ""
    if score is not None:
        rules = f"rules '{score.protocol}'" if score.protocol else ""
        said = ", ".join(part for part in (score.source, score.provenance, rules) if part)
    return (
        Fact("Environment", row.environment),
        Fact("Recipe", row.recipe),
        Fact("Latency from", row.latency_citation),
        Fact("Score from", said),
        Fact("Note", remark(row)),
    )
