"""The columns of the general table: for people with units in the heading, for programs tidy.

One list says what each column is called, how it reads, and its raw value, so that Markdown,
terminal, LaTeX and CSV cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from paretobench.domain.records import Estimate
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
    """One column for people: its heading, its text, and on which side it is aligned."""

    heading: str
    text: Callable[[Row], str]
    align: Literal["left", "right"] = "right"


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
        Column("tiling", lambda row: row.tiling_label or row.tiling, "left"),
        Column("passes", lambda row: _count(row.passes)),
        Column("tokens", lambda row: _count(row.visual_tokens)),
        Column("encode ms", lambda row: value_ms(row.encode_total)),
        Column("prefill ms", lambda row: value_ms(row.prefill)),
        Column("TTFT ms [95%]", ttft_ms),
        Column("interval", _interval, "left"),
        Column("90 % of images ms", lambda row: value_ms(row.ttft_p90)),
        Column("n", processes),
        Column("ops off NE %", lambda row: _share(_off_neural_engine(row, "operations"))),
        Column("cost off NE %", lambda row: _share(_off_neural_engine(row, "cost"))),
        Column(f"{benchmark_label(view.benchmark)} %", lambda row: score_percent(row.score)),
        Column("recipe", lambda row: row.recipe or MISSING, "left"),
        Column("front", front_class, "left"),
        Column("runtime", runtimes, "left"),
        Column("source", origin, "left"),
        Column("note", remark, "left"),
    ]
    return [column for column in columns if _says_something(column, view.rows)]


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


def _says_something(column: Column, rows: Sequence[Row]) -> bool:
    """Leave out a column in which every row says the same nothing."""
    dull = {
        "tiling": {"none", ""},
        "passes": {"1", MISSING},
        "note": {""},
        "runtime": {""},
        "interval": {""},
        "n": {MISSING},
        "90 % of images ms": {MISSING},
        "ops off NE %": {MISSING},
        "cost off NE %": {MISSING},
    }
    nothing = dull.get(column.heading)
    return not rows or nothing is None or any(column.text(row) not in nothing for row in rows)


def processes(row: Row) -> str:
    """How many fresh processes a measured TTFT rests on: the fewer of its two parts."""
    parts = [part.n for part in (row.encode, row.prefill) if part is not None]
    return str(min(parts)) if parts and row.is_measured else MISSING


def _interval(row: Row) -> str:
    """Says so where a measured time has no interval: one process, and nothing to borrow from."""
    is_bare = row.is_measured and row.ttft is not None and row.ttft.low is None
    return "unknown" if is_bare else ""


def _share(value: float | None) -> str:
    return MISSING if value is None else percent(value)


def _count(value: int | None) -> str:
    return MISSING if value is None else str(value)


def _estimate_fields(name: str, get: Callable[[Row], Estimate | None]) -> list[Field]:
    def part(attribute: str) -> Callable[[Row], Raw]:
        def value(row: Row) -> Raw:
            estimate = get(row)
            return None if estimate is None else getattr(estimate, attribute)

        return value

    return [
        Field(f"{name}_s", part("value")),
        Field(f"{name}_low_s", part("low")),
        Field(f"{name}_high_s", part("high")),
        Field(f"{name}_processes", part("n")),
    ]


def _predicted_fields() -> list[Field]:
    """A TTFT that is predicted, apart from those that are measured; its interval is at 90 %."""

    def value(row: Row, name: str) -> Raw:
        return getattr(row.predicted, name, None)

    names = {"": "latency_s", "_low": "low_s", "_high": "high_s"}
    fields = [Field(f"predicted_ttft{end}_s", partial(value, name=n)) for end, n in names.items()]
    return [*fields, Field("predicted_from", lambda row: predicted_from(row) or None)]


def _plain(*names: str) -> list[Field]:
    return [Field(name, lambda row, name=name: getattr(row, name)) for name in names]  # type: ignore[misc]


def tidy_fields(view: View) -> list[Field]:
    """Every fact of a row under a name with its unit; seconds, bytes, fractions, no text form."""
    score: list[Field] = [
        Field("benchmark", lambda row: row.score.benchmark if row.score else None),
        Field("score_fraction", lambda row: row.score.value if row.score else None),
        Field(
            "score_standard_error_fraction",
            lambda row: row.score.standard_error if row.score else None,
        ),
        Field("score_items", lambda row: row.score.n if row.score else None),
        Field("score_provenance", lambda row: row.score.provenance if row.score else None),
        Field("score_protocol", lambda row: row.score.protocol if row.score else None),
        Field("score_checkpoint", lambda row: row.score.checkpoint if row.score else None),
        Field("timed_checkpoint", lambda row: row.timed_checkpoint or None),
        Field("score_source", lambda row: row.score.source if row.score else None),
    ]
    return [
        *_plain("encoder", "encoder_label", "family", "resolution_px", "llm", "llm_label"),
        *_plain("tiling", "passes", "visual_tokens", "newline_tokens"),
        *_estimate_fields("encode_per_pass", lambda row: row.encode),
        *_estimate_fields("encode", lambda row: row.encode_total),
        *_estimate_fields("prefill", lambda row: row.prefill),
        *_estimate_fields("ttft", lambda row: row.ttft),
        *_predicted_fields(),
        *_estimate_fields("ttft_p90", lambda row: row.ttft_p90),
        *_estimate_fields("end_to_end", lambda row: row.end_to_end),
        *_estimate_fields("tpot", lambda row: row.tpot),
        *_plain("encode_backend", "encode_precision", "prefill_backend", "prefill_precision"),
        *_plain("latency_source", "latency_citation", "environment", "fidelity"),
        *_plain("peak_memory_bytes", "recipe"),
        *score,
        *_placement_fields(view),
        *_task_fields(view),
        Field("is_on_front", lambda row: row.front.is_on),
        Field("is_on_family_front", lambda row: row.front.is_on_family),
        Field("front_class", lambda row: row.front.verdict),
        Field("front_probability", lambda row: row.front.probability),
        *_plain("reason", "hint"),
        Field("labels", lambda row: "; ".join(map(str, (*row.labels, *row.cautions)))),
    ]


def _placement_fields(view: View) -> list[Field]:
    """Shares off the Neural Engine, where Core ML ran anything."""
    if all(row.placement is None for row in view.rows):
        return []
    return [
        Field(f"{name}_off_neural_engine_fraction", partial(_off_neural_engine, name=name))
        for name in ("operations", "cost")
    ]


def _off_neural_engine(row: Row, name: str) -> float | None:
    return getattr(row.placement, name, None)


def _task_fields(view: View) -> list[Field]:
    names = dict.fromkeys(task.benchmark for row in view.rows for task in row.task_scores)

    def score_of(name: str) -> Callable[[Row], Raw]:
        return lambda row: next((t.value for t in row.task_scores if t.benchmark == name), None)

    return [Field(f"{name}_fraction", score_of(name)) for name in names]
