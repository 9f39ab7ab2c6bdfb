"""What `doctor --apple` finds, here and on a stand-in for a Mac."""

import pytest

from paretobench.errors import BackendMissingError
from paretobench.measure import apple_check


def by_name(findings):
    return {finding.what: finding for finding in findings}


def test_elsewhere_than_on_a_mac_it_says_what_can_be_done_here(tmp_path):
    found = by_name(apple_check.check(tmp_path))
    assert list(found) == ["measuring", "converting", "converted packages"]
    assert not found["measuring"].is_fine
    assert "artifacts build" in str(found["measuring"])
    assert found["converted packages"].value == "none"


def test_on_a_mac_core_ml_is_asked_for_its_devices(tmp_path, monkeypatch):
    pytest.importorskip("coremltools")
    from tests.backends import coreml_stand_in

    coreml_stand_in.install(monkeypatch)
    found = by_name(apple_check.check(tmp_path))
    assert found["measuring"].is_fine and found["macOS"].value == "14.5 23F79"
    assert found["Core ML devices"].value == "cpu, neural_engine (16 cores)"
    assert found["Core ML devices"].is_fine and "Xcode tools" in found


@pytest.mark.parametrize(
    ("build", "is_fine", "advice"),
    [
        ("15.1 24B83", True, ""),
        ("14.4 23E214", True, ""),
        ("14.2 23C64", False, "from 14.4 on"),
        ("13.6 22G120", False, "made for 14 and newer"),
    ],
)
def test_an_old_system_is_named_with_what_it_lacks(build, is_fine, advice):
    found = apple_check.system(build)
    assert found.is_fine is is_fine
    assert advice in str(found)


def test_a_mac_without_a_neural_engine_is_told_what_runs_there():
    found = apple_check.devices(lambda: ["cpu", "gpu"])
    assert not found.is_fine and "device=apple_gpu" in str(found)


def test_core_ml_that_does_not_answer_is_a_finding_and_no_crash():
    def fail():
        raise BackendMissingError("no binding")

    found = apple_check.devices(fail)
    assert not found.is_fine and "no binding" in str(found)
