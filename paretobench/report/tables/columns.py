"""The columns of the general table: for people with units in the heading, for programs tidy.

One list says what each column is called, how it reads, and its raw value, so that Markdown,
terminal, LaTeX and CSV cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Literal

from paretobench.report.formatting import (
    front_class,
    origin,
    predicted_from,
    remark,
    runtimes,
    score_percent,
    ttft_ms,
    value_ms,
)
from paretobench.report.view.rows import Row, View, benchmark_label
from paretobench.units import MISSING, percent

Raw = str | int | float | bool | None


@dataclass(frozen=True)
class Column:
    """One column for people: its heading, its text, and on which side it is aligned.

    Attributes:
        dull: texts that say nothing; a column of these alone is left out.
    """

    heading: str
    text: Callable[[Row], str]
    align: Literal["left", "right"] = "right"
    dull: tuple[str, ...] = ()

    def says_something(self, rows: Sequence[Row]) -> bool:
        """Whether it belongs in a table of these rows."""
        return not rows or not self.dull or any(self.text(row) not in self.dull for row in rows)


@dataclass(frozen=True)
class Field:
    """One column for programs: a name that ends in its unit, and the raw value."""

    name: str
    value: Callable[[Row], Raw]


def general_columns(view: View) -> list[Column]:
    """The general table: what it is, what it costs, how good it is, where that comes from."""
    columns = [
        Column("encoder", lambda row: row.encoder_label, "left"),
        Column("px", lambda row: str(row.resolution_px)),
        Column("LLM", lambda row: row.llm_label, "left"),
        Column("tiling", lambda row: row.tiling_label or row.tiling, "left", ("none", "")),
        Column("passes", lambda row: _count(row.passes), dull=("1", MISSING)),
        Column("tokens", lambda row: _count(row.visual_tokens)),
        Column("encode ms", lambda row: value_ms(row.encode_total)),
        Column("prefill ms", lambda row: value_ms(row.prefill)),
        Column("TTFT ms [95%]", ttft_ms),
        Column("interval", _interval, "left", ("",)),
        Column("90 % of images ms", lambda row: value_ms(row.ttft_p90), dull=(MISSING,)),
        Column("n", processes, dull=(MISSING,)),
        Column("ops off NE %", partial(_off_neural_engine, what="operations"), dull=(MISSING,)),
        Column("cost off NE %", partial(_off_neural_engine, what="cost"), dull=(MISSING,)),
        Column(f"{benchmark_label(view.benchmark)} %", lambda row: score_percent(row.score)),
        Column("recipe", lambda row: row.recipe or MISSING, "left"),
        Column("front", front_class, "left"),
        Column("runtime", runtimes, "left", ("",)),
        Column("source", origin, "left"),
        Column("note", remark, "left", ("",)),
    ]
    return [column for column in columns if column.says_something(view.rows)]


def terminal_columns(view: View) -> list[Column]:
    """The same with what a terminal of 100 to 120 characters has room for.

    Each recipe has a table of its own, so there is no column for it. The tiling's is there only
    where some point is cut into tiles.
    """
    wanted: tuple[str, ...] = (
        "encoder",
        "px",
        "tiling",
        "LLM",
        "passes",
        "tokens",
        "encode ms",
        "prefill ms",
        "TTFT ms [95%]",
        "interval",
        "90 % of images ms",
        f"{benchmark_label(view.benchmark)} %",
        "front",
    )
    return [column for column in general_columns(view) if column.heading in wanted]


def single_table_columns(view: View) -> list[Column]:
    """Those of a terminal for one table of all rows: several recipes are told apart in a column."""
    recipes = {row.recipe for row in view.rows if row.recipe}
    wanted = {column.heading for column in terminal_columns(view)}
    wanted |= {"recipe"} if len(recipes) > 1 else set()
    return [column for column in general_columns(view) if column.heading in wanted]


def processes(row: Row) -> str:
    """How many fresh processes a measured TTFT rests on: the fewer of its two parts."""
    parts = [part.n for part in (row.encode, row.prefill) if part is not None]
    return str(min(parts)) if parts and row.is_measured else MISSING


def _interval(row: Row) -> str:
    """Says so where a measured time has no interval: one process, and nothing to borrow from."""
    is_bare = row.is_measured and row.ttft is not None and row.ttft.low is None
    return "unknown" if is_bare else ""


def _off_neural_engine(row: Row, what: str) -> str:
    return percent(getattr(row.placement, what, None))


def _count(value: int | None) -> str:
    return MISSING if value is None else str(value)


def _plain(*names: str) -> list[Field]:
    """Attributes of a row under their own names."""
    return [Field(name, attrgetter(name)) for name in names]


def _of(attribute: str, columns: Mapping[str, str]) -> list[Field]:
    """What a row may lack as a whole, such as its score: its attributes by name of the column."""

    def value(row: Row, name: str) -> Raw:
        return getattr(getattr(row, attribute), name, None)

    return [Field(column, partial(value, name=name)) for column, name in columns.items()]


def _estimate(name: str, attribute: str = "") -> list[Field]:
    ends = {"_s": "value", "_low_s": "low", "_high_s": "high", "_processes": "n"}
    return _of(attribute or name, {name + ending: part for ending, part in ends.items()})


def tidy_fields(view: View) -> list[Field]:
    """Every fact of a row under a name with its unit; seconds, bytes, fractions, no text form."""
    return [
        *_plain("encoder", "encoder_label", "family", "resolution_px", "llm", "llm_label"),
        *_plain("tiling", "passes", "visual_tokens", "newline_tokens"),
        *_estimate("encode_per_pass", "encode"),
        *_estimate("encode", "encode_total"),
        *_estimate("prefill"),
        *_estimate("ttft"),
        *_of("predicted", PREDICTED),
        Field("predicted_from", lambda row: predicted_from(row) or None),
        *_estimate("ttft_p90"),
        *_estimate("end_to_end"),
        *_estimate("tpot"),
        *_plain("encode_backend", "encode_precision", "prefill_backend", "prefill_precision"),
        *_plain("latency_source", "latency_citation", "environment", "fidelity"),
        *_plain("peak_memory_bytes", "recipe"),
        *_of("score", SCORE),
        Field("timed_checkpoint", lambda row: row.timed_checkpoint or None),
        *_of("score", {"score_source": "source"}),
        *(_of("placement", PLACEMENT) if any(row.placement for row in view.rows) else ()),
        *_task_fields(view),
        Field("is_on_front", lambda row: row.front.is_on),
        Field("is_on_family_front", lambda row: row.front.is_on_family),
        Field("front_class", lambda row: row.front.verdict),
        Field("front_probability", lambda row: row.front.probability),
        *_plain("reason", "hint"),
        Field("labels", lambda row: "; ".join(map(str, (*row.labels, *row.cautions)))),
    ]


PREDICTED = {
    "predicted_ttft_s": "latency_s",
    "predicted_ttft_low_s": "low_s",
    "predicted_ttft_high_s": "high_s",
}
"""A TTFT that is predicted, apart from those that are measured; its interval is at 90 %."""

SCORE = {
    "benchmark": "benchmark",
    "score_fraction": "value",
    "score_standard_error_fraction": "standard_error",
    "score_items": "n",
    "score_provenance": "provenance",
    "score_protocol": "protocol",
    "score_checkpoint": "checkpoint",
}

PLACEMENT = {
    "operations_off_neural_engine_fraction": "operations",
    "cost_off_neural_engine_fraction": "cost",
}
"""Shares off the Neural Engine, where Core ML ran anything."""


def _task_fields(view: View) -> list[Field]:
    names = dict.fromkeys(task.benchmark for row in view.rows for task in row.task_scores)

    def score_of(name: str) -> Callable[[Row], Raw]:
        return lambda row: next((t.value for t in row.task_scores if t.benchmark == name), None)

    return [Field(f"{name}_fraction", score_of(name)) for name in names]
