"""One point's full story in facts: what it is, what it costs, where that comes from.

Terms and texts only, every number by `words` and `units`; the page shows them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretobench.records import Estimate
from paretobench.report.view import Row
from paretobench.report.words import estimate_ms, remark, runtimes
from paretobench.units import MISSING, counted, gibibytes, percent, significant


@dataclass(frozen=True)
class Part:
    """Some facts under one heading; a fact without a text is left out."""

    heading: str
    facts: tuple[tuple[str, str], ...]


def story(row: Row) -> list[Part]:
    """The facts of one row in the order in which people ask for them.

    >>> [part.heading for part in story(Row('v', 'V', 'V', 336, 'q', 'Q', '1B'))]
    ['Configuration']
    """
    parts = (
        Part("Configuration", _configuration(row)),
        Part("Time", _time(row)),
        Part("Measurement", _measurement(row)),
        Part("Provenance", _provenance(row)),
    )
    told = [Part(part.heading, tuple(fact for fact in part.facts if fact[1])) for part in parts]
    return [part for part in told if part.facts]


def _configuration(row: Row) -> tuple[tuple[str, str], ...]:
    tokens = "" if row.visual_tokens is None else str(row.visual_tokens)
    newlines = f" and {counted(row.newline_tokens, 'newline token')}" if row.newline_tokens else ""
    return (
        ("Encoder", _encoder(row)),
        ("Language model", row.llm_label),
        ("Image", f"{row.resolution_px} px, {row.tiling_label or row.tiling}"),
        ("Encoder passes", "" if row.passes is None else str(row.passes)),
        ("Visual tokens", f"{tokens}{newlines}" if tokens else ""),
    )


def _encoder(row: Row) -> str:
    if row.encoder_parameters is None:
        return row.encoder_label
    return f"{row.encoder_label}, {significant(row.encoder_parameters / 1e6)} M parameters"


def _time(row: Row) -> tuple[tuple[str, str], ...]:
    per_pass = row.encode if row.passes is not None and row.passes > 1 else None
    return (
        ("One encoder pass", _ms(per_pass)),
        ("Encoding", _ms(row.encode_total)),
        ("Prefill", _ms(row.prefill)),
        ("Time to first token", _ms(row.ttft)),
        ("In one piece, as a check", _ms(row.end_to_end)),
        ("No time because", row.reason),
    )


def _ms(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate_ms(estimate)} ms"


def _measurement(row: Row) -> tuple[tuple[str, str], ...]:
    return (
        ("Runtime", runtimes(row)),
        ("Processes", _processes(row)),
        ("95 % interval", _method(row.ttft)),
        ("Fidelity", row.fidelity),
        ("Peak memory", _known(gibibytes(row.peak_memory_bytes))),
        ("Chance to be on its front", _chance(row)),
    )


def _processes(row: Row) -> str:
    if not row.is_measured:
        return ""
    named = (("encode", row.encode), ("prefill", row.prefill), ("in one piece", row.end_to_end))
    return ", ".join(f"{part.n} {name}" for name, part in named if part is not None)


def _method(estimate: Estimate | None) -> str:
    return estimate.method if estimate is not None and estimate.low is not None else ""


def _chance(row: Row) -> str:
    if row.front_probability is None:
        return ""
    return f"{percent(row.front_probability, 0)} % ({row.front_class})"


def _known(text: str) -> str:
    return "" if text == MISSING else text


def _provenance(row: Row) -> tuple[tuple[str, str], ...]:
    score = row.score
    said = ""
    if score is not None:
        said = ", ".join(part for part in (score.source, score.provenance) if part)
    return (
        ("Environment", row.environment),
        ("Recipe", row.recipe),
        ("Latency from", row.latency_citation or row.latency_source),
        ("Score from", said),
        ("Note", remark(row)),
    )
