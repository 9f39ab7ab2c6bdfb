"""A view as the page's script reads it: compact JSON with the raw values and their texts.

Texts repeat a lot (labels, citations, notes), so they are kept once and referred to by
number; rows are arrays in the order of `ROW_FIELDS`. A text is always made here, by the
words and units that the tables use, never by the script.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from paretobench.config.catalogue import Catalogue, load_catalogue
from paretobench.domain.records import Estimate
from paretobench.report.formatting import estimate_ms, score_percent, ttft_ms
from paretobench.report.page.colours import family_colours
from paretobench.report.page.commands import COMMANDS, device_options, plannable
from paretobench.report.page.layers import layers
from paretobench.report.page.probabilities import probabilities
from paretobench.report.page.runs import for_page, has_runs, packed_runs
from paretobench.report.page.story import story
from paretobench.report.style import order_llms
from paretobench.report.tables.columns import Column, Raw, general_columns, tidy_fields
from paretobench.report.view.answers import default_budget_s
from paretobench.report.view.rows import Accuracy, Row, Runs, View, benchmark_label
from paretobench.units import MISSING, gibibytes

ROW_FIELDS = (
    "name", "label", "encoder", "family", "llm", "px", "tiling", "environment", "recipe",
    "source", "reason", "costs", "intervals", "scores", "cells", "story", "raw", "runs",
    "assumed", "plannable", "device", "caution", "predicted",
)  # fmt: skip
"""The order of a row's array."""


@dataclass(frozen=True)
class LatencyAxis:
    """One choice for the x axis.

    Attributes:
        raw: the tidy column that holds its value.
        text: its value as text, without the unit.
        per_unit: what divides a raw value to give `unit`.
        estimate: the estimate behind it, if it has an interval.
    """

    key: str
    label: str
    unit: str
    per_unit: float
    raw: str
    text: Callable[[Row], str]
    estimate: Callable[[Row], Estimate | None] = lambda row: None


def _timed(key: str, label: str, get: Callable[[Row], Estimate | None]) -> LatencyAxis:
    return LatencyAxis(key, label, "ms", 1e-3, f"{key}_s", lambda row: estimate_ms(get(row)), get)


COSTS = (
    _timed("ttft", "time to first token", lambda row: row.ttft),
    _timed("prefill", "prefill", lambda row: row.prefill),
    _timed("encode", "encoding, all passes", lambda row: row.encode_total),
    LatencyAxis(
        "memory", "peak memory", "GiB", 2.0**30, "peak_memory_bytes",
        lambda row: gibibytes(row.peak_memory_bytes).removesuffix(" GiB"),
    ),
    LatencyAxis(
        "tokens", "visual tokens", "", 1.0, "visual_tokens",
        lambda row: MISSING if row.visual_tokens is None else str(row.visual_tokens),
    ),
)  # fmt: skip
"""What can be on the x axis; the first is the default."""

RAW = (
    "encoder", "resolution_px", "llm", "tiling", "passes", "visual_tokens", "encode_s",
    "prefill_s", "ttft_s", "ttft_low_s", "ttft_high_s", "ttft_processes", "predicted_ttft_s",
    "predicted_ttft_low_s", "predicted_ttft_high_s", "peak_memory_bytes", "latency_source",
    "environment", "recipe", "benchmark", "score_fraction",
    "score_standard_error_fraction",
)  # fmt: skip
"""The tidy columns that travel with the page, under the names of `table.csv`: what it copies
as CSV, and what it sorts and draws by."""

SORTED_BY = {
    "px": "resolution_px",
    "passes": "passes",
    "tokens": "visual_tokens",
    "encode ms": "encode_s",
    "prefill ms": "prefill_s",
    "TTFT ms [95%]": "ttft_s",
}
"""Columns of the general table that sort by a raw value; the score's does too, all others by
their text."""


class _Numbered(dict[Any, int]):
    """Things by number, each kept once, in the order of their numbers."""

    def number(self, thing: Any) -> int:
        return self.setdefault(thing, len(self))


def payload(view: View) -> dict[str, Any]:
    """Everything the script knows of a view, ready for `json.dumps`.

    Returns:
        What can be chosen (`costs`, `gains`, `recipes`, ...), `columns` of the general table,
        names of the `raw` values, `fields` of a `rows` array, and what rows refer to by
        number: `strings`, `origins` (benchmarks and items of all scores of a row), `outlines`
        (headings, terms and units of a story), and `runs` (the timed runs of a part).
    """
    tidy = {each.name: each.value for each in tidy_fields(view)}
    raw = [(name, tidy[name]) for name in RAW]
    costs = [c for c in COSTS if any(tidy[c.raw](row) is not None for row in view.rows)]
    columns = general_columns(view)
    families = family_colours(row.family for row in view.rows)
    by_name = {family["name"]: index for index, family in enumerate(families)}
    parts = len({each for row in view.rows for each in row.runs})
    maker = _Maker(
        costs or [COSTS[0]], _gains(view), columns, raw, by_name, parts, load_catalogue()
    )
    rows = [maker.row(row) for row in view.rows]
    environments = _environments(view)
    return {
        "name": view.name,
        "title": view.title or view.name,
        "environment": view.environment,
        "command": view.command,
        "budget_s": default_budget_s(view),
        "probabilities": probabilities(view),
        "layers": layers(view, environments),
        "commands": [asdict(command) for command in COMMANDS],
        "benchmark": benchmark_label(view.benchmark),
        "fields": ROW_FIELDS,
        "columns": [_column(column, view) for column in columns],
        "raw": RAW,
        "costs": [
            {"key": c.key, "label": c.label, "unit": c.unit, "perUnit": c.per_unit, "raw": c.raw}
            for c in maker.costs
        ],
        "gains": [{"key": gain, "label": benchmark_label(gain)} for gain in maker.gains],
        "families": families,
        "llms": order_llms(view.rows),
        "recipes": _recipes(view),
        "environments": environments,
        "strings": list(maker.strings),
        "origins": list(maker.origins),
        "outlines": list(maker.outlines),
        "runs": list(maker.runs),
        "rows": rows,
        "judged": _judged(view.rows),
    }


def _column(column: Column, view: View) -> dict[str, str | None]:
    is_score = column.heading == f"{benchmark_label(view.benchmark)} %"
    key = "score_fraction" if is_score else SORTED_BY.get(column.heading)
    return {"heading": column.heading, "align": column.align, "raw": key}


@dataclass(frozen=True)
class _Maker:
    """Turns rows into arrays; what they share is held here."""

    costs: Sequence[LatencyAxis]
    gains: Sequence[str]
    columns: Sequence[Column]
    raw: Sequence[tuple[str, Callable[[Row], Raw]]]
    families: Mapping[str, int]
    parts: int
    catalogue: Catalogue
    strings: _Numbered = field(default_factory=_Numbered)
    origins: _Numbered = field(default_factory=_Numbered)
    outlines: _Numbered = field(default_factory=_Numbered)
    runs: _Numbered = field(default_factory=_Numbered)
    packed: dict[int, int] = field(default_factory=dict)

    def row(self, row: Row) -> list[Any]:
        """One row in the order of `ROW_FIELDS`."""
        number = self.strings.number
        return [
            number(str(row)),
            number(row.point_label),
            number(row.encoder_label),
            self.families[row.family],
            number(row.llm_label),
            row.resolution_px,
            number(row.tiling_label or row.tiling),
            number(row.environment),
            number(row.recipe),
            number(row.latency_source or "no latency"),
            number(row.reason or (row.hint if row.score is None else "")),
            [number(cost.text(row)) for cost in self.costs],
            [_interval(cost.estimate(row)) for cost in self.costs],
            self._scores(row),
            [number(column.text(row)) for column in self.columns],
            self._story(row),
            [self._raw(get(row)) for _, get in self.raw],
            [self._runs(each) for each in row.runs if has_runs(each)],
            number(_assumed(row)),
            plannable(row, self.catalogue),
            number(device_options(row) if row.is_measured else ""),
            number("; ".join(map(str, row.cautions))),
            self._predicted(row),
        ]

    def _predicted(self, row: Row) -> list[float] | int:
        """A predicted TTFT with both ends and the number of its text; 0 if there is none."""
        guess = row.predicted
        if guess is None:
            return 0
        ends = [_for_drawing(end) for end in (guess.low_s, guess.high_s)]
        return [guess.latency_s, *ends, self.strings.number(ttft_ms(row))]

    def _scores(self, row: Row) -> list[Any]:
        """The number of what they are, where from, then a text, a value and an error for each.

        Sources are listed as far as they differ: the last one holds for those that follow.
        """
        number, scores = self.strings.number, _all_scores(row)
        sources = [number(_source(each)) for each in scores]
        while len(sources) > 1 and sources[-1] == sources[-2]:
            sources.pop()
        about = self.origins.number(tuple(self._origin(each) for each in scores))
        found: list[Any] = [about, sources]
        for score in scores:
            error = _for_drawing(score.standard_error or 0.0, digits=2)
            found += [number(score_percent(score)), round(score.value, _SCORE_DECIMALS), error]
        return found

    def _origin(self, score: Accuracy) -> tuple[int, str, int]:
        """Which benchmark, how many items, and whether its error is assumed."""
        items = MISSING if score.n is None else str(score.n)
        return (self.gains.index(score.benchmark), items, int(score.is_error_assumed))

    def _story(self, row: Row) -> list[int]:
        """The number of its outline (headings and terms), then its texts."""
        number = self.strings.number
        parts = story(row)
        outline = tuple(
            (part.heading, tuple((fact.term, fact.unit) for fact in part.facts)) for part in parts
        )
        texts = [number(fact.text) for part in parts for fact in part.facts]
        return [self.outlines.number(outline), *texts]

    def _runs(self, runs: Runs) -> int:
        """The number of a part's runs, their texts by number, too.

        Points with a part in common share its runs as one object, so each is packed once.
        """
        if id(runs) not in self.packed:
            *texts, steps = packed_runs(for_page(runs, self.parts))
            number = self.runs.number((*map(self.strings.number, texts), steps))
            self.packed[id(runs)] = number
        return self.packed[id(runs)]

    def _raw(self, value: Raw) -> Raw | list[int]:
        """A value as it is; a text as its number in a list, which distinguishes the two."""
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return [self.strings.number(value)] if isinstance(value, str) else value


def _judged(rows: Sequence[Row]) -> dict[str, float]:
    """The TTFT that answers go by, by the row's place, where that is not its own."""
    judged = ((place, row, row.as_judged().ttft) for place, row in enumerate(rows))
    return {str(n): ttft.value for n, row, ttft in judged if ttft and ttft is not row.ttft}


def _assumed(row: Row) -> str:
    """Which errors behind its probabilities are not known: `latency`, `score`, both, or none."""
    is_bare = row.ttft is not None and row.ttft.low is None
    is_unsure = row.score is not None and row.score.standard_error is None
    return " and ".join(["time"] * is_bare + ["score"] * is_unsure)


def _source(score: Accuracy) -> str:
    return "; ".join(part for part in (score.provenance, score.source) if part)


def _interval(estimate: Estimate | None) -> list[float] | int:
    """Both ends of the interval, for drawing; 0 if there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return 0
    return [_for_drawing(estimate.low), _for_drawing(estimate.high)]


def _for_drawing(value: float, digits: int = 4) -> float:
    """Four digits are less than a pixel; the texts carry what people read."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else 0.0


_SCORE_DECIMALS = 7
"""Decimals of a task's score; the largest suite has 2e5 items, so distinct scores stay so."""


def _all_scores(row: Row) -> list[Accuracy]:
    headline = [row.score] if row.score else []
    named = {score.benchmark for score in headline}
    return headline + [task for task in row.task_scores if task.benchmark not in named]


def _gains(view: View) -> list[str]:
    """Benchmarks for the y axis: the headline, then the tasks by how many rows have them."""
    counts = Counter(task.benchmark for row in view.rows for task in row.task_scores)
    del counts[view.benchmark]
    return [view.benchmark, *(name for name, _ in counts.most_common())]


def _recipes(view: View) -> list[str]:
    """The recipe with most points first: it is the one on show."""
    found = [panel.recipe for panel in view.panels()]
    return list(dict.fromkeys([*found, *(row.recipe for row in view.rows if row.recipe)]))


def _environments(view: View) -> list[str]:
    found = [panel.environment for panel in view.panels()]
    rest = [row.environment for row in view.rows if row.environment]
    return list(dict.fromkeys([*found, *rest]))


def embedded_json(data: Any) -> str:
    """JSON that is safe inside a script element: no `<`, `>`, `&`, no line separators.

    >>> embedded_json({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":  # none stands in a replacement
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
