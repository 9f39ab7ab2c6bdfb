"""Signatures: only the named key, only these bytes, only our namespace."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from paretobench.errors import DataError
from paretobench.store import signature
from tests.store.keys import Signer, allow, make_signer, needs_ssh_keygen

pytestmark = needs_ssh_keygen


@pytest.fixture
def anna(tmp_path: Path) -> Signer:
    return make_signer(tmp_path, "anna")


@pytest.fixture
def signed(anna: Signer, tmp_path: Path) -> Path:
    """Anna's signature of `message`."""
    path = tmp_path / "message.sig"
    path.write_bytes(signature.sign(b"message", anna.private))
    return path


def refused(message: bytes, signed: Path, allowed: Path) -> str:
    with pytest.raises(DataError) as caught:
        signature.signer(message, signed, allowed)
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


def test_the_signer_is_named(anna: Signer, signed: Path, tmp_path: Path) -> None:
    allowed = allow(tmp_path / "allowed", anna.allowed())
    assert signature.signer(b"message", signed, allowed) == "anna@example.org"


def test_one_key_may_have_several_names(anna: Signer, signed: Path, tmp_path: Path) -> None:
    line = anna.allowed().replace("anna@", "lab@example.org,anna@", 1)
    assert signature.signer(b"message", signed, allow(tmp_path / "allowed", line)) in (
        "lab@example.org",
        "anna@example.org",
    )


def test_the_same_key_and_bytes_give_the_same_signature(anna: Signer) -> None:
    assert signature.sign(b"m", anna.private) == signature.sign(b"m", anna.private)


def test_other_bytes_are_refused(anna: Signer, signed: Path, tmp_path: Path) -> None:
    allowed = allow(tmp_path / "allowed", anna.allowed())
    assert "content was changed" in refused(b"massage", signed, allowed).replace("\n", " ")


def test_a_stranger_is_refused_and_the_allowed_ones_named(
    anna: Signer, signed: Path, tmp_path: Path
) -> None:
    ben = make_signer(tmp_path, "ben")
    message = refused(b"message", signed, allow(tmp_path / "allowed", ben.allowed()))
    assert "(ben@example.org)" in message and "Ask the sender" in message


def test_a_key_that_is_allowed_for_git_alone_is_refused(
    anna: Signer, signed: Path, tmp_path: Path
) -> None:
    allowed = allow(tmp_path / "allowed", anna.allowed('namespaces="git"'))
    assert "not one that" in refused(b"message", signed, allowed)


def test_a_signature_made_for_something_else_is_refused(anna: Signer, tmp_path: Path) -> None:
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", str(anna.private), "-n", "git"],
        input=b"message",
        capture_output=True,
        check=True,
    )
    (tmp_path / "git.sig").write_bytes(made.stdout)
    allowed = allow(tmp_path / "allowed", anna.allowed(""))
    assert "not one that" in refused(b"message", tmp_path / "git.sig", allowed)


def test_a_key_whose_time_is_over_is_refused(anna: Signer, signed: Path, tmp_path: Path) -> None:
    allowed = allow(tmp_path / "allowed", anna.allowed('valid-before="20200101"'))
    assert "not one that" in refused(b"message", signed, allowed)


def test_rubbish_is_no_signature(anna: Signer, tmp_path: Path) -> None:
    (tmp_path / "rubbish.sig").write_text("trust me")
    allowed = allow(tmp_path / "allowed", anna.allowed())
    assert "not one that" in refused(b"message", tmp_path / "rubbish.sig", allowed)


def test_without_a_file_of_allowed_signers_nobody_is(signed: Path, tmp_path: Path) -> None:
    assert "there is no file" in refused(b"message", signed, tmp_path / "allowed")
    assert "(nobody)" in refused(b"message", signed, allow(tmp_path / "empty"))


def test_what_cannot_sign_says_why(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    with pytest.raises(DataError, match=r"text cannot sign: .+") as caught:
        signature.sign(b"m", tmp_path / "text")
    assert len(str(caught.value).splitlines()) <= 3
    with pytest.raises(DataError, match="there is no key"):
        signature.sign(b"m", tmp_path / "missing")


def test_without_openssh_the_message_says_what_to_install(
    anna: Signer, signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = allow(tmp_path / "allowed", anna.allowed())
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "Install OpenSSH" in refused(b"message", signed, allowed)
    with pytest.raises(DataError, match="ssh-keygen cannot be run"):
        signature.sign(b"m", anna.private)
