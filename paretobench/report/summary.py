"""The summary: what a report holds, as a Markdown file beside its figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from paretobench.report.changes import changes
from paretobench.report.formatting import PROTOCOLS, estimate_ms, score_percent
from paretobench.report.tables import markdown_text
from paretobench.report.tables.markup import markdown_code, markdown_inline, markdown_table
from paretobench.report.view.one_piece import explanation, ratio_text
from paretobench.report.view.rows import MissingResult, Panel, Row, View, benchmark_label
from paretobench.units import MISSING, counted, duration, percent

if TYPE_CHECKING:
    from paretobench.analysis.levels import Audit

T = TypeVar("T")

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
        _undrawn(view, figures),
        *(_front(view, panel) for panel in view.panels()),
        _changes(view),
        _list("Refused", grouped(view.refusals)),
        _list("Failed", grouped(view.failures)),
        _list("In one piece, over the sum of the parts", _checks(view)),
        _audited(view),
        _table(view),
        _list("Sources", view.sources),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _undrawn(view: View, figures: Sequence[str]) -> str:
    """That some fronts have no figure of their own, and where they are."""
    fronts = sum(name.startswith("pareto") for name in figures)
    missing = len(view.panels()) - fronts
    if fronts < 2 or missing < 1:
        return ""
    return f"{counted(missing, 'more front')} without a figure: in index.html and below."


def _table(view: View) -> str:
    """All points; of more than anybody scrolls through the fronts, and where the rest is."""
    if len(view.rows) <= MOST_LISTED:
        return "## All points\n\n" + markdown_text(view)
    shown = tuple(row for row in view.rows if row.front.is_on or row.front.is_on_family)
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
    guessed = {row.identity for row in view.predicted} - timed
    scored = {row.identity for row in view.scored}
    said = [
        f"{counted(view.points, 'point')}: {len(timed)} with a latency, "
        f"{len(scored)} of these with a score"
        + (f"; {len(guessed)} with a predicted one (~), on no front." if guessed else ".")
    ]
    untimed = _by_reason((row.reason or "not measured yet", row) for row in view.untimed)
    unscored = _by_reason((row.hint, row) for row in view.unscored if row.hint)
    for reason, rows in untimed:
        has_guesses = all(row.predicted for row in rows)
        said.append(_missing(rows, "Predicted latency" if has_guesses else "No latency", reason))
    said += [_missing(rows, "No score", hint) for hint, rows in unscored]
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


def _by_reason(missing: Iterable[tuple[str, T]]) -> list[tuple[str, list[T]]]:
    """Things by reason; reasons that differ in numbers alone share the first one's words.

    >>> _by_reason([('needs 29.4 GiB', 'a'), ('needs 29.5 GiB', 'b')])
    [('needs 29.4 GiB', ['a', 'b'])]
    """
    reasons: dict[str, tuple[str, list[T]]] = {}
    for reason, thing in missing:
        sort = re.sub(r"\d+(?:\.\d+)?", "#", reason)
        reasons.setdefault(sort, (reason, []))[1].append(thing)
    return list(reasons.values())


def grouped(items: Sequence[MissingResult]) -> list[str]:
    """Points or workloads that are missing, those of one sort of reason in one sentence.

    >>> grouped([MissingResult(name, 'refused', f'needs {n} GiB') for n, name in enumerate('abcd')])
    ['a, b, c and 1 more: needs 0 GiB']
    """
    reasons = _by_reason((item.reason, item.what) for item in items)
    return [f"{_some(what)}: {reason}" for reason, what in reasons]


def _some(names: Sequence[str]) -> str:
    """The first three by name, and how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _missing(rows: Sequence[Row], what: str, why: str) -> str:
    """Who lacks something and why; the first three by name."""
    names = _some(list(dict.fromkeys(str(row) for row in rows)))
    return f"{what} for {names}: {why.rstrip('.')}."


def _provenance(view: View) -> list[str]:
    facts = (
        ("Environment", view.environment),
        ("Protocol", PROTOCOLS.get(view.protocol, view.protocol)),
        ("Date", view.date),
    )
    lines = [f"- {name}: {markdown_inline(value)}" for name, value in facts if value]
    return [*lines, f"- Made by: {markdown_code(view.command)}"] if view.command else lines


def _front(view: View, panel: Panel) -> str:
    rows = [row for row in panel.rows if row.front.is_on]
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


def _changes(view: View) -> str:
    """What would change the fronts, a list for each recipe."""
    found = changes(view)
    if not found.panels:
        return ""
    lists = [*found.panels, ("How far to trust this", found.trust)]
    parts = [
        f"{markdown_inline(title)}:\n\n" + "\n".join(f"- {markdown_inline(x)}" for x in lines)
        for title, lines in lists
        if lines
    ]
    return "\n\n".join(["## What would change this answer", *parts])


def _checks(view: View) -> list[str]:
    """Every point that was timed in one piece: the ratio to its sum, and what it is made of."""
    checked = {row.identity: (row, row.one_piece) for row in view.rows if row.one_piece}
    return [f"{row}: {explanation(found)}" for row, found in checked.values() if found]


AUDIT_COLUMNS = (
    "workload", "p50 ms", "p90 ms", "p99 ms", "sustained / burst", "steady", "run", "process",
    "session", "day", "interval of",
)  # fmt: skip


def _audited(view: View) -> str:
    """What audited workloads say beyond a median; nothing where none was audited."""
    if not view.audits:
        return ""
    about = (
        "Times over runs with 95 % intervals. Sustained over burst: the last quarter of a "
        "process's runs over its first. Steady: processes whose last two quarters agree within "
        "2 %. Run to day: the standard deviation that each level adds, and of how many; a session "
        "is another sitting, an hour or more later; three are needed for their spread to count."
    )
    is_number = [heading not in ("workload", "interval of") for heading in AUDIT_COLUMNS]
    table = markdown_table(AUDIT_COLUMNS, is_number, map(_audit_cells, view.audits))
    return f"## Audit\n\n{about}\n\n{table}"


def _audit_cells(one: Audit) -> list[str]:
    texts = [markdown_inline(one.label)]
    texts += [estimate_ms(found) if found else "too few runs" for _, found in one.quantiles]
    texts += [ratio_text(one.sustained) if one.sustained else "too few runs"]
    texts += [f"{percent(one.steady, 0)} %"]
    for spread in one.spreads:
        known = MISSING if spread.log_sd is None else f"{percent(spread.log_sd)} %"
        texts.append(f"{known} ({spread.groups})")
    return [*texts, one.level]


def _list(heading: str, items: Sequence[str]) -> str:
    lines = [f"- {markdown_inline(item)}" for item in items]
    return "\n".join([f"## {heading}", "", *lines]) if items else ""
