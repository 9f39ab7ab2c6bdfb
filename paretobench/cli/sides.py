"""The two sides of `compare`: encoders of one view, or whole sweeps, databases, files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.accuracy.protocols import check_one_protocol
from paretobench.cli.options import chosen_view
from paretobench.errors import UnknownNameError

if TYPE_CHECKING:
    from paretobench.report.view.rows import Row, View

Side = tuple[str, list["Row"], list["Row"]]


def sides(a: str, b: str, chosen: dict[str, Any]) -> Iterator[Side]:
    """Titles with the rows of both sides, one for each recipe (and environment) they share.

    A side is a database file if such a file exists, else an encoder (its name, label or
    family) of the chosen view, else a sweep of the chosen database.

    Raises:
        UnknownNameError: if a side is none of these.
        DataError: if the sides were scored by different protocols and `--mix-protocols` was not
            given.
    """
    ours, theirs = _view_of(a, chosen), _view_of(b, chosen)
    same_place = _environments(ours) == _environments(theirs)
    for panel in ours.panels():
        for other in theirs.panels():
            if panel.recipe != other.recipe:
                continue
            if same_place and panel.environment != other.environment:
                continue
            apart = (
                ""
                if panel.environment == other.environment
                else (f", {panel.environment} against {other.environment}")
            )
            shown = [row.score for row in (*panel.rows, *other.rows) if row.score]
            mark = check_one_protocol(shown, bool(chosen.get("mix_protocols")))
            apart += f", {mark}" if mark else ""
            yield f"recipe {panel.recipe}{apart}", list(panel.rows), list(other.rows)


def _environments(view: View) -> set[str]:
    return {panel.environment for panel in view.panels()}


def _view_of(side: str, chosen: dict[str, Any]) -> View:
    if Path(side).is_file():
        return chosen_view(**{**chosen, "database": side, "published": False, "sweep": None})
    view = chosen_view(**chosen)
    rows = tuple(row for row in view.rows if side.lower() in _names(row))
    if rows:
        from dataclasses import replace

        return replace(view, rows=rows)
    names = {row.encoder for row in view.rows}
    if not chosen["published"]:
        from paretobench.cli.options import open_store

        with open_store(chosen["database"]) as store:
            sweeps = {sweep.name for sweep in store.sweeps()}
        if side in sweeps:
            return chosen_view(**{**chosen, "sweep": side})
        names |= sweeps
    raise UnknownNameError("encoder, sweep or database", side, names)


def _names(row: Row) -> set[str]:
    return {row.encoder.lower(), row.encoder_label.lower(), row.family.lower()}
