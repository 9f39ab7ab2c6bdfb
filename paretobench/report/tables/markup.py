"""Cells as Markdown, LaTeX and CSV: text that neither ends its cell nor runs as anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_LATEX = str.maketrans({
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_",
    "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
    "±": "$\\pm$", "×": "$\\times$", "–": "--",
})  # fmt: skip


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


def markdown_line(cells: Sequence[str]) -> str:
    """One line of a GitHub table from cells that are escaped already."""
    return "| " + " | ".join(cells) + " |"


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


def spreadsheet_cell(value: T) -> T | str:
    """A cell of CSV that no spreadsheet runs as a formula: such a text begins with an apostrophe.

    Reference: OWASP, "CSV Injection".

    >>> spreadsheet_cell('=1+1'), spreadsheet_cell(-1.5), spreadsheet_cell('a-b')
    ("'=1+1", -1.5, 'a-b')
    """
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
