"""Scores from a CSV of one's own, so that anybody's points join the plot.

One row per score. Columns, in any order:

    encoder         required   the catalogue's name, or any other for a system it lacks
    resolution_px   required   side of the input image in pixels
    llm             required   as encoder
    benchmark       required   such as gqa or avg5; a label such as Avg-5 is understood; any other
                               name is kept as it is
    value_percent   required   the score in percent, 0 to 100; or instead of it
    value                      the score as a fraction, 0 to 1
    tiling          optional   none if empty
    recipe          optional   how it was trained; scores of different recipes share no front
    standard_error_percent     optional, percentage points; or instead of it
    standard_error             as a fraction
    n               optional   items scored
    harness, protocol          optional: who scored it, by which rules (llava, lmms, ...)
    checkpoint      optional   which weights
    source          optional   where the number comes from; the file's name if empty
    url, note       optional

Where all members of a suite are there for one configuration but not the suite itself, its mean
is added as a derived score. lmms-eval's own result files have another reader.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from paretobench.accuracy import suites
from paretobench.domain.records import Score, Source
from paretobench.errors import DataError

REQUIRED = ("encoder", "resolution_px", "llm", "benchmark")
"""Columns that every file has, besides one of `value_percent` and `value`."""

OPTIONAL = (
    *("value_percent", "value", "tiling", "recipe"),
    *("standard_error_percent", "standard_error", "n"),
    *("harness", "protocol", "checkpoint", "source", "url", "note"),
)
"""Columns that a file may have."""

UNSTATED_RECIPE = "unstated"
"""The recipe of a score whose file gives none."""

_NEAR = 0.9
"""How alike (difflib ratio) an unknown benchmark is to a known one to be taken for a slip."""


def read_scores_csv(path: Path) -> list[Score]:
    """Every score of a file, with derived suite means where all members are there.

    Raises:
        DataError: if the file cannot be read, a column is missing or unknown, a value cannot
            be used, or a score stands there twice; the message names the file, the line, the
            value, and what is allowed.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text; save it as CSV in UTF-8.") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    _check_columns(path.name, reader.fieldnames or ())
    digest = hashlib.sha256(content).hexdigest()
    lines = [
        _Line(path.name, reader.line_num, digest, {k: (v or "").strip() for k, v in row.items()})
        for row in reader
        if _is_filled(path.name, reader.line_num, row)
    ]
    if not lines:
        raise DataError(f"{path.name} has a header but no scores; add one row per score.")
    scores = [(line, _score(line)) for line in lines]
    _refuse_doubles(scores)
    return with_suite_means(score for _, score in scores)


def _check_columns(file: str, columns: Iterable[str]) -> None:
    columns = list(columns)
    if len(columns) == 1 and ";" in columns[0]:
        raise DataError(f"{file} is separated by semicolons; save it with commas.")
    known = (*REQUIRED, *OPTIONAL)
    for column in columns:
        if column not in known:
            near = difflib.get_close_matches(column or "", known, n=1)
            guess = f"; did you mean {near[0]!r}?" if near else "."
            raise DataError(f"{file}: unknown column {column!r}{guess} Known: {', '.join(known)}.")
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise DataError(
            f"{file} lacks the column {missing[0]!r}. Needed: {', '.join(REQUIRED)}, "
            "and value_percent or value."
        )
    for percent, fraction in (
        ("value_percent", "value"),
        ("standard_error_percent", "standard_error"),
    ):
        if percent in columns and fraction in columns:
            raise DataError(f"{file} has both {percent!r} and {fraction!r}; keep one.")
    if "value_percent" not in columns and "value" not in columns:
        raise DataError(f"{file} lacks the score: add 'value_percent' (0 to 100) or 'value'.")


def _is_filled(file: str, line: int, row: Mapping[str | None, object]) -> bool:
    if None in row:
        raise DataError(
            f"{file}, line {line}: more cells than columns; put text with commas in quotes."
        )
    return any(row.values())


@dataclass(frozen=True)
class _Line:
    """One line of the file: its cells, and errors that say where they are."""

    file: str
    number: int
    digest: str
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        return self.cells.get(column, "")

    def error(self, column: str, allowed: str) -> DataError:
        value = self.get(column)
        return DataError(
            f"{self.file}, line {self.number}: {column} is {value!r}; allowed: {allowed}."
        )

    def text(self, column: str) -> str:
        if not self.get(column):
            raise self.error(column, "any name, but not nothing")
        return self.get(column)

    def whole(self, column: str) -> int:
        if not self.get(column).isdecimal() or int(self.get(column)) == 0:
            raise self.error(column, "a positive whole number")
        return int(self.get(column))

    def fraction(self, column: str) -> float | None:
        """A fraction from `column` or, by a hundred, from `column_percent`; None if empty."""
        percent = f"{column}_percent" in self.cells
        name, top = (f"{column}_percent", 100) if percent else (column, 1)
        if not self.get(name):
            return None
        hint = "" if percent else f"; percent go into a column {column}_percent"
        try:
            number = float(self.get(name))
        except ValueError:
            number = math.nan
        if not 0 <= number <= top:
            raise self.error(name, f"a number from 0 to {top}{hint}")
        return round(number / top, 12)


def _score(line: _Line) -> Score:
    value = line.fraction("value")
    if value is None:
        column = "value" if "value" in line.cells else "value_percent"
        raise line.error(column, "a number; leave out the row if there is no score")
    source = Source(
        kind="imported",
        title=line.get("source") or line.file,
        table=line.file if line.get("source") else "",
        row=f"line {line.number}",
        url=line.get("url"),
        sha256=line.digest,
        note=line.get("note"),
    )
    return Score(
        encoder=line.text("encoder"),
        resolution_px=line.whole("resolution_px"),
        llm=line.text("llm"),
        tiling=line.get("tiling") or "none",
        recipe=line.get("recipe") or UNSTATED_RECIPE,
        benchmark=_benchmark_name(line),
        value=value,
        source=source,
        standard_error=line.fraction("standard_error"),
        n=line.whole("n") if line.get("n") else None,
        harness=line.get("harness"),
        protocol=line.get("protocol"),
        checkpoint=line.get("checkpoint"),
    )


def _benchmark_name(line: _Line) -> str:
    """A known benchmark by name or label, or a new one as it is written."""
    written = line.text("benchmark")
    for name, entry in suites.BENCHMARKS.items():
        if written.casefold() in (name, entry.label.casefold()):
            return name
    near = difflib.get_close_matches(written.casefold(), suites.BENCHMARKS, n=1, cutoff=_NEAR)
    if near:
        raise line.error("benchmark", f"{near[0]}, or a name that cannot be taken for a slip of it")
    return written


def _refuse_doubles(scores: Iterable[tuple[_Line, Score]]) -> None:
    lines: dict[tuple[object, ...], int] = {}
    for line, score in scores:
        identity = (*_configuration(score), score.benchmark)
        if identity in lines:
            raise DataError(
                f"{line.file}, line {line.number}: {score.benchmark} of this configuration is "
                f"already in line {lines[identity]}; keep one, or tell them apart by checkpoint."
            )
        lines[identity] = line.number


def _configuration(score: Score) -> tuple[object, ...]:
    return (
        score.encoder,
        score.resolution_px,
        score.llm,
        score.tiling,
        score.recipe,
        score.checkpoint,
    )


def with_suite_means(scores: Iterable[Score]) -> list[Score]:
    """The scores, and for each configuration the suites that all its members allow.

    A derived mean names its arithmetic in the source's note; its standard error is that of a
    mean of independent scores, and None unless every member has one.
    """
    found = list(scores)
    grouped: dict[tuple[object, ...], dict[str, Score]] = defaultdict(dict)
    for score in found:
        grouped[_configuration(score)][score.benchmark] = score
    for members in grouped.values():
        for name, suite in suites.SUITES.items():
            mean = suites.suite_mean(name, {key: s.value for key, s in members.items()})
            if mean is not None and name not in members:
                found.append(_mean_of(name, mean, [members[key] for key in suite.members]))
    return found


def _mean_of(name: str, value: float, members: list[Score]) -> Score:
    errors = [score.standard_error for score in members if score.standard_error is not None]
    first = members[0]
    harnesses = dict.fromkeys(score.harness for score in members if score.harness)
    protocols = {score.protocol for score in members}
    note = "mean of " + ", ".join(score.benchmark for score in members)
    return replace(
        first,
        benchmark=name,
        value=value,
        standard_error=math.hypot(*errors) / len(members) if len(errors) == len(members) else None,
        n=None,
        harness=" + ".join(harnesses),
        protocol=protocols.pop() if len(protocols) == 1 else "mixed",
        source=replace(first.source, row="", provenance="derived", note=note),
    )
