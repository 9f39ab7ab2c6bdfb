"""Reports exported from Xcode, read into cells."""

import json

import pytest

from paretobench.config import load_catalogue
from paretobench.errors import DataError
from paretobench.measure.xcode_reports import import_report, read_report
from paretobench.store import Store

FASTVITHD = load_catalogue().encoders["fastvithd"]


def operation(kind, device, weight):
    return {
        "operatorName": kind,
        "outputs": [{"name": "y"}],
        "deviceUsage": {"preferred": {"deviceType": {device: {}}}},
        "cost": {"weight": weight},
    }


def structure(*operations):
    block = {"block": {"operations": [{"operatorName": "ios17.const"}, *operations]}}
    return {"program": {"_0": {"functions": {"main": block}}}}


def report(**changes):
    return {
        "modelMetadata": {"fileName": "encoder"},
        "deviceInfo": {
            "modelName": "iPhone 16",
            "osNameAndVersionWithoutBuildNumber": "iOS 18.1",
        },
        "computeUnit": 3,
        "deviceResults": {
            "predict": {"samples": [0.0102, 0.0100, 0.0101], "numOperations": 2},
            "load": {"samples": [0.3, 0.2, 0.4]},
            "compile": {"samples": [1.5]},
            "modelStructure": structure(
                operation("ios17.conv", "neuralEngine", 0.75),
                operation("ios17.layer_norm", "cpu", 0.25),
            ),
        },
        **changes,
    }


@pytest.fixture
def exported(tmp_path):
    """Writes a report as Xcode exports it; returns its folder."""

    def write(data):
        folder = tmp_path / "encoder.mlperf"
        folder.mkdir(exist_ok=True)
        text = data if isinstance(data, str) else json.dumps(data)
        (folder / "report.json").write_text(text)
        return folder

    return write


def test_a_report_becomes_one_cell_of_the_workload_it_timed(exported):
    found = import_report(exported(report()), FASTVITHD, 1024)
    assert found.workload.label == "FastViTHD@1024"
    assert str(found.workload.runtime) == "coreml fp16"
    assert found.workload.runtime.options == {"compute_units": "cpu_and_ne"}
    assert found.environment.label == "iPhone 16, iOS 18.1"
    (cell,) = found.cells
    assert (cell.first_run_s, cell.samples_s) == (0.0102, (0.0100, 0.0101))
    assert (cell.load_s, cell.facts["warm_load_s"]) == (0.3, pytest.approx(0.3))
    assert cell.facts["compile_s"] == 1.5
    assert cell.canary_before_s is None


def test_a_report_says_what_is_off_the_neural_engine(exported):
    placement = read_report(exported(report())).placement
    assert placement["operations"] == 2
    assert placement["cost_off_neural_engine"] == 0.25
    assert placement["types_off_neural_engine"] == {"ios17.layer_norm": 1}
    assert placement["warning"] == "25.0 % of the estimated cost is off the Neural Engine"


def test_a_report_without_devices_of_operations_has_no_placement(exported):
    data = report()
    del data["deviceResults"]["modelStructure"]
    assert read_report(exported(data)).placement is None


def test_importing_a_report_twice_adds_one_cell(exported, tmp_path):
    with Store.open(tmp_path / "x.db") as store:
        for _ in range(2):
            found = import_report(exported(report()), FASTVITHD, 1024)
            store.add_environment(found.environment)
            store.add_workloads([found.workload])
            store.add_cell(found.cells[0])
        assert store.cells() == list(found.cells)


def test_the_json_alone_can_be_given(exported):
    assert read_report(exported(report()) / "report.json").device == "iPhone 16"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("not json", "is not JSON"),
        ([], "no 'deviceResults'"),
        ({"deviceResults": {}}, "no prediction times"),
        (report(computeUnit=7), r"computeUnit is 7; known are 0 \(cpu_only\)"),
        (report(deviceResults={"predict": {"samples": [0.1, -1]}}), "has the sample -1; allowed"),
        (report(deviceResults={"predict": {"samples": ["1 ms"]}}), "has the sample '1 ms'"),
    ],
)
def test_what_is_no_report_is_refused(exported, data, message):
    with pytest.raises(DataError, match=message):
        read_report(exported(data))


def test_a_missing_report_says_where_it_comes_from(tmp_path):
    with pytest.raises(DataError, match="Performance tab"):
        read_report(tmp_path / "no.mlperf")


def test_a_resolution_the_encoder_does_not_take_is_refused(exported):
    with pytest.raises(DataError, match=r"FastViTHD takes 64 to 2048 in steps of 16 px, not 1000"):
        import_report(exported(report()), FASTVITHD, 1000)


def test_each_experiment_is_a_process_with_its_cold_prediction_apart(exported):
    one = {"predict": {"samples": [0.05, 0.010, 0.011]}, "load": {"samples": [2.0, 0.2, 0.3]}}
    data = report(deviceResults={"experiments": [one, one, one]})
    cells = import_report(exported(data), FASTVITHD, 1024).cells
    assert [cell.round_index for cell in cells] == [0, 1, 2]
    assert {cell.first_run_s for cell in cells} == {0.05}
    assert {cell.samples_s for cell in cells} == {(0.010, 0.011)}
    assert {cell.facts["warm_load_s"] for cell in cells} == {0.25}
    assert len({cell.key for cell in cells}) == 3


STATED = {
    "storagePrecision": "Int8",
    "inputSchema": [{"name": "image", "shape": "[1, 3, 1024, 1024]"}],
    "startTime": "2026-11-20T14:30:00+00:00",
}


def test_what_a_report_says_of_its_package_is_taken(exported):
    found = import_report(exported(report(modelMetadata=STATED)), FASTVITHD, 1024)
    assert found.workload.runtime.precision == "int8"
    assert found.cells[0].started_at == "2026-11-20T14:30:00.000+00:00"
    apple = report(modelMetadata={"startTime": 0.5})
    assert import_report(exported(apple), FASTVITHD, 1024).cells[0].started_at.startswith("2001")


def test_what_contradicts_the_options_is_refused(exported):
    folder = exported(report(modelMetadata=STATED))
    with pytest.raises(DataError, match="an input of 1024 px, and --resolution says 512"):
        import_report(folder, FASTVITHD, 512)
    with pytest.raises(DataError, match="a package of int8, and --precision says fp16"):
        import_report(folder, FASTVITHD, 1024, precision="fp16")


def test_no_owner_s_name_is_taken_for_a_device(exported):
    info = {"displayName": "Anna's iPhone", "serialNumber": "X1", "deviceID": "00-11"}
    with pytest.raises(DataError, match="does not name its device"):
        import_report(exported(report(deviceInfo=info)), FASTVITHD, 1024)
    found = import_report(
        exported(report(deviceInfo={**info, "modelName": "iPhone 16"})), FASTVITHD, 1024
    )
    stored = json.dumps([found.environment.identity, found.cells[0].to_json()])
    assert not any(secret in stored for secret in ("Anna", "X1", "00-11"))
