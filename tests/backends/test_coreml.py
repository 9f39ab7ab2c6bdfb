"""The Core ML backend: here on Linux, and end to end on a stand-in for Apple's binding."""

import shutil

import numpy as np
import pytest

from paretobench.backends import PreparedArtifact, coreml, get
from paretobench.backends.artifacts import ArtifactStore
from paretobench.backends.coreml_convert import PACKAGE, PackageSpec, build_encoder
from paretobench.domain import Runtime, Workload
from paretobench.errors import (
    BackendMissingError,
    InvalidSamplesError,
    UnsupportedError,
)

pytest.importorskip("coremltools")
torch = pytest.importorskip("torch")

from tests.backends import coreml_stand_in  # noqa: E402
from tests.backends.convert_and_check import signal_to_error_db  # noqa: E402


def workload(precision="fp16", kind="encode", px=64, **options):
    subject = {"encoder": coreml_stand_in.TINY, "resolution_px": px}
    return Workload(kind, "tiny", subject, Runtime("coreml", precision, options))


@pytest.fixture
def root(tmp_path):
    """An artifact store in which the tiny encoder was converted, copied as one does to a Mac."""
    return shutil.copytree(coreml_stand_in.converted(), tmp_path / "copied")


@pytest.fixture
def mac(monkeypatch):
    return coreml_stand_in.install(monkeypatch)


@pytest.fixture
def no_conversion(monkeypatch):
    def refuse(spec, folder):
        raise AssertionError("converted again")

    monkeypatch.setattr(coreml, "write_package", refuse)


def test_what_is_converted_is_not_converted_again(root, no_conversion):
    prepared = get("coreml").prepare(workload(), root)
    assert prepared.path.name == PACKAGE
    assert prepared.facts["package"]["captured_by"] == "torch.export"


@pytest.mark.parametrize("units", ["cpu_and_ne", "cpu_and_gpu", "all", "cpu_only"])
def test_all_compute_units_share_one_package(root, no_conversion, units):
    prepared = get("coreml").prepare(workload(compute_units=units), root)
    assert prepared.path == get("coreml").prepare(workload(), root).path


def test_elsewhere_than_on_a_mac_loading_says_what_can_be_done_here(root):
    backend = get("coreml")
    with pytest.raises(BackendMissingError, match="artifacts build") as error:
        backend.load(workload(), backend.prepare(workload(), root))
    assert "\n" not in str(error.value)
    assert not backend.available().is_available


def test_without_a_converter_and_without_a_package_preparing_says_what_to_install(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(coreml, "can_convert", lambda: False)
    with pytest.raises(BackendMissingError, match=r"needs coremltools, torch and timm.*apple"):
        get("coreml").prepare(workload(), tmp_path)


def test_on_a_mac_a_package_from_linux_is_used_whatever_versions_made_it(
    root, mac, no_conversion, monkeypatch
):
    monkeypatch.setattr(coreml.hardware, "version_of", lambda name: "99.0")
    prepared = get("coreml").prepare(workload(), root)
    assert prepared.facts["package"]["converted_on"].startswith("Linux")
    assert prepared.facts["package"]["made_with"]["coremltools"] != "99.0"


def test_a_newer_converter_on_the_same_machine_converts_anew(root, monkeypatch):
    spec = PackageSpec.of(workload())
    store = ArtifactStore(root)
    assert coreml.find_package(store, spec) is not None
    monkeypatch.setattr(
        "paretobench.backends.coreml_convert.hardware.version_of", lambda name: "99.0"
    )
    assert coreml.find_package(store, spec) is None


def test_compiling_the_first_load_and_later_loads_are_kept_apart(root, mac):
    backend = get("coreml")
    prepared = backend.prepare(workload(), root)
    assert prepared.path.name == coreml.COMPILED
    assert len(mac.compiled) == len(mac.loads) == 1
    session = backend.load(workload(), backend.prepare(workload(), root))
    facts = session.facts
    assert len(mac.compiled) == 1, "compiled twice"
    assert [path for path, _ in mac.loads] == [str(prepared.path)] * 2
    for name in ("compile_s", "first_load_s", "core_ml_first_load_s", "load_wall_s"):
        assert facts[name] > 0, name
    assert facts["core_ml_load_s"] <= facts["load_wall_s"]
    assert facts["compute_devices"] == ["cpu", "neural_engine (16 cores)"]


def test_preparing_leaves_torch_visible_to_coremltools(root, mac, monkeypatch):
    """Else the next conversion in the same process would find no torch."""

    def refuse():
        raise AssertionError("torch was hidden")

    monkeypatch.setattr(coreml.runtime, "import_for_measuring", refuse)
    get("coreml").prepare(workload(), root)


def test_other_compute_units_load_the_same_compiled_model_for_the_first_time(root, mac):
    backend = get("coreml")
    first = backend.prepare(workload(), root)
    mac.compiled.clear(), mac.loads.clear()
    second = backend.prepare(workload(compute_units="cpu_only"), root)
    assert second.path == first.path and mac.compiled == []
    assert mac.loads == [(str(first.path), "CPU_ONLY")]
    assert second.facts["first_load"]["placement"]["cost_off_neural_engine"] is None


def test_a_session_gives_the_encoders_output(root, mac):
    backend = get("coreml")
    session = backend.load(workload(), backend.prepare(workload(), root))
    pixels = np.random.default_rng(0).standard_normal((1, 3, 64, 64), dtype=np.float32)
    session.set_input(pixels)
    session.run()
    with torch.no_grad():
        wanted = build_encoder(PackageSpec.of(workload()))(torch.from_numpy(pixels)).numpy()
    assert signal_to_error_db(wanted, session.output()) > 55
    session.close()


def test_a_cell_predicts_on_a_new_image_every_time_and_keeps_core_mls_own_durations(root, mac):
    from paretobench.measure import cell
    from paretobench.planning.stopping import cell_plan

    backend = get("coreml")
    sampling = cell_plan("quick").sampling
    orders = cell.orders(workload(), sampling, root, root / "x", backend.prepare(workload(), root))
    answer = cell.time_workload(orders)
    assert answer["status"] == "ok"
    own, images = answer["facts"]["core_ml_predictions_s"], mac.inputs
    timed = [answer["first_run_s"], *answer["warmup_s"], *answer["samples_s"]]
    assert len(own) == len(images) == len(timed) > 3
    assert all(0 < inside <= outside for inside, outside in zip(own, timed, strict=True))
    assert len({image.tobytes() for image in images}) == len(images)


def test_the_placement_says_what_is_off_the_neural_engine(root, mac):
    backend = get("coreml")
    session = backend.load(workload(), backend.prepare(workload(), root))
    placement = session.facts["placement"]
    counts = session.facts["artifact"]["operations"]
    assert placement["operations"] == sum(counts.values())
    assert list(placement["types_off_neural_engine"].values()) == [counts["layer_norm"]]
    share = counts["layer_norm"] / placement["operations"]
    assert placement["operations_off_neural_engine"] == pytest.approx(share)
    assert placement["cost_off_neural_engine"] == pytest.approx(share)
    assert "off the Neural Engine" in placement["warning"]


def test_without_a_compute_plan_the_facts_say_why(root, mac, monkeypatch, tmp_path):
    def refuse(compiled, units):
        raise UnsupportedError("Core ML gives no compute plan (macOS 14.4)")

    monkeypatch.setattr(coreml.runtime, "placement", refuse)
    monkeypatch.setattr(coreml.runtime, "system_build", lambda: "14.2 23C64")
    first = get("coreml").prepare(workload(), root).facts["first_load"]
    assert first["placement"] is None and "14.4" in first["no_placement"]


def test_values_that_are_not_finite_are_refused(root, mac):
    backend = get("coreml")
    session = backend.load(workload(), backend.prepare(workload(), root))
    mac.spoils_outputs = True
    session.run()
    with pytest.raises(InvalidSamplesError, match="not finite"):
        session.renew_input()


def test_loading_wants_something_prepared(mac):
    with pytest.raises(UnsupportedError, match="needs a prepared package"):
        get("coreml").load(workload(), PreparedArtifact())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (workload(kind="prefill"), "encodes only"),
        (workload("bf16"), "fp16, fp32, int8, int4, not bf16"),
        (workload(compute_units="npu"), "compute_units=cpu_and_ne or cpu_and_gpu or all or"),
        (workload(target="macos11"), "target=macos14 or macos15, not macos11"),
        (workload(remote="watch"), "remote=iphone or ipad, not watch"),
        (workload(threads=4), "no option 'threads'; it has compute_units"),
    ],
)
def test_what_core_ml_cannot_run_is_refused_with_what_it_can(given, reason):
    assert reason in get("coreml").refuses(given)


def test_what_core_ml_can_run_is_not_refused():
    given = workload("int4", compute_units="all", target="macos15", projector_width=896)
    assert get("coreml").refuses(given) is None
