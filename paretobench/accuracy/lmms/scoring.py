"""Task results to scores: value, standard error and protocol of every benchmark, and suites.

A number never stands for more than it is. A benchmark scored on part of its items, a suite
that lacks a member or has a limited one, is marked partial. LLaVA's rules apply only where
the samples allow it. What is not in the list of benchmarks is kept under its own name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paretobench.accuracy import suites
from paretobench.accuracy.lmms import items
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.analysis.items import Confusion, mean_error, mean_f1_error
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
    """Refuse a protocol that nobody follows.

    Raises:
        ConfigError: if it is neither `lmms` nor `llava`.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"unknown protocol {protocol!r}; choose {' or '.join(PROTOCOLS)}")


def values(results: Sequence[TaskResult], protocol: str = "lmms") -> list[Value]:
    """The benchmarks that these task results of one checkpoint hold.

    Raises:
        ConfigError: if the protocol is unknown.
        DataError: if the samples lack what the protocol needs.
    """
    check_protocol(protocol)
    found: list[Value] = []
    splits = [result for result in results if result.task in items.SPLIT_TASKS]
    if protocol == "llava" and splits:
        found.append(_pope_llava(splits))
    for result in results:
        if protocol == "llava" and result.task in items.SPLIT_TASKS:
            continue
        rows = [row for row in suites.BENCHMARKS.values() if row.task == result.task]
        known = [_known(result, row, protocol) for row in rows]
        found += [value for value in known if value is not None]
        if not rows:
            found += _unknown(result)
    return found


def _known(result: TaskResult, row: suites.Benchmark, protocol: str) -> Value | None:
    if row.name == "pope" and protocol == "llava":
        return _pope_llava([result])
    if row.name in ("gqa", "textvqa") and protocol == "llava":
        return _llava_mean(result, row.name)
    raw = result.metric(row.metric)
    if raw is None or (row.name == "seedbench_all" and result.own.get("where")):
        return None  # not scored, or scored on the questions with images alone
    value, note = _fraction(raw, row.task_scale)
    error, n = _native_error(result, row, value)
    has_ocr = row.name == "textvqa" and items.has_ocr_prompt(result)
    return Value(
        benchmark=row.name,
        value=value,
        standard_error=error,
        n=n,
        protocol="llava" if has_ocr else "lmms",
        is_partial=result.is_limited,
        results=(result,),
        note="; ".join(filter(None, [note, "OCR tokens in the prompt" if has_ocr else ""])),
    )


def _fraction(raw: float, scale: int) -> tuple[float, str]:
    """A value as a fraction; above its scale it can only be percent.

    Raises:
        DataError: if it fits neither.
    """
    value = raw / scale
    if 0 <= value <= 1:
        return value, ""
    if 1 < value <= 100 and scale == 1:
        return value / 100, "read as percent"
    raise DataError(f"a score of {raw} is neither a fraction nor percent")


def _native_error(
    result: TaskResult, row: suites.Benchmark, value: float
) -> tuple[float | None, int | None]:
    """Standard error and number of items under lmms-eval's own rules."""
    if row.name == "pope":
        return _pope_native_error(result), result.n
    if row.name.startswith("seedbench"):
        return _seedbench_error(result, row, value)
    given = result.error(row.metric)
    if given is not None:
        return given / row.task_scale, result.n
    if result.samples:
        try:
            scored = list(items.item_scores(result, row.name, "lmms").values())
        except DataError:
            scored = []
        if scored:
            return mean_error(scored)[1], len(scored)
    if result.n:
        return suites.binomial_standard_error(value, result.n), result.n
    return None, result.n


def _seedbench_error(
    result: TaskResult, row: suites.Benchmark, value: float
) -> tuple[float | None, int | None]:
    # The file counts video questions too; the samples know which are which.
    if result.samples:
        n: int | None = len(items.item_scores(result, row.name, "lmms"))
    else:
        n = None if result.is_limited else row.n_items
    return (suites.binomial_standard_error(value, n) if n else None), n


def _pope_native_error(result: TaskResult) -> float | None:
    if result.samples:
        return mean_f1_error(list(items.pope_confusions([result], "lmms").values()))[1]
    confusion = confusion_from_metrics(result)
    return None if confusion is None else mean_f1_error([confusion])[1]


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


def _llava_mean(result: TaskResult, benchmark: str) -> Value:
    if benchmark == "textvqa" and items.has_ocr_prompt(result) is not True:
        raise DataError(
            f"{result.path.name}: TextVQA under the llava protocol needs OCR tokens in the prompt, "
            f"and these answers were given without; import them as protocol lmms, or score again "
            f"with protocol llava"
        )
    scores = list(items.item_scores(result, benchmark, "llava").values())
    value, error = mean_error(scores)
    return Value(benchmark, value, error, len(scores), "llava", result.is_limited, (result,))


def _pope_llava(results: Sequence[TaskResult]) -> Value:
    confusions = items.pope_confusions(results, "llava")
    missing = [split for split in items.POPE_SPLITS if split not in confusions]
    value, error = mean_f1_error(list(confusions.values()))
    n = sum(confusion.n for confusion in confusions.values())
    is_partial = bool(missing) or any(result.is_limited for result in results)
    note = f"without the split {', '.join(missing)}" if missing else ""
    return Value("pope", value, error, n, "llava", is_partial, tuple(results), note)


def _unknown(result: TaskResult) -> list[Value]:
    """Every metric of a task that is no benchmark of ours, as far as it can be a fraction."""
    kept = []
    for key, raw in result.metrics.items():
        name = result.task if len(result.metrics) == 1 else f"{result.task}/{key.split(',')[0]}"
        try:
            value, note = _fraction(raw, 1)
        except DataError:
            continue
        error = result.error(key)
        error = error / 100 if error is not None and note else error
        kept.append(Value(name, value, error, result.n, "lmms", result.is_limited, (result,), note))
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
    errors = [value.standard_error for value in members.values()]
    known = [error for error in errors if error is not None]
    note = "; ".join(
        filter(
            None,
            [
                f"without {', '.join(missing)}" if missing else "",
                f"limited: {', '.join(limited)}" if limited else "",
            ],
        )
    )
    return Value(
        benchmark=suite.name,
        value=math.fsum(value.value for value in members.values()) / len(members),
        standard_error=math.hypot(*known) / len(members) if len(known) == len(errors) else None,
        n=None,
        protocol=_suite_protocol(members),
        is_partial=bool(missing or limited),
        results=tuple(result for value in members.values() for result in value.results),
        note=note,
    )


def _suite_protocol(members: Mapping[str, Value]) -> str:
    found = {value.protocol for value in members.values()}
    if len(found) == 1:
        return found.pop()
    as_published = all(v.protocol == suites.BENCHMARKS[n].protocol for n, v in members.items())
    return "mixed" if as_published else "other"


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
        note="; ".join(filter(None, [value.note, facts_in_words(own.get("facts") or {})])),
    )
    return Score(
        encoder=place.encoder,
        resolution_px=place.resolution_px,
        llm=place.llm,
        tiling=place.tiling,
        recipe=place.recipe,
        benchmark=value.benchmark,
        value=value.value,
        source=source,
        standard_error=value.standard_error,
        n=value.n,
        harness=source.title,
        protocol=value.protocol,
        checkpoint=checkpoint or str(own.get("checkpoint") or ""),
        is_partial=value.is_partial,
    )


def facts_in_words(facts: Mapping[str, Any]) -> str:
    """What a run observed, in a few words: precision, input, empty answers.

    >>> facts_in_words({'dtype': 'bfloat16', 'answers': 500, 'empty_answers': 3})
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
