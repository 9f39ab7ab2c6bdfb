"""Cells as Markdown and LaTeX: text that can neither end its cell nor run as markup."""

from __future__ import annotations

from collections.abc import Sequence

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
