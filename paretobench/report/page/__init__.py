"""The page: a whole view as one HTML file that needs no network and no other file.

`page_text` puts four things together: a template, a style sheet, a script, and the view as
JSON (`data.payload`). Every number people read is text made in Python by the same words as
the tables; the script sorts, filters, draws and compares by the raw values beside it.

Nothing of a view can become markup or code: in the template it is escaped, in the JSON no
`<` is left, the script writes text nodes only, and a content security policy names the one
script and the one style that may act by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from importlib.resources import files

from paretobench.report.changes import changes
from paretobench.report.formatting import PROTOCOLS
from paretobench.report.page.colours import colour_rules
from paretobench.report.page.data import embedded_json, payload
from paretobench.report.page.static import static_text
from paretobench.report.summary import grouped, headline_sentences
from paretobench.report.view.rows import View
from paretobench.units import counted
from paretobench.version import __version__

__all__ = ["page_text", "script_text"]

SCRIPTS = (
    "elements", "front", "budgets", "address", "view", "scales", "shapes", "labels", "csv",
    "controls", "state", "plot", "marks", "answer", "zooming", "legend", "story", "table",
    "saving", "linking", "pointing", "page",
)  # fmt: skip
"""The script's parts, in the order in which they need each other."""

_COMMENT = re.compile(r"(?s:/\*\*.*?\*/) ?|^ *//.*\n", re.MULTILINE)
"""A type or a remark, for those who read the source; no string of the script holds such marks."""

_SLOT = re.compile(r"\{\{(\w+)\}\}")


def page_text(view: View) -> str:
    """The view as one self-contained HTML document: front, answers, table, stories.

    Args:
        view: any view; rows without a score or a latency are listed with the reason.

    Returns:
        HTML, about 60 kB plus half a kB per row.

    >>> text = page_text(View((), title="<script>alert(1)</script>"))
    >>> "&lt;script&gt;alert(1)&lt;/script&gt;" in text, "<script>alert" in text
    (True, False)
    """
    data = payload(view)
    style = _asset("page.css") + colour_rules(data["families"])
    script = script_text()
    sentences = headline_sentences(view)
    slots = {
        "policy": _policy(style, script),
        "title": _escape(view.title or view.name),
        "about": _about(view),
        "notes": _items(sentences),
        "changes": _changes(view),
        "sources": _section("Sources", view.sources),
        "refusals": _section("Refused", grouped(view.refusals)),
        "failures": _section("Failed", grouped(view.failures)),
        "command": _command(view),
        "versions": _section("Versions", [": ".join(each) for each in view.versions.items()]),
        "files": _files(view),
        "static": static_text(view),
        "description": _escape(f"{sentences[0]} {view.environment}".strip()),
        "generator": _escape(f"paretobench {__version__}"),
        "style": style,
        "script": script,
        "data": embedded_json(data),
    }
    # In one pass, so that no content is read as a slot.
    return _SLOT.sub(lambda match: slots[match.group(1)], _asset("page.html"))


def script_text() -> str:
    """The page's script as it is embedded: strict, with one name of its own, without comments."""
    parts = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    parts = _COMMENT.sub("", parts)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _policy(style: str, script: str) -> str:
    """Nothing may be loaded, and only this very script and style sheet may act.

    Images may be `data:`: a figure is drawn from its own text before it is saved as PNG.
    """
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _about(view: View) -> str:
    facts = (view.environment, PROTOCOLS.get(view.protocol, view.protocol), view.date)
    return " ".join(f"<span>{_escape(fact)}</span>" for fact in facts if fact)


def _items(sentences: Sequence[str]) -> str:
    return "\n".join(f"<li>{_escape(sentence)}</li>" for sentence in sentences)


def _section(heading: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"<h3>{heading}</h3>\n<ul>\n{_items(items)}\n</ul>"


def _changes(view: View) -> str:
    """What would change the fronts: the first recipe's lines, and those of the others to unfold."""
    found = changes(view)
    if not found.panels:
        return ""
    first, *others = [_section(_escape(title), lines) for title, lines in found.panels]
    label = f"{counted(len(others), 'more front')}"
    more = f"<details><summary>{label}</summary>{''.join(others)}</details>" if others else ""
    trust = _section("How far to trust this", found.trust)
    return (
        '<section class="changes" aria-labelledby="changes-heading">\n'
        f'<h2 id="changes-heading">What would change this answer</h2>\n{first}{more}{trust}\n'
        "</section>"
    )


def _command(view: View) -> str:
    return f"<p>Made by <code>{_escape(view.command)}</code></p>" if view.command else ""


FILES = ("README.md", "table.csv", "table.md", "table.tex", "table.json", "pareto.svg", "card.png")
"""What is beside the page in a report's folder."""


def _files(view: View) -> str:
    """Links to what is beside the page."""
    names = [name for name in FILES if view.scored or name not in ("pareto.svg", "card.png")]
    links = " · ".join(f'<a href="{name}">{name}</a>' for name in names)
    return f"<p>Beside this page: {links}</p>"
