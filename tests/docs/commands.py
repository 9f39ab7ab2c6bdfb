"""Every command that a page shows, and what is expected of it.

A page's fenced blocks are read in order. `sh` and `bash` blocks hold commands, one to a line;
`console` blocks hold `$ command` and, below it, exactly what it prints on stdout. A block that
is a file (`title="scores.csv"`, or a first line `# sweeps/grid/mine.yaml`) is written where it
says. `<!-- not run: REASON -->` before a block says why it is not run here; its paretobench
commands are then parsed, and planned if they name a grid.

    python -m tests.docs.commands      rewrite what the console blocks print

Reading needs markdown-it, which rich brings along.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SHELLS = ("sh", "bash", "console", "zsh", "fish")

_REASON = re.compile(r"<!-- not run: (.+?) -->", re.S)
_FILE = re.compile(r"# ((?:[\w.-]+/)*[\w.-]+\.(?:yaml|yml|csv|json))\n")


@dataclass(frozen=True)
class Command:
    """One command of one page.

    Attributes:
        text: as a reader types it, without comment, continued lines joined.
        line: where it stands on the page.
        reason: why it is not run here; empty if it is.
        expected: lines it prints, of a console block; None elsewhere.
        first, last: lines of the page that hold what it prints.
    """

    text: str
    line: int
    language: str
    reason: str = ""
    expected: tuple[str, ...] | None = None
    first: int = 0
    last: int = 0

    @property
    def words(self) -> list[str]:
        """The command's words, without its comment."""
        return [w for w in shlex.split(self.text.replace("\\\n", " "), comments=True) if w.strip()]

    @property
    def ours(self) -> list[str]:
        """The words from `paretobench` on, also after `ssh mac`; empty if it is not called."""
        words = self.words
        here = words.index("paretobench") if "paretobench" in words else len(words)
        ends = [i for i, word in enumerate(words) if i > here and word in ("|", ">", "&&", ";")]
        return words[here : ends[0] if ends else None]


@dataclass(frozen=True)
class File:
    """A file that a page shows."""

    path: str
    text: str


@dataclass
class Shown:
    """What is in a page, in order."""

    steps: list[Command | File] = field(default_factory=list)

    @property
    def commands(self) -> list[Command]:
        """The commands alone."""
        return [step for step in self.steps if isinstance(step, Command)]


def read(text: str) -> Shown:
    """Every command and file of a page's text."""
    shown, reason = Shown(), ""
    for token in MarkdownIt().enable("table").parse(text):
        if token.type == "html_block" and (said := _REASON.search(token.content)):
            reason = " ".join(said[1].split())
            continue
        if token.type == "code_block" and "paretobench " in token.content:
            raise ValueError(f"fence this block, so that it is read: {token.content!r}")
        if token.type == "fence":
            assert token.map is not None
            shown.steps += _steps(token.info, token.content, token.map[0] + 2, reason)
        if token.type not in ("paragraph_open", "inline", "paragraph_close"):
            reason = ""
    return shown


def _steps(info: str, content: str, line: int, reason: str) -> Iterator[Command | File]:
    language, _, more = info.strip().partition(" ")
    if language in SHELLS:
        yield from (
            _console(content, line, reason)
            if language == "console"
            else _lines(content, line, language, reason)
        )
    elif named := re.search(r'title="([^"]+)"', more) or _FILE.match(content):
        yield File(named[1], content)


def _lines(content: str, line: int, language: str, reason: str) -> Iterator[Command]:
    number = line
    for text in re.split(r"(?<!\\)\n", content):
        if text.strip() and not text.strip().startswith("#"):
            yield Command(text.strip(), number, language, reason)
        number += text.count("\n") + 1


def _console(content: str, line: int, reason: str) -> Iterator[Command]:
    lines = content.splitlines()
    starts = [i for i, text in enumerate(lines) if text.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        expected = tuple(lines[start + 1 : end])
        at = line + start
        yield Command(lines[start][2:], at, "console", reason, expected, at, at + len(expected))


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does, in a folder, with `paretobench` on the path."""
    shim = folder / ".bin" / "paretobench"
    if not shim.exists():
        shim.parent.mkdir(exist_ok=True)
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m paretobench "$@"\n')
        shim.chmod(0o755)
    path = f"{shim.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


def rewritten(page: Path, folder: Path) -> str:
    """A page's text with what its console blocks print now."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for command in reversed(read("\n".join(lines)).commands):
        if command.expected is not None and not command.reason:
            printed = run(command.text, folder).stdout.splitlines()
            lines[command.first : command.last] = [text.rstrip() for text in printed]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        for each in PAGES:
            text = rewritten(each, Path(name))
            if text != each.read_text(encoding="utf-8"):
                each.write_text(text, encoding="utf-8")
