"""Install commands in messages and pages can be typed as they are, and install this project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from paretobench import installation
from paretobench.errors import BackendMissingError

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PATTERNS = (
    "paretobench/**/*.py",
    "docs/**/*.md",
    "scripts/*",
    "sweeps/**/*.yaml",
    "*.md",
    "Makefile",
)
FOREIGN = re.compile(
    r"pip install[^\n`#]*?\bparetobench(?!-vlm|_vlm)(?=['\"\[\s`.]|$)|paretobench\["
)
"""What installs the other project on PyPI: its bare name, with or without an extra."""


def _texts() -> dict[str, str]:
    files = {file for pattern in PATTERNS for file in ROOT.glob(pattern) if file.is_file()}
    return {str(f.relative_to(ROOT)): f.read_text(encoding="utf-8") for f in sorted(files)}


def test_the_check_for_the_other_project_finds_its_name() -> None:
    for wrong in (
        "pip install paretobench",
        "pip install 'paretobench[cpu]'",
        "pip install -U paretobench.",
    ):
        assert FOREIGN.search(wrong), wrong
    for right in ("pip install '.[cpu]'", "pip install 'paretobench-vlm[cpu]'"):
        assert not FOREIGN.search(right), right


def test_no_page_and_no_message_installs_the_other_project() -> None:
    assert {
        name: found[0] for name, text in _texts().items() if (found := FOREIGN.findall(text))
    } == {}


def test_every_extra_that_a_message_or_a_page_names_exists() -> None:
    named = re.compile(
        r"install_command\(['\"]([a-z-]+)['\"]|pip install '(?:\.|paretobench-vlm)\[([a-z,-]+)\]'"
    )
    found = {
        extra
        for text in _texts().values()
        for match in named.findall(text)
        for extra in "".join(match).split(",")
    }
    assert {"cpu", "parquet", "slurm", "apple"} <= found
    assert found - set(EXTRAS) == set()


def test_the_distribution_is_the_one_that_messages_name() -> None:
    assert PROJECT["name"] == installation.DISTRIBUTION


def test_a_clone_is_installed_from_its_folder_and_a_wheel_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    assert installation.install_command("cpu") == "pip install '.[cpu]'"
    monkeypatch.chdir(tmp_path)
    assert installation.install_command("cpu") == f"pip install '{ROOT}[cpu]'"
    monkeypatch.setattr(installation, "_clone", lambda: None)
    assert installation.install_command("cpu") == "pip install 'paretobench-vlm[cpu]'"
    assert installation.install_command() == "pip install 'paretobench-vlm'"
    assert installation.install_command("cpu", "py").startswith("py -m pip install ")


@pytest.mark.parametrize(
    ("name", "summary", "is_refused"),
    [
        ("paretobench-0.9.0", "A collection of multiobjective optimization test problems.", True),
        ("paretobench-0.1.0", PROJECT["description"], False),
        ("paretobench_vlm-0.1.0", PROJECT["description"], False),
    ],
)
def test_the_other_project_in_the_same_place_is_refused_by_name(
    tmp_path: Path, name: str, summary: str, is_refused: bool
) -> None:
    metadata = tmp_path / f"{name}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.4\nName: x\nSummary: {summary}\n", encoding="utf-8")
    if not is_refused:
        installation.check_is_alone(tmp_path)
        return
    with pytest.raises(BackendMissingError, match=r"paretobench 0\.9\.0 \(A collection"):
        installation.check_is_alone(tmp_path)


def test_the_extra_for_parquet_brings_what_writes_it() -> None:
    assert [each.split(">=")[0] for each in EXTRAS["parquet"]] == ["pyarrow"]


def test_a_missing_package_is_named_with_the_version_that_was_tested() -> None:
    (pin,) = (each for each in EXTRAS["cpu"] if each.startswith("openvino=="))
    version = pin.partition(";")[0].removeprefix("openvino==").strip()
    assert installation.not_installed("openvino") == (
        f"openvino is not installed (tested with openvino {version})"
    )


def test_a_package_that_no_lock_has_is_named_without_a_version() -> None:
    assert installation.not_installed("nobodys", "mine") == "nobodys and mine are not installed"
