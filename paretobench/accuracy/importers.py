"""Scores from a CSV of one's own, so that anybody's points join the plot.

One row per score, in a file of any name. Columns, in any order:

    encoder         required   the catalogue's name or label, or any other for a system it lacks
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
    n               optional   items scored; below the benchmark's size the score is partial
    harness, protocol          optional: who scored it, by which rules (llava, lmms, ...)
    checkpoint      optional   which weights
    source          optional   where the number comes from; the file's name if empty
    url, note       optional

A line that cannot be used costs itself and no other. Where all members of a suite are there for
one configuration but not the suite itself, its mean is added as a derived score. Files of a million
lines are read as a stream. lmms-eval's own result files have another reader.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from paretobench.accuracy import suites
from paretobench.accuracy.accounting import ImportEntry, PlacedScore
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.names import benchmark, known_names, settled
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

QUESTIONED_BELOW = 0.01
"""A score below 1 % in a column of percent: more often a fraction in the wrong one."""

Settle = Callable[[ScorePoint], tuple[ScorePoint, tuple[str, ...]]]
"""A place under the catalogue's names, and what of it the catalogue lacks."""

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}


def is_header(columns: Sequence[str]) -> bool:
    """Whether a table's first line is that of a scores table: it has most of what is required.

    >>> is_header(['encoder', 'resolution_px', 'llm', 'benchmark', 'value']), is_header(['Overall'])
    (True, False)
    """
    found = {column.strip().lower() for column in columns}
    wanted = (*REQUIRED, "value", "value_percent")
    return len(found.intersection(wanted)) >= 3


def wrong_separator(columns: Sequence[str]) -> str:
    """What separates a scores table instead of commas; empty if that is not what is wrong.

    >>> wrong_separator(['encoder;resolution_px;llm;benchmark;value'])
    'semicolons'
    """
    if len(columns) != 1:
        return ""
    found = (
        word for mark, word in _SEPARATORS.items() if is_header(columns[0].strip('"').split(mark))
    )
    return next(found, "")


def stream_scores_csv(path: Path, dated: str = "") -> Iterator[PlacedScore | ImportEntry]:
    """The scores of a file one by one, then the derived suite means; lines that are none between.

    Args:
        dated: when it is imported, for the scores' `dated`.

    Raises:
        ConfigError: if a file of the user's own catalogue groups cannot be read.
        DataError: if the file cannot be read, or a column is missing or unknown.
    """
    digest = _digest(path)
    seen: dict[int, int] = {}
    means = _SuiteMeans()
    settle = cache(partial(settled, names=known_names()))  # a file of many lines has few places
    count = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(path.name, reader.fieldnames or ())
            for row in reader:
                if None not in row and not any(row.values()):
                    continue
                count += 1
                line = _Line(path, reader.line_num, digest, row)
                found = _read_line(line, settle, dated, seen)
                if isinstance(found, PlacedScore):
                    means.add(found.score)
                yield found
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text; save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path.name} is no CSV that can be read: {error}") from error
    if not count:
        raise DataError(f"{path.name} has a header but no scores; add one row per score.")
    for mean in means.derived():
        yield PlacedScore(path.as_posix(), mean.benchmark, mean)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _check_columns(file: str, columns: Sequence[str]) -> None:
    if word := wrong_separator(columns):
        raise DataError(f"{file} is separated by {word}; save it with commas.")
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
    for fraction in ("value", "standard_error"):
        percent = f"{fraction}_percent"
        if percent in columns and fraction in columns:
            raise DataError(f"{file} has both {percent!r} and {fraction!r}; keep one.")
    if "value_percent" not in columns and "value" not in columns:
        raise DataError(f"{file} lacks the score: add 'value_percent' (0 to 100) or 'value'.")


class _Line:
    """One line of the file: its cells, and errors that say where they are."""

    def __init__(
        self, path: Path, number: int, digest: str, row: Mapping[str | None, str | None]
    ) -> None:
        self.path, self.file, self.number, self.digest = path, path.name, number, digest
        self.cells = {k: (v or "").strip() for k, v in row.items() if k is not None}
        self.is_too_long = None in row

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


def _read_line(
    line: _Line, settle: Settle, dated: str, seen: dict[int, int]
) -> PlacedScore | ImportEntry:
    try:
        if line.is_too_long:
            raise DataError(
                f"{line.file}, line {line.number}: more cells than columns; put text with commas "
                "in quotes."
            )
        found = _score(line, settle, dated)
        _refuse_double(line, found.score, seen)
    except DataError as error:
        return ImportEntry(line.path.as_posix(), line.get("benchmark"), "refused", str(error))
    return found


def _score(line: _Line, settle: Settle, dated: str) -> PlacedScore:
    value = line.fraction("value")
    if value is None:
        column = "value" if "value" in line.cells else "value_percent"
        raise line.error(column, "a number; leave out the row if there is no score")
    place, odd = settle(
        ScorePoint(
            line.text("encoder"),
            line.whole("resolution_px"),
            line.text("llm"),
            line.get("tiling") or "none",
            line.get("recipe") or UNSTATED_RECIPE,
        )
    )
    name, no_benchmark = benchmark(line.text("benchmark"))
    n = line.whole("n") if line.get("n") else None
    part = _part(line, name, n)
    score = Score(
        *place.names,
        place.recipe,
        benchmark=name,
        value=value,
        source=_source(line),
        standard_error=line.fraction("standard_error"),
        n=n,
        harness=line.get("harness"),
        protocol=line.get("protocol"),
        checkpoint=line.get("checkpoint"),
        is_partial=bool(part),
        dated=dated,
    )
    remarks = tuple(filter(None, (*odd, no_benchmark, part, _question(line, value))))
    return PlacedScore(line.path.as_posix(), name, score, remarks)


def _source(line: _Line) -> Source:
    return Source(
        kind="imported",
        title=line.get("source") or line.file,
        table=line.file if line.get("source") else "",
        row=f"line {line.number}",
        url=line.get("url"),
        sha256=line.digest,
        note=line.get("note"),
    )


def _part(line: _Line, name: str, n: int | None) -> str:
    """Which part of the benchmark was scored; empty for the whole.

    Raises:
        DataError: if more items were scored than there are.
    """
    row = suites.BENCHMARKS.get(name)
    if n is None or row is None or row.n_items is None:
        return ""
    if n > row.n_items:
        raise line.error("n", f"at most {row.n_items:,}, the items of {row.label}")
    return row.part(n)


def _question(line: _Line, value: float) -> str:
    written = line.get("value_percent")
    if not written or not 0 < value < QUESTIONED_BELOW:
        return ""
    return f"{written} % is below 1 %: if it is a fraction, call the column 'value'"


def _refuse_double(line: _Line, score: Score, seen: dict[int, int]) -> None:
    identity = hash((_configuration(score), score.benchmark))
    if identity in seen:
        raise DataError(
            f"{line.file}, line {line.number}: {score.benchmark} of this configuration is "
            f"already in line {seen[identity]}; keep one, or name the checkpoint of each."
        )
    seen[identity] = line.number


def _configuration(score: Score) -> tuple[object, ...]:
    return (score.point, score.recipe, score.checkpoint)


@dataclass(frozen=True, slots=True)
class _Member:
    """What a suite's mean needs of one score: a file of a million lines has as many."""

    value: float
    standard_error: float | None
    harness: str
    protocol: str


class _SuiteMeans:
    """Means of the suites whose members a file holds, kept as its lines pass.

    A derived mean names its arithmetic in the source's note; its standard error is that of a
    mean of independent scores, and None unless every member has one. A partial score is none.
    """

    _NEEDED = frozenset(suites.SUITES).union(*(suite.members for suite in suites.SUITES.values()))

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], tuple[Score, dict[str, _Member]]] = {}

    def add(self, score: Score) -> None:
        if score.benchmark in self._NEEDED and not score.is_partial:
            _, members = self._found.setdefault(_configuration(score), (score, {}))
            members[score.benchmark] = _Member(
                score.value, score.standard_error, score.harness, score.protocol
            )

    def derived(self) -> Iterator[Score]:
        for first, members in self._found.values():
            for name, suite in suites.SUITES.items():
                mean = suites.suite_mean(name, {key: m.value for key, m in members.items()})
                if mean is not None and name not in members:
                    yield _mean_of(first, name, mean, {key: members[key] for key in suite.members})


def _mean_of(first: Score, name: str, value: float, members: Mapping[str, _Member]) -> Score:
    harnesses = dict.fromkeys(m.harness for m in members.values() if m.harness)
    mixture = suites.mean_protocol({key: m.protocol for key, m in members.items()})
    return replace(
        first,
        benchmark=name,
        value=value,
        standard_error=suites.mean_error([m.standard_error for m in members.values()]),
        n=None,
        harness=" + ".join(harnesses),
        protocol="mixed" if mixture == "other" else mixture,
        source=replace(
            first.source, row="", provenance="derived", note="mean of " + ", ".join(members)
        ),
    )
