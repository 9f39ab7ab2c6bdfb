"""The summary: what a report holds, in words, as a Markdown file beside its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from paretobench.report.formatting import PROTOCOLS, estimate_ms, score_percent
from paretobench.report.tables import markdown_text
from paretobench.report.tables.markup import markdown_code, markdown_inline
from paretobench.report.view.rows import MissingResult, Panel, Row, View, benchmark_label
from paretobench.units import counted, duration

MOST_LISTED = 500
"""Rows of the table in the summary; GitHub shows no Markdown file above half a megabyte."""


def summary_text(view: View, figures: Sequence[str], formats: Sequence[str] = ("png",)) -> str:
    """The whole summary as Markdown: provenance, figures, fronts, what is missing, the table.

    Args:
        figures: names of the figures beside it, without ending.
        formats: in which they were written; PNG is shown where there is one, then SVG.
    """
    shown = next((kind for kind in ("png", "svg") if kind in formats), "")
    parts = [
        f"# {markdown_inline(view.title or view.name)}",
        "\n".join(_provenance(view)),
        "\n".join(f"- {markdown_inline(sentence)}" for sentence in headline_sentences(view)),
        *(f"![{name}]({name}.{shown})" for name in figures if shown),
        *(_front(view, panel) for panel in view.panels()),
        _gone("Refused", view.refusals),
        _gone("Failed", view.failures),
        _table(view),
        _list("Sources", view.sources),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _table(view: View) -> str:
    """All points; of more than anybody scrolls through the fronts, and where the rest is."""
    if len(view.rows) <= MOST_LISTED:
        return "## All points\n\n" + markdown_text(view)
    shown = tuple(row for row in view.rows if row.is_on_front or row.is_on_family_front)
    return (
        f"## Points on a front\n\n{counted(len(shown), 'row')} of {len(view.rows)}; all of them "
        f"are in [table.md](table.md) and [table.csv](table.csv).\n\n"
        + markdown_text(replace(view, rows=shown))
    )


def headline_sentences(view: View) -> list[str]:
    """The counts a reader needs first, one sentence each; also what the terminal prints.

    >>> headline_sentences(View(()))
    ['0 points: 0 with a latency, 0 of these with a score.']
    """
    timed = {row.identity for row in view.rows if row.ttft is not None}
    scored = {row.identity for row in view.scored}
    said = [
        f"{counted(view.points, 'point')}: {len(timed)} with a latency, "
        f"{len(scored)} of these with a score."
    ]
    said += [_missing(rows, "no latency", reason) for reason, rows in _by_reason(view).items()]
    hints = dict.fromkeys(row.hint for row in view.unscored if row.hint)
    said += [f"{hint[:1].upper()}{hint[1:]}." for hint in hints]
    numbers = view.statistics
    if numbers is not None:
        said.append(
            f"{counted(numbers.parts, 'part')} of {counted(numbers.points, 'point')} came from "
            f"{counted(numbers.workloads, 'distinct workload')}"
            + (
                f", measured in {counted(numbers.cells, 'fresh process', 'fresh processes')} "
                f"and {duration(numbers.measuring_s)}."
                if numbers.cells
                else "."
            )
        )
    return said + list(view.notes)


def _by_reason(view: View) -> dict[str, list[Row]]:
    reasons: dict[str, list[Row]] = {}
    for row in view.untimed:
        reasons.setdefault(row.reason or "not measured yet", []).append(row)
    return reasons


def _missing(rows: Sequence[Row], what: str, why: str) -> str:
    """Who lacks something and why; the first three by name."""
    names = ", ".join(str(row) for row in rows[:3])
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"{what[:1].upper()}{what[1:]} for {names}{more}: {why.rstrip('.')}."


def _provenance(view: View) -> list[str]:
    facts = (
        ("Environment", view.environment),
        ("Protocol", PROTOCOLS.get(view.protocol, view.protocol)),
        ("Date", view.date),
    )
    lines = [f"- {name}: {markdown_inline(value)}" for name, value in facts if value]
    return [*lines, f"- Made by: {markdown_code(view.command)}"] if view.command else lines


def _front(view: View, panel: Panel) -> str:
    rows = [row for row in panel.rows if row.is_on_front and row.ttft is not None]
    rows.sort(key=lambda row: row.ttft.value if row.ttft else 0.0)
    name = benchmark_label(view.benchmark)
    heading = f"## Front of recipe {markdown_inline(panel.recipe)}" if panel.recipe else "## Front"
    lines = [f"{heading}, {counted(len(panel.rows), 'point')}", ""]
    lines += [
        f"- {markdown_inline(str(row))}: TTFT {estimate_ms(row.ttft)} ms, "
        f"{name} {score_percent(row.score)} %"
        for row in rows
    ]
    return "\n".join(lines)


def _gone(heading: str, items: Sequence[MissingResult]) -> str:
    return _list(heading, [f"{item.what}: {item.reason}" for item in items])


def _list(heading: str, items: Sequence[str]) -> str:
    return (
        "\n".join([f"## {heading}", "", *(f"- {markdown_inline(item)}" for item in items)])
        if items
        else ""
    )
