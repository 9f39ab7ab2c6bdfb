"""What an Xcode report says of the package it timed: storage precision, input shape, start time.

Versions of Xcode name and nest these differently, and Apple documents none, so that they are looked
for by key wherever they stand. What a report states has to agree with what the user says of it. Not
tried on a real report: what is not found is simply not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from paretobench.errors import DataError

_PRECISION_KEYS = ("storagePrecision", "weightPrecision", "precision")
_SHAPE_KEYS = ("shape", "formattedType", "type", "shortDescription")
_INPUT_KEYS = ("inputSchema", "inputs", "inputDescriptions", "inputFeatures")
_START_KEYS = ("startTime", "startDate", "creationDate", "date")

_NAMES = {"float16": "fp16", "float32": "fp32", "int8": "int8", "int4": "int4", "uint4": "int4"}
_APPLE_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
"""Seconds of Foundation's `timeIntervalSinceReferenceDate` count from here."""

_LARGEST_SIDE_PX = 16_384


@dataclass(frozen=True)
class StatedPackage:
    """What a report says itself; empty or None where it does not."""

    precision: str = ""
    resolution_px: int | None = None
    started_at: str = ""

    def check(self, path: Path, resolution_px: int, precision: str) -> None:
        """Hold what the user said against it.

        Raises:
            DataError: if they contradict one another.
        """
        if self.resolution_px not in (None, resolution_px):
            raise DataError(
                f"{path} timed an input of {self.resolution_px} px, and --resolution says "
                f"{resolution_px}; one of them is another package"
            )
        if precision and self.precision not in ("", precision):
            raise DataError(
                f"{path} timed a package of {self.precision}, and --precision says {precision}; "
                "leave the option out to take the report's"
            )


def stated_package(data: Mapping[str, Any]) -> StatedPackage:
    """What a report's JSON states of its package."""
    return StatedPackage(
        next(filter(None, map(_precision, _values(data, _PRECISION_KEYS))), ""),
        next(filter(None, map(_side, _values(data, _INPUT_KEYS))), None),
        next(filter(None, map(_moment, _values(data, _START_KEYS))), ""),
    )


def _values(node: Any, keys: tuple[str, ...]) -> Iterator[Any]:
    """The values of these keys at any depth, outer ones first."""
    if isinstance(node, dict):
        yield from (node[key] for key in keys if key in node)
        for name, value in node.items():
            if name != "modelStructure":
                yield from _values(value, keys)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, keys)


def _precision(value: Any) -> str:
    """One precision of ours; a mixture is none."""
    found = {
        name
        for word, name in _NAMES.items()
        if re.search(rf"(?<![a-z]){word}(?!\d)", str(value).lower().replace(" ", ""))
    }
    return found.pop() if len(found) == 1 else ""


def _side(value: Any) -> int | None:
    """The side of a square image in a description of inputs: the last two sizes of its shape."""
    for text in _values(value, _SHAPE_KEYS):
        sizes = [
            int(size) for size in re.findall(r"\d+", str(text).partition("Float")[0] or str(text))
        ]
        tail = sizes[-2:]
        if len(tail) == 2 and tail[0] == tail[1] and 16 <= tail[0] <= _LARGEST_SIDE_PX:
            return tail[0]
    return None


def _moment(value: Any) -> str:
    """ISO 8601 of a text or of Foundation's seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return (_APPLE_EPOCH + timedelta(seconds=float(value))).isoformat(timespec="milliseconds")
    try:
        return datetime.fromisoformat(str(value)).isoformat()
    except ValueError:
        return ""
