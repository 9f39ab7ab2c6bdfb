"""Tables and cells as Markdown, LaTeX and CSV: text that neither ends its cell nor runs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

_LATEX = str.maketrans({
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_",
    "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
    "±": "$\\pm$", "×": "$\\times$", "–": "--",
})  # fmt: skip


def latex_table(
    headings: Sequence[str],
    is_number: Sequence[bool],
    groups: Iterable[Iterable[Sequence[str]]],
    caption: str = "",
) -> str:
    """A booktabs table with a rule above each group of rows.

    Args:
        is_number: per column, whether it is set flush right.
        groups: rows of cells that are escaped already.
        caption: a comment above it.
    """
    layout = "".join("r" if flag else "l" for flag in is_number)
    lines = ["% needs \\usepackage{booktabs}", *([f"% {caption}"] if caption else [])]
    lines += [f"\\begin{{tabular}}{{{layout}}}", "\\toprule"]
    lines.append(" & ".join(map(latex_cell, headings)) + " \\\\")
    for rows in groups:
        lines += ["\\midrule", *(" & ".join(cells) + " \\\\" for cells in rows)]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def latex_cell(text: str) -> str:
    """Text with everything escaped that LaTeX would run.

    >>> print(latex_cell('50 % of_a'))
    50 \\% of\\_a
    """
    return text.translate(_LATEX)


def markdown_cell(text: str) -> str:
    """Text that cannot end its cell or its line, nor start an HTML element.

    >>> markdown_cell('a|b <i>')
    'a\\\\|b &lt;i>'
    """
    flat = " ".join(text.split())
    for mark, safe in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;")):
        flat = flat.replace(mark, safe)
    return flat


def markdown_table(
    headings: Sequence[str], is_number: Sequence[bool], rows: Iterable[Sequence[str]]
) -> str:
    """A GitHub table from cells that are escaped already.

    Args:
        is_number: per column, whether it is set flush right.

    >>> print(markdown_table(["a", "b"], [False, True], [["x", "1"]]), end="")
    | a | b |
    |---|---:|
    | x | 1 |
    """
    rule = "|".join("---:" if flag else "---" for flag in is_number)
    lines = [f"| {' | '.join(cells)} |" for cells in (headings, *rows)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]]) + "\n"


def markdown_inline(text: str) -> str:
    """Text within a line of Markdown that starts no HTML, no link, no emphasis and no code.

    >>> markdown_inline('<script> [a](javascript:b)')
    '&lt;script> \\\\[a\\\\](javascript:b)'
    """
    return "".join(
        {"<": "&lt;"}.get(mark, f"\\{mark}" if mark in "\\[]`*" else mark)
        for mark in " ".join(text.split())
    )


def markdown_code(text: str) -> str:
    """Text as code within a line, whatever backquotes are in it.

    >>> markdown_code('a `b`')
    '`` a `b` ``'
    """
    flat = " ".join(text.split())
    runs = re.findall("`+", flat)
    fence = "`" * (1 + max(map(len, runs), default=0))
    return f"{fence} {flat} {fence}" if runs else f"`{flat}`"


def csv_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with one line of names; None is an empty cell, and no cell runs in a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([spreadsheet_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def spreadsheet_cell(value: T) -> T | str:
    """A cell of CSV that no spreadsheet runs as a formula: such a text begins with an apostrophe.

    Reference: OWASP, "CSV Injection".

    >>> spreadsheet_cell('=1+1'), spreadsheet_cell(-1.5), spreadsheet_cell('a-b')
    ("'=1+1", -1.5, 'a-b')
    """
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
