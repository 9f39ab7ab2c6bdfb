"""Sample logs of lmms-eval: one line per answered item, whatever version wrote them.

To v0.2.2 a log is `TASK.json` with the list `logs`; later ones are JSON Lines, plain or
compressed. From v0.4 lines leave out the question's fields (`doc`) and write the right answer as
text. Items are logged once per GPU batch: the last batch of a distributed run is padded with
copies of an item, which count once here.

Reference: EvolvingLMMs-Lab/lmms-eval, `loggers/evaluation_tracker.py` at v0.2.2 to v0.7.2;
padding in `evaluator.py` ("pseudo-batches to pad with").
"""

from __future__ import annotations

import ast
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from paretobench.errors import DataError


@dataclass(frozen=True)
class Sample:
    """One item as it was logged.

    Attributes:
        item: identifies the item within its task, the same in every run.
        prompt: the text of the question as the model was given it; empty where not logged.
        answer: what the model said, after the task's filter.
        doc: the item's fields without images; empty where the layout leaves them out.
        metrics: what the task's own scoring made of the answer, by metric.
        image: which image the question is about; empty where the log does not say.
    """

    item: str
    prompt: str
    answer: str
    target: Any
    doc: Mapping[str, Any]
    metrics: Mapping[str, Any]
    image: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The right answers: a list, also where the log wrote it as text."""
        given = self.doc.get("answers") or self.target
        if isinstance(given, str) and given.startswith("["):
            try:
                given = ast.literal_eval(given)
            except (ValueError, SyntaxError):
                return (given,)
        return tuple(map(str, given)) if isinstance(given, list | tuple) else (str(given),)


@dataclass(frozen=True)
class SampleLog:
    """The distinct items of one log, each with its first answer.

    Attributes:
        repeated: lines about an item that was already there.
        contradicting: those of them that give another answer.
    """

    samples: tuple[Sample, ...]
    repeated: int = 0
    contradicting: int = 0


ENDINGS = (".jsonl", ".jsonl.gz")
"""Of the logs of v0.2.3 and later."""

_IMAGE_FIELDS = ("imageId", "image_id", "image_source", "data_id", "docId", "img_id", "image_path")
"""Where the data sets name the image: GQA, TextVQA, POPE, SEED-Bench, DocVQA, and others."""

_NOT_METRICS = {
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "doc_hash", "item"),
    *("input", "input_media", "token_counts", "prompt_hash", "target_hash"),
}


def read_log(path: Path) -> SampleLog:
    """The items of a log, sorted; a repeated item counts once.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return _read_log(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _read_log(path: Path, mtime_ns: int, size: int) -> SampleLog:
    """The log at that time and size: one file is asked for several times."""
    found: dict[str, Sample] = {}
    repeated = contradicting = 0
    for line in lines(path):
        try:
            sample = _sample(line)
        except (AttributeError, TypeError, ValueError) as error:
            raise DataError(f"{path} is no sample log that can be read: {error}") from error
        known = found.setdefault(sample.item, sample)
        if known is not sample:
            repeated += 1
            contradicting += known.answer != sample.answer
    order = sorted(found.values(), key=lambda sample: (len(sample.item), sample.item))
    return SampleLog(tuple(order), repeated, contradicting)


def lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """The lines of a log as they are.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        if path.name.endswith(".json"):
            yield from json.loads(path.read_text(encoding="utf-8"))["logs"]
            return
        opened = gzip.open if path.name.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8") as file:
            yield from (json.loads(line) for line in file if line.strip())
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no sample log that can be read: {error}") from error


def is_sample_log(path: Path) -> bool:
    """Whether a file's first line is that of a sample log."""
    try:
        first = next(iter(lines(path)), None)
    except DataError:
        return False
    return isinstance(first, Mapping) and ("doc_id" in first or "item" in first)


def _sample(line: Mapping[str, Any]) -> Sample:
    answer = line.get("filtered_resps", "")
    while isinstance(answer, list):
        answer = answer[0] if answer else ""
    doc = line.get("doc")
    doc = doc if isinstance(doc, Mapping) else {}
    name = line["item"] if "item" in line else line.get("doc_id")
    if name is None:
        raise ValueError("a line has no doc_id")
    return Sample(
        item=str(name),
        prompt=_first_text(line.get("input") or line.get("arguments")),
        answer=str(answer),
        target=line.get("target"),
        doc=doc,
        metrics={key: value for key, value in line.items() if key not in _NOT_METRICS},
        image=next((str(doc[name]) for name in _IMAGE_FIELDS if _is_name(doc.get(name))), ""),
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _first_text(value: Any) -> str:
    """The first string in the nested lists and tables that layouts keep their arguments in."""
    if isinstance(value, str):
        return value
    parts = value.values() if isinstance(value, Mapping) else value
    if not isinstance(parts, Iterable):
        return ""
    return next((text for part in parts if (text := _first_text(part))), "")
