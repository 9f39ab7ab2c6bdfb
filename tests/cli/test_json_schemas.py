"""Every verb with `--json` has a schema in the package, and prints what it says."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from paretobench.cli import main
from scripts.reference import verbs
from tests import json_schemas

EXAMPLE = Path(__file__).resolve().parents[2] / "results" / "examples" / "qwen2_family_cpu.db"
ALWAYS_JSON = {"measure", "export"}
"""Verbs that print JSON without the option: `export` with `--format json`."""

POINT = "FastViTHD@1024 + Qwen2-0.5B"
OUTPUTS = {
    "best": ["best --published --under 200ms", "best -d x.db --under 1ms",
             "best -d x.db --under 1s"],
    "claims": ["claims"],
    "audit": ["audit", "audit --all"],
    "show": [f"show '{POINT}' -d x.db", f"show '{POINT}' --published"],
    "tokens": ["tokens -i 1024x768", "tokens -i 1024x768 -d x.db", "tokens -i 5x1000",
               "tokens -i a4_scans -d x.db"],
    "compare": ["compare fastvithd siglip_so400m -d x.db", "compare fastvithd vit_l14 --published"],
    "ls": [*(f"ls {what} -d x.db" for what in ("sweeps", "points", "workloads", "failures",
                                               "environments", "scores", "published")),
           "ls published --table v1_table6"],
    "next": ["next -d x.db", "next -d x.db --under 1s", "next --published"],
    "plan": ["plan +grid=smoke device=torch",
             "plan vlm=smolvlm2_500m image=a4_scans device=torch"],
    "sweep": ["sweep +grid=smoke dry_run=true device=cpu"],
    "verify": ["verify x.db"],
    "artifacts-list": ["artifacts list"],
    "artifacts-verify": ["artifacts verify"],
    "doctor": ["doctor", "doctor --apple"],
}  # fmt: skip
"""What is quick to print; the other schemas are checked by the tests of their verbs."""

CHECKED_BY_OTHERS = {"measure", "duel", "score", "artifacts-build"}


def printed(words: str, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main([*shlex.split(words), "--json"])
    return json.loads(capsys.readouterr().out)


def test_every_verb_that_prints_json_has_a_schema_and_no_other_has() -> None:
    with_json = {
        name.replace(" ", "-")
        for name, command in verbs.commands()
        if any("--json" in each.opts for each in command.params)
    }
    assert with_json | ALWAYS_JSON == json_schemas.names(), (
        "a verb that prints JSON is described in paretobench/cli/schemas/VERB.json"
    )
    assert set(OUTPUTS) | CHECKED_BY_OTHERS | {"export"} == json_schemas.names()


@pytest.mark.parametrize("name", sorted(json_schemas.names() | {"common"}))
def test_a_schema_is_one_and_says_whose_it_is(name: str) -> None:
    schema = json_schemas.read(name)
    Draft202012Validator.check_schema(schema)
    assert str(schema["$id"]).endswith(f"/paretobench/cli/schemas/{name}.json")
    verb = name.replace("-", " ")
    assert name == "common" or schema["title"].startswith(f"paretobench {verb}")


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_a_verb_prints_what_its_schema_says(
    name: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLE, "x.db")
    if name == "sweep":
        pytest.importorskip("openvino")
        pytest.importorskip("torch")
    for words in OUTPUTS[name]:
        json_schemas.check(name, printed(words, capsys))


def test_an_exported_table_is_what_its_schema_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in ("--published", f"-d {EXAMPLE}", "--table 6"):
        with pytest.raises(SystemExit):
            main(["export", "--format", "json", *words.split()])
        json_schemas.check("export", json.loads(capsys.readouterr().out))


def test_an_output_with_a_key_that_is_not_described_is_refused() -> None:
    with pytest.raises(AssertionError, match="more"):
        json_schemas.check("artifacts-verify", {"checked": 1, "damaged": {}, "more": 1})
    with pytest.raises(AssertionError, match="damaged"):
        json_schemas.check("artifacts-verify", {"checked": 1})
