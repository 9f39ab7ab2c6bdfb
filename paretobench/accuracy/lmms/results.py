"""Result files of lmms-eval, whatever version wrote them, as task results.

Three layouts are known. They differ in names and in where the settings stand, not in the
numbers:

    to 0.2.2       FOLDER/results.json, settings in `model_configs`, samples in FOLDER/TASK.json
    0.2.3          MODEL/results_DATE.json, samples in MODEL/samples_TASK_DATE.jsonl
    from 0.2.4     MODEL/DATE_results.json, samples in MODEL/DATE_samples_TASK.jsonl

What this package's own runs write is the last one, with a section `paretobench` that holds
the checkpoint's hash and what was observed. Nothing is scored here: see `scoring`.

Reference: EvolvingLMMs-Lab/lmms-eval, `__main__.py` and `loggers/evaluation_tracker.py` at the
tags v0.2.2, v0.2.3, v0.2.4 and the 0.7.3 release.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from paretobench.errors import DataError

MISSING = 999
"""What lmms-eval writes for a value that it could not compute."""

_NAMES = (
    re.compile(r"results\.json\Z"),
    re.compile(r"results_(?P<date>.+)\.json\Z"),
    re.compile(r"(?P<date>.+)_results\.json\Z"),
)
_STDERR = re.compile(r"(?P<metric>.+)_stderr(?P<kind>_clt|_clustered)?(?P<filter>,.*)?\Z")


@dataclass(frozen=True)
class Sample:
    """One item as it was logged.

    Attributes:
        item: identifies the item within its task, the same in every run.
        prompt: the text of the question as the model was given it; empty where not logged.
        answer: what the model said, after the task's filter.
        doc: the item's fields without images; empty where the layout leaves them out.
        metrics: what the task's own scoring made of the answer, by metric.
    """

    item: str
    prompt: str
    answer: str
    target: Any
    doc: Mapping[str, Any]
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class TaskResult:
    """One task of one run.

    Attributes:
        task: lmms-eval's name.
        metrics: metric key such as `exact_match,none` to value; what has no value is left out.
        errors: the standard errors that came with them.
        n: items scored; None if the file does not say.
        is_limited: only part of the items were scored.
        model, model_args: as given to lmms-eval.
        harness: `lmms-eval` and its version where the file says or its layout implies it.
        sha256: of the file.
        samples_path: the logged samples; None if there are none.
        own: the section `paretobench` of our own runs.
        parts: if this is several stages of one scoring put together, those.
    """

    task: str
    metrics: Mapping[str, float]
    errors: Mapping[str, float]
    n: int | None
    is_limited: bool
    model: str
    model_args: str
    harness: str
    path: Path
    sha256: str
    samples_path: Path | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[TaskResult, ...] = ()

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The logged samples in the order of the items; empty if there are none."""
        if self.parts:
            return tuple(sample for part in self.parts for sample in part.samples)
        if self.samples_path is None:
            return ()
        found = (_sample(line) for line in _sample_lines(self.samples_path))
        return tuple(sorted(found, key=lambda sample: (len(sample.item), sample.item)))

    def metric(self, key: str) -> float | None:
        """A metric by its key; `exact_match` also finds `exact_match,none`."""
        bare = key.split(",")[0]
        for name in (key, bare, f"{bare},none"):
            if name in self.metrics:
                return self.metrics[name]
        return None

    def error(self, key: str) -> float | None:
        """The standard error that the file gives for a metric."""
        return self.errors.get(key.split(",")[0])


def read_results(path: Path) -> list[TaskResult]:
    """Every task result in a file, or in all result files below a folder.

    A folder is searched by the names above; a file is read whatever it is called.

    Raises:
        DataError: if there is no such path, no result file below it, or one cannot be read.
    """
    if not path.exists():
        raise DataError(f"no such file or folder: {path}")
    files = [path] if path.is_file() else sorted(result_files(path))
    if not files:
        raise DataError(
            f"no lmms-eval results below {path}: looked for results.json, results_*.json and "
            f"*_results.json; name the file itself if it is called otherwise"
        )
    found = [result for file in files for result in _read_file(file)]
    if not found:
        raise DataError(f"{path} holds no task results; is it a finished run?")
    return found


def result_files(folder: Path) -> Iterator[Path]:
    """Files below a folder that are named like results; unfinished runs of ours are not."""
    for path in folder.rglob("*.json"):
        is_unfinished = any(".unfinished-" in part for part in path.parts)
        if not is_unfinished and any(name.match(path.name) for name in _NAMES):
            yield path


def is_result_file(path: Path) -> bool:
    """Whether a file holds lmms-eval results, judged by its content."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return False
    return isinstance(data, dict) and isinstance(data.get("results"), dict)


def _read_file(path: Path) -> list[TaskResult]:
    content = path.read_bytes()
    try:
        data = json.loads(content)
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}; is it cut off?") from error
    if not isinstance(data, dict) or not isinstance(data.get("results"), dict):
        raise DataError(
            f"{path} has no 'results': lmms-eval's result files have, sample logs have not"
        )
    settings = data.get("config") or data.get("model_configs") or {}
    own = data.get("paretobench") or {}
    shared: dict[str, Any] = {
        "model": str(settings.get("model") or ""),
        "model_args": _arguments(settings.get("model_args")),
        "harness": _harness(data, path),
        "path": path,
        "sha256": hashlib.sha256(content).hexdigest(),
        "own": own,
    }
    results = []
    for task, values in data["results"].items():
        metrics, errors = _metrics(values)
        if metrics:
            samples = _samples_of(path, task)
            n = _item_count(data, task, samples)
            limit = settings.get("limit") if not own else own.get("limit") or own.get("items")
            results.append(
                TaskResult(
                    task=task.strip(" -"),
                    metrics=metrics,
                    errors=errors,
                    n=n,
                    is_limited=_is_limited(limit, data, task),
                    samples_path=samples,
                    **shared,
                )
            )
    return results


def _arguments(given: Any) -> str:
    if isinstance(given, dict):
        return ",".join(f"{name}={value}" for name, value in given.items())
    return str(given or "")


def _harness(data: Mapping[str, Any], path: Path) -> str:
    version = str((data.get("paretobench") or {}).get("lmms_eval_version") or "")
    stated = version or str(data.get("lmms_eval_version") or "")
    if re.match(r"\d", stated):
        return f"lmms-eval {stated}"
    if "model_configs" in data:
        return "lmms-eval 0.2.2"
    return "lmms-eval 0.2.3" if path.name.startswith("results_") else "lmms-eval"


def _metrics(values: Any) -> tuple[dict[str, float], dict[str, float]]:
    metrics: dict[str, float] = {}
    errors: dict[str, float] = {}
    for key, value in (values if isinstance(values, dict) else {}).items():
        number = _number(value)
        if key in ("alias", "samples") or number is None:
            continue
        match = _STDERR.match(key)
        if match is None:
            metrics[key] = number
        elif match["kind"] is None or match["metric"] not in errors:
            errors[match["metric"]] = number
    return metrics, errors


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_value = math.isfinite(value) and value != MISSING
    return float(value) if is_value else None


def _item_count(data: Mapping[str, Any], task: str, samples: Path | None) -> int | None:
    counted = (data.get("n-samples") or {}).get(task)
    if isinstance(counted, dict) and isinstance(counted.get("effective"), int | float):
        return int(counted["effective"])
    if samples is not None:
        return sum(1 for _ in _sample_lines(samples))
    return None


def _is_limited(limit: Any, data: Mapping[str, Any], task: str) -> bool:
    if limit not in (None, "", "None", -1):
        return True
    counted = (data.get("n-samples") or {}).get(task)
    if not isinstance(counted, dict):
        return False
    return bool(counted.get("effective", 0) < counted.get("original", 0))


def _samples_of(path: Path, task: str) -> Path | None:
    """The sample log that belongs to a task of this result file."""
    candidates = [path.with_name(f"{task}.json")]
    for name in _NAMES[1:]:
        match = name.match(path.name)
        if match:
            date = match["date"]
            candidates += [
                path.with_name(f"{date}_samples_{task}.jsonl"),
                path.with_name(f"samples_{task}_{date}.jsonl"),
            ]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _sample_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix == ".json":
            yield from json.loads(text)["logs"]
        else:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no sample log that can be read: {error}") from error


_NOT_METRICS = {
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "doc_hash", "item"),
    *("input", "input_media", "token_counts", "prompt_hash", "target_hash"),
}


def _sample(line: Mapping[str, Any]) -> Sample:
    answer = line.get("filtered_resps", "")
    while isinstance(answer, list):
        answer = answer[0] if answer else ""
    return Sample(
        item=str(line["item"] if "item" in line else line.get("doc_id")),
        prompt=_first_text(line.get("input") or line.get("arguments")),
        answer=str(answer),
        target=line.get("target"),
        doc=line.get("doc") or {},
        metrics={key: value for key, value in line.items() if key not in _NOT_METRICS},
    )


def _first_text(value: Any) -> str:
    """The first string in the nested lists and tables that layouts keep their arguments in."""
    if isinstance(value, str):
        return value
    parts = value.values() if isinstance(value, Mapping) else value
    if not isinstance(parts, Iterable):
        return ""
    return next((text for part in parts if (text := _first_text(part))), "")
