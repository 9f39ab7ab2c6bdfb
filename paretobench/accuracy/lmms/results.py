"""Result files of lmms-eval, whatever version wrote them, as task results.

Three layouts are known. They differ in names and in where the settings are, not in the
numbers:

    to 0.2.2       FOLDER/results.json, settings in `model_configs`, samples in FOLDER/TASK.json
    0.2.3          MODEL/results_DATE.json, samples in MODEL/samples_TASK_DATE.jsonl
    from 0.2.4     MODEL/DATE_results.json, samples in MODEL/DATE_samples_TASK.jsonl

What this package's own runs write is the last one, with a section `paretobench` that holds
the checkpoint's hash and what was observed. A file is known by its content; its name only says
when it was written and where its samples are. Nothing is scored here: see `scoring`.

Reference: EvolvingLMMs-Lab/lmms-eval, `__main__.py` and `loggers/evaluation_tracker.py` at the
tags v0.2.2, v0.2.3, v0.2.4 and the 0.7.3 release; `utils.get_lmms_eval_version_string` for
versions such as `main@v0.6-239`, which files carry from v0.7.2 on.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms.samples import ENDINGS, Sample, SampleLog, read_log
from paretobench.errors import DataError

MISSING = 999
"""What lmms-eval writes for a value that it could not compute."""

_NAMES = (
    re.compile(r"results_(?P<date>.+)\.json\Z"),
    re.compile(r"(?P<date>.+)_results\.json\Z"),
)
_STDERR = re.compile(r"(?P<metric>.+)_stderr(?P<kind>_clt|_clustered)?(?P<filter>,.*)?\Z")
_ERROR_RANK = {"_clustered": 0, None: 1, "_clt": 2}
"""Which of several standard errors of one metric counts: the one clustered by the task's key."""

_DATE = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)(?:[T_-]?(\d\d)[-:]?(\d\d)(?:[-:]?(\d\d))?)?")
_LARGEST_JSON_BYTES = 1 << 30
"""A result file of lmms-eval is below 10 MB; sample logs of v0.2 come to some 100 MB."""

_LM_EVAL = ("lm_eval_version", "pretty_env_info", "upper_git_hash")
"""Keys that lm-evaluation-harness writes and lmms-eval does not."""


@dataclass(frozen=True)
class TaskResult:
    """One task of one run.

    Attributes:
        task: lmms-eval's name.
        metrics: metric key such as `exact_match,none` to value; what has no value is left out.
        errors: the standard errors that came with them, by metric without its filter.
        n: distinct items scored; None if the file does not say.
        is_limited: only part of the items were scored.
        model, model_args: as given to lmms-eval.
        harness: `lmms-eval` and its version where the file says or its layout implies it.
        sha256: of the file.
        samples_path: the logged samples; None if there are none.
        own: the section `paretobench` of our own runs.
        parts: if this is several stages of one scoring put together, those.
        dated: when the run was written, ISO 8601 without an offset; empty if nothing says so.
        remarks: what is wrong with the file's figures, and what was done about it.
        clustered: metrics whose error is clustered by the task's own key.
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
    dated: str = ""
    remarks: tuple[str, ...] = ()
    clustered: frozenset[str] = frozenset()

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The logged samples in the order of the items; empty if there are none."""
        if self.parts:
            return tuple(sample for part in self.parts for sample in part.samples)
        return self.log.samples

    @property
    def log(self) -> SampleLog:
        """The log beside the file; empty if there is none.

        Raises:
            DataError: if it cannot be read.
        """
        return SampleLog(()) if self.samples_path is None else read_log(self.samples_path)

    def metric(self, key: str) -> float | None:
        """A metric by its key, else by its name under another filter.

        `exact_match,none` also finds `exact_match` and `exact_match,flexible-extract`: tasks
        change their filter between versions, and have one at a time.
        """
        bare = key.split(",")[0]
        exact = [name for name in (key, bare, f"{bare},none") if name in self.metrics]
        filtered = [name for name in self.metrics if name.split(",")[0] == bare]
        found = exact or filtered
        return self.metrics[found[0]] if found else None

    def error(self, key: str) -> float | None:
        """The standard error that the file gives for a metric."""
        return self.errors.get(key.split(",")[0])


@dataclass(frozen=True)
class ResultFile:
    """What one file holds: results, and the tasks that have none with the reason."""

    results: tuple[TaskResult, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def read_results(path: Path) -> list[TaskResult]:
    """Every task result in a file, or in all result files below a folder.

    Raises:
        DataError: if there is no such path, no result file below it, or one cannot be read.
    """
    if not path.exists():
        raise DataError(f"no such file or folder: {path}")
    files = [path] if path.is_file() else sorted(result_files(path))
    if not files:
        raise DataError(
            f"no lmms-eval results below {path}: no .json file there has a table 'results'"
        )
    found = [result for file in files for result in read_file(file).results]
    if not found:
        raise DataError(f"{path} holds no task results; is it a finished run?")
    return found


def by_task(results: Iterable[TaskResult]) -> dict[str, list[TaskResult]]:
    """Results by task in their order; several of one task are stages of one run."""
    found: dict[str, list[TaskResult]] = {}
    for result in results:
        found.setdefault(result.task, []).append(result)
    return found


def result_files(folder: Path) -> Iterator[Path]:
    """Files below a folder that hold results by their content; unfinished runs of ours are not."""
    for path in sorted(folder.rglob("*.json")):
        is_unfinished = any(".unfinished-" in part for part in path.parts)
        if not is_unfinished and path.is_file() and is_result_file(path):
            yield path


def is_result_file(path: Path) -> bool:
    """Whether a file holds results of lmms-eval or lm-evaluation-harness, by its content."""
    return is_result(read_json(path))


def read_json(path: Path) -> Any:
    """A file's JSON; None if it is none, or too large to be a result of anything."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _read_json(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _read_json(path: Path, mtime_ns: int, size: int) -> Any:
    if size > _LARGEST_JSON_BYTES:
        return None
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def is_result(data: Any) -> bool:
    """Whether parsed JSON has the shape of a result file."""
    return isinstance(data, dict) and isinstance(data.get("results"), dict)


def read_file(path: Path) -> ResultFile:
    """The task results of one file, and what of it is none.

    Raises:
        DataError: if it is no result file of lmms-eval.
    """
    content = path.read_bytes()
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}; is it cut off?") from error
    if not is_result(data):
        raise DataError(
            f"{path} has no 'results': lmms-eval's result files have, sample logs have not"
        )
    if (mark := next((key for key in _LM_EVAL if key in data), None)) is not None:
        raise DataError(
            f"{path} is of lm-evaluation-harness (it has {mark!r}), which scores text models; "
            "what is imported here are scores of vision-language models by lmms-eval"
        )
    return _File(path, hashlib.sha256(content).hexdigest(), data).read()


class _File:
    """One result file while it is taken apart: what all its tasks share, and what is odd."""

    def __init__(self, path: Path, sha256: str, data: Mapping[str, Any]) -> None:
        self._path, self._data = path, data
        remarks = [
            f"{name!r} is {type(data[name]).__name__}, not a table; left out"
            for name in ("config", "model_configs", "paretobench", "n-samples")
            if data.get(name) and not isinstance(data[name], Mapping)
        ]
        self._settings = _table(data.get("config")) or _table(data.get("model_configs"))
        self._own = _table(data.get("paretobench"))
        self._counts = _table(data.get("n-samples"))
        self._remarks = tuple(remarks)
        self._shared: dict[str, Any] = {
            "model": str(self._settings.get("model") or ""),
            "model_args": _arguments(self._settings.get("model_args")),
            "harness": _harness(data, self._own, path),
            "path": path,
            "sha256": sha256,
            "own": self._own,
            "dated": _dated(path, data),
        }

    def read(self) -> ResultFile:
        results, skipped = [], []
        for task, values in self._data["results"].items():
            read = _metrics(values)
            if read.metrics:
                results.append(self._result(str(task), read))
            else:
                skipped.append((str(task).strip(" -"), _reason(values, read.remarks)))
        if not self._data["results"]:
            skipped.append(("", "its table 'results' is empty; is it a finished run?"))
        return ResultFile(tuple(results), tuple(skipped))

    def _result(self, task: str, read: _Read) -> TaskResult:
        samples = samples_of(self._path, task)
        n, original, repeats = self._item_count(task, samples)
        limit = self._settings.get("limit")
        if self._own:
            limit = self._own.get("limit") or self._own.get("items")
        is_short = n is not None and original is not None and n < original
        return TaskResult(
            task=task.strip(" -"),
            metrics=read.metrics,
            errors={metric: error for metric, (_, error) in read.errors.items()},
            n=n,
            is_limited=limit not in (None, "", "None", -1) or is_short,
            samples_path=samples,
            remarks=(*self._remarks, *read.remarks, *repeats),
            clustered=frozenset(m for m, (kind, _) in read.errors.items() if kind == "_clustered"),
            **self._shared,
        )

    def _item_count(
        self, task: str, samples: Path | None
    ) -> tuple[int | None, int | None, list[str]]:
        """Distinct items answered, items there are, and a remark where the file counts twice."""
        counted = _table(self._counts.get(task))
        effective, original = _count(counted.get("effective")), _count(counted.get("original"))
        logged = _logged(samples)
        remarks = []
        if logged is not None and logged.repeated:
            distinct = len(logged.samples)
            remarks.append(
                f"{logged.repeated} of {distinct + logged.repeated} logged lines repeat an item "
                f"(the padding of a batch over several GPUs); {distinct} items count"
            )
            if logged.contradicting:
                remarks.append(f"{logged.contradicting} of these give another answer; not counted")
            return distinct, original, remarks
        if effective is not None and original is not None and effective > original:
            remarks.append(
                f"{effective} answers to {original} items: padding of the last batch was scored too"
            )
            return original, original, remarks
        if effective is None and logged is not None:
            effective = len(logged.samples)
        return effective, original, remarks


def _logged(samples: Path | None) -> SampleLog | None:
    """The log, if it can be read; reading its items raises the error then."""
    if samples is None:
        return None
    try:
        return read_log(samples)
    except DataError:
        return None


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and math.isfinite(value) and value >= 0 else None


def _arguments(given: Any) -> str:
    if isinstance(given, Mapping):
        return ",".join(f"{name}={value}" for name, value in given.items())
    return str(given or "")


def _harness(data: Mapping[str, Any], own: Mapping[str, Any], path: Path) -> str:
    stated = str(own.get("lmms_eval_version") or data.get("lmms_eval_version") or "")
    if re.search(r"\d\.\d", stated):
        return f"lmms-eval {stated}"
    if "lmms_eval_version" in data:
        # Of an installed package it is the branch and commit of whatever folder it ran in.
        return f"lmms-eval 0.7.2 or later ({stated or 'no version'})"
    if "model_configs" in data:
        return "lmms-eval 0.2.2"
    return "lmms-eval 0.2.3" if path.name.startswith("results_") else "lmms-eval"


def _dated(path: Path, data: Mapping[str, Any]) -> str:
    """When the run was written, from the file's name or its `date`."""
    for text in (path.name, str(data.get("date") or "")):
        match = _DATE.search(text)
        if match:
            year, month, day, hour, minute, second = (part or "00" for part in match.groups())
            return f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    return ""


@dataclass
class _Read:
    """What one task's table holds: metrics, errors with their kind, and what is odd."""

    metrics: dict[str, float] = field(default_factory=dict)
    errors: dict[str, tuple[str | None, float]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def take(self, key: str, value: Any) -> None:
        match, number = _STDERR.match(key), _number(value)
        if match is not None:
            self._take_error(key, match, number)
        elif number is not None:
            self.metrics[key] = number
        elif value not in (None, "N/A", MISSING) and not key.startswith("submission"):
            self.remarks.append(f"{key} is {_shown(value)}, no number")

    def _take_error(self, key: str, match: re.Match[str], number: float | None) -> None:
        kind, metric = match["kind"], match["metric"]
        if number is not None and number < 0:
            self.remarks.append(f"{key} is {number:g}; a standard error below 0 is left out")
        elif number is not None:
            known = self.errors.get(metric)
            if known is None or _ERROR_RANK[kind] < _ERROR_RANK[known[0]]:
                self.errors[metric] = (kind, number)


def _metrics(values: Any) -> _Read:
    read = _Read()
    for key, value in _table(values).items():
        if key not in ("alias", "samples"):
            read.take(str(key), value)
    return read


def _reason(values: Any, remarks: Sequence[str]) -> str:
    """Why a task has no score."""
    if not isinstance(values, Mapping):
        return f"its result is {_shown(values)}, no table"
    if any(str(key).startswith("submission") for key in values):
        return "a test split without public answers: it writes a submission, no score"
    return "; ".join(remarks) or "it has no number: N/A, null and 999 are no scores"


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_value = math.isfinite(value) and value != MISSING
    return float(value) if is_value else None


def samples_of(path: Path, task: str) -> Path | None:
    """The sample log that belongs to a task of a result file."""
    candidates = [path.with_name(f"{task}.json")]
    for name in _NAMES:
        match = name.match(path.name)
        if match:
            stems = (f"{match['date']}_samples_{task}", f"samples_{task}_{match['date']}")
            candidates += [path.with_name(stem + end) for stem in stems for end in ENDINGS]
    return next((c for c in candidates if c != path and c.is_file()), None)
