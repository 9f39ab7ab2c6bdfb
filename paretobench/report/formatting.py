"""Words for values: the cells of tables and the footers of figures, all through `units`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from paretobench.domain.records import Estimate
from paretobench.report.view.rows import DAGGER, Accuracy, Row, View
from paretobench.units import MISSING, counted, milliseconds, percent

PROTOCOLS = {
    "paper": "protocol 'paper': encoder + prefill of the visual tokens",
    "full": "protocol 'full': preprocessing + encoder + projector + prefill of prompt and image",
}
"""What each protocol's TTFT covers, for footers and notes."""


Z95 = 1.959964
"""Half-width of a 95 % normal interval in standard errors: every ± and every bar is a 95 %
interval, as the brackets after a time are."""


def estimate_ms(estimate: Estimate | None) -> str:
    """Milliseconds with the 95 % interval where there is one, without the unit.

    >>> estimate_ms(Estimate(0.0841, 0.0836, 0.0849, 6, 't'))
    '84.1 [83.6, 84.9]'
    >>> estimate_ms(Estimate(0.0841, None, None, 1, 'single')), estimate_ms(None)
    ('84.1', '–')
    """
    if estimate is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return milliseconds(estimate.value)
    interval = f"[{milliseconds(estimate.low)}, {milliseconds(estimate.high)}]"
    return f"{milliseconds(estimate.value)} {interval}"


def ttft_ms(row: Row) -> str:
    """A row's TTFT in milliseconds with its interval; a predicted one begins with `~`.

    >>> from paretobench.analysis.prediction import Prediction
    >>> ttft_ms(Row('v', 'V', 'V', 1, 'q', 'Q', '7B', predicted=Prediction(5.2, 4.1, 6.6, 'model')))
    '~5200 [90%: 4100, 6600]'
    """
    guess = row.predicted
    if row.ttft is not None or guess is None:
        return estimate_ms(row.ttft)
    interval = f"[90%: {milliseconds(guess.low_s)}, {milliseconds(guess.high_s)}]"
    return f"~{milliseconds(guess.latency_s)} {interval}"


def predicted_from(row: Row) -> str:
    """What a predicted TTFT was predicted from; empty where there is none."""
    from paretobench.analysis.prediction import BASIS_TEXTS

    return BASIS_TEXTS[row.predicted.basis] if row.predicted is not None else ""


def value_ms(estimate: Estimate | None) -> str:
    """Milliseconds of the point estimate alone.

    >>> value_ms(Estimate(0.0841, None, None, 1, 'single')), value_ms(None)
    ('84.1', '–')
    """
    return MISSING if estimate is None else milliseconds(estimate.value)


def score_percent(score: Accuracy | None) -> str:
    """Percent with the half-width of its 95 % interval where the error is known, without the sign.

    >>> score_percent(Accuracy('gqa', 0.629, 0.004)), score_percent(Accuracy('gqa', 0.629))
    ('62.9 ± 0.8', '62.9')
    >>> score_percent(None)
    '–'
    """
    if score is None:
        return MISSING
    if score.standard_error is None:
        return percent(score.value)
    return f"{percent(score.value)} ± {percent(Z95 * score.standard_error)}"


def front_class(row: Row) -> str:
    """What a row is: `front`, `ambiguous`, `unknown`, `family` (on that front alone), `dominated`.

    A class from uncertainties wins over the plain dominance of the point estimates.
    """
    if not row.is_scored:
        return MISSING
    if row.front.verdict in ("ambiguous", "unknown"):
        return row.front.verdict
    if row.front.is_on:
        return "front"
    return "family" if row.front.is_on_family else "dominated"


def runtimes(row: Row) -> str:
    """What ran the two halves: `openvino bf16 + torch bf16`, once if both are the same.

    >>> runtimes(Row('v', 'V', 'V', 1, 'q', 'Q', '1B', encode_backend='torch',
    ...              encode_precision='bf16', prefill_backend='torch', prefill_precision='bf16'))
    'torch bf16'
    """
    encode = f"{row.encode_backend} {row.encode_precision}".strip()
    prefill = f"{row.prefill_backend} {row.prefill_precision}".strip()
    if not encode or encode == prefill:
        return prefill
    return f"{encode} + {prefill}" if prefill else encode


def origin(row: Row) -> str:
    """Where a row's numbers come from: latency first, then score.

    >>> from paretobench.domain.records import Source
    >>> four = Source('published', 'FastVLM', 'v1', 'Table 4', 'T4-1')
    >>> origin(Row('v', 'V', 'V', 1, 'q', 'Q', '1B', latency_source='measured',
    ...            score=Accuracy('avg5', 0.6, sources=(four,))))
    'measured; FastVLM v1, Table 4, T4-1'
    """
    latency = row.latency_citation
    score = row.score.source if row.score else ""
    return "; ".join(part for part in dict.fromkeys((latency, score)) if part) or MISSING


def remark(row: Row) -> str:
    """What a reader must know about a row: why there is no TTFT or no score, and its labels."""
    unscored = row.score is None and row.hint and not row.reason
    guess = predicted_from(row)
    parts = [row.reason, f"predicted from {guess}" if guess else ""]
    parts += ["no score" if unscored else "", *row.labels]
    parts += [f"{DAGGER} {caution}" for caution in row.cautions]
    return "; ".join(part for part in parts if part)


def footer_lines(
    view: View,
    rows: Sequence[Row],
    recipe: str = "",
    bars: Literal["", "time", "both"] = "both",
) -> tuple[str, ...]:
    """The provenance under a figure: where and how, from which sources, by which command.

    Args:
        rows: those the figure shows; only their sources are named.
        recipe: the one they share, if they do.
        bars: whose error bars the figure draws; with `time` it shows no scores at all.
    """
    where = (
        view.environment,
        PROTOCOLS.get(view.protocol, view.protocol),
        f"recipe {recipe}" if recipe else "",
        _bars(rows, bars),
    )
    sources = sources_text(rows, with_scores=bars != "time")
    command = f"$ {view.command}" if view.command else ""
    lines = (
        " · ".join(part for part in where if part),
        _cautions(rows),
        _checkpoints(rows),
        f"sources: {sources}" if sources else "",
        "  ".join(part for part in (view.date, command) if part),
    )
    return tuple(line for line in lines if line)


def _cautions(rows: Sequence[Row]) -> str:
    """What the daggers beside points mean; empty if there is none."""
    said = dict.fromkeys(str(caution) for row in rows for caution in row.cautions)
    return f"{DAGGER} {'; '.join(said)}" if said else ""


def _checkpoints(rows: Sequence[Row]) -> str:
    """The checkpoints that both axes are of, by the first digits of their hashes."""
    both = (r.score.checkpoint for r in rows if r.score and r.is_of_one_checkpoint)
    found = ", ".join(digest[:12] for digest in dict.fromkeys(both))
    return f"score and latency of the same weights: {found}" if found else ""


def _bars(rows: Sequence[Row], bars: str) -> str:
    """What the error bars of these rows mean."""
    parts = []
    processes = [row.ttft.n for row in rows if row.ttft and row.is_measured]
    if processes and bars:
        fewest = counted(min(processes), "process", "processes")
        parts.append(f"time from at least {fewest} per part")
    bare = sum(row.ttft is not None and row.ttft.low is None for row in rows) if bars else 0
    if bare:
        every = sum(row.ttft is not None for row in rows)
        parts.append(f"{'no' if bare == every else f'{bare} without a'} known error of the time")
    scores = [row.score for row in rows if row.score and bars == "both"]
    if any(score.is_error_assumed for score in scores):
        parts.append("score errors assumed from item counts and spread between trainings")
    return f"bars: 95%, {', '.join(parts)}" if parts else ""


def sources_text(rows: Sequence[Row], with_scores: bool = True) -> str:
    """Where these rows' published numbers come from, papers with their tables.

    >>> from paretobench.domain.records import Source
    >>> nine, four = (Source('published', 'FastVLM', 'v1', f'Table {n}', 'R3') for n in (9, 4))
    >>> sources_text([Row('v', 'V', 'V', 1, 'q', 'Q', '1B', latency_source='published',
    ...     latency_from=nine, score=Accuracy('avg5', 0.6, sources=(four,)))])
    'FastVLM v1 (Table 4, Table 9)'
    """
    cited = [row.latency_from for row in rows if row.latency_from]
    cited += [one for row in rows if row.score and with_scores for one in row.score.sources]
    papers: dict[str, set[str]] = {}
    for source in cited:
        papers.setdefault(source.document, set()).update(filter(None, [source.place]))
    named = (
        f"{paper} ({', '.join(sorted(tables, key=_natural))})" if tables else paper
        for paper, tables in sorted(papers.items())
    )
    return "; ".join(named)


def _natural(text: str) -> list[tuple[int, str]]:
    """Sort key under which `Table 9` comes before `Table 10`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]
