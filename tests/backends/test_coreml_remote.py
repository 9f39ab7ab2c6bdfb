"""Core ML on a connected iPhone, with a stand-in at the end of the cable."""

import shutil

import pytest

pytest.importorskip("coremltools")
pytest.importorskip("torch")

from paretobench.backends import get
from paretobench.errors import UnsupportedError
from paretobench.measure import cell
from paretobench.planning.stopping import cell_plan
from tests.backends import coreml_stand_in


def workload(remote="iphone"):
    return coreml_stand_in.tiny(remote=remote)


@pytest.fixture
def root(tmp_path):
    return shutil.copytree(coreml_stand_in.converted(), tmp_path / "copied")


def test_on_a_phone_the_devices_own_duration_is_what_counts(root, monkeypatch):
    coreml_stand_in.install(monkeypatch)
    services = coreml_stand_in.connect_phone(monkeypatch)
    backend = get("coreml")
    session = backend.load(workload(), backend.prepare(workload(), root))
    before = session.clock()
    session.run()
    session.renew_input()
    session.run()
    assert session.clock() - before == pytest.approx(2 * services[0].DURATION_NS * 1e-9)
    assert session.facts["core_ml_load_s"] == 0.25
    assert session.facts["remote_device"] == {
        "name": "test phone",
        "kind": "iphone",
        "system": "17.5",
        "build": "21F79",
    }
    assert session.output().shape == (1, 4, 64)
    session.close()
    assert not services[0].is_loaded and services[0].units == "CPU_AND_NE"


def test_a_cell_times_a_phone_by_the_phones_clock(root, monkeypatch):
    coreml_stand_in.install(monkeypatch)
    services = coreml_stand_in.connect_phone(monkeypatch)
    # Slow enough that the sampling plan, which counts in the phone's seconds, is soon done.
    monkeypatch.setattr(coreml_stand_in.Phone, "DURATION_NS", 2_000_000_000)
    prepared = get("coreml").prepare(workload(), root)
    orders = cell.orders(workload(), cell_plan("quick").sampling, root, root / "x", prepared)
    answer = cell.time_workload(orders)
    latency_s = services[0].DURATION_NS * 1e-9
    assert answer["first_run_s"] == pytest.approx(latency_s)
    assert answer["samples_s"] == pytest.approx([latency_s] * len(answer["samples_s"]))
    assert answer["facts"]["clock"].startswith("the device's own")


def test_a_phone_that_is_not_there_is_reported_with_how_to_look_for_it(root, monkeypatch):
    coreml_stand_in.install(monkeypatch)
    coreml_stand_in.connect_phone(monkeypatch)
    backend = get("coreml")
    given = workload("ipad")
    with pytest.raises(UnsupportedError, match=r"no ipad is connected.*devicectl list devices"):
        backend.load(given, backend.prepare(given, root))


def test_a_device_that_reports_no_duration_cannot_be_timed(root, monkeypatch):
    coreml_stand_in.install(monkeypatch)
    coreml_stand_in.connect_phone(monkeypatch)
    monkeypatch.setattr(coreml_stand_in.Phone, "DURATION_NS", None)
    backend = get("coreml")
    session = backend.load(workload(), backend.prepare(workload(), root))
    session.run()
    with pytest.raises(UnsupportedError, match="reports no duration"):
        session.clock()
