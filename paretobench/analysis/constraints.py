"""Constraints as text: `peak_memory<4GiB`, `ttft<=200ms`, `accuracy>=60`, `tokens<=256`.

Reads and prints them, and computes by how much a point misses one. What is then the best
point is in `query`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from paretobench import units
from paretobench.analysis.front import Mask
from paretobench.analysis.points import Contender, Floats
from paretobench.errors import ConfigError, UnknownNameError

Kind = Literal["seconds", "fraction", "bytes", "count", "joules", "pixels"]
Operator = Literal["<", "<=", ">", ">=", "="]

COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "ttft": ("ttft_s", "seconds"),
    "latency": ("ttft_s", "seconds"),
    "accuracy": ("accuracy", "fraction"),
    "memory": ("peak_memory_bytes", "bytes"),
    "peak_memory": ("peak_memory_bytes", "bytes"),
    "energy": ("energy_j", "joules"),
    "parameters": ("parameters", "count"),
    "passes": ("passes", "count"),
    "tokens": ("visual_tokens", "count"),
    "visual_tokens": ("visual_tokens", "count"),
    "resolution": ("resolution_px", "pixels"),
}
"""What people may write, the column it means, and how its numbers are read."""

_HOLDS: Mapping[str, Callable[[Any, float], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
}  # fmt: skip
_FORM = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(<=|>=|==|=|<|>)\s*(.+?)\s*\Z")
_NUMBER = re.compile(r"([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([A-Za-z%]*)\Z")
_SCALES: Mapping[Kind, Mapping[str, float]] = {
    "fraction": {"%": 0.01},
    "bytes": {
        "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30,
    },
    "count": {"": 1, "k": 1e3, "m": 1e6, "b": 1e9},
    "joules": {"": 1, "j": 1, "mj": 1e-3, "kj": 1e3},
    "pixels": {"": 1, "px": 1},
}  # fmt: skip


@dataclass(frozen=True)
class Constraint:
    """A limit on one column.

    Attributes:
        column: a column of `Contender`: `ttft_s`, `accuracy`, `peak_memory_bytes`, ...
        operator: how the point's number has to compare with the limit.
        limit: in the column's stored unit: seconds, bytes, fractions.
        name: what people call the column.
        kind: how its numbers are printed.
    """

    column: str
    operator: Operator
    limit: float
    name: str
    kind: Kind = "count"

    def accepts(self, value: float | None) -> bool:
        """Whether a number satisfies it; what is not known does not."""
        return value is not None and bool(_HOLDS[self.operator](value, self.limit))

    def holds(self, values: Floats) -> Mask:
        """`accepts` for an array of known numbers, element by element."""
        return np.asarray(_HOLDS[self.operator](values, self.limit), dtype=np.bool_)

    def shortfall(self, value: float | None) -> float:
        """How far a number is off: 0 if accepted, else |log(value / limit)|, at least tiny.

        On a log scale 10 % too slow and 10 % too large weigh the same. Infinite if the number
        is not known, or one of the two is zero.
        """
        if self.accepts(value):
            return 0.0
        if value is None or value <= 0 or self.limit <= 0:
            return math.inf
        return max(abs(math.log(value / self.limit)), math.ulp(1.0))

    def explain(self, contender: Contender) -> str:
        """Why a contender does not satisfy it: `TTFT is 241 ms, not <= 200 ms`."""
        value = contender.column(self.column)
        if value is None:
            return f"{self.name} is not known"
        return f"{self.name} is {show(value, self.kind)}, not {self._condition()}"

    def _condition(self) -> str:
        return f"{self.operator} {show(self.limit, self.kind)}"

    def __str__(self) -> str:
        return f"{self.name} {self._condition()}"


def under(limit_s: float) -> Constraint:
    """TTFT of at most `limit_s` seconds.

    Raises:
        ConfigError: if the limit is not positive.
    """
    if not limit_s > 0:
        raise ConfigError(f"a time limit of {limit_s} s cannot be met; give a positive one")
    return Constraint("ttft_s", "<=", limit_s, "TTFT", "seconds")


def at_least(accuracy: float) -> Constraint:
    """Accuracy of at least a fraction in [0, 1].

    Raises:
        ConfigError: if it is no such fraction.
    """
    if not 0 <= accuracy <= 1:
        raise ConfigError(f"an accuracy of {accuracy} is no fraction in [0, 1]")
    return Constraint("accuracy", ">=", accuracy, "accuracy", "fraction")


def parse_constraint(text: str, benchmarks: Collection[str] = ()) -> Constraint:
    """Read `column operator value`.

    Columns are `COLUMNS` and the given benchmarks. Durations as `units.parse_seconds` (a bare
    number is milliseconds); sizes in B, MB, MiB, GiB, ...; counts with k, M or B; scores as
    percent if they carry `%` or exceed 1, else as a fraction.

    Raises:
        ConfigError: if the text has another form or its value cannot be read.
        UnknownNameError: if there is no such column.

    >>> parse_constraint('peak_memory<4GiB')
    Constraint(column='peak_memory_bytes', operator='<', limit=4294967296.0, \
name='peak memory', kind='bytes')
    >>> str(parse_constraint('accuracy >= 60')), str(parse_constraint('ttft<=0.2s'))
    ('accuracy >= 60.0 %', 'TTFT <= 200 ms')
    """
    match = _FORM.match(text)
    if match is None:
        raise ConfigError(
            f"{text!r} is no constraint; write a column, one of < <= > >= = and a value, "
            f"for example 'peak_memory<4GiB'"
        )
    word, sign, value = match.groups()
    known: dict[str, tuple[str, Kind]] = {name: (name, "fraction") for name in benchmarks}
    known |= COLUMNS
    if word.lower() not in known:
        raise UnknownNameError("column", word, known)
    column, kind = known[word.lower()]
    name = "TTFT" if column == "ttft_s" else word.lower().replace("_", " ")
    sign = "=" if sign == "==" else sign
    return Constraint(column, sign, _read(value, kind, text), name, kind)  # type: ignore[arg-type]


def show(value: float, kind: Kind) -> str:
    """A number of one kind for people, with its unit.

    >>> show(0.0841, 'seconds'), show(0.6, 'fraction'), show(2**32, 'bytes'), show(256, 'count')
    ('84.1 ms', '60.0 %', '4.00 GiB', '256')
    """
    match kind:
        case "seconds":
            return f"{units.milliseconds(value)} ms"
        case "fraction":
            return f"{units.percent(value)} %"
        case "bytes":
            return units.gibibytes(value)
        case "joules":
            return f"{units.significant(value)} J"
        case "pixels":
            return f"{value:g} px"
        case "count":
            return f"{value:,.10g}"


def _read(text: str, kind: Kind, whole: str) -> float:
    """A value of one kind in its stored unit."""
    if kind == "seconds":
        try:
            return units.parse_seconds(text)
        except ValueError as error:
            raise ConfigError(f"in {whole!r}: {error}") from None
    match = _NUMBER.match(text)
    unit = match.group(2).lower() if match else ""
    scales = _SCALES[kind]
    if match is not None and not unit and kind == "bytes":
        raise ConfigError(f"in {whole!r}: {text} of what? Write {text}GiB, {text}MB or {text}B")
    if match is None or (unit not in scales and not (kind == "fraction" and not unit)):
        allowed = " ".join(unit for unit in scales if unit)
        raise ConfigError(
            f"in {whole!r}: {text!r} cannot be read; write a number, with one of: {allowed}"
        )
    number = float(match.group(1))
    if kind != "fraction":
        return number * scales[unit]
    if number == 1 and not unit:
        raise ConfigError(f"in {whole!r}: 1 is 1% or 100%? Write one of them")
    fraction = number / 100 if unit or number > 1 else number
    if fraction > 1:
        raise ConfigError(f"in {whole!r}: {text!r} is above 100 %; write for example 60%")
    return fraction
