"""Markdown that the reference pages are made of, and what docstrings say of fields."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars and line ends in cells are made harmless, and so is `<` outside code.

    >>> print(table(["a"], [["x | y"]]))
    | a |
    |---|
    | x \\\\| y |
    """
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    pieces = re.split(r"(`[^`]*`)", " ".join(str(value).split()))
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "".join(pieces).replace("|", "\\|")


def code(value: object) -> str:
    """A value in code font, or nothing for nothing."""
    return f"`{value}`" if str(value) else ""


def attributes(kind: type) -> dict[str, str]:
    """What the `Attributes:` part of a class's docstring says of each field."""
    text = inspect.getdoc(kind) or ""
    part = re.split(r"^Attributes:\n", text, flags=re.M)[-1]
    found: dict[str, str] = {}
    name = ""
    for line in part.splitlines():
        if entry := re.match(r" {4}(\w[\w, ]*): (.*)", line):
            name, found[entry[1]] = entry[1], entry[2]
        elif line.startswith(" " * 8) and name:
            found[name] += " " + line.strip()
    return {field: text for names, text in found.items() for field in names.split(", ")}


def leading_comment(path: Path) -> str:
    """The comment that a YAML file begins with, as one line; Hydra's own line is left out."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if "@package" not in line:
            lines.append(line.lstrip("# "))
    return " ".join(lines)


GENERATED = "This page is generated from the code when the site is built.\n"
