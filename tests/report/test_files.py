from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.errors import DataError
from paretobench.report.files import write_text, write_whole


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = write_text(tmp_path / "new" / "table.md", "one")
    write_text(target, "two")
    assert target.read_text() == "two\n"
    assert [path.name for path in target.parent.iterdir()] == ["table.md"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = write_text(tmp_path / "table.md", "old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"(?s)No space left on device.*free some space"):
        write_whole(target, fail)
    assert target.read_text() == "old\n"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_a_file_is_named_in_the_message(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(DataError, match=r"(?s)cannot write .*reports.*--out.*reports=FOLDER"):
        write_text(tmp_path / "reports" / "table.md", "x")
