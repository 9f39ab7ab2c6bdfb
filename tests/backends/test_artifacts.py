"""The artifact store: whole or not there, whatever happens while it is written."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from paretobench.backends import artifacts
from paretobench.backends.artifacts import ArtifactStore, Recipe
from paretobench.errors import ArtifactError
from paretobench.resources import cache_folder

RECIPE = Recipe("graph", {"what": "encoder"}, {"tool": "1.0"})


def make(folder):
    (folder / "graph.bin").write_bytes(b"weights" * 1000)
    (folder / "part").mkdir()
    (folder / "part" / "graph.xml").write_text("<graph/>")
    return {"parameters": 7}


def never(folder):
    raise AssertionError("it was there already")


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "cache")


def test_an_artifact_is_made_once(store):
    made = store.get(RECIPE, make)
    found = store.get(RECIPE, never)
    assert found.path == made.path
    assert found.facts == {"parameters": 7, "made_with": {"tool": "1.0"}}
    assert found.size_bytes == 7000 + 8
    assert [artifact.path for artifact in store] == [made.path]


def test_another_version_of_the_tool_makes_another_artifact(store):
    first = store.get(RECIPE, make)
    second = store.get(Recipe("graph", RECIPE.subject, {"tool": "2.0"}), make)
    assert first.path != second.path
    unmade = Recipe("graph", RECIPE.subject, {"tool": "3.0"})
    assert store.find(unmade) is None
    assert store.find_other_versions(unmade).path in (first.path, second.path)
    assert store.find_other_versions(Recipe("graph", {"what": "other"})) is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "manifest"])
def test_a_damaged_artifact_is_detected_and_built_again(store, damage):
    path = store.get(RECIPE, make).path / "graph.bin"
    good = path.read_bytes()
    if damage == "flip":
        path.write_bytes(b"W" + good[1:])
    elif damage == "truncate":
        path.write_bytes(good[:-1])
    elif damage == "delete":
        path.unlink()
    else:
        (path.parent / artifacts.MANIFEST).write_text('{"files":')
    assert store.find(RECIPE) is None
    again = store.get(RECIPE, make)
    assert (again.path / "graph.bin").read_bytes() == good


def test_a_copied_artifact_is_hashed_once_and_then_trusted(store, monkeypatch):
    path = store.get(RECIPE, make).path
    os.utime(path / "graph.bin", (1, 1))
    assert store.find(RECIPE) is not None
    monkeypatch.setattr(artifacts, "_sha256", never)
    assert store.find(RECIPE) is not None


def test_a_maker_that_fails_leaves_nothing(store):
    def fails(folder):
        make(folder)
        raise ValueError("conversion failed")

    with pytest.raises(ValueError, match="conversion failed"):
        store.get(RECIPE, fails)
    assert list(store) == []
    assert list((store.root / "graph").glob("*")) == []
    assert list((store.root / ".building").iterdir()) == []


KILLED = """
import sys, time
from pathlib import Path
from paretobench.backends.artifacts import ArtifactStore, Recipe

def make(folder):
    (folder / "graph.bin").write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)

ArtifactStore(Path(sys.argv[1])).get(Recipe("graph", {"what": "encoder"}, {"tool": "1.0"}), make)
"""


def test_a_killed_conversion_leaves_no_half_artifact_and_the_next_one_cleans_up(store):
    command = [sys.executable, "-c", KILLED, str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "writing\n"
        child.send_signal(signal.SIGKILL)
    assert store.find(RECIPE) is None
    assert len(list((store.root / ".building").iterdir())) == 1
    assert store.get(RECIPE, make).size_bytes == 7008
    assert list((store.root / ".building").iterdir()) == []


RACING = """
import sys, time
from pathlib import Path
from paretobench.backends.artifacts import ArtifactStore, Recipe

def make(folder):
    (folder / "graph.bin").write_bytes(b"w" * 100)
    time.sleep(0.3)

found = ArtifactStore(Path(sys.argv[1])).get(Recipe("graph", {"what": "race"}), make)
print(found.path)
"""


def test_processes_that_build_the_same_artifact_all_end_with_a_good_one(store):
    command = [sys.executable, "-c", RACING, str(store.root)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {child.communicate()[0] for child in children}
    assert [child.returncode for child in children] == [0] * 4
    assert len(answers) == 1
    assert store.find(Recipe("graph", {"what": "race"})) is not None
    assert list((store.root / ".building").iterdir()) == []


def test_a_damaged_artifact_that_appears_while_building_is_replaced(store):
    def meets_a_damaged_one(folder):
        target = store.root / RECIPE.format / RECIPE.name
        target.mkdir(parents=True)
        (target / "graph.bin").write_bytes(b"half")
        return make(folder)

    assert store.get(RECIPE, meets_a_damaged_one).size_bytes == 7008
    assert store.find(RECIPE) is not None


def test_an_artifact_that_cannot_fit_is_refused_before_it_is_made(store):
    free = shutil.disk_usage(store.root.parent).free
    with pytest.raises(ArtifactError, match=r"bytes free .* needs about") as caught:
        store.get(Recipe("graph", {"what": "huge"}, expected_bytes=2 * free), never)
    assert "PARETOBENCH_CACHE" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_disk_that_fills_up_while_writing_is_reported_with_the_bytes_free(store):
    def fills(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ArtifactError, match=r"is full: \d+ bytes free"):
        store.get(RECIPE, fills)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(ArtifactError, match="cannot write to"):
        ArtifactStore(tmp_path / "cache").get(RECIPE, make)


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="mounting needs root"
)
def test_a_really_full_disk_leaves_nothing_and_is_reported(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")

    def writes_two_mebibytes(folder):
        (folder / "graph.bin").write_bytes(b"w" * (2 << 20))

    try:
        store = ArtifactStore(disk / "cache")
        with pytest.raises(ArtifactError, match="is full"):
            store.get(RECIPE, writes_two_mebibytes)
        assert store.find(RECIPE) is None
        assert store.get(RECIPE, make).size_bytes == 7008
    finally:
        time.sleep(0.1)
        subprocess.run(["umount", str(disk)], check=True)


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("PARETOBENCH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("PARETOBENCH_CACHE")
    assert cache_folder().parts[-2:] == (".cache", "paretobench")
