"""ONNX Runtime's providers for boards: refused in words, and run on the CPU provider."""

import inspect

import numpy as np
import pytest

from paretobench.backends import PreparedArtifact, cuda_onnx, get, hardware
from paretobench.errors import UnsupportedError
from tests.backends.test_encoding import pixels_of, small

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def installed(monkeypatch):
    """onnxruntime-gpu, as far as its metadata goes."""
    version_of = hardware.version_of
    monkeypatch.setattr(
        hardware,
        "version_of",
        lambda name: "1.31.1" if name == cuda_onnx.DISTRIBUTION else version_of(name),
    )


@pytest.fixture
def on_cpu(installed, monkeypatch):
    """The board's memory and provider swapped for the CPU's."""
    monkeypatch.setattr(cuda_onnx, "DEVICE", "cpu")
    monkeypatch.setattr(
        cuda_onnx, "provider", lambda options, precision: ("CPUExecutionProvider", {})
    )


def test_every_call_is_in_the_installed_package():
    session, value = onnxruntime.InferenceSession, onnxruntime.OrtValue
    binding = onnxruntime.IOBinding
    for function, parameters in (
        (value.ortvalue_from_numpy, {"device_type", "device_id"}),
        (value.update_inplace, {"data"}),
        (binding.bind_ortvalue_input, {"name", "ortvalue"}),
        (binding.bind_output, {"name", "device_type", "device_id"}),
        (session.run_with_iobinding, {"iobinding"}),
    ):
        assert parameters <= set(inspect.signature(function).parameters), function
    for owner, name in (
        (session, "io_binding"),
        (session, "get_outputs"),
        (session, "get_providers"),
        (binding, "synchronize_outputs"),
        (binding, "copy_outputs_to_cpu"),
        (onnxruntime, "get_available_providers"),
    ):
        assert callable(getattr(owner, name))
    known = set(onnxruntime.get_all_providers())
    assert set(cuda_onnx.PROVIDERS.values()) <= known


@pytest.mark.parametrize(
    ("precision", "options", "reason"),
    [
        ("fp32", {"provider": "rocm"}, "provider=cuda or tensorrt on a board, not rocm"),
        ("fp16", {"provider": "cuda"}, "provider=cuda runs fp32 here, not fp16"),
        ("int8", {"provider": "tensorrt"}, "provider=tensorrt runs fp32, fp16 here, not int8"),
    ],
)
def test_what_a_provider_cannot_run_is_refused(installed, precision, options, reason):
    workload = small("onnxruntime", precision, device="cuda", **options)
    assert reason in (get("onnxruntime").refuses(workload) or "")


def test_a_provider_that_is_not_installed_is_refused_with_the_command(monkeypatch):
    monkeypatch.setattr(hardware, "version_of", lambda name: "")
    said = get("onnxruntime").refuses(small("onnxruntime", device="cuda")) or ""
    assert "provider=cuda comes with onnxruntime-gpu" in said
    assert "[cuda-onnx]'" in said


def test_the_board_and_the_precision_become_the_providers_options():
    assert cuda_onnx.provider({"device": "cuda:1"}, "fp32") == (
        "CUDAExecutionProvider",
        {"device_id": "1"},
    )
    options = {"device": "cuda", "provider": "tensorrt"}
    assert cuda_onnx.provider(options, "fp16") == (
        "TensorrtExecutionProvider",
        {"device_id": "0", "trt_fp16_enable": "True"},
    )


def test_a_bound_session_gives_the_tokens_of_the_ordinary_one(on_cpu, root):
    backend = get("onnxruntime")
    plain, bound = small("onnxruntime"), small("onnxruntime", device="cuda")
    assert backend.refuses(bound) is None
    prepared = backend.prepare(plain, root)
    ordinary, running = (backend.load(one, prepared) for one in (plain, bound))
    for seed in (1, 2):
        for session in (ordinary, running):
            session.set_input(pixels_of(64, seed))
            session.run()
        assert np.allclose(ordinary.output(), running.output(), atol=1e-5)
    assert running.facts["providers"] == ["CPUExecutionProvider"]
    running.renew_input()
    running.close()


def test_an_onnxruntime_without_the_provider_says_what_it_has(installed, root):
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has the provider")
    backend = get("onnxruntime")
    prepared = backend.prepare(small("onnxruntime"), root)
    with pytest.raises(UnsupportedError, match=r"not CUDAExecutionProvider: pip uninstall"):
        backend.load(small("onnxruntime", device="cuda"), prepared)


def test_another_provider_than_was_asked_for_is_an_error(installed, monkeypatch):
    class Session:
        def __init__(self, graph, options, providers):
            pass

        def get_providers(self):
            return ["CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: list(cuda_onnx.PROVIDERS.values())
    )
    with pytest.raises(
        UnsupportedError, match=r"asked onnxruntime for CUDAExec.*would run CPUExecutionProvider"
    ):
        cuda_onnx.BoundSession(onnxruntime, "g", None, {"device": "cuda"}, "fp32", (1, 3, 8, 8))


def test_a_session_that_has_not_run_has_no_output(on_cpu, root):
    backend = get("onnxruntime")
    prepared = backend.prepare(small("onnxruntime"), root)
    with pytest.raises(ValueError, match="has not run yet"):
        backend.load(small("onnxruntime"), prepared).output()
    with pytest.raises(UnsupportedError, match="needs a prepared graph"):
        backend.load(small("onnxruntime", device="cuda"), PreparedArtifact())
