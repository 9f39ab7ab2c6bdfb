"""`report`: looks, a browser, and devices against one another."""

from __future__ import annotations

import re
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paretobench.cli import group
from paretobench.errors import ConfigError, ParetobenchError, StoreError, UnknownNameError
from tests.report.databases import two_device_database


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def report(*args: str) -> Result:
    return CliRunner().invoke(group, ["report", *args], prog_name="paretobench")


def refusal(result: Result) -> ParetobenchError:
    assert isinstance(result.exception, ParetobenchError), result.output
    return result.exception


FIGURE = ("--published", "--figure", "pareto", "--format", "svg", "--quiet", "--out", "out")


@pytest.mark.parametrize(("style", "width_pt"), [("screen", 481), ("paper", 240), ("slides", 720)])
def test_a_style_is_chosen_by_name(style: str, width_pt: int) -> None:
    assert report(*FIGURE, "--style", style).exit_code == 0
    found = re.search(r'width="([\d.]+)pt"', Path("out/pareto.svg").read_text())
    assert found and int(float(found[1])) == width_pt


def test_a_style_file_of_one_s_own_is_used() -> None:
    Path("house.mplstyle").write_text('axes.prop_cycle: cycler(color=["004488"])\n')
    assert report(*FIGURE, "--style", "house.mplstyle").exit_code == 0
    assert "#004488" in Path("out/pareto.svg").read_text()


def test_an_unknown_style_draws_nothing() -> None:
    error = refusal(report(*FIGURE, "--style", "papper"))
    assert isinstance(error, UnknownNameError) and "did you mean 'paper'" in str(error)
    assert not Path("out").exists()


def test_the_page_is_opened_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(opened.append(url)) or True)
    result = report("--published", "--format", "svg", "--quiet", "--out", "out", "--open")
    assert result.exit_code == 0, result.output
    assert opened == [Path("out/index.html").resolve().as_uri()]


def test_without_a_browser_the_page_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    result = report(*FIGURE, "--open")
    assert result.exit_code == 0
    assert "no browser was found; open" in result.stderr and "pareto.svg" in result.stderr


def test_the_devices_of_a_sweep_are_set_against_one_another() -> None:
    two_device_database(Path("two.db"))
    result = report("-d", "two.db", "--devices", "--format", "svg", "--out", "out")
    assert result.exit_code == 0, result.output
    assert "2 devices: cpu, gpu" in result.stderr
    drawn = Path("out/devices.svg").read_text()
    assert "cpu: TTFT (ms)" in drawn and "gpu: TTFT (ms)" in drawn
    assert "| cpu: TTFT ms" in Path("out/devices.md").read_text()


def test_a_sweep_of_one_device_says_how_to_get_another() -> None:
    two_device_database(Path("one.db"), devices=("cpu",))
    error = refusal(report("-d", "one.db", "--devices"))
    assert isinstance(error, StoreError) and "another device=..." in str(error)


@pytest.mark.parametrize("option", [("--published",), ("--environment", "ab"), ("--figure", "4")])
def test_options_that_mean_nothing_over_devices_are_refused(option: tuple[str, ...]) -> None:
    error = refusal(report("--devices", *option))
    assert isinstance(error, ConfigError) and f"leave out {option[0]}" in str(error)


def test_the_name_of_a_sweep_leads_out_of_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_device_database(tmp_path / "a.db", devices=("cpu",), name="../../outside")
    inside = tmp_path / "work"
    inside.mkdir()
    monkeypatch.chdir(inside)
    done = report("-d", "../a.db", "--sweep", "../../outside", "--figure", "pareto",
                  "--format", "png", "--quiet")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {"a.db", "work"}
    assert [path.name for path in (inside / "reports").iterdir()] == ["outside"]
