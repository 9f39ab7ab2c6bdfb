"""`export --bundle`, `verify` and `import`: what is packed arrives, what was changed is named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paretobench.cli import group
from paretobench.errors import ParetobenchError
from paretobench.store import Store
from tests.store import examples
from tests.store.contract import ENCODE, HERE
from tests.store.keys import allow, make_signer, needs_ssh_keygen


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a verb in a folder with a database of one cell, `a.db`."""
    monkeypatch.chdir(tmp_path)
    with Store.open("a.db") as store:
        store.add_environment(HERE)
        store.add_workloads([ENCODE])
        store.add_cell(examples.cell(ENCODE, HERE))

    def run(*args: str) -> Result:
        return CliRunner().invoke(group, args, prog_name="paretobench")

    return run


def good(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ParetobenchError), result.output
    assert result.exception.exit_status != 0
    message = str(result.exception)
    assert len(message.splitlines()) <= 3
    return message


def test_a_bundle_travels_from_one_database_to_another(cli) -> None:
    written = good(cli("export", "-d", "a.db", "--bundle", "a.zip"))
    assert "wrote a.zip: 2 files" in written.stderr and "not signed" in written.stderr
    checked = good(cli("verify", "a.zip"))
    assert "a.zip: 2 files" in checked.stdout and "every hash fits" in checked.stdout
    assert "not signed" in checked.stderr
    assert "1 cell new" in good(cli("import", "a.zip", "-d", "b.db")).stdout
    assert "nothing new" in good(cli("import", "a.zip", "-d", "b.db")).stdout
    good(cli("export", "-d", "b.db", "--bundle", "b.zip"))
    assert Path("a.zip").read_bytes() == Path("b.zip").read_bytes()


def test_a_report_travels_along(cli) -> None:
    Path("out/report").mkdir(parents=True)
    Path("out/report/index.html").write_text("<h1>front</h1>")
    Path("notes.txt").write_text("measured at night")
    options = ("--include", "out/report", "--include", "notes.txt")
    good(cli("export", "-d", "a.db", "--bundle", "a.zip", *options))
    found = json.loads(good(cli("verify", "a.zip", "--json")).stdout)
    assert set(found["files"]) == {
        "environments.json",
        "notes.txt",
        "paretobench.db",
        "report/index.html",
    }
    assert found["is_signed"] is False and found["signer"] is None


def test_a_tampered_bundle_is_refused_with_the_file_named(cli) -> None:
    good(cli("export", "-d", "a.db", "--bundle", "a.zip"))
    with zipfile.ZipFile("a.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["environments.json"] = files["environments.json"].replace(b"chip", b"chap")
    with zipfile.ZipFile("b.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    for verb in (("verify", "b.zip"), ("import", "b.zip", "-d", "b.db")):
        assert "b.zip was tampered with or damaged: environments.json in it is changed" in refusal(
            cli(*verb)
        )
    with Store.open("b.db") as store:
        assert examples.dump(store) == []


def test_a_database_is_verified_too(cli) -> None:
    assert "a.db: 1 cell; every hash fits" in good(cli("verify", "a.db")).stdout
    with Store.open("a.db") as store:
        store._connection.execute("UPDATE cell SET load_s = 0")
    assert "a.db was changed by hand: cell" in refusal(cli("verify", "a.db"))


def test_a_database_with_a_reference_to_nothing_is_damaged(cli) -> None:
    with Store.open("a.db") as store:
        store._connection.execute("PRAGMA foreign_keys = OFF")
        store._connection.execute("DELETE FROM workload")
    assert "refers to a missing row of workload" in refusal(cli("verify", "a.db"))


@needs_ssh_keygen
def test_a_signed_bundle_is_taken_from_its_signer_alone(cli, tmp_path: Path) -> None:
    anna, ben = (make_signer(tmp_path, name) for name in ("anna", "ben"))
    anna_alone = str(allow(tmp_path / "annas", anna.allowed()))
    ben_alone = str(allow(tmp_path / "bens", ben.allowed()))
    written = good(cli("export", "-d", "a.db", "--bundle", "a.zip", "--sign", str(anna.private)))
    assert written.stderr.endswith("; signed\n")
    assert "--signer FILE" in good(cli("verify", "a.zip")).stderr
    checked = good(cli("verify", "a.zip", "--signer", anna_alone))
    assert "signed by anna@example.org" in checked.stdout
    assert "(ben@example.org)" in refusal(cli("verify", "a.zip", "--signer", ben_alone))
    assert "not one that" in refusal(cli("import", "a.zip", "-d", "b.db", "--signer", ben_alone))
    taken = good(cli("import", "a.zip", "-d", "b.db", "--signer", anna_alone))
    assert "1 cell new" in taken.stdout


def test_whoever_asks_for_a_signature_gets_nothing_unsigned(cli) -> None:
    good(cli("export", "-d", "a.db", "--bundle", "a.zip"))
    assert "is not signed" in refusal(cli("verify", "a.zip", "--signer", "allowed"))
    assert "is not signed" in refusal(cli("import", "a.zip", "-d", "b.db", "--signer", "allowed"))
    assert "only bundles carry a signature" in refusal(cli("verify", "a.db", "--signer", "allowed"))
    assert "not a bundle" in refusal(cli("import", "a.db", "-d", "b.db", "--signer", "allowed"))


def test_what_cannot_be_is_said(cli) -> None:
    export = ("export", "-d", "a.db")
    assert "--sign goes with --bundle" in refusal(cli(*export, "--sign", "key"))
    assert "--include goes with --bundle" in refusal(cli(*export, "--include", "a.db"))
    for option in (("--sweep", "x"), ("--out", "x"), ("--environment", "x")):
        message = refusal(cli(*export, "--bundle", "a.zip", *option))
        assert f"leave out {option[0]}" in message
    assert "there is no missing to include" in refusal(
        cli(*export, "--bundle", "a.zip", "--include", "missing")
    )
    assert "there is no key" in refusal(cli(*export, "--bundle", "a.zip", "--sign", "missing"))
    assert "there is no file a.zip" in refusal(cli("verify", "a.zip"))
    Path("text.txt").write_text("no bundle")
    assert "not a bundle" in refusal(cli("verify", "text.txt"))
