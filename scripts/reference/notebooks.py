"""Pages from the notebooks of docs/notebooks, with the outputs that they were committed with."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
_STYLE = re.compile(r"<style scoped>.*?</style>\n*| border=\"1\" class=\"dataframe\"", re.DOTALL)
"""How pandas styles a table; the site has a style of its own."""


def page(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures by their names beside the page."""
    from nbconvert import MarkdownExporter

    resources = {"unique_key": path.stem, "output_files_dir": f"{path.stem}_files"}
    text, found = MarkdownExporter().from_filename(str(path), resources=resources)
    head, _, rest = _STYLE.sub("", text).partition("\n")
    link = f"This page is [a notebook]({path.name}) and what it showed when it was last run."
    return f"{head}\n\n{link}\n{rest}", dict(found["outputs"])
