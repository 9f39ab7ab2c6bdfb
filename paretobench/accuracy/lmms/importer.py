"""Bringing in scores that lmms-eval or VLMEvalKit left behind.

Files and folders in, placed scores out. Results of one folder and one checkpoint belong
together, so that their suite means are made; the same file twice makes the same scores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms import placing, scoring, vlmevalkit
from paretobench.accuracy.lmms import results as results_
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.accuracy.lmms.scoring import Value
from paretobench.domain.records import Score
from paretobench.errors import DataError


@dataclass(frozen=True)
class Imported:
    """What was read: `scores` to store, and `notes` for the user, one line each."""

    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def is_importable(path: Path) -> bool:
    """Whether a file or folder looks like results that this module reads."""
    if path.is_dir():
        return any(results_.result_files(path)) or any(vlmevalkit.result_files(path))
    return vlmevalkit.is_result_file(path) or results_.is_result_file(path)


def import_results(
    paths: Sequence[Path],
    flags: Mapping[str, Any] | None = None,
    mapping: Path | None = None,
    protocol: str = "lmms",
) -> Imported:
    """The scores in result files of lmms-eval and VLMEvalKit.

    Args:
        paths: files or folders.
        flags: encoder, resolution_px, llm, tiling, recipe as far as the user said them.
        mapping: a mapping file (see `placing`).
        protocol: `lmms`, or `llava` to score GQA, TextVQA and POPE from the logged samples.

    Raises:
        ConfigError: if the mapping file or the protocol is wrong.
        DataError: if a path holds no results, cannot be placed, or lacks what the protocol needs.
    """
    scoring.check_protocol(protocol)
    rules = placing.read_mapping(mapping) if mapping else []
    scores: list[Score] = []
    notes: list[str] = []
    for path in paths:
        for place, found, own in _placed(path, flags or {}, rules, protocol):
            values = [*found, *scoring.suite_values(found)]
            scores += scoring.to_scores(values, place, "measured" if own else "imported")
            notes += [_note(path, place, value) for value in values if value.note]
    return Imported(tuple(scores), tuple(dict.fromkeys(notes)))


def _placed(
    path: Path, flags: Mapping[str, Any], rules: Sequence[placing.Rule], protocol: str
) -> list[tuple[ScorePoint, list[Value], bool]]:
    """The values of each checkpoint below a path, with their place."""
    runs: dict[tuple[ScorePoint, bool, str], list[TaskResult]] = defaultdict(list)
    for result in _lmms_results(path):
        texts = _texts(result)
        key = placing.place(texts, flags, rules), bool(result.own), " ".join(texts[1:])
        runs[key].append(result)
    found = [(key[0], scoring.values(of, protocol), key[1]) for key, of in runs.items()]
    tables: dict[tuple[ScorePoint, str], list[Value]] = defaultdict(list)
    for value in _vlmevalkit_values(path):
        texts = _texts(value.results[0])
        tables[placing.place(texts, flags, rules), texts[2]].append(value)
    found += [(place, values, False) for (place, _), values in tables.items()]
    if not found:
        raise DataError(f"{path} holds no results of lmms-eval or VLMEvalKit")
    return found


def _lmms_results(path: Path) -> list[TaskResult]:
    if path.is_file():
        return [] if vlmevalkit.is_result_file(path) else results_.read_results(path)
    if path.is_dir() and not any(results_.result_files(path)):
        return []
    return results_.read_results(path)


def _vlmevalkit_values(path: Path) -> list[Value]:
    if path.is_dir():
        return [vlmevalkit.read_value(file) for file in vlmevalkit.result_files(path)]
    return [vlmevalkit.read_value(path)] if vlmevalkit.is_result_file(path) else []


def _texts(result: TaskResult) -> list[str]:
    named = str(result.own.get("checkpoint_name") or "")
    return [result.path.as_posix(), named, result.model, result.model_args]


def _note(path: Path, place: ScorePoint, value: Value) -> str:
    return f"{path.name}: {value.benchmark} of {place.encoder}@{place.resolution_px}: {value.note}"
