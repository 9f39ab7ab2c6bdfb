"""What docs/architecture.md says of the source, held against the source."""

from __future__ import annotations

import re

from scripts.reference import rooms
from tests.docs.commands import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
JOURNEY = re.findall(r"^\| (\d+) \| `([\w.]+)`", TEXT, flags=re.MULTILINE)


def test_a_point_s_journey_has_at_most_forty_hops_over_modules_that_exist() -> None:
    assert [int(number) for number, _ in JOURNEY] == list(range(1, len(JOURNEY) + 1))
    assert 20 < len(JOURNEY) <= 40
    places = [ROOT / "paretobench" / name.replace(".", "/") for _, name in JOURNEY]
    assert [str(p) for p in places if not p.with_suffix(".py").is_file()] == []


def test_the_forms_on_the_way_are_classes_of_the_package() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "paretobench").rglob("*.py"))
    rows = [line for line in TEXT.splitlines() if re.match(r"\| \d+ \|", line)]
    forms = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[4])}
    assert {name for name in forms if not re.search(rf"^class {name}\b", source, re.M)} == set()


def test_every_room_has_its_reason_on_the_page() -> None:
    folders = {path.parent.name for path in (ROOT / "paretobench").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", TEXT, flags=re.MULTILINE)) >= folders


def test_the_picture_has_every_room_and_arrows_lead_downwards_only() -> None:
    rows = rooms.layers()
    level = {room: number for number, row in enumerate(rows) for room in row}
    imports = rooms.graph(set(level))
    assert imports["cli"] >= {"api", "config"}
    assert {(a, b) for a, below in imports.items() for b in below if level[a] >= level[b]} == set()
    drawn = rooms.picture()
    folders = {path.parent.name for path in (ROOT / "paretobench").glob("*/__init__.py")}
    assert all(f">{room}</text>" in drawn for room in folders)
    assert drawn.count("marker-end") == sum(map(len, rooms.reduced(rooms.graph(folders)).values()))


def test_arrows_that_are_left_out_are_shown_by_others() -> None:
    imports = rooms.graph({room for row in rooms.layers() for room in row})
    drawn = rooms.reduced(imports)
    for room, below in imports.items():
        assert below <= rooms.reachable(drawn, room)
