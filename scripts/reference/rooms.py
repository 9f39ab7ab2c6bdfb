"""The rooms and what they import, drawn from the source each time the site is built.

Rows are the layers of the import contract in `pyproject.toml`. An arrow is an import that no
longer way of arrows already shows (the transitive reduction), so that the picture stays readable;
the number of imports that are not drawn is said below it.
"""

from __future__ import annotations

import ast
import html
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "paretobench"
MARK = "<!-- rooms: drawn by scripts/reference/rooms.py -->"
"""What the picture takes the place of on the page."""

_WIDTH, _ROW, _BOX, _HEIGHT, _MARGIN = 760, 62, 122, 30, 20

Graph = Mapping[str, set[str]]


def layers() -> list[list[str]]:
    """The rooms by layer, from the top, as the import contract lists them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            return [line.split(" | ") for line in contract["layers"]]
    raise LookupError("pyproject.toml has no contract of layers")


def graph(names: set[str]) -> dict[str, set[str]]:
    """Room -> rooms that it imports, those inside functions included."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        room = path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")
        if room in names:
            found[room] |= {name for name in _imported(path) if name in names and name != room}
    return found


def _is_folder(room: str) -> bool:
    return (ROOT / PACKAGE / room).is_dir()


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        for module in modules:
            package, _, rest = module.partition(".")
            if package == PACKAGE and rest:
                yield rest.split(".")[0]


def reduced(imports: Graph) -> dict[str, set[str]]:
    """The imports that no longer way shows.

    >>> reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    {'a': {'b'}, 'b': {'c'}, 'c': set()}
    """
    return {
        room: {to for to in below if not any(to in reachable(imports, other)
               for other in below - {to})}
        for room, below in imports.items()
    }  # fmt: skip


def reachable(imports: Graph, room: str) -> set[str]:
    """Every room that a room imports, directly or by another."""
    found: set[str] = set()
    waiting = [room]
    while waiting:
        new = imports[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def picture() -> str:
    """The drawing as an SVG element, with a caption."""
    rows = [kept for row in layers() if (kept := [room for room in row if _is_folder(room)])]
    imports = graph({room for row in rows for room in row})
    drawn = reduced(imports)
    at = {
        room: (round(_WIDTH * (i + 1) / (len(row) + 1)), _MARGIN + _HEIGHT // 2 + _ROW * level)
        for level, row in enumerate(rows)
        for i, room in enumerate(row)
    }
    height = _ROW * len(rows)
    every, shown = (sum(map(len, each.values())) for each in (imports, drawn))
    lines = [_arrow(at[a], at[b]) for a, below in drawn.items() for b in sorted(below)]
    boxes = [_box(room, *place) for room, place in at.items()]
    return (
        f'<figure style="width:100%"><svg viewBox="0 0 {_WIDTH} {height}" width="100%" role="img" '
        'aria-label="The rooms in layers, each with arrows to the rooms that it imports">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="currentColor"/></marker>'
        f"</defs>{''.join(lines)}{''.join(boxes)}</svg>"
        f"<figcaption>Every room imports only rooms below it; the single files at the bottom "
        f"(units, errors, ...) are left out. {shown} arrows; {every - shown} "
        "more imports follow from them and are not drawn.</figcaption></figure>"
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = start, end
    half = _HEIGHT // 2
    return (
        f'<path d="M{x1} {y1 + half} C{x1} {y1 + half + 24} {x2} {y2 - half - 24} {x2} {y2 - half}"'
        ' fill="none" stroke="currentColor" stroke-opacity="0.45" marker-end="url(#tip)"/>'
    )


def _box(room: str, x: int, y: int) -> str:
    left, top = x - _BOX // 2, y - _HEIGHT // 2
    return (
        f'<rect x="{left}" y="{top}" width="{_BOX}" height="{_HEIGHT}" rx="5" '
        'fill="var(--md-default-bg-color, white)" stroke="currentColor"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-size="14" fill="currentColor">'
        f"{html.escape(room)}</text>"
    )
