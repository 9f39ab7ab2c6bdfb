"""Units at the edges: the one place where stored seconds, bytes and fractions become text.

Everything inside stores seconds, bytes, pixels and fractions in [0, 1]; people read
milliseconds, gibibytes and percent. Nothing else in the package formats a number.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

MISSING = "–"
"""What a table shows where there is no value."""

_DURATION = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(us|ms|s|min|m|h)?\s*\Z")
_SECONDS_PER = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


@lru_cache(maxsize=1 << 16)  # a report says the same numbers on its page and in its tables
def significant(value: float, digits: int = 3) -> str:
    """Format with `digits` significant digits and no exponent; integers keep all their digits.

    >>> significant(84.123), significant(1234.6), significant(0.012345), significant(6.8)
    ('84.1', '1235', '0.0123', '6.80')
    """
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds, three significant digits, without the unit.

    >>> milliseconds(0.0841), milliseconds(19.7097), milliseconds(None)
    ('84.1', '19710', '–')
    """
    return MISSING if seconds is None else significant(seconds * 1e3)


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction in [0, 1] as percent without the sign.

    >>> percent(0.559), percent(None)
    ('55.9', '–')
    """
    if fraction is None or not math.isfinite(fraction):
        return MISSING
    return f"{fraction * 100:.{digits}f}"


def gibibytes(count: float | None) -> str:
    """Bytes as GiB with the unit.

    >>> gibibytes(16_106_127_360)
    '15.0 GiB'
    """
    return MISSING if count is None else f"{significant(count / 2**30)} GiB"


def duration(seconds: float) -> str:
    """A duration for people: the two largest units.

    >>> duration(0.42), duration(42), duration(754), duration(7384)
    ('0.42 s', '42 s', '12 min 34 s', '2 h 3 min')
    """
    if seconds < 10:
        return f"{significant(seconds, 2)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def parse_seconds(text: str) -> float:
    """Read a duration such as `200ms`, `0.2s`, `3 min`; a bare number is milliseconds.

    Raises:
        ValueError: if the text is not a positive duration, or is a bare number below 1.

    >>> parse_seconds('200ms'), parse_seconds('1.5 s'), parse_seconds('200')
    (0.2, 1.5, 0.2)
    """
    match = _DURATION.match(text)
    if match is None or float(match.group(1)) <= 0:
        raise ValueError(f"{text!r} is not a duration; write for example 200ms, 1.5s or 3min")
    number, unit = float(match.group(1)), match.group(2)
    if not unit and number < 1:
        raise ValueError(f"{text!r} has no unit and would be below 1 ms; write {text}s or {text}ms")
    return number * _SECONDS_PER[unit or "ms"]


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun in the right form.

    >>> counted(1, 'point'), counted(48, 'point'), counted(2, 'process', 'processes')
    ('1 point', '48 points', '2 processes')
    """
    return f"{n} {noun if n == 1 else (plural or noun + 's')}"
