"""What the command line does for Apple's devices: doctor, imported reports, the paper's profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paretobench.backends import hardware
from paretobench.backends.coreml_convert import PRECISIONS
from paretobench.cli import group, import_timings
from paretobench.errors import ParetobenchError

REPORT = {
    "deviceInfo": {"modelName": "iPhone 16", "osNameAndVersionWithoutBuildNumber": "iOS 18.1"},
    "computeUnit": 3,
    "deviceResults": {
        "predict": {"samples": [0.0102, 0.0100, 0.0101]},
        "modelStructure": [
            {"operatorName": "conv", "deviceUsage": {"preferred": {"deviceType": {"cpu": {}}}}},
        ],
    },
}
WHAT = ("--encoder", "fastvithd", "--resolution", "1024")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a verb in an empty folder with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARETOBENCH_CACHE", str(tmp_path / "cache"))

    def run(*args: str) -> Result:
        return CliRunner().invoke(group, args, prog_name="paretobench")

    return run


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report as Xcode exports it."""
    return written(tmp_path / "encoder.mlperf", REPORT)


def written(folder: Path, content: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "report.json").write_text(json.dumps(content))
    return folder


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ParetobenchError), result.output
    assert len(str(result.exception).splitlines()) <= 3
    return str(result.exception)


@pytest.mark.skipif(hardware.detect().is_apple_silicon, reason="about other machines")
def test_doctor_apple_says_what_can_be_done_here(cli) -> None:
    result = cli("doctor", "--apple")
    assert result.exit_code == 0, result.output
    assert "a Mac with Apple silicon" in result.stdout
    assert "paretobench artifacts build +grid=NAME device=apple" in result.stdout
    assert "runtimes" not in result.stdout
    found = {each["what"]: each for each in json.loads(cli("doctor", "--apple", "--json").stdout)}
    assert found["measuring"]["is_fine"] is False
    assert found["converted packages"]["value"] == "none"


def test_doctor_apple_on_a_mac_asks_core_ml(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("coremltools")
    from tests.backends import coreml_stand_in

    coreml_stand_in.install(monkeypatch)
    result = cli("doctor", "--apple")
    assert "neural_engine (16 cores)" in result.stdout and "14.5 23F79" in result.stdout
    assert "ready to measure" in result.stderr


def test_a_report_from_xcode_joins_the_store_once(cli, report: Path) -> None:
    first, second = (cli("import", str(report), *WHAT) for _ in range(2))
    assert first.exit_code == 0, first.output
    said = "FastViTHD@1024 (coreml fp16, cpu_and_ne) on iPhone 16, iOS 18.1: 10.1 ms, 2 warm"
    assert said in first.stdout and "1 new" in first.stderr
    assert "100.0 % of the operations is off the Neural Engine" in first.stdout
    assert "1 known" in second.stderr
    (workload,) = json.loads(cli("ls", "workloads", "--json").stdout)
    assert (workload["label"], workload["cells"]) == ("FastViTHD@1024", 1)


def test_the_json_in_a_report_can_be_given_and_what_it_lacks_is_said(cli, tmp_path: Path) -> None:
    nameless = {**REPORT, "deviceInfo": {}}
    file = written(tmp_path / "x.mlperf", nameless) / "report.json"
    assert "does not name its device" in refusal(cli("import", str(file), *WHAT))
    more = ("--device", "iPad Pro", "--precision", "int4", "--measured-at", "2026-11-20T14:30")
    result = cli("import", str(file), *WHAT, *more)
    assert "(coreml int4, cpu_and_ne) on iPad Pro: 10.1 ms" in result.stdout


def test_a_report_without_an_encoder_says_which_options_it_needs(cli, report: Path) -> None:
    message = refusal(cli("import", str(report)))
    assert "--encoder fastvithd --resolution 1024" in message
    assert "--encoder" in refusal(cli("import", str(report), "--encoder", "fastvithd"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--encoder", "fastvithdd", "--resolution", "1024"), "did you mean 'fastvithd'?"),
        (("--encoder", "fastvithd", "--resolution", "1000"), "not 1000"),
        ((*WHAT, "--measured-at", "yesterday"), "'yesterday' is no time; write it as 2026-11-20"),
    ],
)
def test_a_report_with_a_wrong_option_is_refused(cli, report: Path, options, says: str) -> None:
    assert says in refusal(cli("import", str(report), *options))


def test_a_folder_that_is_no_report_is_refused(cli, tmp_path: Path) -> None:
    folder = tmp_path / "y.mlperf"
    folder.mkdir()
    assert "export the report from Xcode" in refusal(cli("import", str(folder), *WHAT))
    written(folder, {"a": 1})
    assert "no Core ML performance report" in refusal(cli("import", str(folder), *WHAT))


def test_the_precisions_of_a_report_are_those_of_the_backend() -> None:
    assert import_timings.PRECISIONS == PRECISIONS


def test_the_papers_profile_says_what_differs_before_it_starts(cli) -> None:
    result = cli("plan", "+grid=smoke", "device=m1_max_paper", "--json")
    assert "Against the FastVLM paper: the chip is " in result.stderr
    assert "It does not state the encoder's precision" in result.stderr
    assert "Against the FastVLM paper" not in cli("plan", "+grid=smoke", "device=apple").stderr
