"""A fresh store keeps what it is given, and its views say the same."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretobench.analysis import stats
from paretobench.domain import GridPoint, TilePlan, Tiling
from paretobench.errors import StoreError
from paretobench.store import Link, Store, StoredPoint
from paretobench.store.scores import without_superseded
from tests.store import examples
from tests.store.contract import ENCODE, HERE, PREFILL, THERE, StoreContract


class TestFreshStore(StoreContract):
    pass


def view(store: Store, name: str) -> list[dict[str, object]]:
    """Read as Datasette would."""
    return [dict(row) for row in store._rows(f"SELECT * FROM {name}")]


def test_what_was_acknowledged_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        store.add_environment(HERE)
        store.add_workloads([ENCODE])
        store.add_cell(examples.cell(ENCODE, HERE))
    with Store.open(path) as store:
        assert store.cells() == [examples.cell(ENCODE, HERE)]


def test_a_stored_point_has_the_key_and_facts_of_its_grid_point() -> None:
    from tests.store.grid import ENCODER, LLM

    point = GridPoint(ENCODER, 512, LLM, Tiling("grid_2x2", "grid", "2x2", {"g": 2}))
    stored = StoredPoint.of(point, TilePlan(256, 5, 80), [Link("encode", "k", 5)])
    assert stored.point_key == point.key
    assert (stored.tile_px, stored.passes, stored.visual_tokens) == (256, 5, 80)
    assert stored.described["encoder"]["parameters"] == ENCODER.parameters
    assert stored.described["llm"]["size_label"] == LLM.size_label
    assert stored.described["tiling"]["options"] == {"g": 2}


def test_the_measurement_view_gives_the_geometric_mean_of_what_counts(known: Store) -> None:
    known.add_cells(
        [
            examples.cell(ENCODE, HERE, 0, 0.1),
            examples.cell(ENCODE, HERE, 1, 0.3),
            examples.cell(ENCODE, HERE, 2, 0.8, status="suspect"),
            examples.cell(ENCODE, HERE, 4, 3.0, status="disturbed"),
            examples.cell(PREFILL, HERE, 3, 0.5, status="suspect"),
        ]
    )
    rows = {row["kind"]: row for row in view(known, "measurement")}
    assert rows["encode"]["latency_ms"] == pytest.approx(1000 * 0.024 ** (1 / 3))
    assert (rows["encode"]["cells"], rows["encode"]["suspect_cells"]) == (3, 1)
    assert rows["encode"]["slowest_cell_ms"] == pytest.approx(800.0)
    assert rows["prefill"]["latency_ms"] == pytest.approx(500.0), "better a suspect than none"


cell_choices = st.tuples(
    st.integers(0, 3),
    st.sampled_from(("ok", "unjudged", "suspect", "disturbed")),
    st.sampled_from(("quick", "standard", "rigorous")),
    st.floats(0.01, 1.0),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(cell_choices, min_size=1, max_size=12))
def test_a_measurement_has_one_value_in_sql_and_in_python(chosen: list[tuple[Any, ...]]) -> None:
    cells = [
        replace(
            examples.cell(ENCODE, HERE, n, seconds, status=status),
            round_index=index,
            fidelity=fidelity,
        )
        for n, (index, status, fidelity, seconds) in enumerate(chosen)
    ]
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "some.db") as store:
        store.add_environment(HERE)
        store.add_workloads([ENCODE])
        store.add_cells(cells)
        (row,) = view(store, "measurement")
    found = stats.measurement(cells)
    assert row["latency_ms"] == pytest.approx(1e3 * found.latency.value)
    assert (row["cells"], row["samples"]) == (found.cells, found.samples)


def test_ttft_is_passes_times_encode_plus_prefill_of_one_environment(known: Store) -> None:
    links = (Link("encode", ENCODE.key, 5), Link("prefill", PREFILL.key))
    known.add_points(None, [examples.point(ENCODE, PREFILL, links=links)])
    known.add_cell(examples.cell(ENCODE, HERE, 0, 0.1))
    known.add_cell(examples.cell(PREFILL, THERE, 0, 0.25))
    assert view(known, "ttft") == [], "parts from two environments are never summed"
    known.add_cell(examples.cell(PREFILL, HERE, 0, 0.25))
    (row,) = view(known, "ttft")
    assert row["encode_ms"] == pytest.approx(500.0)
    assert row["ttft_ms"] == pytest.approx(750.0)
    assert row["environment"] == HERE.label


def test_ttft_leaves_out_the_end_to_end_check_and_waits_for_every_other_part(known: Store) -> None:
    whole, project = examples.workload(2, "end_to_end"), examples.workload(3, "project")
    known.add_workloads([whole, project])
    parts = examples.point(ENCODE, PREFILL).links
    links = (*parts, Link("end_to_end", whole.key), Link("project", project.key))
    known.add_points(None, [examples.point(ENCODE, PREFILL, links=links)])
    known.add_cells([examples.cell(w, HERE, 0, 0.25) for w in (ENCODE, PREFILL, whole)])
    assert view(known, "ttft") == []
    known.add_cell(examples.cell(project, HERE, 0, 0.25))
    assert [row["ttft_ms"] for row in view(known, "ttft")] == [pytest.approx(750.0)]


def test_the_front_view_keeps_ties_and_never_mixes_recipes(known: Store) -> None:
    encodes = [examples.workload(10 + i) for i in range(4)]
    known.add_workloads(encodes)
    # Seconds and scores: 256 and 512 tie; 768 is dominated; 1024 is slowest and best.
    for i, (seconds, value) in enumerate([(0.1, 0.5), (0.1, 0.5), (0.2, 0.5), (0.4, 0.6)]):
        known.add_points(None, [examples.point(encodes[i], PREFILL, 256 * (i + 1))])
        known.add_cell(examples.cell(encodes[i], HERE, 0, seconds))
        known.add_scores([examples.score(i, value)])
    known.add_cell(examples.cell(PREFILL, HERE, 0, 0.25))
    known.add_scores([examples.score(2, 0.4, recipe="llava-1.5")])
    fronts = {
        (row["recipe"], row["resolution_px"]): row["is_on_front"] for row in view(known, "front")
    }
    assert fronts == {
        ("15M+1.1M", 256): 1,
        ("15M+1.1M", 512): 1,
        ("15M+1.1M", 768): 0,
        ("15M+1.1M", 1024): 1,
        ("llava-1.5", 768): 1,
    }


PART = {"checkpoint": "c" * 64, "harness": "lmms-eval 0.7.3", "is_partial": True}
WHOLE = PART | {"is_partial": False}


@pytest.mark.parametrize(
    ("part", "whole", "is_left"),
    [
        (PART, WHOLE, False),
        (PART | {"protocol": "llava"}, WHOLE | {"protocol": "mixed"}, False),
        (PART | {"protocol": "llava", "n": 10}, WHOLE | {"protocol": "lmms", "n": 20}, True),
        (PART | {"n": 10}, WHOLE | {"n": 20}, False),
        (PART, WHOLE | {"checkpoint": "d" * 64}, True),
        (PART | {"checkpoint": ""}, WHOLE | {"checkpoint": ""}, True),
        (PART, WHOLE | {"harness": "lmms-eval 0.7.4"}, True),
        (PART, WHOLE | {"benchmark": "gqa"}, True),
        (PART, WHOLE | {"resolution_px": 512}, True),
        (PART, PART, True),
    ],
)
def test_a_part_is_left_out_once_its_whole_is_there(
    known: Store, part: dict[str, Any], whole: dict[str, Any], is_left: bool
) -> None:
    scores = [examples.score(0, 0.25, **part), examples.score(0, 0.5, **whole)]
    known.add_scores(scores)
    assert len(known.scores()) == 2, "nothing is deleted"
    left = {score.value for score in without_superseded(known.scores())}
    assert left == ({0.25, 0.5} if is_left else {0.5})
    assert {row["score_percent"] / 100 for row in view(known, "accuracy")} == left


def test_a_part_is_on_no_front_even_alone(known: Store) -> None:
    known.add_points(None, [examples.point(ENCODE, PREFILL)])
    known.add_cells([examples.cell(w, HERE, 0, 0.25) for w in (ENCODE, PREFILL)])
    known.add_scores([examples.score(0, 0.9, **PART)])
    assert [row["is_partial"] for row in view(known, "accuracy")] == [1]
    assert view(known, "front") == []
    known.add_scores([examples.score(0, 0.5, **WHOLE)])
    assert [row["score_percent"] for row in view(known, "front")] == [pytest.approx(50.0)]


def test_a_copy_holds_the_same_and_overwrites_nothing(known: Store, tmp_path: Path) -> None:
    known.add_cell(examples.cell(ENCODE, HERE))
    copy = tmp_path / "copy.db"
    known.copy_to(copy)
    with Store.open(copy, read_only=True) as other:
        assert examples.dump(other) == examples.dump(known)
    with pytest.raises(StoreError, match="exists already"):
        known.copy_to(copy)


def test_integrity_check_names_a_reference_to_nothing(known: Store) -> None:
    known.add_cell(examples.cell(ENCODE, HERE))
    known._connection.execute("PRAGMA foreign_keys = OFF")
    known._connection.execute("DELETE FROM workload")
    assert known.integrity_check() == ["a row of cell refers to a missing row of workload"]
