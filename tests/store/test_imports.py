"""Whatever another machine sends is recognised by its content and joined once."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.errors import DataError
from paretobench.store import Store, bundle, spool
from paretobench.store.imports import import_file, kind_of
from tests.store import examples
from tests.store.contract import ENCODE, HERE

RESULT = spool.Result((ENCODE,), (HERE,), (examples.cell(ENCODE, HERE),))


@pytest.fixture
def sent(tmp_path: Path) -> dict[str, Path]:
    """The same cell in every form, under names that tell nothing."""
    folder = tmp_path / "sent"
    folder.mkdir()
    with Store.open(folder / "one.data") as other:
        import_file(other, spool.write(folder / "spool", RESULT))
        bundle.write_bundle(other, folder / "two.data")
    spool.write(folder / "spool", RESULT).rename(folder / "three.data")
    spool.write(folder / "spool", RESULT)
    return {
        "database": folder / "one.data",
        "bundle": folder / "two.data",
        "spool file": folder / "three.data",
        "spool folder": folder / "spool",
    }


@pytest.mark.parametrize("kind", ["database", "bundle", "spool file", "spool folder"])
def test_each_form_is_recognised_and_brings_the_cell_once(
    store: Store, sent: dict[str, Path], kind: str
) -> None:
    assert kind_of(sent[kind]) == kind
    assert import_file(store, sent[kind]).new["cells"] == 1
    again = import_file(store, sent[kind])
    assert (again.new["cells"], again.known["cells"]) == (0, 1)
    assert store.cells() == list(RESULT.cells)


def test_all_forms_together_are_one_cell(store: Store, sent: dict[str, Path]) -> None:
    assert [import_file(store, path).new["cells"] for path in sent.values()] == [1, 0, 0, 0]


@pytest.mark.parametrize("content", ["", "encoder,score\n", '{"results": {}}', '{"sha256": 1'])
def test_other_files_are_left_to_others(store: Store, tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    assert kind_of(path) is None
    with pytest.raises(DataError, match="no paretobench database, bundle, spool file"):
        import_file(store, path)


def test_a_missing_path_and_an_empty_folder_are_nothing(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "missing") is None
    assert kind_of(tmp_path) is None


def test_a_damaged_spool_file_is_refused_alone_and_listed_in_a_folder(
    store: Store, sent: dict[str, Path]
) -> None:
    text = sent["spool file"].read_text().replace("avx512", "avx2")
    sent["spool file"].write_text(text)
    with pytest.raises(DataError, match="does not fit its hash"):
        import_file(store, sent["spool file"])
    (sent["spool folder"] / "bad.json").write_text(text)
    counts = import_file(store, sent["spool folder"])
    assert counts.new["cells"] == 1
    assert [path.name for path, _ in counts.refused] == ["bad.json"]
    assert "refused: " in str(counts) and "does not fit its hash" in str(counts)


def test_a_contradiction_is_told(store: Store, tmp_path: Path) -> None:
    for value in (0.5, 0.75):
        path = spool.write(tmp_path, spool.Result(scores=(examples.score(0, value),)))
        counts = import_file(store, path)
    assert str(counts).splitlines() == [
        "1 score new; 0 rows known already",
        "contradiction, all kept: fastvithd@256 + qwen2_0_5b, avg5 is 50.0, 75.0 "
        "in FastVLM v1, Table 6, R0",
    ]
