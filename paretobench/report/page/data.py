"""A view as the page's script reads it: compact JSON with the raw values and their texts.

Texts repeat a lot (labels, citations, notes), so they are kept once and referred to by
number; rows are arrays in the order of `ROW_FIELDS`. A text is always made here, by the
words and units that the tables use, never by the script.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from paretobench.records import Estimate
from paretobench.report.page.colours import family_colours
from paretobench.report.page.story import story
from paretobench.report.style import size_in_billions
from paretobench.report.tables.columns import Column, general_columns, tidy_fields
from paretobench.report.view import Accuracy, Row, View, benchmark_label
from paretobench.report.words import estimate_ms, score_percent
from paretobench.units import MISSING, gibibytes

Raw = str | int | float | bool | None

ROW_FIELDS = (
    "name", "label", "encoder", "family", "llm", "px", "tiling", "environment", "recipe",
    "source", "reason", "costs", "scores", "cells", "keys", "story", "csv",
)  # fmt: skip
"""What stands where in a row's array."""


@dataclass(frozen=True)
class Cost:
    """One choice for the x axis: its name, its unit, and what a row has of it."""

    key: str
    label: str
    unit: str
    per_unit: float
    interval: Callable[[Row], tuple[float | None, float | None, float | None]]
    text: Callable[[Row], str]


def _estimated(key: str, label: str, get: Callable[[Row], Estimate | None]) -> Cost:
    def interval(row: Row) -> tuple[float | None, float | None, float | None]:
        found = get(row)
        return (found.value, found.low, found.high) if found else (None, None, None)

    def text(row: Row) -> str:
        return f"{estimate_ms(get(row))} ms" if get(row) else MISSING

    return Cost(key, label, "ms", 1e-3, interval, text)


def _counted(
    key: str,
    label: str,
    unit: str,
    per_unit: float,
    get: Callable[[Row], float | None],
    text: Callable[[Row], str],
) -> Cost:
    return Cost(key, label, unit, per_unit, lambda row: (get(row), None, None), text)


COSTS = (
    _estimated("ttft", "time to first token", lambda row: row.ttft),
    _estimated("prefill", "prefill", lambda row: row.prefill),
    _estimated("encode", "encoding, all passes", lambda row: row.encode_total),
    _counted(
        "memory", "peak memory", "GiB", 2.0**30,
        lambda row: row.peak_memory_bytes, lambda row: gibibytes(row.peak_memory_bytes),
    ),
    _counted(
        "tokens", "visual tokens", "", 1.0,
        lambda row: row.visual_tokens,
        lambda row: MISSING if row.visual_tokens is None else str(row.visual_tokens),
    ),
)  # fmt: skip
"""What can stand on the x axis; the first is the default."""


@dataclass
class _Strings:
    """Texts by number, each kept once."""

    texts: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        if text not in self.numbers:
            self.numbers[text] = len(self.texts)
            self.texts.append(text)
        return self.numbers[text]


def payload(view: View) -> dict[str, Any]:
    """Everything the script knows of a view, ready for `json.dumps`.

    Returns:
        `strings`, `columns` (of the general table), `csv` (names of the tidy ones), `costs`,
        `gains`, `families`, `llms`, `recipes`, `environments`, `fields` and `rows`.
    """
    strings = _Strings()
    costs = [cost for cost in COSTS if any(cost.interval(row)[0] is not None for row in view.rows)]
    gains = _gains(view)
    columns, tidy = general_columns(view), _csv_fields(view)
    families = family_colours(row.family for row in view.rows)
    maker = _Maker(strings, costs or [COSTS[0]], gains, columns, tidy, families)
    rows = [maker.row(row) for row in view.rows]
    return {
        "benchmark": benchmark_label(view.benchmark),
        "fields": ROW_FIELDS,
        "columns": [
            {
                "heading": column.heading,
                "align": column.align,
                "is_number": column.heading in _KEYS or column.heading.endswith(" %"),
            }
            for column in columns
        ],
        "csv": [name for name, _ in tidy],
        "costs": [
            {"key": c.key, "label": c.label, "unit": c.unit, "perUnit": c.per_unit}
            for c in maker.costs
        ],
        "gains": [{"key": gain, "label": benchmark_label(gain)} for gain in gains],
        "families": families,
        "llms": _llms(view.rows),
        "recipes": _recipes(view),
        "environments": _environments(view),
        "strings": strings.texts,
        "rows": rows,
    }


@dataclass(frozen=True)
class _Maker:
    """Turns rows into arrays; what they share is held here."""

    strings: _Strings
    costs: Sequence[Cost]
    gains: Sequence[str]
    columns: Sequence[Column]
    tidy: Sequence[tuple[str, Callable[[Row], Raw]]]
    families: Sequence[dict[str, str]]

    def row(self, row: Row) -> list[Any]:
        number = self.strings.number
        family = next(i for i, each in enumerate(self.families) if each["name"] == row.family)
        return [
            number(str(row)),
            number(row.point_label),
            number(row.encoder_label),
            family,
            number(row.llm_label),
            row.resolution_px,
            number(row.tiling_label or row.tiling),
            number(row.environment),
            number(row.recipe),
            number(row.latency_source or "no latency"),
            number(_why_not_drawn(row)),
            [self._cost(cost, row) for cost in self.costs],
            self._scores(row),
            [number(column.text(row)) for column in self.columns],
            [self._key(column, row) for column in self.columns],
            self._story(row),
            [self._raw(get(row)) for _, get in self.tidy],
        ]

    def _cost(self, cost: Cost, row: Row) -> list[Any] | int:
        value, low, high = cost.interval(row)
        if value is None or not math.isfinite(value):
            return 0
        interval = [low, high] if low is not None and high is not None else []
        return [self.strings.number(cost.text(row)), value, *interval]

    def _scores(self, row: Row) -> list[list[Any]]:
        return [self._score(score) for score in _all_scores(row)]

    def _score(self, score: Accuracy) -> list[Any]:
        number = self.strings.number
        said = "assumed" if score.is_error_assumed else ""
        return [
            self.gains.index(score.benchmark),
            number(score_percent(score)),
            score.value,
            score.standard_error or 0,
            number("; ".join(part for part in (score.provenance, score.source) if part)),
            number("" if score.n is None else str(score.n)),
            number(said),
        ]

    def _key(self, column: Column, row: Row) -> Raw:
        """What a column sorts by where that is not its text; None sorts last."""
        if column.heading.endswith(" %"):
            return row.score.value if row.score else None
        get = _KEYS.get(column.heading)
        return get(row) if get else 0

    def _story(self, row: Row) -> list[Any]:
        number = self.strings.number
        return [
            [number(part.heading), [[number(term), number(said)] for term, said in part.facts]]
            for part in story(row)
        ]

    def _raw(self, value: Raw) -> Raw | list[int]:
        """A value as it is; a text as its number in a list, which tells the two apart."""
        return [self.strings.number(value)] if isinstance(value, str) else value


def _value(estimate: Estimate | None) -> float | None:
    return estimate.value if estimate else None


def _fewest(row: Row) -> int | None:
    parts = [part.n for part in (row.encode, row.prefill) if part is not None]
    return min(parts) if parts and row.is_measured else None


_KEYS: dict[str, Callable[[Row], float | None]] = {
    "px": lambda row: row.resolution_px,
    "passes": lambda row: row.passes,
    "tokens": lambda row: row.visual_tokens,
    "encode ms": lambda row: _value(row.encode_total),
    "prefill ms": lambda row: _value(row.prefill),
    "TTFT ms [95%]": lambda row: _value(row.ttft),
    "n": _fewest,
}
"""Columns of the general table that sort by a number; the others sort by their text."""

_CSV = (
    "encoder", "resolution_px", "llm", "tiling", "passes", "visual_tokens", "encode_s",
    "prefill_s", "ttft_s", "ttft_low_s", "ttft_high_s", "ttft_processes", "peak_memory_bytes",
    "latency_source", "environment", "recipe", "benchmark", "score_fraction",
    "score_standard_error_fraction",
)  # fmt: skip


def _csv_fields(view: View) -> list[tuple[str, Callable[[Row], Raw]]]:
    """The tidy columns that the page copies as CSV: raw, under the names of `table.csv`."""
    known = {each.name: each.value for each in tidy_fields(view)}
    return [(name, known[name]) for name in _CSV]


def _all_scores(row: Row) -> list[Accuracy]:
    headline = [row.score] if row.score else []
    named = {score.benchmark for score in headline}
    return headline + [task for task in row.task_scores if task.benchmark not in named]


def _gains(view: View) -> list[str]:
    """Benchmarks for the y axis: the headline, then the tasks by how many rows have them."""
    counts: dict[str, int] = {}
    for row in view.rows:
        for task in row.task_scores:
            counts[task.benchmark] = counts.get(task.benchmark, 0) + 1
    counts.pop(view.benchmark, None)
    return [view.benchmark, *sorted(counts, key=lambda name: -counts[name])]


def _llms(rows: Sequence[Row]) -> list[str]:
    """Labels of the LLMs, smallest first: the order of the marker shapes."""
    sizes = {row.llm_label: size_in_billions(row.size_label) for row in rows}
    return sorted(sizes, key=lambda label: (sizes[label], label))


def _recipes(view: View) -> list[str]:
    """The recipe with most points first: it is the one on show."""
    found = [panel.recipe for panel in view.panels()]
    return list(dict.fromkeys([*found, *(row.recipe for row in view.rows if row.recipe)]))


def _environments(view: View) -> list[str]:
    found = [panel.environment for panel in view.panels()]
    rest = [row.environment for row in view.rows if row.environment]
    return list(dict.fromkeys([*found, *rest]))


def _why_not_drawn(row: Row) -> str:
    return row.reason or (row.hint if row.score is None else "")


def embedded_json(data: Any) -> str:
    """JSON that is safe inside a script element: no `<`, `>`, `&`, no line separators.

    >>> embedded_json({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    unsafe = "<>&\u2028\u2029"
    return text.translate({ord(mark): f"\\u{ord(mark):04x}" for mark in unsafe})
