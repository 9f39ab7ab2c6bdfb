"""What MkDocs calls while it builds: adds reference pages, notebooks and the example's figures.

Nothing generated is committed: a page made while the site is built cannot be out of date, and
a new option of a verb needs no second change. What `docs/reference/` holds is a sentence each,
so that links lead somewhere on GitHub; the generated page takes its place. Links that leave
`docs/` lead to the repository, where they lead on GitHub too.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.reference import (  # noqa: E402
    json_outputs,
    notebooks,
    rooms,
    schema,
    verbs,
    yaml_keys,
)

PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": verbs.page,
    "reference/settings.md": yaml_keys.settings_page,
    "reference/models.md": yaml_keys.models_page,
    "reference/yaml.md": yaml_keys.keys_page,
    "reference/database.md": schema.page,
    "reference/json.md": json_outputs.page,
}
"""Address of each generated page, and who writes it."""

PICTURES = "reports/examples"
_NOTEBOOK = re.compile(r"\]\((notebooks/\w+)\.ipynb\)")
_LINK = re.compile(r"(!?\[[^\]]*\]\()(\.\./[^)\s]+)(\))")


def on_config(config: Any) -> Any:
    """Put pages that the navigation does not name under a heading of their own, at its end."""
    docs = Path(config.docs_dir)
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    if unnamed := sorted(pages - set(_addresses(config.nav))):
        config.nav.append({"More": unnamed})
    return config


def _addresses(nav: Any) -> Iterator[str]:
    """Every page that a navigation names, at any depth."""
    if isinstance(nav, str):
        yield nav
        return
    for inner in nav.values() if isinstance(nav, dict) else nav:
        yield from _addresses(inner)


def on_files(files: Any, config: Any) -> Any:
    """Add what is generated, and the committed example's pictures, to the site's files."""
    from mkdocs.structure.files import File

    for address, write in PAGES.items():
        if stub := files.get_file_from_path(address):
            files.remove(stub)
        files.append(File.generated(config, address, content=write()))
    for notebook in sorted(notebooks.FOLDER.glob("*.ipynb")):
        text, pictures = notebooks.page(notebook)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    for picture in sorted((ROOT / PICTURES).rglob("*.png")):
        address = picture.relative_to(ROOT / "reports").as_posix()
        files.append(File.generated(config, address, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Draw the rooms, and lead links that leave `docs/` to the site's copy or the repository."""
    markdown = markdown.replace(rooms.MARK, rooms.picture()) if rooms.MARK in markdown else markdown
    if not page.file.src_uri.startswith("notebooks/"):
        markdown = _NOTEBOOK.sub(r"](\1.md)", markdown)
    here = posixpath.dirname(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", here, link[2]))
        if target.startswith("docs/"):
            return link[0]
        inside = target.removeprefix("reports/")
        if target.startswith(PICTURES) and files.get_file_from_path(inside):
            return link[1] + posixpath.relpath(inside, here or ".") + link[3]
        return f"{link[1]}{config.extra['repository']}/blob/main/{target}{link[3]}"

    return _LINK.sub(moved, markdown)
