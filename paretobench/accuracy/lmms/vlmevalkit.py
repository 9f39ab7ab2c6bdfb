"""Result files of VLMEvalKit: one small table per model and data set, or one status per run.

    MODEL_DATASET_acc.csv      multiple choice (fractions) and VQA (percent); .json and .tsv too
    MODEL_DATASET_score.csv    POPE and other yes/no sets (percent), MME (sums)
    MODEL_DATASET_score.json   OCRBench (of 1,000)
    status.json                a run's data sets with `metrics`, keys such as `split=none|Overall`

Columns come in any order: VLMEvalKit writes them from a set. The number of items and their
answers are in other files, so that these scores come without errors. Its rules are its own (POPE
over all splits at once, for example), so its scores have a protocol of their own and share no
front with others silently. A data set that is no benchmark here is left out by name; so are the
test splits that only a server scores.

Reference: open-compass/VLMEvalKit, `vlmeval/dataset/image_vqa.py`, `image_mcq.py` (CV-Bench),
`image_yorn.py`, `utils/yorn.py` (`POPE_rating`), `utils/multiple_choice.py` (`report_acc`),
`smp/file.py` (`dump`, `get_intermediate_file_path`), `smp/status_report.py`.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paretobench.accuracy.lmms.results import TaskResult
from paretobench.accuracy.lmms.scoring import Value
from paretobench.errors import DataError

HARNESS = "VLMEvalKit"
PROTOCOL = "vlmevalkit"


@dataclass(frozen=True)
class DataSet:
    """One of its data sets: our benchmark, its maximum, and where scores are found.

    Attributes:
        scale: full marks of its tables; a value at or below 1 may be a fraction all the same.
        splits: rows that count as the whole, the first that there is.
        column: of the whole.
    """

    benchmark: str
    scale: float
    splits: tuple[str, ...] = ("Overall", "none", "test", "val", "validation")
    column: str = "Overall"


DATA_SETS: Mapping[str, tuple[DataSet, ...]] = {
    "GQA_TestDev_Balanced": (DataSet("gqa", 100),),
    "TextVQA_VAL": (DataSet("textvqa", 100),),
    "DocVQA_VAL": (DataSet("docvqa", 100),),
    "InfoVQA_VAL": (DataSet("infovqa", 100),),
    "ChartQA_TEST": (DataSet("chartqa", 100),),
    "POPE": (DataSet("pope", 100),),
    "SEEDBench_IMG": (DataSet("seedbench_image", 1),),
    "AI2D_TEST": (DataSet("ai2d", 1),),
    "ScienceQA_TEST": (DataSet("scienceqa", 1),),
    "MMMU_DEV_VAL": (DataSet("mmmu", 1, ("validation", "val")),),
    "RealWorldQA": (DataSet("realworldqa", 1),),
    "OCRBench": (DataSet("ocrbench", 1000, column="Final Score"),),
    "CV-Bench-2D": (DataSet("cvbench_2d", 1, ("2D", "none")),),
    "CV-Bench-3D": (DataSet("cvbench_3d", 1, ("3D", "none")),),
    "MME": (
        DataSet("mme_perception", 2000, column="perception"),
        DataSet("mme_cognition", 800, column="reasoning"),
    ),
}
"""Names as VLMEvalKit writes them; the scale is that of its tables."""

SERVER_SCORED = ("DocVQA_TEST", "InfoVQA_TEST", "OCRVQA_TEST", "MMMU_TEST", "ScienceQA_VAL")
"""Splits that are not the benchmark's: without public answers, or another part of the data."""

_ENDING = re.compile(r"_(?:[a-z0-9-]*_)?(acc|score)\.(csv|json|tsv)\Z")


def is_header(columns: Sequence[str]) -> bool:
    """Whether a table's first line is one of its score tables."""
    names = {column.strip('" \ufeff') for column in columns}
    return "Overall" in names or {"perception", "reasoning"} <= names


def is_scores(path: Path, data: Any) -> bool:
    """Whether parsed JSON is one of its score files or a run's status."""
    if isinstance(data, dict) and isinstance(data.get("datasets"), dict) and "eval_id" in data:
        return True
    rows = data if isinstance(data, list) else [data]
    has_score = any(isinstance(r, dict) and {"Overall", "Final Score"} & r.keys() for r in rows)
    return has_score or (_ENDING.search(path.name) is not None and isinstance(data, dict | list))


def read_values(path: Path) -> tuple[list[Value], list[tuple[str, str]]]:
    """The scores in one file, and the data sets that are left out, each with the reason.

    Raises:
        DataError: if the file cannot be read at all.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    model, name = _named(path)
    file = TaskResult(
        task=name,
        metrics={},
        errors={},
        n=None,
        is_limited=False,
        model=model,
        model_args="",
        harness=HARNESS,
        path=path,
        sha256=digest,
    )
    try:
        if path.suffix == ".json":
            data = json.loads(content)
            if isinstance(data, dict) and isinstance(data.get("datasets"), dict):
                return _of_status(file, data)
            tables = [data] if isinstance(data, dict) else data
            rows = [row for row in tables if isinstance(row, dict)]
        else:
            rows = _rows(content.decode("utf-8-sig"))
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error
    return _of_data_set(file, name, rows)


def _rows(text: str) -> list[dict[str, Any]]:
    first = text.split("\n", 1)[0]
    separator = "\t" if "\t" in first else ","
    reader = csv.DictReader(text.splitlines(), delimiter=separator)
    return [{str(k).strip('" '): v for k, v in row.items()} for row in reader]


def _named(path: Path) -> tuple[str, str]:
    """The model and the data set that a file's name says."""
    ending = _ENDING.search(path.name)
    stem = path.name[: ending.start()] if ending else path.stem
    known = [*DATA_SETS, *SERVER_SCORED]
    name = next((n for n in sorted(known, key=len, reverse=True) if stem.endswith(f"_{n}")), "")
    if name:
        return stem.removesuffix(f"_{name}"), name
    model = path.parent.name
    if stem.startswith(f"{model}_"):
        return model, stem.removeprefix(f"{model}_")
    return stem.rpartition("_")[0], stem.rpartition("_")[2]


def _of_data_set(
    file: TaskResult, name: str, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Value], list[tuple[str, str]]]:
    """The scores of one data set; `file` is what all data sets of the file share."""
    if name in SERVER_SCORED:
        reason = (
            "not the split that the benchmark is scored on (without public answers, or another)"
        )
        return [], [(name, reason)]
    if name not in DATA_SETS:
        return [], [(name, f"no known data set of VLMEvalKit; known: {', '.join(DATA_SETS)}")]
    values: list[Value] = []
    problems = []
    for data_set in DATA_SETS[name]:
        try:
            raw = _score(file.path, rows, data_set)
            values.append(_value(file, name, data_set, raw))
        except DataError as error:
            problems.append((name, str(error)))
    return values, problems


def _score(path: Path, rows: Sequence[Mapping[str, Any]], data_set: DataSet) -> float:
    having = [row for row in rows if data_set.column in row]
    if not having:
        raise DataError(f"{path.name} has no {data_set.column!r}")
    by_split = {str(row["split"]): row for row in having if row.get("split") is not None}
    chosen = next((by_split[split] for split in data_set.splits if split in by_split), None)
    if chosen is None and by_split:
        splits = ", ".join(by_split)
        raise DataError(f"{path.name} has the splits {splits}; none is {data_set.splits}")
    text = (chosen or having[0])[data_set.column]
    try:
        return float(text)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path.name}: {text!r} is no number") from error


def _value(file: TaskResult, name: str, data_set: DataSet, raw: float) -> Value:
    if not 0 <= raw <= data_set.scale:
        raise DataError(f"{file.path.name}: {raw} is no score between 0 and {data_set.scale:g}")
    result = replace(file, task=name, metrics={data_set.column: raw})
    note = f"{raw:g} of {data_set.scale:g} points" if data_set.scale > 100 else ""
    value = raw / data_set.scale
    return Value(data_set.benchmark, value, None, None, PROTOCOL, False, (result,), note)


def _of_status(
    file: TaskResult, data: Mapping[str, Any]
) -> tuple[list[Value], list[tuple[str, str]]]:
    """Every data set of a run's status; its metrics are flattened tables.

    A key `split=none|Overall` is the column `Overall` in the row of the split `none`.
    """
    file = replace(file, model=str(data.get("model_name") or file.path.parent.name))
    values: list[Value] = []
    problems: list[tuple[str, str]] = []
    for name, status in data["datasets"].items():
        metrics = status.get("metrics") if isinstance(status, dict) else None
        if not isinstance(metrics, dict) or not metrics:
            state = status.get("status") if isinstance(status, dict) else "unknown"
            problems.append((str(name), f"it has no metrics; its status is {state!r}"))
            continue
        found, left = _of_data_set(file, str(name), _unflattened(metrics.items()))
        values += found
        problems += left
    return values, problems


def _unflattened(metrics: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for key, value in metrics:
        *where, column = str(key).split("|")
        split = next((part.partition("=")[2] for part in where if part.startswith("split=")), "")
        row = rows.setdefault(split, {"split": split} if split else {})
        row.setdefault(column.partition("#")[0], value)
    return list(rows.values())
