"""A paper's headline claims as data, recomputed from its own tables with the arithmetic shown.

A claim names the cells it compares and the ways it can be read; it holds when one reading does,
and every reading is reported, not only the most favourable one. The form is described
at the head of `results/published/claims.yaml`, and a user's own file has the same form.

How much faster one front is than another is measured in `analysis.claims`, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from paretobench import resources
from paretobench.accuracy import suites
from paretobench.errors import DataError, ParetobenchError
from paretobench.paper import arithmetic, tables
from paretobench.paper.tables import Row, Table

Verdict = Literal["holds", "does not hold", "not recomputable"]

_SLACK = 1e-9
"""Absolute slack for binary fractions: 11.3 - 11.25 is not exactly 0.05."""

_CLAIM_KEYS = {"id", "claim", "where", "readings", "not_recomputable"}
_NUMBER_KEYS = {"reading", "cells", "value", "claimed", "is", "tolerance"}
_COMPARISON_KEYS = {"reading", "ours", "theirs", "columns", "needed", "slack"}
_RELATIONS = ("equal", "at_least", "at_most")


@dataclass(frozen=True)
class ReadingResult:
    """One way to read a claim.

    Attributes:
        reading: which way, as text.
        arithmetic: the numbers as they were put together.
        value: what comes out; for a comparison of rows, how many columns are won.
        claimed: what it is held against.
        relation: `equal` (within `tolerance`), `at_least` or `at_most`.
        holds: whether it does.
        sources: the cells, as `TABLE, ROW, COLUMN` or in the words of the file.
    """

    reading: str
    arithmetic: str
    value: float
    claimed: float
    relation: str
    tolerance: float
    holds: bool
    sources: tuple[str, ...]


@dataclass(frozen=True)
class ClaimResult:
    """A claim and its verdict, with the reading that decided it and all the others.

    `reading`, `arithmetic`, `value`, `claimed` and `sources` are those of the first reading
    that holds, else of the first of all, which is meant to be the plainest; empty or None if
    nothing can be recomputed, when `reading` says why.
    """

    id: str
    claim: str
    where: tuple[str, ...]
    verdict: Verdict
    reading: str
    arithmetic: str
    value: float | None
    claimed: float | None
    sources: tuple[str, ...]
    readings: tuple[ReadingResult, ...]


def claims(path: Path | None = None) -> list[ClaimResult]:
    """Recompute every claim of a file; the paper's own if none is given.

    Raises:
        DataError: if the file cannot be read, or a claim is not of the documented form; the
            message names the file, the claim and what is allowed.
    """
    path = path or resources.published_folder() / "claims.yaml"
    entries = _read(path)
    doubled = [name for name, n in Counter(entry.get("id") for entry in entries).items() if n > 1]
    if doubled:
        raise DataError(f"{path.name}: two claims have the id {doubled[0]!r}; ids must be unique.")
    found = []
    for entry in entries:
        try:
            found.append(check(entry))
        except ParetobenchError as error:
            name = entry.get("id", "without id")
            raise DataError(f"{path.name}, claim {name}: {error}") from error
    return found


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read the claims file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = " ".join(str(error).split())
        raise DataError(f"{path.name} is not readable YAML: {where}") from error
    entries = data.get("claims") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{path.name} has no list 'claims'; see results/published/claims.yaml.")
    return entries


def check(entry: Mapping[str, Any]) -> ClaimResult:
    """Recompute one claim given as in the file.

    Raises:
        DataError: if it is not of the documented form.
        UnknownNameError: if there is no such table or row.
    """
    _require_keys(entry, _CLAIM_KEYS, needed=("id", "claim"))
    if ("readings" in entry) == ("not_recomputable" in entry):
        raise DataError("a claim has either 'readings' or 'not_recomputable'.")
    where = tuple(_as_list(entry.get("where", [])))
    if "not_recomputable" in entry:
        reason = " ".join(str(entry["not_recomputable"]).split())
        return ClaimResult(
            entry["id"], entry["claim"], where, "not recomputable", reason, "", None, None, (), ()
        )
    readings = tuple(map(_read_one, _as_list(entry["readings"])))
    if not readings:
        raise DataError("'readings' is empty; give at least one, or say 'not_recomputable'.")
    reading = next((reading for reading in readings if reading.holds), readings[0])
    return ClaimResult(
        id=entry["id"],
        claim=entry["claim"],
        where=where,
        verdict="holds" if reading.holds else "does not hold",
        reading=reading.reading,
        arithmetic=reading.arithmetic,
        value=reading.value,
        claimed=reading.claimed,
        sources=reading.sources,
        readings=readings,
    )


def _read_one(reading: object) -> ReadingResult:
    if not isinstance(reading, Mapping):
        raise DataError(f"a reading is a mapping with 'reading' and its cells, not {reading!r}.")
    return _compare_rows(reading) if "ours" in reading else _compute_number(reading)


def _compute_number(reading: Mapping[str, Any]) -> ReadingResult:
    """A reading that is a number held against the claimed one."""
    relation = reading.get("is", "equal")
    needed = ["reading", "cells", "value", "claimed"]
    _require_keys(reading, _NUMBER_KEYS, [*needed, "tolerance"] if relation == "equal" else needed)
    if relation not in _RELATIONS:
        raise DataError(f"'is' may be {', '.join(_RELATIONS)}, not {relation!r}.")
    if not isinstance(reading["cells"], Mapping):
        raise DataError("'cells' gives each cell a name: NAME: TABLE, ROW, COLUMN.")
    cells = {name: _cell(text) for name, text in reading["cells"].items()}
    numbers = {name: number for name, (number, _) in cells.items()}
    claimed = _as_number("claimed", reading["claimed"])
    tolerance = _as_number("tolerance", reading.get("tolerance", 0))
    value = arithmetic.evaluate(str(reading["value"]), numbers)
    return ReadingResult(
        reading=str(reading["reading"]),
        arithmetic=f"{arithmetic.substitute(str(reading['value']), numbers)} = {value:.4g}",
        value=value,
        claimed=claimed,
        relation=relation,
        tolerance=tolerance,
        holds=_holds(value, claimed, relation, tolerance),
        sources=tuple(source for _, source in cells.values()),
    )


def _holds(value: float, claimed: float, relation: str, tolerance: float) -> bool:
    if relation == "at_least":
        return value >= claimed - tolerance - _SLACK
    if relation == "at_most":
        return value <= claimed + tolerance + _SLACK
    return abs(value - claimed) <= tolerance + _SLACK


def _compare_rows(reading: Mapping[str, Any]) -> ReadingResult:
    """A reading that counts in how many columns one row is above another."""
    _require_keys(reading, _COMPARISON_KEYS, ("reading", "ours", "theirs", "columns"))
    needed = reading.get("needed", "all")
    if needed not in ("all", "most"):
        raise DataError(f"'needed' may be all or most, not {needed!r}.")
    (our_table, ours), (their_table, theirs) = (_row(reading[k]) for k in ("ours", "theirs"))
    columns = _columns(reading["columns"], ours, theirs)
    slack = reading.get("slack")
    shown, won = [], 0
    for column in columns:
        mine, other = _number(our_table, ours, column), _number(their_table, theirs, column)
        floor = other if slack is None else other - _as_number("slack", slack) - _SLACK
        is_won = mine > floor if slack is None else mine >= floor
        won += is_won
        sign = ">" if mine > other else "=" if mine == other else "<"
        shown.append(f"{_label(column)} {mine:g} {sign} {other:g}")
    at_least = len(columns) if needed == "all" else len(columns) // 2 + 1
    return ReadingResult(
        reading=str(reading["reading"]),
        arithmetic=f"{', '.join(shown)}: {won} of {len(columns)}",
        value=float(won),
        claimed=float(at_least),
        relation="at_least",
        tolerance=0.0,
        holds=won >= at_least,
        sources=(str(reading["ours"]), str(reading["theirs"])),
    )


def _label(column: str) -> str:
    entry = suites.of_column(column)
    return entry.label if entry else column


def _columns(columns: object, ours: Row, theirs: Row) -> list[str]:
    if columns != "all":
        return _as_list(columns)
    common = [c for c in ours if suites.of_column(c) and ours[c] and theirs.get(c)]
    if not common:
        raise DataError("the two rows have no score in common; name the columns.")
    return common


def _cell(text: object) -> tuple[float, str]:
    """A named cell's number and where it comes from."""
    if isinstance(text, Mapping):
        _require_keys(text, {"value", "source"}, ("value", "source"))
        return _as_number("value", text["value"]), str(text["source"])
    parts = [part.strip() for part in str(text).split(",")]
    if len(parts) != 3:
        raise DataError(f"a cell is 'TABLE, ROW, COLUMN', not {text!r}.")
    of = tables.table(parts[0])
    return _number(of, of.row(parts[1]), parts[2]), str(text)


def _row(text: object) -> tuple[Table, Row]:
    name, _, label = (part.strip() for part in str(text).partition(","))
    of = tables.table(name)
    return of, of.row(label)


def _number(of: Table, row: Row, column: str) -> float:
    """A cell's number, summed over the encoders of a system that has several."""
    numbers = tables.numbers(of, row, column)
    if not numbers:
        raise DataError(f"{of.name}, {row['row']}, {column} is empty: it was not reported.")
    return sum(numbers)


def _require_keys(entry: Mapping[str, Any], known: set[str], needed: Sequence[str]) -> None:
    unknown = sorted(set(entry) - known)
    if unknown:
        raise DataError(f"unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}.")
    missing = [key for key in needed if key not in entry]
    if missing:
        raise DataError(f"{missing[0]!r} is missing; needed: {', '.join(needed)}.")


def _as_number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{name!r} must be a number, not {value!r}.")
    return float(value)


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
