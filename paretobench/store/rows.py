"""What the store gives and takes beside the domain's own nouns, and their one JSON form.

No SQL here. A key is always the hash of the content, so that equal things are one row in every
database, and a row that was edited by hand no longer fits its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

from paretobench.domain import (
    GridPoint,
    TilePlan,
    canonical_json,
    content_key,
)
from paretobench.domain.contention import Contention
from paretobench.domain.records import Cell
from paretobench.errors import DataError
from paretobench.store.database import Row

SWEEP_NAMES = ("name", "command", "seed", "environment_key", "created_at")
"""What was asked of a sweep, its settings aside."""


@dataclass(frozen=True)
class Sweep:
    """One run of `paretobench sweep`: what was asked, and how it ended (None while it runs).

    Attributes:
        settings: the request's settings as plain JSON, the device profile included.
        environment_key: where its cells were timed; None if it measured nothing.
        created_at, finished_at: ISO 8601 in UTC.
        summary: what the sweep counted when it ended.
    """

    name: str
    command: str
    settings: Mapping[str, Any]
    seed: int
    environment_key: str | None
    created_at: str
    finished_at: str | None = None
    exit_status: int | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Content key of what was asked; the end is not part of it."""
        data = {name: getattr(self, name) for name in SWEEP_NAMES}
        return content_key(data | {"settings": dict(self.settings)})


POINT_NAMES = ("encoder", "resolution_px", "llm", "tiling")
"""The four names that make a point."""

TILE_COUNTS = ("tile_px", "passes", "visual_tokens", "newline_tokens")
"""What a tiling makes of one image, as `TilePlan` counts it."""

BESIDE_THE_SUM = ("decode", "end_to_end")
"""Roles of workloads that are measured for a point and are no part of its TTFT."""


@dataclass(frozen=True, order=True)
class Link:
    """One part of a point's TTFT: which workload, in which role, how many times per image.

    Attributes:
        role: `encode`, `prefill`, another part of the sum (`project`), or one of `BESIDE_THE_SUM`.
        passes: how often the part runs for one image, or for all images of a point that is a mean
            over several; positive.
    """

    role: str
    workload_key: str
    passes: int = 1


@dataclass(frozen=True)
class StoredPoint:
    """A point as a sweep planned it: its four names, its tiles, and the workloads it needs.

    Attributes:
        described: labels, families and parameter counts as the sweep knew them, so that a
            report needs no catalogue, and its image sizes where it is a mean over several; any
            JSON.
    """

    encoder: str
    resolution_px: int
    llm: str
    tiling: str
    tile_px: int
    passes: int
    visual_tokens: int
    newline_tokens: int
    links: tuple[Link, ...]
    described: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def point_key(self) -> str:
        """Content key of the four names; equals `GridPoint.key`."""
        return content_key(self.identity())

    @cached_property
    def key(self) -> str:
        """Content key of the whole plan of this point; the order of the links is not part."""
        data = self.identity() | {name: getattr(self, name) for name in TILE_COUNTS}
        links = [[link.role, link.workload_key, link.passes] for link in sorted(self.links)]
        return content_key(data | {"described": dict(self.described), "links": links})

    def identity(self) -> dict[str, Any]:
        """The four names, as in `GridPoint.identity`."""
        return {name: getattr(self, name) for name in POINT_NAMES}

    @property
    def image_count(self) -> int:
        """How many images its links sum over, by weight; 1 for a point of one image."""
        return int(self.described.get("images", {}).get("count", 1))

    @property
    def summed_links(self) -> tuple[Link, ...]:
        """What its TTFT is the sum of."""
        return tuple(link for link in self.links if link.role not in BESIDE_THE_SUM)

    @staticmethod
    def of(
        point: GridPoint,
        tiles: TilePlan,
        links: Sequence[Link],
        images: Mapping[str, Any] | None = None,
    ) -> StoredPoint:
        """The stored form of a planned point, with what a report shows of it.

        Args:
            images: the sizes of a point that is a mean over several: `count`, and `sizes` with
                the workloads of each.
        """
        encoder, llm = point.encoder, point.llm
        described = {
            "encoder": {
                "label": encoder.label,
                "family": encoder.family,
                "parameters": encoder.parameters,
                "published_parameters_m": encoder.published_parameters_m,
            },
            "llm": {
                "label": llm.label,
                "family": llm.family,
                "size_label": llm.size_label,
                "parameters": llm.parameters,
            },
            "tiling": {
                "label": point.tiling.label,
                "scheme": point.tiling.scheme,
                "options": dict(point.tiling.options),
            },
        }
        return StoredPoint(
            **point.identity(),
            **{name: getattr(tiles, name) for name in TILE_COUNTS},
            links=tuple(sorted(links)),
            described=described | ({"images": dict(images)} if images else {}),
        )


def stored_json(value: Any, what: str) -> str:
    """Canonical JSON for a column.

    Raises:
        DataError: if a number in it is not finite; neither JSON nor SQLite has NaN.
    """
    try:
        return canonical_json(value)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{what} cannot be stored: {error}.\n"
            "Every value must be plain JSON and every number finite."
        ) from None


def cell_row(cell: Cell) -> tuple[Any, ...]:
    """A cell in the order of its table's columns.

    Raises:
        DataError: if a number in it is not finite.
    """
    data, what = cell.to_json(), f"a cell of {cell.workload_key[:12]}"
    key = hashlib.sha256(stored_json(data, what).encode("ascii")).hexdigest()
    plain = [data[name] for name in _PLAIN]
    texts = [stored_json(data[name], what) for name in _JSON]
    seen = None if cell.contention is None else stored_json(data["contention"], what)
    return (key, *plain[:7], *_median_and_count(cell.counted_s), *plain[7:], *texts, seen)


def cell_from_row(row: Row) -> Cell:
    """Inverse of `cell_row`; the two derived columns are left out."""
    plain = {name: row[name] for name in _PLAIN}
    return Cell(
        **plain,
        warmup_s=tuple(json.loads(row["warmup_s"])),
        samples_s=tuple(json.loads(row["samples_s"])),
        facts=json.loads(row["facts"]),
        contention=_contention(row["contention"]),
    )


def is_cell_row_unchanged(row: Sequence[Any]) -> bool:
    """Whether a row is what `cell_row` made: its key and derived columns fit its content.

    The canonical JSON of the cell is put together from the row's own texts, without a `Cell`
    on the way: an import checks every one of a million rows, at 10 us each.
    """
    # One call for all plain columns. JSON spells NUL as \u0000, so a raw one only separates.
    plain = _separate((*row[1:8], *row[10:17]))[1:-1].split("\0")
    seen = row[20]
    if seen is None:
        content = _CELL % _sorted_names((*plain, *row[17:20]))
    else:
        content = _CELL_SEEN % _sorted_names_seen((*plain, *row[17:21]))
    if hashlib.sha256(content.encode()).hexdigest() != row[0]:
        return False
    samples_s = json.loads(row[18])
    if seen is not None:
        samples_s = Contention.from_json(json.loads(seen)).counted(samples_s) or samples_s
    return tuple(row[8:10]) == _median_and_count(samples_s)


def _contention(text: str | None) -> Contention | None:
    return None if text is None else Contention.from_json(json.loads(text))


def _median_and_count(samples_s: Sequence[float]) -> tuple[float | None, int]:
    """As `statistics.median`, at a fifth of its cost; None if there is no sample."""
    count, ordered = len(samples_s), sorted(samples_s)
    if not count:
        return None, 0
    upper = ordered[count // 2]
    return (upper if count % 2 else (ordered[count // 2 - 1] + upper) / 2), count


_PLAIN = [
    "workload_key",
    "environment_key",
    "sweep_key",
    "started_at",
    "fidelity",
    "round_index",
    "status",
    "load_s",
    "first_run_s",
    "canary_before_s",
    "canary_after_s",
    "wall_s",
    "peak_memory_bytes",
    "energy_j",
]
_JSON = ("warmup_s", "samples_s", "facts")
"""A cell's columns: those stored as they are, and those stored as JSON."""

_separate = json.JSONEncoder(separators=("\0", ":")).encode
_CONTENTION = "contention"
"""A column that older cells have nothing in; their keys are made without it."""


def _template(names: Sequence[str]) -> tuple[str, Callable[[Sequence[str]], tuple[str, ...]]]:
    """A cell's canonical JSON with a gap for each value, and what sorts the values into them."""
    ordered = sorted(names)
    pick = itemgetter(*(names.index(name) for name in ordered))
    return "{" + ",".join(f'"{name}":%s' for name in ordered) + "}", pick


_CELL, _sorted_names = _template([*_PLAIN, *_JSON])
_CELL_SEEN, _sorted_names_seen = _template([*_PLAIN, *_JSON, _CONTENTION])
