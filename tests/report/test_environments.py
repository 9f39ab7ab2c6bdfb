"""Several environments in one database: all of them on show, none on another's front."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.domain.records import Estimate
from paretobench.errors import UnknownNameError
from paretobench.report import render_devices
from paretobench.report.summary import grouped, headline_sentences
from paretobench.report.view.environments import everywhere_view, joined
from paretobench.report.view.one_piece import OnePiece, contradiction
from paretobench.report.view.rows import MissingResult, View
from paretobench.report.view.stored import find_sweep, stored_view
from paretobench.report.view.stored_devices import stored_devices
from paretobench.store import Store
from tests.report.databases import two_device_database
from tests.report.grids import family_view, row, view
from tests.report.pages import Document


def opened(folder: Path) -> Store:
    """The sweep `demo`, measured on two machines, to look at."""
    path = two_device_database(folder / "two.db")
    return Store.open(path, create=False, read_only=True)


def half(which: int) -> View:
    """Every second point of a sweep timed here, the others not yet."""
    made = family_view("all")
    rows = [
        each if place % 2 == which else replace(each, ttft=None, reason="not measured yet")
        for place, each in enumerate(made.rows)
    ]
    return replace(made, rows=tuple(rows), environment=f"chip {which}, 2 cores")


def test_a_point_that_one_machine_timed_is_not_missing_on_another() -> None:
    both = joined({"chip 0": half(0), "chip 1": half(1)})
    assert len(both.rows) == len(family_view("all").rows) and not both.untimed
    assert {each.environment for each in both.rows} == {"chip 0", "chip 1"}
    assert "not measured yet" not in " ".join(headline_sentences(both))
    assert "2 environments" in both.title


def test_environments_never_share_a_front() -> None:
    both = joined({"fast": half(0), "slow": half(1)})
    for panel in both.panels():
        assert len({each.environment for each in panel.rows}) == 1


def test_what_nobody_timed_stays_with_its_reason_once() -> None:
    lost = view(row("a", None, None, reason="out of memory"), row("b", 0.1))
    both = joined({"one": lost, "two": lost})
    assert [each.reason for each in both.untimed] == ["out of memory"]
    assert sum(each.ttft is not None for each in both.rows) == 2


def test_refusals_of_one_sort_are_one_sentence() -> None:
    items = [
        MissingResult(f"point {n}", "refused", f"needs {29 + n / 10} GiB and this machine has 23")
        for n in range(16)
    ]
    [said] = grouped([*items])
    assert said.startswith("point 0, point 1, point 2 and 13 more: needs 29.0 GiB")
    assert len(grouped([*items, MissingResult("x", "refused", "another reason")])) == 2


def test_a_time_in_one_piece_that_contradicts_the_sum_is_a_caution() -> None:
    total, slow = Estimate(0.816, 0.8, 0.83, 4, "t"), Estimate(3.344, 3.2, 3.5, 4, "t")
    apart = OnePiece(Estimate(4.1, 3.9, 4.3, 4, "unpaired"))
    near = OnePiece(Estimate(1.02, 0.99, 1.06, 4, "unpaired"))
    unknown = OnePiece(Estimate(4.1, None, None, 1, "single"))
    (caution,) = contradiction(total, slow, apart)
    assert "4.10 [3.90, 4.30] times its sum" in str(caution)
    assert contradiction(total, slow, near) == () == contradiction(total, slow, unknown)
    assert contradiction(None, slow, apart) == () == contradiction(total, None, apart)
    assert contradiction(total, slow, None) == ()


def test_a_database_of_two_machines_shows_every_point_on_both(tmp_path: Path) -> None:
    with Store.open(
        two_device_database(tmp_path / "two.db"), create=False, read_only=True
    ) as store:
        shown = everywhere_view(store)
        alone = everywhere_view(store, recipe="r")
    timed = [each for each in shown.rows if each.ttft]
    assert {each.environment for each in timed} == {
        "A cpu chip, Linux 6.1",
        "A gpu chip, Linux 6.1",
    }
    assert not shown.untimed and {each.recipe for each in alone.scored} == {"r"}
    assert shown.command.startswith("paretobench report --database ")
    assert "2 environments" in shown.title


def test_a_recipe_that_no_score_has_is_refused(tmp_path: Path) -> None:
    with (
        opened(tmp_path) as store,
        pytest.raises(UnknownNameError, match="unknown recipe 'rr'"),
    ):
        everywhere_view(store, recipe="rr")


def test_a_sweep_is_found_by_the_key_that_a_listing_prints(tmp_path: Path) -> None:
    with Store.open(
        two_device_database(tmp_path / "two.db"), create=False, read_only=True
    ) as store:
        for each in store.sweeps():
            assert find_sweep(store, each.key[:12]).key == each.key
        newest = stored_view(store, "demo")
    [note] = [note for note in newest.notes if "are named demo" in note]
    assert "2 sweeps" in note and "--sweep KEY" in note


def test_devices_have_a_page_with_a_front_each(tmp_path: Path) -> None:
    with Store.open(
        two_device_database(tmp_path / "two.db"), create=False, read_only=True
    ) as store:
        views = stored_devices(store, "demo")
    paths = render_devices(views, tmp_path / "out", formats=["svg"])
    [page] = [path for path in paths if path.name == "index.html"]
    shown = Document(page.read_text(encoding="utf-8")).data
    assert shown["environments"] == ["cpu", "gpu"]
    assert [layer["label"] for layer in shown["layers"]][:2] == ["cpu", "gpu"]
