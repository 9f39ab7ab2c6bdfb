"""Spool files are whole or not there, prove their content, and may be ingested again."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest

from paretobench.errors import DataError, StoreError
from paretobench.store import Store, UnionCounts, spool
from tests.store import examples, processes
from tests.store.contract import ENCODE, HERE

RESULT = spool.Result(
    (ENCODE,),
    (HERE,),
    (examples.cell(ENCODE, HERE), examples.cell(ENCODE, HERE, 1)),
    (examples.failure(ENCODE, HERE),),
    (examples.score(),),
)


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    path = spool.write(tmp_path / "spool", RESULT)
    assert spool.read(path) == RESULT
    assert [child.name for child in (tmp_path / "spool").iterdir()] == [path.name]


def test_the_same_result_is_the_same_file(tmp_path: Path) -> None:
    assert spool.write(tmp_path, RESULT) == spool.write(tmp_path, RESULT)


def test_ingesting_again_brings_nothing_new(store: Store, tmp_path: Path) -> None:
    path = spool.write(tmp_path / "spool", RESULT)
    first = spool.ingest(store, [path])
    counts = {"environments": 1, "workloads": 1, "cells": 2, "failures": 1, "scores": 1}
    assert first == UnionCounts(counts, dict.fromkeys(counts, 0), [])
    assert store.cells() == list(RESULT.cells)
    again = spool.ingest(store, [path])
    assert (again.known, any(again.new.values())) == (counts, False)


def test_only_what_is_no_spool_file_is_refused(store: Store, tmp_path: Path) -> None:
    spool.write(tmp_path / "spool", RESULT)
    bad = tmp_path / "spool" / "bad.json"
    bad.write_text("{}")
    done = spool.ingest(store, spool.pending(tmp_path / "spool"))
    assert (done.new["cells"], [path for path, _ in done.refused]) == (2, [bad])


def test_a_file_still_being_written_is_not_pending(tmp_path: Path) -> None:
    path = spool.write(tmp_path, RESULT)
    (tmp_path / ".abc.123.tmp").write_text("half a fi")
    assert spool.pending(tmp_path) == [path]
    assert spool.pending(tmp_path / "missing") == []


def rewritten(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = spool.write(tmp_path, RESULT)
    body = json.loads(path.read_text())["result"]
    body["cells"][0]["samples_s"] = [0.001]
    with pytest.raises(DataError, match="does not fit its hash") as caught:
        spool.read(rewritten(path, result=body))
    assert str(path) in str(caught.value)


def test_a_file_of_another_release_is_refused(tmp_path: Path) -> None:
    path = rewritten(spool.write(tmp_path, RESULT), format=2)
    with pytest.raises(DataError, match="has format 2, this paretobench reads 1"):
        spool.read(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"format": 1}', "\x00\xff"])
def test_anything_else_is_no_spool_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match="is not a spool file"):
        spool.read(path)


def test_a_result_with_unknown_fields_cannot_be_read(tmp_path: Path) -> None:
    from paretobench.domain import content_key

    body = RESULT.to_json()
    body["failures"][0]["colour"] = "red"
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"format": 1, "sha256": content_key(body), "result": body}))
    with pytest.raises(DataError, match="holds a result that cannot be read"):
        spool.read(path)


def test_a_bad_file_does_not_take_its_batch_with_it(store: Store, tmp_path: Path) -> None:
    stray = spool.Result(cells=(examples.cell(examples.workload(9), HERE),))
    percent = spool.Result(scores=(examples.score(3, 55.9),))
    paths = [spool.write(tmp_path / "s", result) for result in (RESULT, stray, percent)]
    done = spool.ingest(store, paths)
    assert done.new["cells"] == store.cell_count() == 2
    reasons = dict(done.refused)
    assert "must be added before it" in reasons[paths[1]]
    assert "divide percent by 100" in reasons[paths[2]]


def test_of_a_refused_file_nothing_is_stored(store: Store, tmp_path: Path) -> None:
    stray = examples.cell(examples.workload(9), HERE)
    result = spool.Result((ENCODE,), (HERE,), (examples.cell(ENCODE, HERE), stray))
    done = spool.ingest(store, [spool.write(tmp_path / "s", result)])
    assert (any(done.new.values()), len(done.refused)) == (False, 1)
    assert examples.dump(store) == []


def test_a_result_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    bad = spool.Result(cells=(examples.cell(ENCODE, HERE, samples_s=(float("inf"),)),))
    with pytest.raises(DataError, match="every number finite"):
        spool.write(tmp_path, bad)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    def write() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(StoreError) as caught:
            spool.write(tmp_path, RESULT)
        return str(caught.value)

    status, text = processes.run(write)
    assert status == 0 and "cannot write the result file" in text and "disk has space" in text
    assert len(text.splitlines()) <= 3
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    with pytest.raises(StoreError, match="cannot write the result file"):
        spool.write(tmp_path / "spool", RESULT)


def test_a_file_is_kept_when_the_database_cannot_take_it(store: Store, tmp_path: Path) -> None:
    path = spool.write(tmp_path / "spool", RESULT)
    pages = store._rows("PRAGMA page_count")[0][0]
    store._rows(f"PRAGMA max_page_count = {pages}")
    big = spool.write(
        tmp_path / "spool",
        spool.Result((ENCODE,), (HERE,), (examples.cell(ENCODE, HERE, facts={"x": "y" * 9000}),)),
    )
    with pytest.raises(StoreError, match="no space left"):
        spool.ingest(store, [path, big])
    assert path.exists() and big.exists()
    assert os.listdir(tmp_path / "spool")  # noqa: PTH208
