"""Task results to scores: value, standard error and protocol of every benchmark, and suites.

A number is never presented as more than it is. A benchmark scored on part of its items, a suite
that lacks a member or has a limited one, is marked partial. LLaVA's rules apply only where
the samples allow it. What is not in the list of benchmarks is kept under its own name.

lmms-eval before v0.3.0 scores DocVQA and InfoVQA by a rule of its own (`anls_rule`): where answers
are logged they are scored again, elsewhere the score has the protocol `lmms_any`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from paretobench.accuracy import suites
from paretobench.accuracy.lmms import items
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.analysis.items import (
    Confusion,
    f1,
    mean_error,
    mean_f1_error,
    mean_f1_error_by_image,
)
from paretobench.domain import content_key
from paretobench.domain.records import Score, Source, SourceKind
from paretobench.errors import ConfigError, DataError
from paretobench.units import counted

PROTOCOLS = ("lmms", "llava")


@dataclass(frozen=True)
class Value:
    """One benchmark's value as a fraction, before it is placed.

    `results` are the task results that it rests on; `note` says what is unusual about it.
    """

    benchmark: str
    value: float
    standard_error: float | None
    n: int | None
    protocol: str
    is_partial: bool
    results: tuple[TaskResult, ...]
    note: str = ""


def check_protocol(protocol: str) -> None:
    """Refuse a protocol that does not exist.

    Raises:
        ConfigError: if it is neither `lmms` nor `llava`.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"unknown protocol {protocol!r}; choose {' or '.join(PROTOCOLS)}")


def values(results: Sequence[TaskResult], protocol: str = "lmms") -> list[Value]:
    """The benchmarks that these task results of one checkpoint hold.

    Args:
        protocol: one of `PROTOCOLS`.

    Raises:
        DataError: if a score is none, or the samples lack what the protocol needs.
    """
    found: list[Value] = []
    for group in scored_together(results, protocol):
        if _is_split(group[0], protocol):
            found.append(_pope_llava(group))
        else:
            found += _values_of_task(group[0], protocol)
    return found


def scored_together(results: Sequence[TaskResult], protocol: str) -> list[list[TaskResult]]:
    """One result at a time, but POPE's splits together where LLaVA's mean is over them."""
    splits = [result for result in results if _is_split(result, protocol)]
    alone = [[result] for result in results if not _is_split(result, protocol)]
    return [splits, *alone] if splits else alone


def _is_split(result: TaskResult, protocol: str) -> bool:
    return protocol == "llava" and result.task in items.SPLIT_TASKS


def _values_of_task(result: TaskResult, protocol: str) -> list[Value]:
    """The benchmarks that one task answers; under its own name if it is none of ours."""
    rows = suites.of_task(result.task)
    if not rows:
        return _unknown(result)
    known = [(_known(result, row, protocol), row) for row in rows]
    return [_checked(value, row) for value, row in known if value]


def _checked(value: Value, row: suites.Benchmark) -> Value:
    """The value with its number of items held against the benchmark's.

    Raises:
        DataError: if more items were scored than there are.
    """
    if value.n is None or row.n_items is None or any(r.own for r in value.results):
        return value
    if value.n > row.n_items:
        raise DataError(
            f"{row.label} has {row.n_items:,} items, and this score is said to be of {value.n:,}"
        )
    part = row.part(value.n)
    return replace(value, is_partial=True, note=_joined(value.note, part)) if part else value


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _known(result: TaskResult, row: suites.Benchmark, protocol: str) -> Value | None:
    if row.name == "pope" and protocol == "llava":
        return _pope_llava([result])
    if row.name in ("gqa", "textvqa") and protocol == "llava":
        return _llava_mean(result, row)
    raw = result.metric(row.metric)
    if raw is None or (row.name == "seedbench_all" and result.own.get("where")):
        return None  # not scored, or scored on the questions with images alone
    value, note = _fraction(raw, row.task_scale)
    counted = _from_samples(result, row)
    is_other = counted is not None and abs(counted - value) > ROUNDED
    if counted is not None:
        value = counted
    error, n = _native_error(result, row, value)
    has_ocr = row.name == "textvqa" and items.has_ocr_prompt(result)
    is_old_rule_possible = row.name in items.ANLS_BENCHMARKS and counted is None
    rule = anls_rule(result, row) if is_old_rule_possible else "lmms"
    return Value(
        benchmark=row.name,
        value=value,
        standard_error=error,
        n=n,
        protocol="llava" if has_ocr else rule,
        is_partial=result.is_limited,
        results=(result,),
        note=_joined(
            note,
            "OCR tokens in the prompt" if has_ocr else "",
            f"scored again from logged answers; {100 * raw / row.task_scale:.1f} % before"
            if is_other
            else "",
            RULE_NOTES.get(rule, ""),
        ),
    )


def _from_samples(result: TaskResult, row: suites.Benchmark) -> float | None:
    """The value by distinct items, where the file's own counts copies or follows an old rule."""
    if row.name in items.ANLS_BENCHMARKS:
        if not result.samples or any(sample.target is None for sample in result.samples):
            return None
    elif result.parts or not result.log.repeated:
        return None
    if row.name == "pope":
        return f1(items.pope_confusions([result], "lmms")["all"])
    scored = list(items.item_scores(result, row.name, "lmms").values())
    return math.fsum(scored) / len(scored) if scored else None


ROUNDED = 5e-4
"""How far a file's score may be from that of its logged answers by rounding alone."""

RULE_NOTES = {
    "lmms_any": "by lmms-eval's rule before v0.3.0: any right answer matched at ANLS 0.5 counts 1",
    "lmms_undecided": "the file does not say by which of lmms-eval's two rules; import it with its "
    "sample logs",
}
"""What a score's note says of the rule of its protocol."""

FIRST_ANLS_VERSION = (0, 3)
"""`if self.multiple_target and metric != "anls"` first appears in v0.3.0's `api/task.py`."""

_SAME_ERROR = 1e-3
"""How closely (relative) an error has to be that of rights and wrongs alone to be taken for it."""


def anls_rule(result: TaskResult, row: suites.Benchmark) -> str:
    """By which rule lmms-eval scored a benchmark of several right answers: a protocol.

    To v0.2.4 an item is 1 if any right answer is matched at an ANLS of one half, else 0; since
    then it is the ANLS itself. Files from v0.2.4 to v0.7.1 do not name their version, but the
    error does: of rights and wrongs alone it is `sqrt(p (1 - p) / (n - 1))`, of any partial credit
    it is less.
    """
    version = re.search(r"(\d+)\.(\d+)", result.harness)
    if version:
        is_new = (int(version[1]), int(version[2])) >= FIRST_ANLS_VERSION
        return "lmms" if is_new else "lmms_any"
    value, error = result.metric(row.metric), result.error(row.metric)
    if value is None or not error or not result.n or result.n < 2 or not 0 < value < 1:
        return "lmms_undecided"
    of_rights = math.sqrt(value * (1 - value) / (result.n - 1))
    return "lmms_any" if abs(error / of_rights - 1) < _SAME_ERROR else "lmms"


def _fraction(raw: float, scale: int) -> tuple[float, str]:
    """A value as a fraction; above its scale it can only be percent.

    Raises:
        DataError: if it fits neither.
    """
    value = raw / scale
    if 0 <= value <= 1:
        return value, f"{raw:g} of {scale} points" if scale > 100 else ""
    if 1 < value <= 100 and scale == 1:
        return value / 100, "read as percent"
    allowed = f"a sum between 0 and {scale}" if scale > 100 else "a fraction or percent"
    raise DataError(f"a score of {raw:g} is not {allowed}")


def _native_error(
    result: TaskResult, row: suites.Benchmark, value: float
) -> tuple[float | None, int | None]:
    """Standard error and number of items under lmms-eval's own rules.

    The surest one that there is: clustered by the task's own key, by the logged items and their
    images, the file's, binomial. Where images are shared and not known, it is widened.
    """
    if row.name == "pope":
        return _pope_native_error(result, row), result.n
    if row.name.startswith("seedbench"):
        return _seedbench_error(result, row, value)
    given = result.error(row.metric)
    if given is not None and row.metric.split(",")[0] in result.clustered:
        return given / row.task_scale, result.n
    scored = _item_scores(result, row)
    if len(scored) > 1:
        return _mean_error(result, scored, row)[1], len(scored)
    if given is not None:
        return given / row.task_scale * row.widening, result.n
    if result.n and not row.is_sum:
        return suites.binomial_standard_error(value, result.n) * row.widening, result.n
    return None, result.n


def _item_scores(result: TaskResult, row: suites.Benchmark) -> dict[str, float]:
    """Score per item; empty where the log has none that is a fraction."""
    try:
        return items.item_scores(result, row.name, "lmms") if result.samples else {}
    except DataError:
        return {}


def _mean_error(
    result: TaskResult, scored: Mapping[str, float], row: suites.Benchmark
) -> tuple[float, float | None]:
    """Mean of items and its standard error, wider where they share images that are not known."""
    images = items.images_of(result.samples)
    of_items = [images[item] for item in scored] if images else None
    value, error = mean_error(list(scored.values()), of_items)
    return value, error if images or error is None else error * row.widening


def _seedbench_error(
    result: TaskResult, row: suites.Benchmark, value: float
) -> tuple[float | None, int | None]:
    # The file counts video questions too; the samples know which are which.
    if result.samples:
        scored = items.item_scores(result, row.name, "lmms")
        return _mean_error(result, scored, row)[1], len(scored)
    n = None if result.is_limited else row.n_items
    return (suites.binomial_standard_error(value, n) if n else None), n


def _pope_native_error(result: TaskResult, row: suites.Benchmark) -> float | None:
    if result.samples:
        return _f1_error([result], "lmms", row)[1]
    confusion = confusion_from_metrics(result)
    return None if confusion is None else mean_f1_error([confusion], row.widening)[1]


def _f1_error(
    results: Sequence[TaskResult], protocol: str, row: suites.Benchmark
) -> tuple[float, float | None]:
    by_image = items.pope_by_image(results, protocol)
    if by_image is not None:
        return mean_f1_error_by_image(by_image)
    return mean_f1_error(list(items.pope_confusions(results, protocol).values()), row.widening)


def confusion_from_metrics(result: TaskResult) -> Confusion | None:
    """POPE's counts, recovered from its precision, recall and yes-ratio; None if they lack.

    lmms-eval's `pope_yes_ratio` is the share of items whose right answer is yes, so that
    `TP = recall x positives` and `FP = TP (1 - precision) / precision`.
    """
    precision, recall = result.metric("pope_precision"), result.metric("pope_recall")
    ratio = result.metric("pope_yes_ratio")
    if precision is None or recall is None or ratio is None or not result.n or precision <= 0:
        return None
    positives = round(ratio * result.n)
    true_yes = round(recall * positives)
    false_yes = round(true_yes * (1 - precision) / precision)
    true_no = max(0, result.n - positives - false_yes)
    return Confusion(true_yes, false_yes, true_no, positives - true_yes)


def _llava_mean(result: TaskResult, row: suites.Benchmark) -> Value:
    if row.name == "textvqa" and items.has_ocr_prompt(result) is not True:
        raise DataError(
            f"{result.path.name}: TextVQA under the llava protocol needs OCR tokens in the prompt, "
            f"and these answers were given without; import them as protocol lmms, or score again "
            f"with protocol llava"
        )
    scored = items.item_scores(result, row.name, "llava")
    value, error = _mean_error(result, scored, row)
    return Value(row.name, value, error, len(scored), "llava", result.is_limited, (result,))


def _pope_llava(results: Sequence[TaskResult]) -> Value:
    confusions = items.pope_confusions(results, "llava")
    missing = [split for split in items.POPE_SPLITS if split not in confusions]
    value, error = _f1_error(results, "llava", suites.BENCHMARKS["pope"])
    n = sum(confusion.n for confusion in confusions.values())
    is_partial = bool(missing) or any(result.is_limited for result in results)
    note = f"without the split {', '.join(missing)}" if missing else ""
    return Value("pope", value, error, n, "llava", is_partial, tuple(results), note)


def _unknown(result: TaskResult) -> list[Value]:
    """Every metric of a task that is no benchmark of ours.

    Raises:
        DataError: if none of them can be a fraction.
    """
    kept = []
    problems = []
    for key, raw in result.metrics.items():
        name = result.task if len(result.metrics) == 1 else f"{result.task}/{key.split(',')[0]}"
        try:
            value, note = _fraction(raw, 1)
        except DataError:
            problems.append(f"{key} is {raw:g}, a sum with an unknown maximum")
            continue
        error = result.error(key)
        error = error / 100 if error is not None and note else error
        kept.append(Value(name, value, error, result.n, "lmms", result.is_limited, (result,), note))
    if not kept:
        raise DataError("; ".join(problems))
    return kept


def suite_values(found: Sequence[Value]) -> list[Value]:
    """The suites that these values fill, or fill in part; a part of one member is none."""
    kept = []
    for suite in suites.SUITES.values():
        members = {v.benchmark: v for v in found if v.benchmark in suite.members}
        if len(members) >= 2:
            kept.append(_suite_value(suite, members))
    return kept


def _suite_value(suite: suites.Suite, members: Mapping[str, Value]) -> Value:
    missing = [name for name in suite.members if name not in members]
    limited = [name for name, value in members.items() if value.is_partial]
    return Value(
        benchmark=suite.name,
        value=math.fsum(value.value for value in members.values()) / len(members),
        standard_error=suites.mean_error([value.standard_error for value in members.values()]),
        n=None,
        protocol=suites.mean_protocol({name: v.protocol for name, v in members.items()}),
        is_partial=bool(missing or limited),
        results=tuple(result for value in members.values() for result in value.results),
        note=_joined(
            f"without {', '.join(missing)}" if missing else "",
            f"limited: {', '.join(limited)}" if limited else "",
        ),
    )


def to_scores(
    found: Iterable[Value], place: ScorePoint, kind: SourceKind, checkpoint: str = ""
) -> list[Score]:
    """Placed values as the rows of the store. The same file twice makes the same scores."""
    return [_score(value, place, kind, checkpoint) for value in found]


def _score(value: Value, place: ScorePoint, kind: SourceKind, checkpoint: str) -> Score:
    first = value.results[0]
    own = first.own
    harnesses = sorted({result.harness for result in value.results})
    digests = sorted({result.sha256 for result in value.results})
    source = Source(
        kind=kind,
        title=" + ".join(harnesses),
        table=" + ".join(sorted({result.task for result in value.results})),
        row=str(own.get("checkpoint_name") or first.model_args or first.model),
        sha256=digests[0] if len(digests) == 1 else content_key(digests),
        note=_joined(value.note, facts_text(own.get("facts") or {})),
    )
    return Score(
        *place.names,
        place.recipe,
        benchmark=value.benchmark,
        value=value.value,
        source=source,
        standard_error=value.standard_error,
        n=value.n,
        harness=source.title,
        protocol=value.protocol,
        checkpoint=checkpoint or str(own.get("checkpoint") or ""),
        is_partial=value.is_partial,
        dated=max(result.dated for result in value.results),
    )


def facts_text(facts: Mapping[str, Any]) -> str:
    """What a run observed, in a few words: precision, input, empty answers.

    >>> facts_text({'dtype': 'bfloat16', 'answers': 500, 'empty_answers': 3})
    'bfloat16; 3 of 500 answers empty'
    """
    shape = facts.get("input") or {}
    words = [str(facts["dtype"])] if facts.get("dtype") else []
    if facts.get("quantisation"):
        method = facts["quantisation"]
        method = method.get("quant_method", method) if isinstance(method, Mapping) else method
        words.append(f"quantised: {method}")
    if shape.get("tile_px"):
        height, width = shape["tile_px"]
        words.append(f"{height} x {width} px")
    if shape.get("passes"):
        words.append(counted(shape["passes"], "pass", "passes"))
    if shape.get("visual_tokens"):
        words.append(counted(shape["visual_tokens"], "visual token"))
    if facts.get("empty_answers"):
        words.append(f"{facts['empty_answers']} of {facts['answers']} answers empty")
    return "; ".join(words)
