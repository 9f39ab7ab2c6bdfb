"""A row for every point that a sweep asked for: with a TTFT, or with the reason why not.

What was timed is one row for a point; each of its scorecards makes another of it, with the score
and what keeps that from being of the same model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from paretobench.analysis import stats
from paretobench.analysis.prediction import Prediction
from paretobench.domain import Workload
from paretobench.domain.records import Estimate
from paretobench.planning.plan import Refusal
from paretobench.report import same_model
from paretobench.report.placement import placements, with_placement
from paretobench.report.view.evidence import Evidence, PartEvidence
from paretobench.report.view.images import ttft_p90
from paretobench.report.view.one_piece import contradiction, in_one_piece
from paretobench.report.view.predictions import predicted_sum
from paretobench.report.view.refusals import refused_rows
from paretobench.report.view.rows import Identity, Row, identity_of
from paretobench.report.view.scorecards import Scorecard, cards_of
from paretobench.store import StoredPoint

NO_SCORE = Scorecard("", None, ())
HINT = (
    "no score: import an lmms-eval result or a scores.csv with 'paretobench import', or score a "
    "checkpoint with 'paretobench score'"
)

_FIDELITIES = ("quick", "standard", "rigorous", "audit")


def stored_rows(
    points: Sequence[StoredPoint],
    cards: Mapping[Identity, Sequence[Scorecard]],
    evidence: Evidence,
    refusals: Iterable[Refusal],
) -> list[Row]:
    """A row for each point and each of its scorecards, and for what was refused."""
    placed = placements(evidence.workloads, evidence.cells)
    rows = []
    for point in points:
        timed = with_placement(_timed(point, evidence), point, placed)
        workloads = [part.workload for part in evidence.parts(point)]
        own = cards_of(identity_of(point), cards) or (NO_SCORE,)
        rows += [_scored(timed, card, point, workloads) for card in own]
    return rows + refused_rows(refusals, points)


def _scored(timed: Row, card: Scorecard, point: StoredPoint, workloads: Sequence[Workload]) -> Row:
    """The row under one recipe; a score of other weights than those timed is none."""
    other = same_model.other_weights(card.headline, workloads)
    odd = same_model.cautions(card.headline, workloads, point, card.names_precision)
    headline = None if other else card.headline
    return replace(
        timed,
        recipe=card.recipe,
        score=headline,
        task_scores=card.tasks,
        cautions=(*card.cautions, *odd, *timed.cautions),
        hint="" if headline else "; ".join(map(str, other)) or HINT,
    )


def _timed(point: StoredPoint, evidence: Evidence) -> Row:
    """The point without a score: what was timed of it, where and how."""
    parts, images = evidence.parts(point), point.image_count
    check = _newest_check(evidence.parts(point, "end_to_end"))
    encode = [part for part in parts if part.role == "encode"]
    prefill = [part for part in parts if part.role == "prefill"]
    ttft, end_to_end = _sum(parts), check.latency if check else None
    predicted = None if ttft else _predicted(parts)
    one_piece = (
        in_one_piece(evidence.timed_cells(check), [evidence.timed_cells(part) for part in parts])
        if check
        else None
    )
    measured = [part.measured for part in parts if part.measured]
    peaks = [one.peak_memory_bytes for one in measured if one.peak_memory_bytes is not None]
    encoded_by, prefilled_by = _runtime(encode), _runtime(prefill)
    checkpoints = {part.workload.checkpoint for part in parts}
    return replace(
        _named(point),
        encode=encode[0].latency if len(encode) == images == 1 else None,
        encode_total=_sum(encode),
        prefill=_sum(prefill),
        ttft=ttft,
        predicted=predicted,
        ttft_p90=ttft_p90(point, evidence.measurements),
        end_to_end=end_to_end,
        one_piece=one_piece,
        tpot=_time_per_token(evidence.parts(point, "decode")),
        runs=tuple(
            evidence.runs[part.key, part.role]
            for part in (*parts, *([check] if check else []))
            if (part.key, part.role) in evidence.runs
        ),
        encode_key=_shared_key(encode, images, evidence.environment.key),
        prefill_key=_shared_key(prefill, images, evidence.environment.key),
        encode_backend=encoded_by[0],
        encode_precision=encoded_by[1],
        prefill_backend=prefilled_by[0],
        prefill_precision=prefilled_by[1],
        environment=evidence.environment.label,
        fidelity=min((one.fidelity for one in measured), key=_FIDELITIES.index) if ttft else "",
        peak_memory_bytes=max(peaks, default=None),
        labels=_labels(parts, ttft),
        latency_source="measured" if ttft else "predicted" if predicted else "",
        timed_checkpoint=checkpoints.pop() if len(checkpoints) == 1 else "",
        cautions=contradiction(ttft, end_to_end, one_piece),
        reason="" if ttft else _reason(parts, evidence.refused.get(identity_of(point))),
    )


def _named(point: StoredPoint) -> Row:
    """The point's names, labels and counts alone, as its sweep knew them."""
    encoder, llm = (point.described.get(part, {}) for part in ("encoder", "llm"))
    printed = encoder.get("published_parameters_m")
    return Row(
        **point.identity(),
        encoder_label=encoder.get("label", point.encoder),
        family=encoder.get("family", point.encoder),
        llm_label=llm.get("label", point.llm),
        size_label=llm.get("size_label", ""),
        tiling_label=point.described.get("tiling", {}).get("label", "") or point.tiling,
        encoder_parameters=printed * 1e6 if printed else encoder.get("parameters"),
        passes=point.passes,
        visual_tokens=point.visual_tokens,
        newline_tokens=point.newline_tokens,
    )


def _newest_check(checks: Sequence[PartEvidence]) -> PartEvidence | None:
    """The check that was measured under the newest protocol."""
    measured = [check for check in checks if check.measured] or checks
    by_age = sorted(measured, key=lambda check: check.workload.protocol_version)
    return by_age[-1] if by_age else None


def _sum(parts: Sequence[PartEvidence]) -> Estimate | None:
    """The composed estimate of some parts; None if there is none or one is not measured."""
    found = [(part.passes, part.latency) for part in parts]
    pairs = [(passes, latency) for passes, latency in found if latency]
    if not pairs or len(pairs) < len(parts):
        return None
    return pairs[0][1] if len(pairs) == 1 and pairs[0][0] == 1 else stats.compose(pairs)


def _predicted(parts: Sequence[PartEvidence]) -> Prediction | None:
    """The sum of measured and predicted parts; None if one is neither."""
    return predicted_sum([(part.passes, part.latency, part.predicted) for part in parts])


def _shared_key(parts: Sequence[PartEvidence], images: int, environment_key: str) -> str:
    """What was timed where: points with the same key share the number and its error.

    The passes of a single workload are counted beside the key; a sum's are part of it.
    """
    is_sum = len(parts) > 1 or images > 1
    keys = [f"{part.passes:g} x {part.key}" if is_sum else part.key for part in parts]
    return "+".join((*sorted(keys), environment_key))


def _time_per_token(decodes: Sequence[PartEvidence]) -> Estimate | None:
    """Seconds of one output token: a decode run's over the tokens that it generates."""
    timed = [(part.passes / int(part.workload.subject["steps"]), part.latency) for part in decodes]
    pairs = [(share, latency) for share, latency in timed if latency]
    return stats.compose(pairs) if pairs and len(pairs) == len(decodes) else None


def _reason(parts: Sequence[PartEvidence], refused: str | None) -> str:
    """Why there is no TTFT: what happened to each part that has no measurement."""
    if refused is not None and not any(part.failure for part in parts):
        return f"refused: {refused}"
    reasons = []
    for part in parts:
        if part.measured is None:
            kind = part.failure.kind.replace("_", " ") if part.failure else ""
            why = f"{kind}: {part.failure.reason}" if part.failure else "not measured yet"
            reasons.append(f"{part.workload.label} {why}")
    return "; ".join(reasons) or "the sweep planned no workload for it"


def _runtime(parts: Sequence[PartEvidence]) -> tuple[str, str]:
    """Backend and precision of the first of them."""
    if not parts:
        return "", ""
    runtime = parts[0].workload.runtime
    return runtime.backend, runtime.precision


def _labels(parts: Sequence[PartEvidence], ttft: Estimate | None) -> tuple[str, ...]:
    is_shared = any(part.workload.runtime.options.get("weights") == "shared" for part in parts)
    shared = ("shared layer weights",) if is_shared else ()
    return tuple(dict.fromkeys((*shared, *(ttft.labels if ttft else ()))))
