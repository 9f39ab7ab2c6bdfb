"""A bundle proves its content: whatever is changed in it is named and refused."""

from __future__ import annotations

import json
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from paretobench.errors import DataError, StoreError
from paretobench.store import Store, bundle
from paretobench.store.filesystem import Mount
from tests.store import examples
from tests.store.contract import ENCODE, HERE
from tests.store.keys import allow, make_signer, needs_ssh_keygen


@pytest.fixture
def packed(known: Store, tmp_path: Path) -> Path:
    """A bundle of one cell, one score and a report of one page."""
    known.add_cell(examples.cell(ENCODE, HERE))
    known.add_scores([examples.score()])
    page = tmp_path / "page.html"
    page.write_text("<h1>front</h1>")
    bundle.write_bundle(known, tmp_path / "out" / "b.zip", {"report/index.html": page})
    return tmp_path / "out" / "b.zip"


def rewrite(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Unpack, change, pack again."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def refused(path: Path, tmp_path: Path) -> str:
    """The message, after checking that nothing was stored."""
    with Store.open(tmp_path / "b.db") as store:
        with pytest.raises(DataError) as caught:
            bundle.import_bundle(store, path)
        assert examples.dump(store) == []
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


def test_a_bundle_brings_the_whole_database(packed: Path, known: Store, tmp_path: Path) -> None:
    with Store.open(tmp_path / "b.db") as store:
        assert bundle.import_bundle(store, packed).new["cells"] == 1
        assert examples.dump(store) == examples.dump(known)
        assert not any(bundle.import_bundle(store, packed).new.values())


def test_its_manifest_lists_every_file(packed: Path) -> None:
    assert bundle.is_bundle(packed)
    entries = bundle.verify_bundle(packed)
    assert set(entries) == {"paretobench.db", "environments.json", "report/index.html"}
    assert entries["report/index.html"].size_bytes == len("<h1>front</h1>")
    assert [child.name for child in packed.parent.iterdir()] == ["b.zip"], "nothing left behind"


def test_the_environments_can_be_read_without_the_database(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        found = json.loads(archive.read("environments.json"))
    assert HERE.identity in [entry["identity"] for entry in found]


@pytest.mark.parametrize("name", ["paretobench.db", "environments.json", "report/index.html"])
def test_a_changed_file_is_named(packed: Path, tmp_path: Path, name: str) -> None:
    rewrite(packed, lambda files: files.update({name: files[name][:-1] + b"!"}))
    assert f"{name} in it is changed" in refused(packed, tmp_path)


def test_a_missing_file_is_named(packed: Path, tmp_path: Path) -> None:
    rewrite(packed, lambda files: files.pop("environments.json") and None)
    assert "environments.json in it is missing" in refused(packed, tmp_path)


def test_a_file_that_was_slipped_in_is_named(packed: Path, tmp_path: Path) -> None:
    rewrite(packed, lambda files: files.update({"../evil.sh": b"rm"}))
    assert "../evil.sh in it is not in its manifest" in refused(packed, tmp_path)


def test_a_row_changed_before_packing_is_refused_all_the_same(
    packed: Path, known: Store, tmp_path: Path
) -> None:
    known._connection.execute("UPDATE score SET value = 0.99")
    bundle.write_bundle(known, tmp_path / "forged.zip")
    assert "changed by hand" in refused(tmp_path / "forged.zip", tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"plain text"])
def test_anything_else_is_not_a_bundle(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    assert not bundle.is_bundle(path)
    assert "not a bundle" in refused(path, tmp_path)


def test_a_zip_without_a_manifest_is_not_a_bundle(packed: Path, tmp_path: Path) -> None:
    rewrite(packed, lambda files: files.pop("manifest.json") and None)
    assert not bundle.is_bundle(packed)
    assert "manifest.json is missing" in refused(packed, tmp_path)


def test_a_bundle_of_a_newer_release_is_refused(packed: Path, tmp_path: Path) -> None:
    newer = json.dumps({"format": 2, "files": {}}).encode()
    rewrite(packed, lambda files: files.update({"manifest.json": newer}))
    assert "format 2" in refused(packed, tmp_path)


def test_a_bundle_without_a_database_says_so(packed: Path, tmp_path: Path) -> None:
    empty = json.dumps({"format": 1, "files": {}}).encode()

    def strip(files: dict[str, bytes]) -> None:
        files.clear()
        files["manifest.json"] = empty

    rewrite(packed, strip)
    assert "holds no paretobench.db" in refused(packed, tmp_path)


def test_an_existing_bundle_is_not_overwritten(packed: Path, known: Store) -> None:
    before = packed.read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        bundle.write_bundle(known, packed)
    assert packed.read_bytes() == before


def test_a_bundle_that_cannot_be_written_says_so(known: Store, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write the bundle"):
        bundle.write_bundle(known, tmp_path / "file" / "b.zip")
    with pytest.raises(StoreError, match="cannot write the bundle"):
        bundle.write_bundle(known, tmp_path / "c.zip", {"report.html": tmp_path / "missing"})
    assert not (tmp_path / "c.zip").exists()


def test_a_file_that_is_there_twice_is_named(packed: Path, tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(packed, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("manifest.json", "{}")
    assert "manifest.json" in refused(packed, tmp_path)


def test_the_same_content_packs_to_the_same_bytes(
    packed: Path, known: Store, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    bundle.write_bundle(known, tmp_path / "again.zip", {"report/index.html": page})
    assert packed.read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_a_bundle_may_be_written_to_a_network_share(
    known: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = tmp_path / "share"
    mounts = [Mount(str(share.resolve()), "nfs4")]
    monkeypatch.setattr("paretobench.store.filesystem.read_mounts", lambda: mounts)
    with pytest.raises(StoreError, match="network file system"):
        Store.open(share / "a.db")
    bundle.write_bundle(known, share / "b.zip")
    assert "paretobench.db" in bundle.verify_bundle(share / "b.zip")


@needs_ssh_keygen
def test_a_signed_bundle_says_who_signed_it_and_imports(known: Store, tmp_path: Path) -> None:
    anna, ben = (make_signer(tmp_path, name) for name in ("anna", "ben"))
    path = tmp_path / "signed.zip"
    bundle.write_bundle(known, path, signing_key=anna.private)
    assert bundle.is_signed(path)
    assert set(bundle.verify_bundle(path)) == {"paretobench.db", "environments.json"}
    allowed = allow(tmp_path / "allowed", ben.allowed(), anna.allowed())
    assert bundle.signer_of(path, allowed) == anna.name
    with Store.open(tmp_path / "new.db") as store:
        with pytest.raises(DataError, match="not one that"):
            bundle.import_bundle(store, path, allow(tmp_path / "ben_alone", ben.allowed()))
        assert examples.dump(store) == []
        bundle.import_bundle(store, path, allowed)
        assert examples.dump(store) == examples.dump(known)


@needs_ssh_keygen
def test_a_signature_does_not_outlive_a_change_of_the_manifest(
    known: Store, tmp_path: Path
) -> None:
    anna = make_signer(tmp_path, "anna")
    allowed = allow(tmp_path / "allowed", anna.allowed())
    path = tmp_path / "signed.zip"
    bundle.write_bundle(known, path, signing_key=anna.private)
    with Store.open(tmp_path / "other.db") as other:
        bundle.write_bundle(other, tmp_path / "other.zip")
    with zipfile.ZipFile(tmp_path / "other.zip") as archive:
        others = {name: archive.read(name) for name in archive.namelist()}
    rewrite(path, lambda files: files.update(others))
    bundle.verify_bundle(path)
    with pytest.raises(DataError, match=r"signed\.zip: the signature is not one"):
        bundle.signer_of(path, allowed)


def test_an_unsigned_bundle_is_nobodys(packed: Path, tmp_path: Path) -> None:
    assert not bundle.is_signed(packed)
    with pytest.raises(DataError, match="is not signed") as caught:
        bundle.signer_of(packed, tmp_path / "allowed")
    assert "--sign KEY" in str(caught.value)


def test_a_key_that_cannot_sign_leaves_no_bundle(known: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no key"):
        bundle.write_bundle(known, tmp_path / "b.zip", signing_key=tmp_path / "missing")
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("name", [bundle.MANIFEST, bundle.SIGNATURE])
def test_a_small_member_of_gigabytes_is_refused_before_it_is_in_memory(
    packed: Path, tmp_path: Path, name: str
) -> None:
    most = bundle.MOST_MANIFEST_BYTES
    rewrite(packed, lambda files: files.update({name: b" " * (2 * most)}))
    allowed = tmp_path / "allowed"
    allowed.touch()
    with pytest.raises(DataError, match=f"its {name} is larger than"):
        bundle.verify_bundle(packed)
        bundle.signer_of(packed, allowed)


def test_a_member_that_is_longer_than_its_manifest_says_is_not_read_to_its_end(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(packed, lambda files: files.update({"environments.json": b" " * (8 << 20)}))
    monkeypatch.setattr(bundle, "_BLOCK_BYTES", 1 << 10)
    with pytest.raises(DataError, match=r"environments\.json in it is changed"):
        bundle.verify_bundle(packed)


def test_a_bundle_of_too_many_files_is_refused(packed: Path) -> None:
    many = {f"f{i}": b"" for i in range(bundle.MOST_FILES + 3)}
    rewrite(packed, lambda files: files.update(many))
    with pytest.raises(DataError, match="more than a bundle has"):
        bundle.verify_bundle(packed)


def test_a_database_for_which_there_is_no_room_is_refused_before_it_is_unpacked(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = namedtuple("Usage", "total used free")(10, 10, 0)
    monkeypatch.setattr(bundle.shutil, "disk_usage", lambda folder: full)
    with Store.open(tmp_path / "new.db") as store, pytest.raises(DataError, match="are free"):
        bundle.import_bundle(store, packed)
