"""Result files of VLMEvalKit: one small table per model and data set.

    MODEL_DATASET_acc.csv      multiple choice (fractions) and VQA (percent)
    MODEL_DATASET_score.csv    POPE and other yes/no sets (percent)
    MODEL_DATASET_score.json   OCRBench (of 1,000)

The number of items and their answers are in other files, so that these scores come without
errors. Its rules are its own (POPE over all splits at once, for example), so its scores have a
protocol of their own and share no front with others silently.

Reference: open-compass/VLMEvalKit, `vlmeval/dataset/image_vqa.py`, `image_mcq.py`,
`image_yorn.py`, `utils/yorn.py` (`POPE_rating`), `utils/multiple_choice.py` (`report_acc`).
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paretobench.accuracy.lmms.results import TaskResult
from paretobench.accuracy.lmms.scoring import Value
from paretobench.errors import DataError

HARNESS = "VLMEvalKit"
PROTOCOL = "vlmevalkit"


@dataclass(frozen=True)
class DataSet:
    """One of its data sets: our benchmark, what full marks are there, and which split counts."""

    benchmark: str
    scale: float
    splits: tuple[str, ...] = ("Overall", "none", "test", "val", "validation")


DATA_SETS = {
    "GQA_TestDev_Balanced": DataSet("gqa", 100),
    "TextVQA_VAL": DataSet("textvqa", 100),
    "DocVQA_VAL": DataSet("docvqa", 100),
    "InfoVQA_VAL": DataSet("infovqa", 100),
    "ChartQA_TEST": DataSet("chartqa", 100),
    "POPE": DataSet("pope", 100),
    "SEEDBench_IMG": DataSet("seedbench_image", 1),
    "AI2D_TEST": DataSet("ai2d", 1),
    "ScienceQA_TEST": DataSet("scienceqa", 1),
    "MMMU_DEV_VAL": DataSet("mmmu", 1, ("validation", "val")),
    "RealWorldQA": DataSet("realworldqa", 1),
    "OCRBench": DataSet("ocrbench", 1000),
}
"""Names as VLMEvalKit writes them; the scale is that of its tables."""

_ENDINGS = ("_acc.csv", "_score.csv", "_score.json")


def is_result_file(path: Path) -> bool:
    """Whether a file is named like one of its results."""
    return path.name.endswith(_ENDINGS)


def result_files(folder: Path) -> Iterator[Path]:
    """Its result files below a folder."""
    return (path for path in sorted(folder.rglob("*")) if is_result_file(path))


def read_value(path: Path) -> Value:
    """The score in one file.

    Raises:
        DataError: if the data set is unknown or the file has no overall score.
    """
    stem = next((path.name.removesuffix(e) for e in _ENDINGS if path.name.endswith(e)), "")
    name = next((name for name in DATA_SETS if stem.endswith(f"_{name}")), None)
    if name is None:
        raise DataError(
            f"{path.name} is for no known data set of VLMEvalKit; known: {', '.join(DATA_SETS)}"
        )
    data_set = DATA_SETS[name]
    content = path.read_bytes()
    raw = _json_score(path) if path.suffix == ".json" else _table_score(path, data_set)
    if not 0 <= raw <= data_set.scale:
        raise DataError(f"{path.name}: {raw} is no score between 0 and {data_set.scale:g}")
    result = TaskResult(
        task=name,
        metrics={"Overall": raw},
        errors={},
        n=None,
        is_limited=False,
        model=stem.removesuffix(f"_{name}"),
        model_args="",
        harness=HARNESS,
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    value = raw / data_set.scale
    return Value(data_set.benchmark, value, None, None, PROTOCOL, False, (result,))


def _table_score(path: Path, data_set: DataSet) -> float:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [{str(k).strip('" '): v for k, v in row.items()} for row in csv.DictReader(file)]
    if not rows or "Overall" not in rows[0]:
        raise DataError(f"{path.name} has no column Overall")
    wanted = [row for row in rows if row.get("split", "Overall") in data_set.splits]
    if len(rows) == 1 and "split" not in rows[0]:
        wanted = rows
    if not wanted:
        splits = ", ".join(str(row.get("split")) for row in rows)
        raise DataError(f"{path.name} has the splits {splits}; none is {data_set.splits}")
    try:
        return float(wanted[0]["Overall"])
    except ValueError as error:
        raise DataError(f"{path.name}: {wanted[0]['Overall']!r} is no number") from error


def _json_score(path: Path) -> float:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return float(data["Final Score"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name} has no 'Final Score' that is a number") from error
